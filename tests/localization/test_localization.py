"""Tests the choice of a language and its messages, numbers, amounts and dates."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import resources
from auditor.checks.registry import all_checks
from auditor.localization import FALLBACK, catalogues, languages, localization
from tests.localization.catalogue_messages import LANGUAGES

SPACE = "\u00a0"
MINUS = "\u2212"


def test_languages_are_those_of_the_catalogues() -> None:
    assert set(languages()) == {FALLBACK, *LANGUAGES}


@pytest.mark.parametrize(
    ("requested", "locale"),
    [
        ("nl", "nl"),
        ("NL", "nl"),
        ("nl-NL", "nl-NL"),
        ("nl_BE.UTF-8", "nl-BE"),
        ("nl_BE@euro", "nl-BE"),
        ("nl-Latn-NL", "nl-NL"),
        ("nl-ZZ", "nl"),
        ("en-US", "en-US"),
        ("en", "en"),
    ],
)
def test_language_tags_are_normalized(requested: str, locale: str) -> None:
    l10n = localization(requested)
    assert (l10n.locale, l10n.fallback_from) == (locale, None)
    assert l10n.gettext("Everything complies with the policies.") == localization(l10n.language).gettext(
        "Everything complies with the policies."
    )


@pytest.mark.parametrize("requested", ["fr", "xx-YY", "klingon", "../nl", "nlx", "n", "nl/../da", "\u0131", "en\u0000"])
def test_unknown_language_falls_back_to_english(requested: str) -> None:
    l10n = localization(requested)
    assert (l10n.locale, l10n.fallback_from) == ("en", requested)
    assert l10n.gettext("Everything complies with the policies.") == "Everything complies with the policies."


@pytest.mark.parametrize("no_language", [None, "", "C", "POSIX", "C.UTF-8", "  "])
def test_default_language_is_english(no_language: str | None) -> None:
    l10n = localization(no_language)
    assert (l10n.locale, l10n.fallback_from) == ("en", None)


@pytest.mark.slow
@given(st.text())
def test_any_language_tag_is_accepted(tag: str) -> None:
    l10n = localization(tag)
    assert l10n.language in languages()
    assert l10n.date(date(2026, 11, 20))


def clear_caches() -> None:
    for function in vars(catalogues).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


def test_language_with_an_incomplete_catalogue_is_not_available(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for domain in (*catalogues.REPORTS, catalogues.POLICIES):
        folder = tmp_path / "locales" / "nl" / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        translation = "ja" if domain == "auditor" else ""
        header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        (folder / f"{domain}.po").write_text(f'{header}msgid "yes"\nmsgstr "{translation}"\n', encoding="utf-8")
    clear_caches()
    monkeypatch.setattr(resources, "reports", lambda: tmp_path)
    try:
        assert localization("nl").fallback_from == "nl"
        assert languages() == ("en",)
    finally:
        clear_caches()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "number", "percent", "money", "day"),
    [
        ("en", f"{MINUS}1,234,567", "12.5%", "€12,345.50", "1 Nov 2026"),
        ("nl", f"{MINUS}1.234.567", "12,5%", f"€{SPACE}12.345,50", "1 nov 2026"),
        ("da", f"{MINUS}1.234.567", f"12,5{SPACE}%", f"12.345,50{SPACE}€", "1. nov. 2026"),
        ("sv", f"{MINUS}1{SPACE}234{SPACE}567", f"12,5{SPACE}%", f"12{SPACE}345,50{SPACE}€", "1 nov. 2026"),
        ("tr", f"{MINUS}1.234.567", "%12,5", "€12.345,50", "1 Kas 2026"),
        ("de", f"{MINUS}1.234.567", f"12,5{SPACE}%", f"12.345,50{SPACE}€", "01.11.2026"),
    ],
)
def test_numbers_amounts_and_dates_are_formatted_by_language(
    language: str, number: str, percent: str, money: str, day: str
) -> None:
    l10n = localization(language)
    assert l10n.locale == language
    assert l10n.number(-1234567) == number
    assert l10n.number(None) == "\u2013"
    assert l10n.percent(Decimal("0.125")) == percent
    assert l10n.money(Decimal("12345.5"), "EUR") == money
    assert l10n.date(date(2026, 11, 1)) == day


def test_whole_percents_have_no_decimals() -> None:
    l10n = localization("en")
    assert [l10n.percent(Decimal(share)) for share in ("0", "0.05", "1", "0.1249")] == ["0%", "5%", "100%", "12.5%"]


def test_money_has_the_decimals_of_its_currency_and_a_space_after_its_code() -> None:
    l10n = localization("en")
    assert l10n.money(Decimal(10), "DKK") == f"DKK{SPACE}10.00"
    assert l10n.money(Decimal("1234.4"), "JPY").endswith("1,234")
    assert l10n.money(Decimal("-0.5"), "EUR") == f"{MINUS}€0.50"
    assert localization("tr").money(Decimal(10), "DKK") == f"DKK{SPACE}10,00"


def test_instants_are_formatted_in_utc() -> None:
    instant = datetime.fromisoformat("2026-11-20T01:30:00+02:00")
    assert localization("en").instant(instant) == "19 Nov 2026, 23:30 UTC"
    assert localization("da").instant(instant) == "19. nov. 2026, 23.30 UTC"
    assert localization("nl").date(datetime(2026, 1, 2, tzinfo=UTC)) == "2 jan 2026"


def test_people_whom_a_list_leaves_out_are_no_things() -> None:
    names = ["Ann", "Bob", "Cem"]
    assert localization("en").first_people(names, 3) == "Ann, Bob, Cem"
    assert localization("en").first_people(names, 1) == "Ann and 2 others"
    assert localization("tr").first_people(names, 2, total=6) == "Ann, Bob ve 4 ki\u015fi daha"
    assert localization("tr").first_of(names, 2, total=6) == "Ann, Bob ve 4 tane daha"


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_plural_forms_of_counts(language: str) -> None:
    l10n = localization(language)
    singular, plural = (l10n.plural("{count} open finding", "{count} open findings", count) for count in (1, 1234))
    assert singular.startswith("1 ")
    assert l10n.number(1234) in plural
    if language != "tr":
        assert singular.partition(" ")[2] != plural.partition(" ")[2]


def test_every_check_has_a_name_and_explanation() -> None:
    names = [check.name for check in all_checks()]
    assert len(set(names)) == len(names)
    for check in all_checks():
        assert check.name[0].islower()
        assert check.explanation.endswith(".")
