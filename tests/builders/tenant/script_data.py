"""The data of a script, and the emulator as the script sees it."""

from collections.abc import Iterator, Mapping
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
    """Sends the requests of a script to the emulator, with the permissions that its data lists."""

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
