"""Maps service plans to the services whose usage reports show the activity of their holders."""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final

SERVICES: Final = ("exchange", "onedrive", "sharepoint", "yammer", "teams", "copilot")
"""Services in the order in which they are listed; `copilot` has a separate report."""

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


_MAIN_SERVICES: Final = frozenset({"exchange", "copilot"})
_IGNORED_PLANS: Final = re.compile(r"SHAREPOINTWAC.*|EXCHANGE_S_FOUNDATION.*|FORMS_.*|SWAY", re.IGNORECASE)


def services_of(plans: Iterable[str]) -> tuple[str, ...]:
    """Return the services that show whether a product is used, in the order of `SERVICES`.

    `plans` are the servicePlanNames of the product. The result is empty if no report covers the main part of the
    product, even if it includes OneDrive or SharePoint: Visio, Project, Dynamics 365 and Microsoft 365 Apps. Therefore
    a product must have mailboxes or Copilot, or reports must cover all of its plans.
    """
    return _services_of(frozenset(plans))


@lru_cache(maxsize=4096)
def _services_of(plans: frozenset[str]) -> tuple[str, ...]:
    by_plan = {name: _services_of_plan(name) for name in plans if not _IGNORED_PLANS.fullmatch(name)}
    services = {service for plan_services in by_plan.values() for service in plan_services}
    if services.isdisjoint(_MAIN_SERVICES) and not all(by_plan.values()):
        return ()
    return tuple(service for service in SERVICES if service in services)


@cache
def _services_of_plan(name: str) -> tuple[str, ...]:
    return next((services for pattern, services in _SERVICES_BY_PLAN if pattern.fullmatch(name)), ())
