"""Executes the data of a script on the emulator: a port of the functions in reports/templates/scripts/common.ps1."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.remedy.planner.model import TenantPlan
from auditor.render.plan.scripts.powershell import plan_script
from tests.builders.document.powershell import Script
from tests.builders.tenant.plan_of_every_kind import document, rules
from tests.builders.tenant.planned_state import collected
from tests.builders.tenant.tenants import NOW
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import load as load_tenant

Data = Mapping[str, Any]
_EMPTY: Data = {"User": "", "Group": "", "Body": {}, "Properties": [], "Seats": {}, "Waits": [], "Final": ""}
"""Defaults of keys that are missing."""


def steps(data: Data) -> Iterator[tuple[Data, Data]]:
    """Yield each action with each of its steps."""
    for action in data["$Actions"]:
        for step in action["Steps"]:
            undo = step.get("Undo")
            yield action, {**_EMPTY, **step, "Undo": None if undo is None else {**_EMPTY, **undo}}


@contextmanager
def planned_changes(folder: Path, as_of: str, **names: str) -> Iterator[tuple[Emulator, TenantPlan, Script]]:
    """Serve the tenant whose plan has every kind of change; yield the emulator, the plan and its script."""
    loaded = rules()
    with running_emulator([load_tenant(document(**names))]) as emulator:
        before = collected(emulator, folder)
        plan = plan_run([before], loaded.policies, builtin(), NOW, decisions=loaded.decisions).tenants[0]
        yield emulator, plan, Script(plan_script(plan, as_of))


@cache
def _client() -> httpx.Client:
    """Return one client for all requests: each client reads the certificate authorities, slower than a request."""
    return httpx.Client(trust_env=False)


class Graph:
    """The emulator as seen by the script: sends the requests of its data, with the permissions of its data."""

    def __init__(self, emulator: Emulator, data: Data) -> None:
        self.emulator = emulator
        self.tenant = emulator.tenants["contoso"]
        self.root = data["$Plan"]["Root"]
        self.short = {sku["skuId"] for sku in self.tenant.skus if sku["consumedUnits"] > sku["prepaidUnits"]["enabled"]}
        scopes = {scope for action in data["$Actions"] for scope in action["Scopes"]} | {"LicenseAssignment.Read.All"}
        self.headers = {"Authorization": f"Bearer {emulator.bearer('contoso', roles=sorted(scopes))}"}

    def answer(self, method: str, path: str, body: Any = None) -> httpx.Response:
        address = f"{self.emulator.endpoint}{path}"
        return _client().request(method, address, json=body, headers=self.headers)

    def send(self, change: Data) -> None:
        answer = self.answer(change["Method"], change["Path"], change["Body"] or None)
        assert answer.is_success, (change, answer.text)

    def take_back(self, change: Data) -> bool:
        """Send the request of an undo; it may be refused only for a product that had too few seats before."""
        answer = self.answer(change["Method"], change["Path"], change["Body"] or None)
        if answer.is_success:
            return True
        assert "does not have any available licenses" in answer.text
        assert {row["skuId"] for row in change["Body"]["addLicenses"]} & self.short
        return False

    def person(self, user: str) -> dict[str, Any]:
        names = "licenseAssignmentStates,usageLocation,department"
        user_row = self.answer("GET", f"/users/{user}?$select={names}").json()
        rows = [
            {
                "SkuId": row["skuId"],
                "Group": row["assignedByGroup"] or "",
                "Active": row["state"] in {"Active", "ActiveWithError"},
                "DisabledPlans": sorted(row["disabledPlans"]),
            }
            for row in user_row["licenseAssignmentStates"]
        ]
        groups = self.answer("GET", f"/users/{user}/memberOf?$select=id").json()["value"]
        paths = sorted(rows, key=lambda row: (row["SkuId"], row["Group"]))
        return {"Paths": paths, "Groups": sorted(group["id"] for group in groups), "department": user_row["department"]}

    def free_seats(self) -> dict[str, int]:
        rows = self.answer("GET", "/subscribedSkus?$select=skuId,prepaidUnits,consumedUnits").json()["value"]
        return {
            row["skuId"]: row["prepaidUnits"]["enabled"] + row["prepaidUnits"]["warning"] - row["consumedUnits"]
            for row in rows
        }

    def licenses(self, group: str) -> dict[str, list[str]]:
        rows = self.tenant.groups[group].document["assignedLicenses"]
        return {row["skuId"]: sorted(row["disabledPlans"]) for row in rows}

    def state(self, data: Data) -> dict[str, Any]:
        members = {member for group in data["$Groups"].values() for member in group["Members"]}
        groups = {group: self.licenses(group) for group in data["$Groups"]}
        return {user: self.person(user) for user in {*data["$People"], *members}} | groups


class ScriptRun:
    """A run of a script, after the changes that earlier runs made."""

    def __init__(self, data: Data, graph: Graph, done: Iterable[Data] = ()) -> None:
        self.graph = graph
        self.paths = {user: _by_path(person["Paths"]) for user, person in data["$People"].items()}
        self.properties = {user: dict(person["Properties"]) for user, person in data["$People"].items()}
        self.given = {
            group: {row["SkuId"]: row["DisabledPlans"] for row in licences["Licenses"]}
            for group, licences in data["$Groups"].items()
        }
        self.members = {group: set(licences["Members"]) for group, licences in data["$Groups"].items()}
        self.changed: set[tuple[str, str]] = set()
        self.seats = graph.free_seats()
        for change in done:
            self.add_effect(change)

    def run(self, data: Data, most_failures: int) -> list[str]:
        """Execute all steps, like Invoke-Run; return the outcomes up to the last step that was tried."""
        outcomes: list[str] = []
        stopped: set[tuple[int, str]] = set()
        failures = 0
        for action, step in steps(data):
            subject = (action["Number"], step["User"] or step["Group"])
            outcome = "skipped" if subject in stopped else self.step(step)
            outcomes.append(outcome)
            if outcome in {"skipped", "failed"}:
                stopped.add(subject)
            failures = {"failed": failures + 1, "done": 0}.get(outcome, failures)
            if failures >= most_failures:
                break
        return outcomes

    def step(self, change: Data) -> str:
        """Read, compare and send; return the outcome."""
        if self.is_reached(change):
            self.add_effect(change)
            return "unchanged"
        if list(self.differences(change)) or self.missing_seats(change):
            return "skipped"
        if not self.graph.answer(change["Method"], change["Path"], change["Body"] or None).is_success:
            return "failed"
        self.add_effect(change)
        for sku, count in change["Seats"].items():
            self.seats[sku] -= count
        return "done"

    def missing_seats(self, change: Data) -> set[str]:
        """Return the products of which the change needs more seats than are free after those that this run took."""
        taken = {sku: count for sku, count in change["Seats"].items() if count > 0}
        free = self.graph.free_seats() if taken else {}
        return {sku for sku, count in taken.items() if min(free.get(sku, 0), self.seats.get(sku, 0)) < count}

    def add_effect(self, change: Data) -> None:
        user, group = change["User"], change["Group"]
        match change["Kind"]:
            case "UserLicense" | "GroupLicense" as kind:
                for sku in change["Body"]["removeLicenses"]:
                    (self.given[group] if group else self.paths[user]).pop(sku if group else (sku, ""), None)
                for row in change["Body"]["addLicenses"]:
                    if kind == "GroupLicense":
                        self.given[group][row["skuId"]] = sorted(row["disabledPlans"])
                    else:
                        self.paths[user][row["skuId"], ""] = (True, sorted(row["disabledPlans"]))
                self.changed |= {("", group)} if group else set()
            case "Property":
                self.properties[user] |= {row["Name"]: row["Value"] for row in change["Properties"]}
            case kind:
                self.members.get(group, set()).symmetric_difference_update({user} if kind != "Reprocess" else ())
                self.changed.add((user, group))

    def is_reached(self, change: Data) -> bool:
        person = self.graph.person(change["User"]) if change["User"] else {"Paths": [], "Groups": []}
        paths = _by_path(person["Paths"])
        kind = change["Kind"]
        if kind in {"AddMember", "RemoveMember"}:
            return bool((change["Group"] in person["Groups"]) == (kind == "AddMember"))
        if kind == "Property":
            return all((person[row["Name"]] or "") == (row["Value"] or "") for row in change["Properties"])
        if kind == "Reprocess":
            return all(active for (_, group), (active, _) in paths.items() if group)
        given = self.graph.licenses(change["Group"]) if change["Group"] else None
        now = {sku: off for (sku, group), (_, off) in paths.items() if not group} if given is None else given
        return not any(sku in now for sku in change["Body"]["removeLicenses"]) and all(
            now.get(row["skuId"]) == sorted(row["disabledPlans"]) for row in change["Body"]["addLicenses"]
        )

    def differences(self, change: Data) -> Iterator[Any]:
        user, group = change["User"], change["Group"]
        if user:
            person = self.graph.person(user)
            now, expected = _by_path(person["Paths"]), self.paths[user]
            for key in now.keys() | expected.keys():
                ignored = key[1] and {(user, key[1]), ("", key[1]), (user, "")} & self.changed
                if not ignored and now.get(key) != expected.get(key):
                    yield key
            yield from (name for name, value in self.properties[user].items() if (person[name] or "") != (value or ""))
        if group:
            live, held = self.graph.licenses(group), self.given[group]
            yield from (sku for sku in live.keys() | held.keys() if sku not in live or sku not in held)
            yield from (sku for sku, off in held.items() if off is not None and live.get(sku) != off)
            if change["Kind"] == "GroupLicense":
                yield from self.members[group] ^ set(self.graph.tenant.groups[group].members)


def _by_path(rows: Iterable[Data]) -> dict[tuple[str, str], tuple[bool, list[str]]]:
    return {(row["SkuId"], row["Group"]): (row["Active"], sorted(row["DisabledPlans"])) for row in rows}
