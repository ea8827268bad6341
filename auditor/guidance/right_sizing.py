"""Finds the cheapest product that contains what a person is known to use of a suite, and says what it would take away.

A proposal, never a certainty: only the parts that reports of usage cover are evaluated, and all other parts are kept
or named. Security and compliance plans work without activity, so nothing is said about their use.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Final

from msgspec import Struct

from auditor.catalogue.services import services_of

DESKTOP_APPS: Final = "desktopApps"
"""Stands beside the services of the reports for Microsoft 365 Apps on Windows and Mac."""

_DESKTOP_PLANS: Final = re.compile(r"OFFICESUBSCRIPTION.*|OFFICE_BUSINESS|OFFICE_PROPLUS_.*", re.IGNORECASE)
_LARGE_MAILBOX_PLANS: Final = re.compile(r"EXCHANGE_S_ENTERPRISE.*", re.IGNORECASE)
_SMALL_MAILBOX_PLANS: Final = re.compile(r"EXCHANGE_S_DESKLESS.*", re.IGNORECASE)
_STANDARD_QUOTA, _SMALL_QUOTA = 50 * 2**30, 2 * 2**30
"""Sizes of mailboxes in Exchange Online Plan 1 and in Exchange Online Kiosk, in bytes."""

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
"""Parts of suites whose use no report shows, by their service plans."""


class Offer(Struct, frozen=True, kw_only=True, dict=True):
    """A product that a tenant owns, with its monthly price."""

    sku_id: str
    part_number: str
    plans: Mapping[str, str]
    """ServicePlanId → servicePlanName."""
    price: Decimal

    @cached_property
    def parts(self) -> frozenset[str]:
        """The parts whose use reports show."""
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
        """Return whether a service plan has a name of this pattern."""
        return any(plans.fullmatch(name) for name in self.plans.values())


class KnownUse(Struct, frozen=True, kw_only=True):
    """What the reports say of one person: services of `auditor.catalogue.services` and `DESKTOP_APPS`."""

    used: frozenset[str]
    unused: frozenset[str]
    """What is in neither set is not known."""
    mailbox_size: int | None = None
    """In bytes."""
    archive: bool | None = None


class SmallerProduct(Struct, frozen=True, kw_only=True):
    """The cheapest product that contains everything of a suite that a person uses or may use."""

    held: Offer
    product: Offer
    saves: Decimal
    """Each month, by the prices of both products."""
    used: tuple[str, ...]
    unused: tuple[str, ...]
    """What the person does not use and would lose."""
    lost: tuple[str, ...]
    """Names of other parts that would go; nothing is known about their use."""
    more_plans: int
    """Service plans that would go and are in no part with a name."""
    unknown: tuple[str, ...]
    """What would change and is not known: `mailboxSize`, `archive`."""


def smaller_product(held: Offer, offers: Iterable[Offer], use: KnownUse) -> SmallerProduct | None:
    """Return the cheapest of the offers that keeps what a person uses or may use of a product; None if there is none.

    A product of which nothing is known to be used, or that the reports do not cover, has no smaller one.
    """
    parts = held.parts
    required = parts - use.unused
    if not parts & use.used:
        return None
    fitting = [
        offer
        for offer in offers
        if offer.price < held.price
        and required <= offer.parts
        and _holds_mailbox(offer, use, exchange="exchange" in required)
    ]
    if not fitting:
        return None
    product = min(fitting, key=lambda offer: (offer.price, offer.part_number, offer.sku_id))
    missing = [name for plan, name in held.plans.items() if plan not in product.plans and not _judged(name)]
    areas = [next((area for pattern, area in _AREAS if pattern.fullmatch(name)), None) for name in missing]
    return SmallerProduct(
        held=held,
        product=product,
        saves=held.price - product.price,
        used=tuple(sorted(parts & use.used)),
        unused=tuple(sorted((parts & use.unused) - product.parts)),
        lost=tuple(area for _, area in _AREAS if area in areas),
        more_plans=areas.count(None),
        unknown=_unknown(held, product, use, exchange="exchange" in required),
    )


def _holds_mailbox(offer: Offer, use: KnownUse, *, exchange: bool) -> bool:
    if not exchange:
        return True
    return offer.has_large_mailboxes or ((use.mailbox_size or 0) <= offer.quota and use.archive is not True)


def _unknown(held: Offer, product: Offer, use: KnownUse, *, exchange: bool) -> tuple[str, ...]:
    if not exchange or not held.has_large_mailboxes or product.has_large_mailboxes:
        return ()
    facts = {"mailboxSize": use.mailbox_size, "archive": use.archive}
    return tuple(name for name, value in facts.items() if value is None)


def _judged(name: str) -> bool:
    """Whether a report shows the use of a service plan."""
    return bool(services_of([name]) or _DESKTOP_PLANS.fullmatch(name))
