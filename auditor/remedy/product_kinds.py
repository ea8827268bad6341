"""Which products can take each other's place: those of the same kind, by what their service plans are for."""

from functools import lru_cache
from typing import Final

from auditor.catalogue import builtin

_SUITES: Final = {
    "mail": (
        *("EXCHANGE_S_DESKLESS", "EXCHANGE_S_STANDARD", "EXCHANGE_S_ENTERPRISE", "EXCHANGE_S_ESSENTIALS"),
        *("EXCHANGE_B_", "EXCHANGE_L_"),
    ),
    "apps": ("OFFICESUBSCRIPTION", "OFFICE_BUSINESS", "OFFICEMOBILE_SUBSCRIPTION", "OFFICE_PRO"),
    "meetings": ("TEAMS1", "TEAMS_GOV", "TEAMS_AR_", "TEAMS_DESKLESS", "TEAMS_FREE", "MCOSTANDARD", "MCOIMP"),
}
"""Beginnings of the service plans that make a suite: mailbox, Office apps, Teams."""
_ADD_ONS: Final = {
    "project": ("PROJECT_CLIENT", "PROJECT_PROFESSIONAL", "PROJECT_P1", "SHAREPOINT_PROJECT"),
    "visio": ("VISIO",),
    "copilot": ("M365_COPILOT",),
    "analytics": ("BI_AZURE_",),
    "phone": ("MCOEV",),
    "conferences": ("MCOMEETADV",),
    "calling": ("MCOPSTN",),
    "events": ("TEAMSPRO_",),
}
"""Those of products beside a suite. What comes with nearly everything (PROJECT_O365_*, SharePoint) is not here."""
_FILES: Final = ("SHAREPOINT", "ONEDRIVE")
_FILLERS: Final = ("EXCHANGE_S_FOUNDATION", "INTUNE_O365", "FORMS_", "SWAY", "MICROSOFT_SEARCH")
"""Plans that come with products of every kind."""


@lru_cache(maxsize=4096)
def same_kind(old: str, new: str) -> bool:
    """Whether the product with one skuId can take the place of the other; False where the plans of one are unknown.

    A suite is replaced by what has its mailbox, its Office apps or Teams; an add-on (Project, Visio, Copilot, Power BI,
    phone) by what does the same job; any other product by one that has at least half of its service plans.
    """
    if old == new:
        return True
    suites, add_ons, plans = _purposes(old)
    others = _purposes(new)
    if suites:
        return not suites.isdisjoint(others[0])
    if add_ons:
        return not add_ons.isdisjoint(others[1])
    return bool(plans) and 2 * len(plans & others[2]) >= len(plans)


@lru_cache(maxsize=4096)
def _purposes(sku_id: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the parts of a suite, the jobs of add-ons, and the plans of a product, its grades told alike."""
    product = builtin().product(sku_id)
    names = [] if product is None else [plan.name.upper() for plan in product.plans]
    plans = {"files" if name.startswith(_FILES) else name for name in names if not name.startswith(_FILLERS)}
    return _among(_SUITES, names), _among(_ADD_ONS, names), frozenset(plans)


def _among(families: dict[str, tuple[str, ...]], names: list[str]) -> frozenset[str]:
    return frozenset(
        family for family, beginnings in families.items() if any(name.startswith(beginnings) for name in names)
    )
