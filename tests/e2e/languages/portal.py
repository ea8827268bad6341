"""Finds labels of Microsoft's portals in translations: Microsoft's word in bold, or a gloss and English in brackets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import yaml

from tests.localization.catalogue_messages import BOLD, entries, labels
from tests.localization.extract import DOMAINS, LOCALES


@cache
def terms() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load((LOCALES / "terms.yaml").read_text(encoding="utf-8"))
    return loaded


def glosses(language: str) -> dict[str, str]:
    """Return English label → plain translation, for labels whose localised form is not documented."""
    return {label: forms[language] for label, forms in terms()["glosses"].items() if language in forms}


def untranslated_labels(language: str, quotes: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Yield label and text of each label that is in English without its translation before it."""
    translations, localized = glosses(language), labels()
    for translation in texts(language):
        for match in BOLD.finditer(translation):
            label = match[1]
            if label in terms()["names"] or localized.get(label, {}).get(language) == label:
                continue
            if label in translations:
                if (
                    not translation[: match.start()].endswith(f"{quotes[0]}{translations[label]}{quotes[1]} (")
                    or translation[match.end()] != ")"
                ):
                    yield label, translation
            elif label in localized:
                yield label, translation


def labels_without_form(language: str) -> set[str]:
    """Return the labels in English texts that have no localised form and no gloss in the language, except names."""
    used = {
        label
        for domain in DOMAINS
        for entry in entries(language, domain)
        for form in entry.english
        for label in BOLD.findall(form)
    }
    localized = {label for label, forms in labels().items() if language in forms}
    return used - localized - set(glosses(language)) - set(terms()["names"])


def texts(language: str, domains: Iterable[str] = DOMAINS) -> Sequence[str]:
    return [
        translation for domain in domains for entry in entries(language, domain) for translation in entry.translations
    ]
