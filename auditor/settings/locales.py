"""Warns about languages in a tenants file for which there are no translations: their reports are in English."""

from collections.abc import Iterator, Mapping
from typing import Any

from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.policy.yaml.reader import Document, Path


def unknown_locales(document: Document) -> Iterator[Diagnostic]:
    """Yield a warning for each `locale` of the defaults, a tenant or a recipient without translations."""
    places = [(path, locale) for path, locale in _locales(document.value) if locale.lower() != "en"]
    if not places:
        return
    from auditor.localization import languages, localization  # noqa: PLC0415  only for other languages

    for path, locale in places:
        if localization(locale).fallback_from is not None:
            yield Diagnostic(
                slug="locale-unknown",
                message=Message("there are no translations for '{tag}'", tag=locale),
                span=document.span(path),
                hint=Message("one of {known}", known=", ".join(languages())),
                level=Level.WARNING,
            )


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
