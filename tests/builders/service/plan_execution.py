"""Carries out the steps of a plan like an administrator's tool: reads before writing, and waits for delayed changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import httpx

from auditor.remedy.planner.simulation.changes import PlannedRequest
from auditor.remedy.requests import GraphRequest, RequestKind, properties_of
from tests.emulator.tenant.directory import Tenant

_MAX_READS = 30
_NO_SEAT = "does not have any available licenses"
_SELECT = "id,usageLocation,department,assignedLicenses,licenseAssignmentStates"


class PlanExecution:
    """Sends the requests of steps in order; every request may safely be sent again."""

    def __init__(self, client: httpx.Client, root: str, head: Mapping[str, str] | None = None) -> None:
        self._client = client
        self._root = root
        self._headers = dict(head or {})

    def carry_out(self, steps: Iterable[PlannedRequest]) -> list[str]:
        """Return the outcome of each step: `done`, `unchanged`, `waiting`, `no seats` or the refusal.

        After a step that is not done, the other steps about the same person or group are `skipped`. Raises
        httpx.TransportError.
        """
        outcomes: list[str] = []
        stopped: set[str] = set()
        for step in steps:
            subject = step.user or step.group
            outcome = "skipped" if subject in stopped else self._step(step.request, step.waits, step.seats)
            outcomes.append(outcome)
            if outcome not in {"done", "unchanged"}:
                stopped.add(subject)
        return outcomes

    def take_back(self, steps: Sequence[PlannedRequest]) -> list[str]:
        """Return the outcome of each undo, from the last step to the first; steps without an undo are left out."""
        return [self._step(step.undo, (), {}) for step in reversed(steps) if step.undo is not None]

    def settle(self) -> None:
        """Read until all delayed changes have arrived."""
        for _ in range(_MAX_READS):
            self._read("/subscribedSkus")

    def _step(self, request: GraphRequest, waits: Sequence[tuple[str, str]], seats: Mapping[str, int]) -> str:
        if not self._wait_for(lambda: all(pair in self._paths(request.target.subject) for pair in waits)):
            return "waiting"
        if self._is_done(request):
            return "unchanged"
        # Graph accepts any licence for a group, and puts members for whom there is no seat in error.
        if not self._wait_for(lambda: self._has_seats(request) and self._are_free(seats)):
            return "no seats"
        for _ in range(_MAX_READS):
            answer = self._client.request(
                request.method, f"{self._root}{request.path}", headers=self._headers, json=request.body or None
            )
            if answer.is_success:
                # A retry is never refused; its result is visible later.
                retried = request.target.kind is RequestKind.REPROCESS
                return "no seats" if retried and not self._wait_for(lambda: self._is_done(request)) else "done"
            message = str(answer.json()["error"]["message"])
            # A seat that becomes free because somebody leaves a group is free a little later.
            if _NO_SEAT not in message:
                return message
        return message

    def _wait_for(self, condition: Callable[[], bool]) -> bool:
        return any(condition() for _ in range(_MAX_READS))

    def _read(self, path: str) -> dict[str, Any]:
        answer = self._client.get(f"{self._root}{path}", headers=self._headers)
        return dict(answer.json()) if answer.is_success else {}

    def _has_seats(self, request: GraphRequest) -> bool:
        target = request.target
        if target.kind is RequestKind.GROUP_LICENCES:
            sku_ids = [row["skuId"] for row in request.body["addLicenses"]]
            people = [row["id"] for row in self._read(f"/groups/{target.group}/members?$select=id").get("value", ())]
        elif target.kind is RequestKind.JOIN:
            rows = self._read(f"/groups/{target.group}?$select=id,assignedLicenses").get("assignedLicenses", ())
            sku_ids, people = [row["skuId"] for row in rows], [target.user]
        else:
            return True
        free = self._free_seats()
        held = [{sku for sku, _ in self._paths(user)} for user in people]
        return all(free.get(sku, 0) >= sum(sku not in skus for skus in held) for sku in sku_ids)

    def _are_free(self, seats: Mapping[str, int]) -> bool:
        free = self._free_seats() if max(seats.values(), default=0) > 0 else {}
        return all(count <= 0 or free.get(sku, 0) >= count for sku, count in seats.items())

    def _free_seats(self) -> dict[str, int]:
        return {
            row["skuId"]: row["prepaidUnits"]["enabled"] + row["prepaidUnits"]["warning"] - row["consumedUnits"]
            for row in self._read("/subscribedSkus").get("value", ())
        }

    def _paths(self, user: str) -> set[tuple[str, str]]:
        rows = self._read(f"/users/{user}?$select={_SELECT}").get("licenseAssignmentStates", ())
        return {(row["skuId"], row["assignedByGroup"] or "") for row in rows if row["state"] == "Active"}

    def _is_done(self, request: GraphRequest) -> bool:
        target = request.target
        match target.kind:
            case RequestKind.PROPERTY:
                person = self._read(f"/users/{target.user}?$select={_SELECT}")
                return all(person.get(name) == value for name, value in properties_of(request).items())
            case RequestKind.GROUP_LICENCES:
                path = f"/groups/{target.group}?$select=id,assignedLicenses"
                rows = self._read(path).get("assignedLicenses", ())
                return self._holds({row["skuId"]: sorted(row["disabledPlans"]) for row in rows}, request)
            case RequestKind.JOIN | RequestKind.LEAVE:
                rows = self._read(f"/groups/{target.group}/members?$select=id").get("value", ())
                return (target.user in {row["id"] for row in rows}) is (target.kind is RequestKind.JOIN)
            case _:
                rows = self._read(f"/users/{target.user}?$select={_SELECT}").get("licenseAssignmentStates", ())
                if target.kind is RequestKind.REPROCESS:
                    return bool(rows) and all(row["error"] == "None" for row in rows)
                direct = {row["skuId"]: sorted(row["disabledPlans"]) for row in rows if not row["assignedByGroup"]}
                return self._holds(direct, request)

    @staticmethod
    def _holds(held: dict[str, list[str]], request: GraphRequest) -> bool:
        added = {row["skuId"]: sorted(row["disabledPlans"]) for row in request.body["addLicenses"]}
        return added.items() <= held.items() and not held.keys() & set(request.body["removeLicenses"])


def state(tenant: Tenant) -> Mapping[str, Any]:
    """Return the licences of people by path, the members of groups, and the licences of groups."""
    people = tenant.people
    paths = {
        str(people.value(row, "userPrincipalName")): sorted(
            (path["skuId"], path["assignedByGroup"] or "", path["state"], tuple(sorted(path["disabledPlans"])))
            for path in people.value(row, "licenseAssignmentStates")
        )
        for row in range(len(people))
    }
    group_skus = {
        group.id: sorted(row["skuId"] for row in group.document["assignedLicenses"]) for group in tenant.groups.values()
    }
    return {**paths, **{group.id: (group_skus[group.id], sorted(group.members)) for group in tenant.groups.values()}}
