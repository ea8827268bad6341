"""Turns the packaged .po files of a language into what looks messages up, one domain at a time."""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Final

from auditor import resources
from auditor.wording.po_reader import Messages, read

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

REPORTS: Final = ("auditor", "guidance")
"""What the program and its templates say, and the articles; a message that stands in both is said as in the first."""
POLICIES: Final = "policies"
"""Titles and reasons of the starter policies: looked up apart, since other people's policies are no messages."""
ERRORS: Final = "errors"
"""What is wrong with an input, and how to mend it: looked up by `auditor.wording.complaints`."""
DOMAINS: Final = (*REPORTS, POLICIES)
"""What makes a language whole. An error whose text is missing is told in English instead, and by itself."""


@cache
def folders() -> tuple[str, ...]:
    """Return the languages that have a folder of catalogues, sorted; whether they are complete is not asked."""
    found = (entry.name for entry in _locales().iterdir() if entry.is_dir() and not entry.name.startswith("__"))
    return tuple(sorted(found))


def translations(language: str) -> Messages | None:
    """Return the messages of reports in a language; None where any message of any domain is missing: none is mixed."""
    domains = _domains(language)
    return None if domains is None else domains[REPORTS[0]]


def of(language: str, domain: str) -> Messages | None:
    """Return the messages of one domain in a language; None where the language is not whole."""
    domains = _domains(language)
    return None if domains is None else domains[domain]


@cache
def errors(language: str) -> Messages | None:
    """Return the texts of errors in a language; None where the language is not whole."""
    return None if _domains(language) is None else _read(language, ERRORS)


@cache
def _domains(language: str) -> Mapping[str, Messages] | None:
    if language not in folders():
        return None
    found: dict[str, Messages] = {}
    for domain in DOMAINS:
        messages = _read(language, domain)
        if messages is None:
            return None
        found[domain] = messages
    for domain in REPORTS[1:]:
        found[REPORTS[0]].add_fallback(found[domain])
    return found if all(messages.whole for messages in found.values()) else None


def _read(language: str, domain: str) -> Messages | None:
    file = _locales().joinpath(language, "LC_MESSAGES", f"{domain}.po")
    return read(file.read_text(encoding="utf-8")) if file.is_file() else None


def forget() -> None:
    """Forget what was read, so that catalogues are looked for again."""
    folders.cache_clear()
    _domains.cache_clear()
    errors.cache_clear()


def _locales() -> "Traversable":
    return resources.reports().joinpath("locales")
