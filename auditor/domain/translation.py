"""Markers of English texts for the message extractor, and the interface that looks up their translations."""

from datetime import date
from decimal import Decimal
from typing import Protocol


class Localizer(Protocol):
    """Looks up translations, and formats numbers, days and money for their language."""

    def gettext(self, message: str, /, **values: object) -> str:
        """Return the translation of a message, with its placeholders filled in at once if there are `values`."""

    def plural(self, singular: str, plural: str, count: int, /, **values: object) -> str:
        """Return the translated plural form for a count, with `{count}` and `values` filled in at once."""

    def policy(self, title: str, /) -> str:
        """Return the translated title of a starter policy, and titles of other policies unchanged."""

    def number(self, value: int | None, /) -> str:
        """Return a whole number with thousands separators; a dash for None."""

    def day(self, day: date, /) -> str:
        """Return a day for sentences, with the month in letters."""

    def money(self, value: Decimal, currency: str, /) -> str:
        """Return an amount with the number of decimals of its currency (ISO 4217)."""

    def __hash__(self) -> int:
        """Allow use as a cache key for texts in this language."""


def N_(message: str) -> str:  # noqa: N802 - the name that message extractors look for
    """Return the text unchanged. The call marks it for the extractor; it is translated when it is written."""
    return message


def NN_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802 - the name that message extractors look for
    """Return the singular and plural form of a text unchanged. The call marks them for the extractor, like `N_`."""
    return singular, plural


def capitalized(text: str, language: str) -> str:
    """Return a text with a capital first letter; the Turkish capital of i is İ."""
    return ("İ" if language.startswith("tr") and text[:1] == "i" else text[:1].upper()) + text[1:]
