"""Builds plan.json (`auditor/plan/v1`)."""

from typing import Any, Final

from auditor.domain.result.model import Finding
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


def _brief(finding: Finding) -> dict[str, Any]:
    whole = members(finding)
    return {key: whole[key] for key in _BRIEF}
