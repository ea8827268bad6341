"""Reads the message catalogues of a language with gettext: compiled in a package, from the .po files in a checkout."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from typing import TYPE_CHECKING, Final

from auditor import resources
from auditor.localization.compiler import compile_catalogue

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

REPORTS: Final = ("auditor", "guidance", "errors")
"""Domains: texts of code and templates, articles, errors and reasons. A message in several is taken from the first."""
POLICIES: Final = "policies"
"""Domain: titles and rationales of starter policies; separate, because texts of other policies are not translated."""


@cache
def languages() -> tuple[str, ...]:
    """Return the languages whose catalogues are all complete, sorted."""
    names = (entry.name for entry in _locales().iterdir() if entry.is_dir() and not entry.name.startswith("__"))
    return tuple(sorted(name for name in names if is_complete(name)))


@cache
def is_complete(language: str) -> bool:
    """Return whether every message of every catalogue has a translation that is not fuzzy."""
    return all(_catalogue(language, domain) is not None for domain in (*REPORTS, POLICIES))


@cache
def translations(language: str) -> NullTranslations:
    """Return the messages of reports, errors and the command line. Raises KeyError for an incomplete language."""
    if not is_complete(language):
        raise KeyError(language)
    first, *others = (GNUTranslations(BytesIO(_catalogue(language, domain) or b"")) for domain in REPORTS)
    for other in others:
        first.add_fallback(other)
    return first


@cache
def policies(language: str) -> NullTranslations:
    """Return the texts of the starter policies. Raises KeyError for an incomplete language."""
    if not is_complete(language):
        raise KeyError(language)
    return GNUTranslations(BytesIO(_catalogue(language, POLICIES) or b""))


@cache
def _catalogue(language: str, domain: str) -> bytes | None:
    """Return a compiled catalogue; None if it is missing or incomplete."""
    folder = _locales().joinpath(language, "LC_MESSAGES")
    for name in (f"{domain}.mo", f"{domain}.po"):
        file = folder.joinpath(name)
        if file.is_file():
            return file.read_bytes() if name.endswith(".mo") else compile_catalogue(file.read_bytes())
    return None


def _locales() -> "Traversable":
    return resources.reports().joinpath("locales")
