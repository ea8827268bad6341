"""Builds plan.json (`auditor/plan/v1`), and saves it in a store."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from auditor.app.locations import store_at
from auditor.domain.result.finding import Finding
from auditor.domain.result.saved_plan import SCHEMA
from auditor.remedy.planner.model import FleetPlan
from auditor.result.codec.encoder import document, members

_BRIEF_KEYS: Final = ("fingerprint", "policy", "check", "severity", "subject", "product", "detail")
"""Keys that identify a finding."""


def plan_json(plan: FleetPlan) -> bytes:
    """Return the bytes of plan.json; equal plans give equal bytes."""
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


def keep_plan(location: Path | str, plan: FleetPlan) -> None:
    """Save the plan of every tenant in a store, next to its nights; a plan of the same instant is replaced.

    A tenant that could not be audited has no plan: its latest one remains the one to verify.
    """
    from auditor.store.plans import plan_name  # noqa: PLC0415  only needed with a store

    store = store_at(location).create()
    for tenant in (tenant for tenant in plan.tenants if tenant.failure is None):
        name = plan_name(tenant.name, datetime.fromisoformat(plan.as_of))
        body = plan_json(replace(plan, tenants=(tenant,)))
        if not store.backend.create(name, body):
            store.backend.remove(name)
            store.backend.create(name, body)


def _brief(finding: Finding) -> dict[str, Any]:
    all_members = members(finding)
    return {key: all_members[key] for key in _BRIEF_KEYS}
