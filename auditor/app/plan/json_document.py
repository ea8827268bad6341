"""Builds plan.json (`auditor/plan/v1`), and keeps it in a store."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from auditor.app.locations import store_at
from auditor.domain.result.finding import Finding
from auditor.remedy.planner.model import FleetPlan
from auditor.result.codec.encoder import document, members

SCHEMA: Final = "auditor/plan/v1"
_BRIEF: Final = ("fingerprint", "policy", "check", "severity", "subject", "product", "detail")
"""Keys that identify a finding."""


def plan_json(plan: FleetPlan) -> bytes:
    """Return the bytes of the file; equal plans give equal bytes."""
    return document(
        {
            "schema": SCHEMA,
            "asOf": plan.as_of,
            "policyDigest": plan.policy_digest,
            "redacted": plan.redacted,
            "complete": plan.complete,
            "proven": plan.proven,
            "tenants": [
                {**members(tenant), "findings": [_brief(finding) for finding in tenant.findings]}
                for tenant in plan.tenants
            ],
            "fleet": {"proof": plan.fleet},
            "notices": plan.notices,
        }
    )


def keep_plan(where: Path | str, plan: FleetPlan) -> None:
    """Store the plan of every tenant under its instant, beside its nights; one of the same instant is replaced."""
    from auditor.store.plans import plan_name  # noqa: PLC0415  only who keeps a store waits for it

    store = store_at(where).create()
    for tenant in plan.tenants:
        name = plan_name(tenant.name, datetime.fromisoformat(plan.as_of))
        body = plan_json(replace(plan, tenants=(tenant,)))
        if not store.backend.create(name, body):
            store.backend.remove(name)
            store.backend.create(name, body)


def _brief(finding: Finding) -> dict[str, Any]:
    whole = members(finding)
    return {key: whole[key] for key in _BRIEF}
