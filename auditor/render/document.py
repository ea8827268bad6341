"""A Result into the plain values of `auditor/result/v1`, in the order in which the schema shows its keys."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from auditor.domain.result import (
    Action,
    BalanceShare,
    Coverage,
    Finding,
    FleetPast,
    FleetResult,
    Money,
    Notice,
    PolicyHeader,
    PolicyOutcome,
    ProductReference,
    Result,
    Run,
    SeatCount,
    SourceLine,
    Summary,
    TenantResult,
)
from auditor.domain.words import Severity
from auditor.render.json_text import amount

SCHEMA: Final = "auditor/result/v1"
TOOL: Final = "m365-license-auditor"

Document = dict[str, Any]


def result_document(result: Result) -> Document:
    """Return the whole result."""
    return {
        "schema": SCHEMA,
        "tool": {"name": TOOL, "version": result.run.tool_version},
        "run": run_document(result.run),
        "tenants": [tenant_document(tenant) for tenant in result.tenants],
        "fleet": fleet_document(result.fleet),
        "summary": summary_document(result.summary),
    }


def run_document(run: Run) -> Document:
    """Return what was run."""
    return {
        "id": run.id,
        "asOf": instant(run.as_of),
        "policyDigest": run.policy_digest,
        "policies": [header_document(policy) for policy in run.policies],
        "definitions": _plain(run.definitions),
        "previous": None if run.previous is None else instant(run.previous),
    }


def header_document(policy: PolicyHeader) -> Document:
    """Return a policy as the run quotes it."""
    return {
        "id": policy.id,
        "title": policy.title,
        "severity": policy.severity.value,
        "rationale": policy.rationale,
        "owner": policy.owner,
        "tags": list(policy.tags),
        "source": _source(policy.source),
        "spec": _plain(policy.spec),
    }


def tenant_document(tenant: TenantResult) -> Document:
    """Return everything about one tenant."""
    return {
        "name": tenant.name,
        "tenantId": tenant.tenant_id,
        "displayName": tenant.display_name,
        "cloud": tenant.cloud.value,
        "agreement": tenant.agreement.value,
        "locale": tenant.locale,
        "asOf": instant(tenant.as_of),
        "complete": tenant.complete,
        "failure": tenant.failure,
        "sources": [_coverage(source) for source in tenant.sources],
        "seats": [_seats(seats) for seats in tenant.seats],
        "policies": [outcome_document(outcome) for outcome in tenant.policies],
        "findings": [finding_document(finding) for finding in tenant.findings],
        "actions": [action_document(action) for action in tenant.actions],
        "notices": [notice_document(notice) for notice in tenant.notices],
        "fixed": [finding_document(finding) for finding in tenant.fixed],
        "unconfirmed": [finding_document(finding) for finding in tenant.unconfirmed],
        "closed": list(tenant.closed),
        "balance": [_share(share) for share in tenant.balance],
        "touchedWaivers": list(tenant.touched_waivers),
    }


def fleet_document(fleet: FleetResult) -> Document:
    """Return what only all tenants together can say."""
    return {
        "policies": [outcome_document(outcome) for outcome in fleet.policies],
        "findings": [finding_document(finding) for finding in fleet.findings],
        "notices": [notice_document(notice) for notice in fleet.notices],
        "fixed": [finding_document(finding) for finding in fleet.fixed],
        "unconfirmed": [finding_document(finding) for finding in fleet.unconfirmed],
        "closed": list(fleet.closed),
        "past": None if fleet.past is None else _past(fleet.past),
    }


def summary_document(summary: Summary) -> Document:
    """Return the counts; every severity has one, so that a reader need not know which are missing."""
    return {
        "open": {severity.value: summary.open.get(severity, 0) for severity in Severity},
        "waived": summary.waived,
        "notEvaluated": summary.not_evaluated,
    }


def outcome_document(outcome: PolicyOutcome) -> Document:
    """Return what a policy came to."""
    return {
        "id": outcome.id,
        "status": outcome.status.value,
        "findings": outcome.findings,
        "reason": outcome.reason,
        "missing": list(outcome.missing),
    }


def finding_document(finding: Finding) -> Document:
    """Return one finding."""
    return {
        "fingerprint": finding.fingerprint,
        "policy": finding.policy,
        "check": finding.check,
        "severity": finding.severity.value,
        "status": finding.status.value,
        "waiver": finding.waiver,
        "change": None if finding.change is None else finding.change.value,
        "subject": {
            "type": finding.subject.type.value,
            "id": finding.subject.id,
            "name": finding.subject.name,
        },
        "product": _product(finding.product),
        "detail": finding.detail,
        "evidence": finding.evidence,
        "money": _money(finding.money),
        "guidance": finding.guidance,
        "source": _source(finding.source),
    }


def action_document(action: Action) -> Document:
    """Return one action."""
    return {
        "id": action.id,
        "guidance": action.guidance,
        "findings": list(action.findings),
        "title": action.title,
        "role": action.role,
        "prerequisites": list(action.prerequisites),
        "steps": list(action.steps),
        "warnings": list(action.warnings),
        "links": [{"label": label, "address": address} for label, address in action.links],
        "requests": [_plain(request) for request in action.requests],
        "money": _money(action.money),
        "kind": action.kind,
        "order": action.order,
        "count": action.count,
        "owner": action.owner,
        "decidedBy": action.decided_by,
        "confidence": action.confidence,
        "irreversible": list(action.irreversible),
        "before": _money(action.before),
        "after": _money(action.after),
    }


def notice_document(notice: Notice) -> Document:
    """Return one notice."""
    return {"code": notice.code, "message": notice.message, "subject": notice.subject}


def instant(moment: datetime) -> str:
    """Return an RFC 3339 instant in UTC; ValueError for a time that does not say where it holds."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _past(past: FleetPast) -> Document:
    return {
        "findings": [finding_document(finding) for finding in past.findings],
        "unconfirmed": [finding_document(finding) for finding in past.unconfirmed],
        "closed": list(past.closed),
    }


def _coverage(source: Coverage) -> Document:
    return {
        "name": source.name.value,
        "status": source.status.value,
        "count": source.count,
        "readAt": source.read_at,
        "reason": source.reason,
        "asked": list(source.asked),
    }


def _seats(seats: SeatCount) -> Document:
    return {
        "skuId": seats.sku_id,
        "skuPartNumber": seats.sku_part_number,
        "name": seats.name,
        "appliesTo": seats.applies_to,
        "capabilityStatus": seats.capability_status,
        "enabled": seats.enabled,
        "warning": seats.warning,
        "suspended": seats.suspended,
        "lockedOut": seats.locked_out,
        "consumed": seats.consumed,
        "usable": seats.usable,
        "spare": seats.spare,
    }


def _share(share: BalanceShare) -> Document:
    return {
        "policy": share.policy,
        "skuIds": list(share.sku_ids),
        "doubtful": list(share.doubtful),
        "reason": share.reason,
    }


def _product(product: ProductReference | None) -> Document | None:
    return None if product is None else {"skuId": product.sku_id, "skuPartNumber": product.sku_part_number}


def _money(money: Money | None) -> Document | None:
    return None if money is None else {"currency": money.currency, "perMonth": amount(money.per_month)}


def _source(source: SourceLine) -> Document:
    return {"file": source.file, "line": source.line}


def _plain(mapping: Mapping[str, Any]) -> Document:
    """Keep the order in which its author wrote it."""
    return dict(mapping)
