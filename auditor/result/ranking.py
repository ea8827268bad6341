"""Orders the tenants of a fleet by urgency, and selects those whose findings and actions a report lists."""

from collections.abc import Iterable, Mapping
from typing import Final

from auditor.domain.enums import Severity
from auditor.domain.result.model import Result, TenantResult
from auditor.result.aggregate import summarise

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


def by_urgency(tenants: Iterable[TenantResult]) -> tuple[TenantResult, ...]:
    """Return the tenants in the order in which people read about them, as `tenant_order` defines it."""
    return tuple(sorted(tenants, key=_sort_key))


def most_urgent_tenants(result: Result) -> tuple[TenantResult, ...]:
    """Return the tenants whose findings and actions a report lists, the most urgent first."""
    return by_urgency(result.tenants)[:MAX_LISTED_TENANTS]


def _sort_key(tenant: TenantResult) -> TenantSortKey:
    counts = summarise((tenant,)).open
    return tenant_order(
        failed=tenant.failure is not None, counts=counts, complete=tenant.fully_evaluated, name=tenant.name
    )
