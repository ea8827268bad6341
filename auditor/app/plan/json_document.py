"""Builds plan.json (`auditor/plan/v1`)."""

from typing import Any

from auditor.domain.actions.money import rounded
from auditor.domain.result import Finding
from auditor.remedy.planner.model import Figures, FleetPlan, Proof, Standing, TenantPlan
from auditor.render.json.document import action_document, finding_document
from auditor.render.json.encoder import document

Document = dict[str, Any]

SCHEMA = "auditor/plan/v1"


def plan_json(plan: FleetPlan) -> bytes:
    """Return the bytes of the file; equal plans give equal bytes."""
    return document(plan_document(plan))


def plan_document(plan: FleetPlan) -> Document:
    """Return the plan as JSON values."""
    return {
        "schema": SCHEMA,
        "asOf": plan.as_of,
        "policyDigest": plan.policy_digest,
        "complete": plan.complete,
        "proven": plan.proven,
        "tenants": [_tenant(tenant) for tenant in plan.tenants],
        "fleet": {"proof": _proof(plan.fleet)},
    }


def _tenant(tenant: TenantPlan) -> Document:
    return {
        "name": tenant.name,
        "tenantId": tenant.tenant_id,
        "complete": tenant.complete,
        "omitted": list(tenant.omitted),
        "actions": [action_document(action) for action in tenant.actions],
        "before": _standing(tenant.before),
        "after": _standing(tenant.after),
        "proof": _proof(tenant.proof),
        "dropped": [{"subject": item.subject, "why": item.why} for item in tenant.dropped],
        "solver": {
            "name": tenant.solved.solver,
            "optimal": tenant.solved.optimal,
            "reached": tenant.solved.reached,
            "bound": tenant.solved.bound,
            "unpriced": list(tenant.solved.unpriced),
            "partial": list(tenant.solved.partial),
        },
        "findings": [_brief(finding) for finding in tenant.findings],
    }


def _standing(standing: Standing) -> Document:
    return {"open": standing.open, "money": [_figures(figures) for figures in standing.money]}


def _figures(figures: Figures) -> Document:
    return {
        "currency": figures.currency,
        "exposure": rounded(figures.exposure),
        "reassignableNow": rounded(figures.reassignable_now),
        "reducibleAtRenewal": rounded(figures.reducible_at_renewal),
        "lowerBound": figures.lower_bound,
    }


def _proof(proof: Proof) -> Document:
    return {
        "fixed": list(proof.fixed),
        "remaining": [
            {"fingerprint": item.fingerprint, "code": item.code, "why": item.why} for item in proof.remaining
        ],
        "new": [finding_document(finding) for finding in proof.new],
        "undecided": list(proof.undecided),
    }


def _brief(finding: Finding) -> Document:
    """Return what identifies a finding: policy, check, severity, subject, product and detail."""
    whole = finding_document(finding)
    keys = ("fingerprint", "policy", "check", "severity", "subject", "product", "detail")
    return {key: whole[key] for key in keys}
