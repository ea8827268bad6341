"""Formats whole numbers for sentences."""

from collections.abc import Callable


def number_label(l10n: object, value: int | None) -> str:
    """Format a whole number with thousands separators, None as a dash; in English if `l10n` has no language."""
    # Not a runtime-checkable protocol: its check takes longer than everything else in a title.
    number: Callable[[int | None], str] | None = getattr(l10n, "number", None)
    if number is not None:
        return number(value)
    return "\u2013" if value is None else f"{value:,}"
