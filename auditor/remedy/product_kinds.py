"""Determines which products can replace each other: those of the same kind, by the purpose of their service plans."""

from collections.abc import Collection, Iterable, Sequence
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
"""Prefixes of the service plans that make a suite: mailbox, Office apps, Teams."""
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
"""Prefixes of the service plans of an add-on, without those of nearly all products (PROJECT_O365_*, SharePoint)."""
_FILES: Final = ("SHAREPOINT", "ONEDRIVE")
_FILLERS: Final = ("EXCHANGE_S_FOUNDATION", "INTUNE_O365", "FORMS_", "SWAY", "MICROSOFT_SEARCH")
"""Prefixes of service plans that come with products of every kind."""
_NOT_FOR_PEOPLE: Final = ("MEETING_ROOM", "MTR_PREM", "MICROSOFT_TEAMS_ROOMS_", "PHONESYSTEM_VIRTUALUSER", "MCOCAP")
"""Prefixes of the part numbers of products for a room, a device or a call queue."""


def for_people(sku_ids: Sequence[str]) -> tuple[str, ...]:
    """Return the products that are not made for a room, a device or a call queue; all of them if no other is left."""
    return tuple(filter(_is_for_people, sku_ids)) or tuple(sku_ids)


def _is_for_people(sku_id: str) -> bool:
    product = builtin().product(sku_id)
    return product is None or not product.part_number.upper().startswith(_NOT_FOR_PEOPLE)


@lru_cache(maxsize=4096)
def same_kind(old: str, new: str) -> bool:
    """Whether one product can replace another, by skuId; False if the service plans of one of them are unknown.

    A suite can be replaced by a product with its mailbox, its Office apps or Teams; an add-on (Project, Visio, Copilot,
    Power BI, phone) by one with the same purpose; any other product by one with at least half of its service plans.
    """
    if old == new:
        return True
    suites, add_ons, plans = _purposes(old)
    replacement = _purposes(new)
    if suites:
        return not suites.isdisjoint(replacement[0])
    if add_ons:
        return not add_ons.isdisjoint(replacement[1])
    return bool(plans) and 2 * len(plans & replacement[2]) >= len(plans)


def smallest(sku_ids: Iterable[str]) -> str | None:
    """Return the product with the fewest service plans, by skuId; None if the service plans of one are unknown.

    Of several with equally many, the one with the least skuId.
    """
    plans = {sku_id: () if (product := builtin().product(sku_id)) is None else product.plans for sku_id in sku_ids}
    return min(plans, key=lambda sku_id: (len(plans[sku_id]), sku_id), default=None) if all(plans.values()) else None


def may_have(part: str, sku_ids: Collection[str]) -> bool:
    """Return whether a product may have `mail`, `files` or `phone`; True if there is no product, or an unknown one."""
    purposes = [frozenset().union(*_purposes(sku_id)) for sku_id in sku_ids]
    return not purposes or any(not names or part in names for names in purposes)


@lru_cache(maxsize=4096)
def _purposes(sku_id: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the suite parts, add-on purposes and service plans of a product; file storage counts as one plan."""
    product = builtin().product(sku_id)
    names = [] if product is None else [plan.name.upper() for plan in product.plans]
    plans = {"files" if name.startswith(_FILES) else name for name in names if not name.startswith(_FILLERS)}
    return _families_in(_SUITES, names), _families_in(_ADD_ONS, names), frozenset(plans)


def _families_in(families: dict[str, tuple[str, ...]], names: list[str]) -> frozenset[str]:
    return frozenset(
        family for family, prefixes in families.items() if any(name.startswith(prefixes) for name in names)
    )
