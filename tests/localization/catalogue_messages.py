"""Reads the message catalogues for tests: entries with their English and translated forms, and Microsoft's labels."""

import re
from collections.abc import Iterator
from functools import cache

import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from msgspec import Struct

from tests.localization.extract import DOMAINS, LOCALES, catalogue, template

LANGUAGES = tuple(sorted(path.name for path in LOCALES.iterdir() if path.is_dir()))
CATALOGUES = tuple((language, domain) for language in LANGUAGES for domain in DOMAINS)

BOLD = re.compile(r"\*\*([^*]+)\*\*")
CODE = re.compile(r"`[^`]*`")
PLACEHOLDER = re.compile(r"\{\w+\}|%\(\w+\)s")
OPTION = re.compile(r"(?<!\S)--[a-z][\w-]*")


class Entry(Struct, frozen=True, kw_only=True):
    """One message: its English and its translated forms."""

    english: tuple[str, ...]
    translations: tuple[str, ...]
    fuzzy: bool

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Each translated form with the English form that it translates."""
        return tuple(
            (self.english[min(index, len(self.english) - 1)], text) for index, text in enumerate(self.translations)
        )


@cache
def read(language: str, domain: str) -> Catalog:
    """Return the catalogue of a language."""
    with catalogue(language, domain).open("rb") as file:
        return read_po(file, abort_invalid=True)


@cache
def wanted(domain: str) -> Catalog:
    """Return the template of a domain."""
    with template(domain).open("rb") as file:
        return read_po(file, abort_invalid=True)


@cache
def entries(language: str, domain: str) -> tuple[Entry, ...]:
    """Return the messages of a catalogue, without its header."""
    return tuple(
        Entry(english=_forms(message.id), translations=_forms(message.string), fuzzy=message.fuzzy)
        for message in read(language, domain)
        if message.id
    )


def pairs(language: str, domain: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of English and translated texts of all messages of a catalogue."""
    return (pair for entry in entries(language, domain) for pair in entry.pairs)


def _forms(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(str(form) for form in text or ())  # type: ignore[attr-defined]


def plain(text: str) -> str:
    """Return a text without labels, code, options and placeholders."""
    return OPTION.sub(" ", PLACEHOLDER.sub(" ", CODE.sub(" ", BOLD.sub(" ", text))))


@cache
def labels() -> dict[str, dict[str, str]]:
    """Return Microsoft's labels by English label and language, for those in Microsoft's documentation."""
    bold: dict[str, dict[str, str]] = yaml.safe_load((LOCALES / "terms.yaml").read_text(encoding="utf-8"))["bold"]
    return bold
