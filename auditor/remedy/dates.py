"""A day as the sentences of a language write it."""

from datetime import date
from typing import Final, Protocol, runtime_checkable

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@runtime_checkable
class _Dating(Protocol):
    """Words that know how their language writes a day."""

    def day(self, moment: date, /) -> str: ...


def said(l10n: object, moment: date) -> str:
    """Return a day with its month in letters: in English where `words` are of no language."""
    return l10n.day(moment) if isinstance(l10n, _Dating) else f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
