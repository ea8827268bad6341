"""Marks English texts for the message extractor, and the interface that looks up their translations."""

from typing import Protocol


class Localizer(Protocol):
    """Looks up translations, as `gettext.NullTranslations` does."""

    def gettext(self, message: str, /) -> str:
        """Return the translation of a message."""

    def ngettext(self, singular: str, plural: str, number: int, /) -> str:
        """Return the translation of the form that belongs to a number."""


def N_(message: str) -> str:  # noqa: N802 - the name that message extractors look for
    """Return the text unchanged: the extractor finds it here, and the catalogue translates it where it is written."""
    return message


def NN_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802 - the name that message extractors look for
    """Return both forms of a text that names a number, as `N_` does one text."""
    return singular, plural


def capitalized(text: str, language: str) -> str:
    """Return a text with a capital first letter; Turkish has its own capital of i."""
    return ("İ" if language.startswith("tr") and text[:1] == "i" else text[:1].upper()) + text[1:]
