"""The names that the admin center gives to states of subscriptions and properties of accounts."""

from collections.abc import Callable
from typing import Final

from auditor.domain.translation import N_

_STATES: Final = {
    "enabled": N_("Active"),
    "warning": N_("Expired"),
    "suspended": N_("Disabled"),
    "lockedout": N_("Disabled"),
    "deleted": N_("Deleted"),
}
_PROPERTIES: Final = {
    "usageLocation": N_("usage location"),
    "department": N_("department"),
    "companyName": N_("company name"),
    "costCenter": N_("cost centre"),
    "division": N_("division"),
    "jobTitle": N_("job title"),
    "country": N_("country or region"),
}


def state_name(gettext: Callable[[str], str], status: str) -> str:
    """Return the admin center's name for a state of Graph; unknown states are returned unchanged."""
    name = _STATES.get(status.casefold())
    return status if name is None else gettext(name)


def property_name(gettext: Callable[[str], str], name: str) -> str:
    """Return the admin center's name for a property of an account; Graph's name if there is none."""
    label = _PROPERTIES.get(name)
    return name if label is None else gettext(label)
