"""How a label of the portal stands in a text: Microsoft's own word in bold, or a translation with the English one in brackets."""

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
    """Return the plain translations of labels whose localised form was not seen, by the English label."""
    return {label: known[language] for label, known in terms()["glosses"].items() if language in known}


def english(language: str, marks: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each label that stands in English without its translation before it, with the text."""
    here, known = glosses(language), labels()
    for translation in texts(language):
        for found in BOLD.finditer(translation):
            label = found[1]
            if label in terms()["names"] or known.get(label, {}).get(language) == label:
                continue
            if label in here:
                if (
                    not translation[: found.start()].endswith(f"{marks[0]}{here[label]}{marks[1]} (")
                    or translation[found.end()] != ")"
                ):
                    yield label, translation
            elif label in known:
                yield label, translation


def unknown(language: str) -> set[str]:
    """Return the labels of the English texts that have neither a form nor a translation in the language, and are no names."""
    written = {
        label
        for domain in DOMAINS
        for entry in entries(language, domain)
        for form in entry.english
        for label in BOLD.findall(form)
    }
    known = {label for label, forms in labels().items() if language in forms}
    return written - known - set(glosses(language)) - set(terms()["names"])


def texts(language: str, domains: Iterable[str] = DOMAINS) -> Sequence[str]:
    return [
        translation for domain in domains for entry in entries(language, domain) for translation in entry.translations
    ]
