"""Formats a day for sentences."""

from collections.abc import Callable
from datetime import date
from typing import Final

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day_label(l10n: object, moment: date) -> str:
    """Return a day with its month in letters: in English where `l10n` is of no language."""
    # Not a runtime-checkable protocol, as in `number_label`.
    day: Callable[[date], str] | None = getattr(l10n, "day", None)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}" if day is None else day(moment)
