"""Titles of tenants that can be told apart."""

from collections import Counter
from collections.abc import Mapping

from auditor.domain.result.model import Result


def tenant_titles(result: Result) -> Mapping[str, str]:
    """Return the title of each tenant by name: the display name, in parentheses after the name if several share it."""
    counts = Counter(tenant.title for tenant in result.tenants)
    return {
        tenant.name: f"{tenant.name} ({tenant.title})" if counts[tenant.title] > 1 else tenant.title
        for tenant in result.tenants
    }
