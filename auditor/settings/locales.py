"""Decides whether there are translations for a locale; a tenants file may name others, and gets a warning."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from auditor.domain.errors import Diagnostic, Level, UsageError
from auditor.domain.message import Message
from auditor.localization import languages, localization
from auditor.policy.yaml.reader import Document, Path


def checked_locale(tag: str) -> str:
    """Return a locale that the user specified. Raises UsageError if there are no translations for it."""
    if localization(tag).fallback_from is not None:
        raise UsageError(
            "locale-unknown",
            Message("there are no translations for '{tag}'", tag=tag),
            hint=Message("one of {known}", known=", ".join(languages())),
        )
    return tag


def unknown_locales(document: Document) -> Iterator[Diagnostic]:
    """Yield a warning for each `locale` of the defaults, a tenant or a recipient without translations."""
    for path, locale in _locales(document.value):
        try:
            checked_locale(locale)
        except UsageError as error:
            yield replace(error.diagnostics[0], span=document.span(path), level=Level.WARNING)


def _locales(value: Any) -> Iterator[tuple[Path, str]]:
    """Yield the path and value of every locale of a valid tenants file."""
    owners: list[tuple[Path, Mapping[str, Any]]] = [(("defaults",), value.get("defaults") or {})]
    for number, tenant in enumerate(value["tenants"]):
        owners.append((("tenants", number), tenant))
        owners += [
            (("tenants", number, "recipients", index), entry)
            for index, entry in enumerate(tenant.get("recipients") or ())
        ]
    for path, owner in owners:
        if "locale" in owner:
            yield (*path, "locale"), owner["locale"]
