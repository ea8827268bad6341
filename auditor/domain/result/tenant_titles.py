"""Titles of tenants that can be told apart."""

from collections import Counter
from collections.abc import Mapping, Sequence

from auditor.domain.result.model import TenantResult


def tenant_titles(tenants: Sequence[TenantResult]) -> Mapping[str, str]:
    """Return the title of each tenant of a run by name: the display name, after the name if several tenants share it.

    For example `contoso-eu (Contoso)` and `contoso-us (Contoso)`.
    """
    counts = Counter(tenant.title for tenant in tenants)
    return {
        tenant.name: f"{tenant.name} ({tenant.title})" if counts[tenant.title] > 1 else tenant.title
        for tenant in tenants
    }
