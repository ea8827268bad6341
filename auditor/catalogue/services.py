"""Tells in which services of the reports of usage the holders of a service plan leave activity."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final

SERVICES: Final = ("exchange", "onedrive", "sharepoint", "yammer", "teams", "copilot")
"""Services in the order in which they are listed; `copilot` has a report of its own."""

_SERVICES_BY_PLAN: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), services)
    for pattern, services in (
        # Mailboxes; not EXCHANGE_S_FOUNDATION, EXCHANGE_S_ARCHIVE and EXCHANGE_ANALYTICS.
        (r"EXCHANGE_(?:S_(?:STANDARD|ENTERPRISE|DESKLESS|ESSENTIALS)|[BL]_STANDARD).*", ("exchange",)),
        # Sites and OneDrive; not Office for the web (SHAREPOINTWAC), storage, multi-geo and Project Online.
        (r"SHAREPOINT(?:STANDARD|ENTERPRISE|DESKLESS|LITE|_S_DEVELOPER| PLAN 1G).*", ("sharepoint", "onedrive")),
        (r"ONEDRIVE.*", ("onedrive",)),
        # Not Teams Premium (TEAMSPRO), rooms and avatars.
        (r"TEAMS(?:1|_GOV|_AR_.*|_DESKLESS|_FREE|ESS)|MCO_TEAMS_IW", ("teams",)),
        (r"YAMMER_.*|VIVAENGAGE_CORE", ("yammer",)),
        (r"M365_COPILOT_.*", ("copilot",)),
    )
)


_TELLING: Final = frozenset({"exchange", "copilot"})
_INCIDENTAL: Final = re.compile(r"SHAREPOINTWAC.*|EXCHANGE_S_FOUNDATION.*|FORMS_.*|SWAY", re.IGNORECASE)


def services_of(plans: Iterable[str]) -> tuple[str, ...]:
    """Return the services that show whether a product is used, in the order of `SERVICES`.

    `plans` are its servicePlanNames. Nothing shows the use of a product whose main part no
    report covers, though it comes with OneDrive or SharePoint, such as Visio, Project, Dynamics 365 and Microsoft 365
    Apps: a product has mailboxes or Copilot, or nothing but services of the reports.
    """
    return _services_of(frozenset(plans))


@lru_cache(maxsize=4096)
def _services_of(plans: frozenset[str]) -> tuple[str, ...]:
    by_plan = {name: _services_of_plan(name) for name in plans if not _INCIDENTAL.fullmatch(name)}
    services = {service for of_plan in by_plan.values() for service in of_plan}
    if services.isdisjoint(_TELLING) and not all(by_plan.values()):
        return ()
    return tuple(service for service in SERVICES if service in services)


@cache
def _services_of_plan(name: str) -> tuple[str, ...]:
    return next((services for pattern, services in _SERVICES_BY_PLAN if pattern.fullmatch(name)), ())
