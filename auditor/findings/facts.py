"""The facts of the evidence that every table of findings lists."""

from collections.abc import Mapping
from typing import Any, Final

FACTS: Final = (
    *("accountEnabled", "userType", "department", "usageLocation"),
    *("mailboxType", "onPremisesSyncEnabled", "isTrial", "status"),
)
"""The evidence that tables and the selection of guidance read, besides names, paths and seats."""
SEAT_FACTS: Final = ("enabled", "warning", "suspended", "lockedOut", "consumed", "usable", "spare", "adjust")
"""Seat numbers, in display order."""
SIGN_INS: Final = ("lastSuccessfulSignInDateTime", "lastSignInDateTime", "lastNonInteractiveSignInDateTime")
NEVER_SIGNED_IN: Final = "0001-01-01"
"""The date that Graph gives if there was no sign-in."""


def cell_text(value: Any) -> str:
    """Return a JSON value as the text of a cell; lists and mappings are joined by semicolons, not written as JSON."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return "; ".join(map(cell_text, value))
        case Mapping():
            return "; ".join(f"{name} {cell_text(value[name])}" for name in sorted(value))
        case _:
            return str(value)


def last_sign_in(evidence: Mapping[str, Any]) -> str | None:
    """Return the latest sign-in in the evidence, an RFC 3339 instant in UTC; None if there is none."""
    last = ""
    for name in SIGN_INS:
        instant = evidence.get(name)
        if type(instant) is str and instant > last and not instant.startswith(NEVER_SIGNED_IN):
            last = instant
    return last or None
