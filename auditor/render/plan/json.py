"""Renders a plan as plan.json (`auditor/plan/v1`)."""

from typing import Any, Final

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


def _brief(finding: Finding) -> dict[str, Any]:
    all_members = members(finding)
    return {key: all_members[key] for key in _BRIEF_KEYS}
