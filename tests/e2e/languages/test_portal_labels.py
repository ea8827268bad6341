"""Tests portal labels in translations: Microsoft's word if documented, else a translation and the English label."""

# ruff: noqa: RUF001 - Turkish letters
import re
from decimal import Decimal

import pytest
from babel.numbers import format_percent

from auditor.render.history.labels import seat_columns
from auditor.render.text.labels import Labels
from tests.e2e.languages import portal
from tests.localization.catalogue_messages import BOLD, CATALOGUES, entries, labels
from tests.localization.extract import DOMAINS
from tests.localization.rules import DOCUMENTED, QUOTES, WRONG

SPACE = "\u00a0"

each_language = pytest.mark.parametrize("language", sorted(QUOTES))
each_domain = pytest.mark.parametrize("domain", DOMAINS)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "english", "form"), DOCUMENTED)
def test_documented_label_has_the_form_of_microsoft(language: str, english: str, form: str) -> None:
    assert labels()[english][language] == form
    assert language == "de" or portal.terms()["sources"][language][english]


@pytest.mark.slow
@each_language
def test_label_without_a_documented_form_has_a_gloss(language: str) -> None:
    """The English label follows its translation in brackets."""
    assert list(portal.untranslated_labels(language, QUOTES[language])) == []
    assert portal.labels_without_form(language) == set()


@pytest.mark.parametrize("language", ["de", "nl", "tr"])
def test_each_source_in_terms_yaml_belongs_to_a_label(language: str) -> None:
    localized = {label for label, forms in labels().items() if language in forms}
    assert set(portal.terms()["sources"][language]) - localized == set()
    assert set(portal.glosses(language)) & localized == set()


@pytest.mark.slow
@pytest.mark.parametrize(("language", "wrong"), WRONG)
def test_wrong_forms_are_not_used(language: str, wrong: str) -> None:
    """Error messages are about files, for which some of the German and Dutch words are correct."""
    domains = set(DOMAINS) - ({"errors"} if language in {"de", "nl"} else set())
    assert [translation for translation in portal.texts(language, domains) if re.search(wrong, translation)] == []


@each_domain
def test_label_with_a_turkish_form_is_not_in_english(domain: str) -> None:
    translated = {english for english, forms in labels().items() if forms.get("tr", english) != english}
    assert [
        (label, translation)
        for translation in portal.texts("tr", [domain])
        for label in BOLD.findall(translation)
        if label in translated
    ] == []


@each_domain
def test_turkish_label_has_no_suffix(domain: str) -> None:
    assert [translation for translation in portal.texts("tr", [domain]) if re.search(r"\*\*['’]\w", translation)] == []


@each_domain
def test_turkish_placeholder_has_no_suffix(domain: str) -> None:
    """A suffix depends on the vowels of the word before it, which are not known for a value; a noun has it instead."""
    assert [
        translation
        for translation in portal.texts("tr", [domain])
        if re.search(r"(?:\}|\)s)['’]?[a-zçğıöşü]", translation)
    ] == []


@pytest.mark.parametrize(("language", "domain"), CATALOGUES)
def test_percent_signs_are_formatted_in_the_language(language: str, domain: str) -> None:
    wrong = [
        (number, translation)
        for entry in entries(language, domain)
        for translation in entry.translations
        for number in re.findall(r"(\d+) ?%", entry.english[0])
        if format_percent(Decimal(number) / 100, locale=language)
        not in translation.replace(f"{number}-%-", f"{number}{SPACE}%")
    ]
    assert wrong == []
    assert [entry.english[0] for entry in entries(language, domain) if re.search(r"\d %", entry.english[0])] == []


@pytest.mark.parametrize(
    ("locale", "share"),
    [
        ("en", "90%"),
        ("nl", "90%"),
        ("da", f"90{SPACE}%"),
        ("sv", f"90{SPACE}%"),
        ("tr", "%90"),
        ("de", f"90{SPACE}%"),
    ],
)
def test_interval_of_a_forecast_is_formatted_in_the_language(locale: str, share: str) -> None:
    assert share in seat_columns(Labels(locale))[-1]
