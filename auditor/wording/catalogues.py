"""Turns the packaged .po files of a language into what looks messages up."""

from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from typing import TYPE_CHECKING, Final

from auditor import resources

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from babel.messages.catalog import Catalog

DOMAINS: Final = ("auditor", "guidance")
"""What the program and its templates say, and the articles; a message that stands in both is said as in the first."""


@cache
def folders() -> tuple[str, ...]:
    """Return the languages that have a folder of catalogues, sorted; whether they are complete is not asked."""
    found = (entry.name for entry in _locales().iterdir() if entry.is_dir() and not entry.name.startswith("__"))
    return tuple(sorted(found))


@cache
def translations(language: str) -> GNUTranslations | None:
    """Return the messages of a language; None where a catalogue or any message is missing, so that none is mixed."""
    if language not in folders():
        return None
    whole: GNUTranslations | None = None
    for domain in DOMAINS:
        catalogue = _catalogue(language, domain)
        if catalogue is None:
            return None
        read = GNUTranslations(BytesIO(_compiled(catalogue)))
        if whole is None:
            whole = read
        else:
            whole.add_fallback(read)
    return whole


def _locales() -> "Traversable":
    return resources.reports().joinpath("locales")


def _catalogue(language: str, domain: str) -> "Catalog | None":
    from babel.messages.pofile import read_po  # noqa: PLC0415 - English readers do not wait for it

    file = _locales().joinpath(language, "LC_MESSAGES", f"{domain}.po")
    if not file.is_file():
        return None
    with file.open("rb") as stream:
        catalogue = read_po(stream, abort_invalid=True)
    return (
        catalogue
        if all(_is_said(message.string) and not message.fuzzy for message in catalogue if message.id)
        else None
    )


def _is_said(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) and all(string or "")


def _compiled(catalogue: "Catalog") -> bytes:
    from babel.messages.mofile import write_mo  # noqa: PLC0415

    stream = BytesIO()
    write_mo(stream, catalogue)
    return stream.getvalue()
