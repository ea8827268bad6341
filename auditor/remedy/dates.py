"""Formats dates for sentences."""

from collections.abc import Callable
from datetime import date
from typing import Final

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day_label(l10n: object, moment: date) -> str:
    """Format a date with the month in letters; in English if `l10n` has no language."""
    # Not a runtime-checkable protocol, as in `number_label`.
    day: Callable[[date], str] | None = getattr(l10n, "day", None)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}" if day is None else day(moment)
