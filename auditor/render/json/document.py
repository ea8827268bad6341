"""A Result into the plain values of `auditor/result/v1`, in the order in which the schema shows its keys."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from auditor.domain.actions.money import rounded
from auditor.domain.enums import Severity
from auditor.domain.redaction import Redaction
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
    SeatBounds,
    SeatCount,
    SourceLine,
    Subscription,
    Summary,
    TenantResult,
)
from auditor.render.json.encoder import number

SCHEMA: Final = "auditor/result/v1"
TOOL: Final = "m365-license-auditor"

Document = dict[str, Any]


def result_document(result: Result, *, told: "Findings | None" = None) -> Document:
    """Return the whole result; `told` says what stands in it for findings, and for what actions list."""
    told = told or Findings()
    return {
        "schema": SCHEMA,
        "tool": {"name": TOOL, "version": result.run.tool_version},
        "run": run_document(result.run),
        "tenants": told.tenants(result.tenants),
        "fleet": _fleet(result.fleet, told),
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
        "redacted": run.redacted,
        **({} if run.redaction is None else {"redaction": _redaction(run.redaction)}),
    }


def _redaction(redaction: Redaction) -> Document:
    return {"key": redaction.key, "stable": redaction.stable}


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


def _tenant(tenant: TenantResult, told: "Findings") -> Document:
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
        "subscriptions": [_subscription(subscription) for subscription in tenant.subscriptions],
        "policies": [outcome_document(outcome) for outcome in tenant.policies],
        "findings": told.listed(tenant.findings),
        "actions": told.actions(tenant.actions),
        "notices": [notice_document(notice) for notice in tenant.notices],
        "fixed": told.listed(tenant.fixed),
        "unconfirmed": told.listed(tenant.unconfirmed),
        "closed": list(tenant.closed),
        "balance": [_share(share) for share in tenant.balance],
        "touchedWaivers": list(tenant.touched_waivers),
    }


def _fleet(fleet: FleetResult, told: "Findings") -> Document:
    return {
        "policies": [outcome_document(outcome) for outcome in fleet.policies],
        "findings": told.listed(fleet.findings),
        "actions": told.actions(fleet.actions),
        "notices": [notice_document(notice) for notice in fleet.notices],
        "fixed": told.listed(fleet.fixed),
        "unconfirmed": told.listed(fleet.unconfirmed),
        "closed": list(fleet.closed),
        "past": None if fleet.past is None else _past(fleet.past, told),
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
        "judged": outcome.judged,
    }


def finding_document(finding: Finding) -> Document:
    """Return one finding."""
    return Findings().document(finding)


class Findings:
    """Turns findings into plain values; what many of them share, such as a price, is made once."""

    def __init__(self) -> None:
        self._products: dict[tuple[str | None, str | None], Document] = {}
        self._amounts: dict[tuple[str, int], Document] = {}
        self._sources: dict[tuple[str, int], Document] = {}
        self._held: list[Money] = []

    def tenants(self, tenants: Sequence[TenantResult]) -> Any:
        """Return what stands for tenants in a document: a list of them."""
        return [self.tenant(tenant) for tenant in tenants]

    def tenant(self, tenant: TenantResult) -> Document:
        """Return one tenant."""
        return _tenant(tenant, self)

    def listed(self, found: Sequence[Finding]) -> Any:
        """Return what stands for findings in a document: a list of them."""
        return [self.document(finding) for finding in found]

    def actions(self, actions: Sequence[Action]) -> Any:
        """Return what stands for actions in a document: a list of them."""
        return list(map(action_document, actions))

    def document(self, finding: Finding) -> Document:
        """Return one finding."""
        subject, product, money, source = finding.subject, finding.product, finding.money, finding.source
        said = None if product is None else self._products.get((product.sku_id, product.sku_part_number))
        worth = None if money is None else self._amounts.get((money.currency, id(money.per_month)))
        line = self._sources.get((source.file, source.line))
        return {
            "fingerprint": finding.fingerprint,
            "policy": finding.policy,
            "check": finding.check,
            "severity": finding.severity,
            "status": finding.status,
            "waiver": finding.waiver,
            "change": finding.change,
            "subject": {"type": subject.type, "id": subject.id, "name": subject.name},
            "product": said if product is None or said is not None else self._product(product),
            "detail": finding.detail,
            "evidence": finding.evidence,
            "money": worth if money is None or worth is not None else self._amount(money),
            "guidance": finding.guidance,
            "source": line if line is not None else self._source(source),
        }

    def _product(self, product: ProductReference) -> Document:
        made = {"skuId": product.sku_id, "skuPartNumber": product.sku_part_number}
        return self._products.setdefault((product.sku_id, product.sku_part_number), made)

    def _amount(self, money: Money) -> Document:
        # The Decimal itself is the key, being dear to hash; it is held, so that no other takes its place.
        self._held.append(money)
        made = {"currency": money.currency, "perMonth": number(rounded(money.per_month))}
        return self._amounts.setdefault((money.currency, id(money.per_month)), made)

    def _source(self, source: SourceLine) -> Document:
        return self._sources.setdefault((source.file, source.line), _source(source))


Listing = Callable[[Sequence[Any], Callable[[Any], Any]], Any]
"""What stands in a document for values, each of which is told in a way."""


def listed(values: Sequence[Any], told: Callable[[Any], Any]) -> list[Any]:
    """Return values in a list, each as it is told."""
    return list(map(told, values))


def action_document(action: Action, listing: Listing = listed) -> Document:
    """Return one action; `listing` says what stands in it for findings and requests."""
    return {
        "id": action.id,
        "guidance": action.guidance,
        "findings": listing(action.findings, str),
        "title": action.title,
        "role": action.role,
        "prerequisites": list(action.prerequisites),
        "steps": list(action.steps),
        "warnings": list(action.warnings),
        "links": [{"label": link.label, "address": link.address} for link in action.links],
        "next": list(action.next),
        "checked": action.checked,
        "requests": listing(action.requests, _plain),
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
        "due": None if action.due is None else action.due.isoformat(),
        "saves": None if action.money is None else _money(action.money.gain),
        "costs": None if action.money is None else _money(action.money.cost),
        "rank": action.rank,
        "why": action.why,
    }


def notice_document(notice: Notice) -> Document:
    """Return one notice."""
    return {"code": notice.code, "message": notice.message, "subject": notice.subject}


def instant(moment: datetime) -> str:
    """Return an RFC 3339 instant in UTC; ValueError for a time that does not say where it holds."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _past(past: FleetPast, told: "Findings") -> Document:
    return {
        "findings": told.listed(past.findings),
        "unconfirmed": told.listed(past.unconfirmed),
        "closed": list(past.closed),
        "tenants": list(past.tenants),
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
        "bounds": [_bounds(bounds) for bounds in seats.bounds],
    }


def _subscription(subscription: Subscription) -> Document:
    return {
        "id": subscription.id,
        "skuId": subscription.sku_id,
        "skuPartNumber": subscription.sku_part_number,
        "name": subscription.name,
        "status": subscription.status,
        "isTrial": subscription.is_trial,
        "totalLicenses": subscription.total_licenses,
        "nextLifecycleDateTime": instant(subscription.next_lifecycle_date_time),
    }


def _bounds(bounds: SeatBounds) -> Document:
    return {
        "policy": bounds.policy,
        "usable": bounds.usable,
        "minimum": bounds.minimum,
        "maximum": bounds.maximum,
    }


def _share(share: BalanceShare) -> Document:
    told: Document = {
        "policy": share.policy,
        "skuIds": list(share.sku_ids),
        "doubtful": list(share.doubtful),
        "reason": share.reason,
    }
    if share.waivers is not None:  # results of earlier versions do not tell them
        told["waivers"] = [
            {"waiver": item.waiver, "skuIds": list(item.sku_ids), "doubtful": list(item.doubtful)}
            for item in share.waivers
        ]
    return told


def _money(money: Money | None) -> Document | None:
    return None if money is None else {"currency": money.currency, "perMonth": number(rounded(money.per_month))}


def _source(source: SourceLine) -> Document:
    return {"file": source.file, "line": source.line}


def _plain(mapping: Mapping[str, Any]) -> Document:
    """Keep the order in which its author wrote it."""
    return dict(mapping)
