"""Tests that catalogues are complete and keep placeholders, figures, Microsoft's labels and negations."""

# ruff: noqa: RUF001, RUF002, RUF003 - Turkish has its own letters
import re
from collections import Counter
from gettext import c2py

import pytest
from babel.core import Locale

from tests.localization.catalogue_messages import (
    BOLD,
    CATALOGUES,
    CODE,
    LANGUAGES,
    PLACEHOLDER,
    entries,
    labels,
    pairs,
    plain,
    read,
    wanted,
)
from tests.localization.extract import DOMAINS, SOURCES, template, text
from tests.localization.rules import DENIALS, DENIED, ENGLISH, NAMES, NOT_DENIED, PATTERNS, SAME, TITLES

every_catalogue = pytest.mark.parametrize(("language", "domain"), CATALOGUES)


@pytest.mark.slow
@pytest.mark.parametrize("domain", DOMAINS)
def test_template_contains_the_messages_of_the_program(domain: str) -> None:
    assert template(domain).read_text(encoding="utf-8") == text(SOURCES[domain]()), (
        "run python -m tests.localization.extract"
    )


def test_catalogues_of_all_languages_exist() -> None:
    assert {"nl", "da", "sv", "tr", "de"} <= set(LANGUAGES)


@pytest.mark.slow
@every_catalogue
def test_catalogue_has_exactly_the_messages_of_the_template(language: str, domain: str) -> None:
    catalogue, messages = read(language, domain), wanted(domain)
    assert [message.id for message in catalogue if message.id] == [message.id for message in messages if message.id]
    assert not catalogue.obsolete


@every_catalogue
def test_every_message_is_translated_and_not_fuzzy(language: str, domain: str) -> None:
    untranslated = [
        entry.english[0]
        for entry in entries(language, domain)
        if entry.fuzzy or not entry.translations or not all(entry.translations)
    ]
    assert untranslated == []


@every_catalogue
def test_plural_forms_match_cldr(language: str, domain: str) -> None:
    catalogue = read(language, domain)
    rule = Locale.parse(language).plural_form
    categories = sorted(
        {rule(count) for count in range(1000)}, key=["zero", "one", "two", "few", "many", "other"].index
    )
    assert catalogue.num_plurals == len(categories)
    assert f"nplurals={len(categories)};" in catalogue.plural_forms
    assert {len(entry.translations) for entry in entries(language, domain) if len(entry.english) > 1} <= {
        len(categories)
    }
    plural_index = c2py(catalogue.plural_expr)
    assert [categories[plural_index(count)] for count in range(200)] == [rule(count) for count in range(200)]


@every_catalogue
def test_placeholders_and_code_are_kept(language: str, domain: str) -> None:
    differences = [
        (english, translation)
        for english, translation in pairs(language, domain)
        if Counter(PLACEHOLDER.findall(english)) != Counter(PLACEHOLDER.findall(translation))
        or Counter(CODE.findall(english)) != Counter(CODE.findall(translation))
    ]
    assert differences == []


@every_catalogue
def test_figures_are_kept(language: str, domain: str) -> None:
    """A missing or changed number, for example of days, would be wrong advice."""
    differences = [
        (english, translation)
        for english, translation in pairs(language, domain)
        if Counter(_figures(english)) != Counter(_figures(translation))
    ]
    assert differences == []


def _figures(translation: str) -> list[str]:
    return re.findall(r"\d+", re.sub(r"(?<=\d)[.,\s\u00a0](?=\d{3}\b)", "", translation))


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_policies_and_files_are_kept(language: str) -> None:
    """A reason that refers to another policy or to a file must refer to the same one in every language."""
    names = re.compile(
        r"(?<![\w-])(?:[a-z0-9]+-)+(?:assigned|low|idle|licensed|licence|errors|\d+d)(?![\w-])|\w+\.yaml"
    )
    differences = [
        (english, translation)
        for english, translation in pairs(language, "policies")
        if set(names.findall(english)) - {"over-assigned"} != set(names.findall(translation))
    ]
    assert differences == []


@every_catalogue
def test_bold_labels_are_microsofts_labels(language: str, domain: str) -> None:
    differences = [
        (expected, labels_in_translation, translation)
        for english, translation in pairs(language, domain)
        if (expected := Counter(labels().get(label, {}).get(language, label) for label in BOLD.findall(english)))
        != (labels_in_translation := Counter(BOLD.findall(translation)))
    ]
    assert differences == []


@every_catalogue
def test_translations_contain_no_english(language: str, domain: str) -> None:
    identical = {
        english
        for english, translation in pairs(language, domain)
        if english == translation and re.search(r"[a-z]", plain(english))
    }
    assert identical <= SAME[language] | TITLES | PATTERNS
    english_translations = [
        translation
        for entry in entries(language, domain)
        for translation in entry.translations
        if ENGLISH.search(NAMES.sub("", plain(translation)))
    ]
    assert english_translations == []


@every_catalogue
def test_negations_are_kept(language: str, domain: str) -> None:
    """Microsoft's Turkish translation once lost a negation and so told the wrong people to cancel."""
    without_negation = [
        (english, translation)
        for english, translation in pairs(language, domain)
        if DENIED.search(NOT_DENIED.sub("", plain(english))) and not DENIALS[language].search(plain(translation))
    ]
    assert without_negation == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_turkish_letters_are_correct(domain: str) -> None:
    """Python's `upper` and `lower` do not map i to İ and ı to I."""
    translations = [form for entry in entries("tr", domain) for form in entry.translations]
    combining = [form for form in translations if "i\u0307" in form]
    # After an undotted I the next vowel of a Turkish word is a back vowel (Işık, Irak), unlike in İptal and İleri.
    undotted = [
        word
        for form in translations
        for word in re.findall(r"\bI[a-zçğıöşü]+", plain(form))
        if not re.fullmatch(r"I(?:ntune|nc)\w*", word)
    ]
    upper_case = [
        word
        for form in translations
        for word in re.findall(r"\b[A-ZÇĞÖŞÜ]*I[A-ZÇĞÖŞÜ]*\b", form)
        if word in {"LISANS", "IPTAL", "KIRACI"}
    ]
    without_diacritics = [
        word
        for form in translations
        for word in re.findall(r"\b\w*(?:lari|lisansi|kullanici|hesabi|yoneti)\w*", plain(form))
    ]
    assert combining + undotted + upper_case + without_diacritics == []


def test_turkish_negation_rule_detects_a_lost_negation() -> None:
    """The rule detects a sentence of Microsoft's translation of 2021 without its negation, and accepts the correct one."""
    wrong_translation = "Aktarmak istediğiniz kiracıyı kullanmayı planlıyorsanız, aboneliği iptal edebilirsiniz."
    correct_translation = (
        "Aktarmak istediğiniz kiracıyı artık kullanmayı planlamıyorsanız, aboneliği iptal edebilirsiniz."
    )
    assert not DENIALS["tr"].search(wrong_translation)
    assert DENIALS["tr"].search(correct_translation)
