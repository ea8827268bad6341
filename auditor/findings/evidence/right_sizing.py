"""Finds the cheapest product that covers a person's known use of a suite, and lists what the person would lose.

The result is a proposal: only the parts covered by usage reports are evaluated, and every other part is kept or listed
as lost. Security and compliance plans work without activity, so their use is not evaluated.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Final

from msgspec import Struct

from auditor.catalogue.services import services_of

DESKTOP_APPS: Final = "desktopApps"
"""Microsoft 365 Apps on Windows and Mac, used in addition to the services of the reports."""

_DESKTOP_PLANS: Final = re.compile(r"OFFICESUBSCRIPTION.*|OFFICE_BUSINESS|OFFICE_PROPLUS_.*", re.IGNORECASE)
_LARGE_MAILBOX_PLANS: Final = re.compile(r"EXCHANGE_S_ENTERPRISE.*", re.IGNORECASE)
_SMALL_MAILBOX_PLANS: Final = re.compile(r"EXCHANGE_S_DESKLESS.*", re.IGNORECASE)
_STANDARD_QUOTA, _SMALL_QUOTA = 50 * 2**30, 2 * 2**30
"""Mailbox sizes of Exchange Online Plan 1 and Exchange Online Kiosk, in bytes."""

_AREAS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), area)
    for area, pattern in (
        ("Entra ID P2", r"AAD_PREMIUM_P2"),
        ("Entra ID P1", r"AAD_PREMIUM|MFA_PREMIUM"),
        ("Intune", r"INTUNE_.*"),
        ("Defender", r"ATP_.*|THREAT_INTELLIGENCE.*|WINDEFATP|MTP|ATA|ADALLOM_.*|MDE_.*|SAFEDOCS|Defender_.*"),
        (
            "Purview",
            (
                r"(?:INFO|RECORDS|PURVIEW|CONTENT|COMMUNICATIONS|INSIDER|DATA|EQUIVIO|LOCKBOX|CUSTOMER|MIP|RMS|PREMIUM_ENC"
                r"|PAM|MICROSOFTENDPOINTDLP|MICROSOFT_COMMUNICATION_|M365_A.*AUDIT|M365_AUDIT|ML_CLASS|GRAPH_CONN).*"
            ),
        ),
        ("Power BI", r"BI_AZURE_.*"),
        ("Teams Phone", r"MCOEV.*|MCOMEETADV.*"),
        ("Windows", r"WIN10_.*|Windows_Autopatch"),
    )
)
"""Parts of suites that no usage report covers, by the pattern of their service plans."""


class Offer(Struct, frozen=True, kw_only=True, dict=True):
    """A product that a tenant owns, with its monthly price."""

    sku_id: str
    part_number: str
    plans: Mapping[str, str]
    """ServicePlanId → servicePlanName."""
    price: Decimal

    @cached_property
    def parts(self) -> frozenset[str]:
        """The parts that usage reports cover."""
        desktop = [DESKTOP_APPS] if self.has(_DESKTOP_PLANS) else []
        return frozenset((*services_of(self.plans.values()), *desktop))

    @cached_property
    def has_large_mailboxes(self) -> bool:
        """Whether its mailboxes may be as large as those of Exchange Online Plan 2."""
        return self.has(_LARGE_MAILBOX_PLANS)

    @cached_property
    def quota(self) -> int:
        """Size of its mailboxes in bytes, unless they are large."""
        return _SMALL_QUOTA if self.has(_SMALL_MAILBOX_PLANS) else _STANDARD_QUOTA

    def has(self, plans: "re.Pattern[str]") -> bool:
        """Return whether the name of a service plan matches the pattern."""
        return any(plans.fullmatch(name) for name in self.plans.values())


class KnownUse(Struct, frozen=True, kw_only=True):
    """A person's use according to the reports: services of `auditor.catalogue.services` and `DESKTOP_APPS`."""

    used: frozenset[str]
    unused: frozenset[str]
    """The use of services in neither set is not known."""
    mailbox_size: int | None = None
    """In bytes."""
    archive: bool | None = None


class SmallerProduct(Struct, frozen=True, kw_only=True):
    """The cheapest product that contains everything of a suite that a person uses or may use."""

    held: Offer
    product: Offer
    saves: Decimal
    """Per month, by the prices of both products."""
    used: tuple[str, ...]
    unused: tuple[str, ...]
    """Parts that the person does not use and would lose."""
    lost: tuple[str, ...]
    """Names of other parts that would be lost; their use is not known."""
    more_plans: int
    """Number of service plans that would be lost and belong to no named part."""
    unknown: tuple[str, ...]
    """Facts that matter for the change and are not known: `mailboxSize`, `archive`."""


def smaller_product(held: Offer, offers: Iterable[Offer], use: KnownUse) -> SmallerProduct | None:
    """Return the cheapest offer that contains everything of a product that a person uses or may use; None if none does.

    Also None if no use of the product is known, or if the reports do not cover it.
    """
    parts = held.parts
    required = parts - use.unused
    if not parts & use.used:
        return None
    candidates = [
        offer
        for offer in offers
        if offer.price < held.price
        and required <= offer.parts
        and _fits_mailbox(offer, use, exchange="exchange" in required)
    ]
    if not candidates:
        return None
    product = min(candidates, key=lambda offer: (offer.price, offer.part_number, offer.sku_id))
    missing = [name for plan, name in held.plans.items() if plan not in product.plans and not _has_report(name)]
    areas = [next((area for pattern, area in _AREAS if pattern.fullmatch(name)), None) for name in missing]
    return SmallerProduct(
        held=held,
        product=product,
        saves=held.price - product.price,
        used=tuple(sorted(parts & use.used)),
        unused=tuple(sorted((parts & use.unused) - product.parts)),
        lost=tuple(area for _, area in _AREAS if area in areas),
        more_plans=areas.count(None),
        unknown=_unknown_facts(held, product, use, exchange="exchange" in required),
    )


def _fits_mailbox(offer: Offer, use: KnownUse, *, exchange: bool) -> bool:
    if not exchange:
        return True
    return offer.has_large_mailboxes or ((use.mailbox_size or 0) <= offer.quota and use.archive is not True)


def _unknown_facts(held: Offer, product: Offer, use: KnownUse, *, exchange: bool) -> tuple[str, ...]:
    if not exchange or not held.has_large_mailboxes or product.has_large_mailboxes:
        return ()
    facts = {"mailboxSize": use.mailbox_size, "archive": use.archive}
    return tuple(name for name, value in facts.items() if value is None)


def _has_report(name: str) -> bool:
    """Whether a usage report covers a service plan."""
    return bool(services_of([name]) or _DESKTOP_PLANS.fullmatch(name))
