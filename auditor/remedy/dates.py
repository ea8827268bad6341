"""Formats a day for sentences."""

from datetime import date
from typing import Final, Protocol, runtime_checkable

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@runtime_checkable
class _Dating(Protocol):
    """A language that knows how it writes a day."""

    def day(self, moment: date, /) -> str: ...


def day_label(l10n: object, moment: date) -> str:
    """Return a day with its month in letters: in English where `l10n` is of no language."""
    return l10n.day(moment) if isinstance(l10n, _Dating) else f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
