"""Keeps plans in a store beside the nights of their tenants."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from auditor.app.locations import store_at
from auditor.app.plan.json_document import plan_json
from auditor.remedy.planner.model import FleetPlan
from auditor.store.plans import plan_name


def keep_plan(where: Path | str, plan: FleetPlan) -> None:
    """Store the plan of every tenant under its instant; one of the same instant is replaced."""
    store = store_at(where).create()
    for tenant in plan.tenants:
        name = plan_name(tenant.name, datetime.fromisoformat(plan.as_of))
        body = plan_json(replace(plan, tenants=(tenant,)))
        if not store.backend.create(name, body):
            store.backend.remove(name)
            store.backend.create(name, body)
