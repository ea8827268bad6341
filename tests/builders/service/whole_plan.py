"""Carries out a complete plan: sends its requests, and changes seats in the tenant, for which Graph has no request."""

from collections.abc import Collection, Mapping
from typing import Any

from auditor.domain.result.saved_plan import DecidedSeats
from auditor.remedy.planner.model import TenantPlan
from tests.builders.service.plan_execution import PlanExecution
from tests.emulator.endpoints.licensing import usable
from tests.emulator.tenant.directory import Tenant


def carry_out(
    plan: TenantPlan, execution: PlanExecution, tenant: Tenant, *, forgotten: Collection[str] = ()
) -> list[str]:
    """Return the outcome of each request in the order of the plan; decided seats are changed before their action.

    The seats of the products in `forgotten` (skuIds) are not changed.
    """
    assert plan.changes is not None
    outcomes: list[str] = []
    for number, action in enumerate(plan.actions, start=1):
        for decided in plan.decided_seats:
            if decided.action == number and decided.sku_id not in forgotten:
                _change_seats(tenant, decided)
        outcomes += execution.carry_out(plan.changes.steps.get(action.id, ()))
    assert all(decided.action for decided in plan.decided_seats), "every decision has its place in the order"
    return outcomes


def take_back(plan: TenantPlan, execution: PlanExecution, tenant: Tenant, seats: Mapping[str, Any]) -> list[str]:
    """Return the outcome of each undo, from the last request to the first; `seats` are those before the plan."""
    assert plan.changes is not None
    outcomes: list[str] = []
    given_back = [decided for decided in plan.decided_seats if decided.enabled < decided.enabled_before]
    for decided in given_back:
        _set_seats(tenant, decided.sku_id, seats)
    for action in reversed(plan.actions):
        outcomes += execution.take_back(plan.changes.steps.get(action.id, ()))
    for decided in plan.decided_seats:
        _set_seats(tenant, decided.sku_id, seats)
    tenant.subscriptions[:] = seats["subscriptions"]
    tenant.touch()
    return outcomes


def seats_of(tenant: Tenant) -> Mapping[str, Any]:
    """Return the seats of all products and their subscriptions."""
    return {
        "enabled": {row["skuId"]: row["prepaidUnits"]["enabled"] for row in tenant.skus},
        "consumed": {row["skuId"]: row["consumedUnits"] for row in tenant.skus},
        "subscriptions": [dict(row) for row in tenant.subscriptions],
    }


def _change_seats(tenant: Tenant, decided: DecidedSeats) -> None:
    """Buy or give back the seats of a product, and renew its subscriptions; repeating it changes nothing."""
    sku = tenant.sku(decided.sku_id)
    assert sku is not None
    assert sku["prepaidUnits"]["enabled"] in {decided.enabled_before, decided.enabled}
    _set_seats(tenant, decided.sku_id, {"enabled": {decided.sku_id: decided.enabled}})
    assert sku["consumedUnits"] <= usable(sku), "no seat in use can be given back"
    by_id = {subscription.id: subscription for subscription in decided.subscriptions}
    for row in tenant.subscriptions:
        if row["id"] in by_id:
            day = by_id[row["id"]].next_lifecycle_date_time
            row["totalLicenses"] = by_id[row["id"]].total_licenses
            row["nextLifecycleDateTime"] = None if day is None else day.isoformat().replace("+00:00", "Z")
    tenant.subscriptions[:] = [row for row in tenant.subscriptions if row["totalLicenses"] or row["id"] not in by_id]
    tenant.touch()


def _set_seats(tenant: Tenant, sku_id: str, seats: Mapping[str, Any]) -> None:
    sku = tenant.sku(sku_id)
    assert sku is not None
    sku["prepaidUnits"] = {**sku["prepaidUnits"], "enabled": seats["enabled"][sku_id]}
    tenant.touch()
