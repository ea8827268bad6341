"""Titles of tenants that can be told apart."""

from collections import Counter
from collections.abc import Mapping, Sequence

from auditor.domain.result.model import TenantResult


def distinct_titles(display_names: Mapping[str, str]) -> Mapping[str, str]:
    """Return the title of each tenant by name, from the display name of each; it is empty where there is none."""
    titles = {name: display_name or name for name, display_name in display_names.items()}
    counts = Counter(titles.values())
    return {name: f"{name} ({title})" if counts[title] > 1 else title for name, title in titles.items()}


def tenant_titles(tenants: Sequence[TenantResult]) -> Mapping[str, str]:
    """Return the title of each tenant of a run by name: the display name, after the name if several tenants share it.

    For example `contoso-eu (Contoso)` and `contoso-us (Contoso)`.
    """
    return distinct_titles({tenant.name: tenant.display_name for tenant in tenants})
