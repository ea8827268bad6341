"""Renders a plan as plan.json (`auditor/plan/v1`)."""

from msgspec import Struct

from auditor.domain.enums import Severity
from auditor.domain.result.finding import Finding, ProductReference, Subject
from auditor.domain.result.saved_plan import SCHEMA
from auditor.remedy.planner.model import FleetPlan
from auditor.result.codec.encoder import document, members


class _BriefFinding(Struct, frozen=True, kw_only=True, gc=False):
    """The fields of a finding that identify it."""

    fingerprint: str
    policy: str
    check: str
    severity: Severity
    subject: Subject
    product: ProductReference | None
    detail: str | None


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


def _brief(finding: Finding) -> _BriefFinding:
    return _BriefFinding(**{name: getattr(finding, name) for name in _BriefFinding.__struct_fields__})
