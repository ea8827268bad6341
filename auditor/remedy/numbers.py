"""Formats whole numbers for sentences."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class _Counting(Protocol):
    """A language with its own sign between thousands."""

    def number(self, value: int | None, /) -> str: ...


def number_label(l10n: object, value: int | None) -> str:
    """Return a whole number with its thousands apart: in English where `l10n` is of no language."""
    if isinstance(l10n, _Counting):
        return l10n.number(value)
    return "\u2013" if value is None else f"{value:,}"
