"""Every catalogue is complete, holds what its messages hold, says Microsoft's labels, and denies what is denied."""

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
    plain,
    read,
    wanted,
)
from tests.localization.extract import DOMAINS, SOURCES, template, text
from tests.localization.rules import DENIALS, DENIED, ENGLISH, NAMES, NOT_DENIED, PATTERNS, SAME, TITLES

each = pytest.mark.parametrize(("language", "domain"), CATALOGUES)


@pytest.mark.slow
@pytest.mark.parametrize("domain", DOMAINS)
def test_the_template_holds_what_the_program_says(domain: str) -> None:
    assert template(domain).read_text(encoding="utf-8") == text(SOURCES[domain]()), (
        "run python -m tests.localization.extract"
    )


def test_the_languages_of_the_project_are_there() -> None:
    assert {"nl", "da", "sv", "tr", "de"} <= set(LANGUAGES)


@pytest.mark.slow
@each
def test_a_catalogue_has_exactly_the_messages_of_the_template(language: str, domain: str) -> None:
    here, there = read(language, domain), wanted(domain)
    assert [message.id for message in here if message.id] == [message.id for message in there if message.id]
    assert not here.obsolete


@each
def test_every_message_is_answered_and_settled(language: str, domain: str) -> None:
    open_ = [
        entry.english[0]
        for entry in entries(language, domain)
        if entry.fuzzy or not entry.translations or not all(entry.translations)
    ]
    assert open_ == []


@each
def test_the_plural_forms_are_those_of_the_language(language: str, domain: str) -> None:
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
    chosen = c2py(catalogue.plural_expr)
    assert [categories[chosen(count)] for count in range(200)] == [rule(count) for count in range(200)]


@each
def test_values_and_code_are_kept(language: str, domain: str) -> None:
    wrong = [
        (english, translation)
        for entry in entries(language, domain)
        for english, translation in entry.pairs
        if Counter(PLACEHOLDER.findall(english)) != Counter(PLACEHOLDER.findall(translation))
        or Counter(CODE.findall(english)) != Counter(CODE.findall(translation))
    ]
    assert wrong == []


@each
def test_figures_are_kept(language: str, domain: str) -> None:
    """A number of days that is lost or changed is wrong advice."""
    wrong = [
        (english, translation)
        for entry in entries(language, domain)
        for english, translation in entry.pairs
        if Counter(_figures(english)) != Counter(_figures(translation))
    ]
    assert wrong == []


def _figures(translation: str) -> list[str]:
    return re.findall(r"\d+", re.sub(r"(?<=\d)[.,\s\u00a0](?=\d{3}\b)", "", translation))


@pytest.mark.parametrize("language", LANGUAGES)
def test_policies_are_named_as_their_files_name_them(language: str) -> None:
    """A reason that sends the reader to another policy, or to a file, sends every reader to the same one."""
    names = re.compile(
        r"(?<![\w-])(?:[a-z0-9]+-)+(?:assigned|low|idle|licensed|licence|errors|\d+d)(?![\w-])|\w+\.yaml"
    )
    wrong = [
        (english, translation)
        for entry in entries(language, "policies")
        for english, translation in entry.pairs
        if set(names.findall(english)) - {"over-assigned"} != set(names.findall(translation))
    ]
    assert wrong == []


@each
def test_labels_are_those_of_microsoft(language: str, domain: str) -> None:
    wrong = [
        (expected, found, translation)
        for entry in entries(language, domain)
        for english, translation in entry.pairs
        if (expected := Counter(labels().get(label, {}).get(language, label) for label in BOLD.findall(english)))
        != (found := Counter(BOLD.findall(translation)))
    ]
    assert wrong == []


@each
def test_nothing_is_left_in_english(language: str, domain: str) -> None:
    same = {
        english
        for entry in entries(language, domain)
        for english, translation in entry.pairs
        if english == translation and re.search(r"[a-z]", plain(english))
    }
    assert same <= SAME[language] | TITLES | PATTERNS
    left = [
        translation
        for entry in entries(language, domain)
        for translation in entry.translations
        if ENGLISH.search(NAMES.sub("", plain(translation)))
    ]
    assert left == []


@each
def test_what_is_denied_is_denied(language: str, domain: str) -> None:
    """Microsoft's Turkish translation once lost a negation and told the wrong people to cancel."""
    lost = [
        (english, translation)
        for entry in entries(language, domain)
        for english, translation in entry.pairs
        if DENIED.search(NOT_DENIED.sub("", plain(english))) and not DENIALS[language].search(plain(translation))
    ]
    assert lost == []


@pytest.mark.parametrize("domain", DOMAINS)
def test_turkish_has_its_own_letters(domain: str) -> None:
    """Neither `upper` nor `lower` of Python knows that i belongs to İ and ı to I."""
    translations = [form for entry in entries("tr", domain) for form in entry.translations]
    combining = [form for form in translations if "i\u0307" in form]
    # A Turkish word that begins with an undotted I goes on with a back vowel: Işık, Irak; İptal, İleri do not.
    undotted = [
        word
        for form in translations
        for word in re.findall(r"\bI[a-zçğıöşü]+", plain(form))
        if not re.fullmatch(r"I(?:ntune|nc)\w*", word)
    ]
    shouted = [
        word
        for form in translations
        for word in re.findall(r"\b[A-ZÇĞÖŞÜ]*I[A-ZÇĞÖŞÜ]*\b", form)
        if word in {"LISANS", "IPTAL", "KIRACI"}
    ]
    flat = [
        word
        for form in translations
        for word in re.findall(r"\b\w*(?:lari|lisansi|kullanici|hesabi|yoneti)\w*", plain(form))
    ]
    assert combining + undotted + shouted + flat == []


def test_the_words_that_turn_a_sentence_round_are_seen() -> None:
    """The rule finds the sentence that Microsoft's translation of 2021 turned round, and takes the right one."""
    lost = "Aktarmak istediğiniz kiracıyı kullanmayı planlıyorsanız, aboneliği iptal edebilirsiniz."
    kept = "Aktarmak istediğiniz kiracıyı artık kullanmayı planlamıyorsanız, aboneliği iptal edebilirsiniz."
    assert not DENIALS["tr"].search(lost)
    assert DENIALS["tr"].search(kept)
