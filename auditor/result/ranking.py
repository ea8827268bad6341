"""Orders the tenants of a fleet by urgency, and selects those whose findings and actions a report lists."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.similar_name import tenants_hint
from auditor.result.aggregate import NO_FLEET, summarise

MAX_LISTED_TENANTS: Final = 50
"""Maximum number of tenants whose findings and actions one report lists: nobody reads those of a hundred."""
MAX_SECTIONS: Final = 10
"""Maximum number of tenants that have a section on a page with pages of single tenants beside it.

A section of a tenant with 500 people takes 400 kB, so forty of them are more than a browser or a mail opens at once.
"""

TenantSortKey = tuple[bool, tuple[int, ...], bool, str]


def tenant_order(*, failed: bool, counts: Mapping[Severity, int], complete: bool, name: str) -> TenantSortKey:
    """Return the sort key that puts the worst tenant first; tenants that could not be audited precede all others."""
    return not failed, tuple(-counts.get(severity, 0) for severity in Severity), complete, name


def most_urgent_tenants(result: Result) -> Result:
    """Return a result with the tenants that a report lists, in their order: all, or the worst if there are many."""
    if len(result.tenants) <= MAX_LISTED_TENANTS:
        return result
    worst = sorted(result.tenants, key=_sort_key)[:MAX_LISTED_TENANTS]
    names = {tenant.name for tenant in worst}
    return replace(result, tenants=tuple(tenant for tenant in result.tenants if tenant.name in names))


def single_tenant(result: Result, name: str) -> Result:
    """Return a result with only one tenant of a run. Raises UsageError if the run does not have the tenant."""
    tenants = tuple(tenant for tenant in result.tenants if tenant.name == name)
    if not tenants:
        hint = tenants_hint(name, (tenant.name for tenant in result.tenants))
        raise UsageError("tenant-unknown", Message("the result has no tenant '{name}'", name=name), hint=hint)
    return Result(run=result.run, tenants=tenants, fleet=NO_FLEET, summary=summarise(tenants))


def _sort_key(tenant: TenantResult) -> TenantSortKey:
    counts = summarise((tenant,)).open
    return tenant_order(
        failed=tenant.failure is not None, counts=counts, complete=tenant.fully_evaluated, name=tenant.name
    )
