"""Builds the result of a tenant that could not be audited, or for which a later step failed."""

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.enums import CORE_SOURCES, Agreement, Cloud, Outcome, SourceStatus
from auditor.domain.errors import AuditorError, SnapshotError
from auditor.domain.message import Message
from auditor.domain.policy.model import Balance, PolicySet
from auditor.domain.result.model import Coverage, PolicyOutcome, Result, TenantResult
from auditor.failures import TenantBoundary, reason_of
from auditor.result.aggregate import summarise
from auditor.snapshot.model import Manifest


class Unaudited(Struct, frozen=True, kw_only=True):
    """A tenant whose state could not be read at all."""

    name: str
    tenant_id: str = ""
    cloud: Cloud = Cloud.WORLDWIDE
    agreement: Agreement = Agreement.UNKNOWN
    locale: str | None = None
    reason: Message
    error: SnapshotError | None = None
    """The error of its damaged snapshot, if that is why it could not be read."""


def unaudited_result(tenant: Unaudited, policies: PolicySet, as_of: datetime) -> TenantResult:
    """Return the result of a tenant that could not be read: no policy was evaluated."""
    outcomes = [
        PolicyOutcome(
            id=policy.id,
            status=Outcome.NOT_EVALUATED,
            findings=0,
            reason=tenant.reason,
            missing=("tenant",),
            report_only=policy.report_only or None,
        )
        for policy in sorted(policies.policies, key=lambda policy: (policy.severity.rank, policy.id))
        if policy.applies_to(tenant.name) and not isinstance(policy.constraint, Balance)
    ]
    return _without_findings(tenant, as_of, outcomes, tenant.reason)


def _without_findings(
    tenant: Unaudited | TenantResult, as_of: datetime, outcomes: Iterable[PolicyOutcome], reason: Message
) -> TenantResult:
    return TenantResult(
        name=tenant.name,
        tenant_id=tenant.tenant_id,
        cloud=tenant.cloud,
        agreement=tenant.agreement,
        locale=tenant.locale,
        as_of=as_of,
        complete=False,
        sources=tuple(Coverage(name=source, status=SourceStatus.UNAVAILABLE, reason=reason) for source in CORE_SOURCES),
        policies=tuple(outcomes),
        failure=reason,
    )


def unaudited_of(manifest: Manifest | None, reason: Message, *, name: str = "") -> Unaudited:
    """Return the tenant that a manifest describes; without a manifest, only its `name` is known."""
    if manifest is None:
        return Unaudited(name=name, reason=reason)
    return Unaudited(
        name=manifest.tenant,
        tenant_id=manifest.tenant_id,
        cloud=manifest.cloud,
        agreement=manifest.agreement,
        locale=manifest.locale,
        reason=reason,
    )


def with_failure(tenant: TenantResult, failure: AuditorError) -> TenantResult:
    """Return the result of a tenant for which a step after evaluation failed: none of its findings is reported."""
    reason = reason_of(failure)
    outcomes = (
        replace(outcome, status=Outcome.NOT_EVALUATED, findings=0, reason=reason, missing=("tenant",))
        for outcome in tenant.policies
    )
    return replace(_without_findings(tenant, tenant.as_of, outcomes, reason), display_name=tenant.display_name)


def map_tenants(result: Result, change: Callable[[TenantResult], TenantResult]) -> Result:
    """Apply `change` to every tenant of a result.

    A tenant for which it raises an exception is reported as failed, and is not counted in the summary. If it is the
    only tenant, the exception is raised.
    """
    tenants: list[TenantResult] = []
    all_changed = True
    for tenant in result.tenants:
        with TenantBoundary(tenant.name, only_tenant=len(result.tenants) == 1) as boundary:
            changed = change(tenant)
        tenants.append(changed if boundary.failure is None else with_failure(tenant, boundary.failure))
        all_changed = all_changed and boundary.failure is None
    changed_result = replace(result, tenants=tuple(tenants))
    return changed_result if all_changed else replace(changed_result, summary=summarise(tenants, result.fleet))
