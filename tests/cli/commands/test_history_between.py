"""Two nights of a store compared, in every language, and what is said where one of them is not there."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import Coverage
from auditor.snapshot.writer import write
from tests.builders.service.command_line import Ran, call
from tests.builders.tenant.nights import SKUS, night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant
from tests.localization.reading import LANGUAGES

SEATS = TWO_PEOPLE["subscribedSkus"][0]
MORE = {**SEATS, "skuId": SKUS[1], "skuPartNumber": "VISIO", "consumedUnits": 1}


def state(day: int) -> dict[str, Any]:
    """Bob is blocked from day 1 on and gone on day 4; another product is bought on day 2. There is no night 3."""
    users = {0: [ANN], 4: [ANN]}.get(day, [ANN, BLOCKED_BOB])
    skus = [{**SEATS, "consumedUnits": 1 + day}, *([MORE] if day >= 2 else [])]
    return {**TWO_PEOPLE, "users": users, "subscribedSkus": skus}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("between")
    (place / "p.yaml").write_text(BLOCKED_POLICY)
    for day in (0, 1, 2, 4):
        write(place / f"night{day}", night(state(day), day, asked=ASKED))
        done = call(
            "audit", "p.yaml", "--snapshot", f"night{day}", "--as-of", instant(day), "-f", "json", "--store", "audits",
            "-q", cwd=place,
        )  # fmt: skip
        assert done.code in {0, 1}, done.err
    return place


@pytest.fixture
def place(given: Path, tmp_path: Path) -> Path:
    return shutil.copytree(given, tmp_path / "copy")


def compared(place: Path, first: str, last: str, *options: str) -> dict[str, Any]:
    done = call("history", "audits", "--from", first, "--to", last, "-f", "json", *options, cwd=place)
    assert done.code == 0, done.err
    (told,) = json.loads(done.out)["between"]
    return dict(told)


def shown(place: Path, *options: str) -> Ran:
    return call("history", "audits", *options, cwd=place, COLUMNS="200")


@pytest.mark.slow
def test_what_is_new_is_told_with_seats(place: Path) -> None:
    told = compared(place, instant(0), instant(2))
    assert [finding["kind"] for finding in told["findings"]] == ["new", "new"]
    assert told["policies"] == [{"id": "blocked", "open": [0, 2], "waived": [0, 0], "new": 2, "gone": 0, "changed": 0}]
    assert told["seats"] == [
        {"skuId": SKUS[0], "skuPartNumber": "SPE_E3", "usable": [5, 5], "consumed": [1, 3], "spare": [4, 2]},
        {"skuId": SKUS[1], "skuPartNumber": "VISIO", "usable": [None, 5], "consumed": [None, 1], "spare": [None, 4]},
    ]
    assert told["unknown"] == []


def test_a_night_that_is_missing_is_the_one_before_it_and_what_went_is_told(place: Path) -> None:
    told = compared(place, instant(3), instant(4))
    assert told["nights"] == [instant(2, 0), instant(4, 0)]
    assert [finding["kind"] for finding in told["findings"]] == ["gone", "gone"]


def test_what_changed_its_state_is_told(place: Path) -> None:
    waiver = "waivers:\n- {id: W, policies: [blocked], owner: it, reason: x, approvedBy: ann@x.example, expires: 2026-06-01}\n"
    (place / "p.yaml").write_text(BLOCKED_POLICY + waiver)
    write(place / "night5", night(state(2), 5, asked=ASKED))
    write(place / "night6", night(state(2), 6, asked=ASKED))
    for day, text in ((5, BLOCKED_POLICY), (6, BLOCKED_POLICY + waiver)):
        (place / "p.yaml").write_text(text)
        done = call(
            "audit", "p.yaml", "--snapshot", f"night{day}", "--as-of", instant(day), "-f", "json", "--store", "audits",
            "-q", cwd=place,
        )  # fmt: skip
        assert done.code in {0, 1}, done.err
    told = compared(place, instant(5), instant(6))
    assert [(f["kind"], f["status"]) for f in told["findings"]] == [("changed", "waived")] * 2


def test_a_night_that_was_not_read_whole_is_said_where_money_went_with_it(place: Path) -> None:
    unread = night(state(2), 5, asked=ASKED)
    sources = [s for s in unread.manifest.sources if s.name is not Source.USERS]
    denied = Coverage(name=Source.USERS, status=SourceStatus.DENIED)
    write(place / "night5", replace(unread, manifest=replace(unread.manifest, sources=(*sources, denied))))
    prices = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 40}}\n"
    (place / "p.yaml").write_text(BLOCKED_POLICY + prices)
    write(place / "again", night(state(2), 4, asked=ASKED))
    for day, snapshot in ((4, "again"), (5, "night5")):
        done = call(
            "audit", "p.yaml", "--snapshot", snapshot, "--as-of", instant(day, 2), "-f", "json", "--store", "other",
            "-q", cwd=place,
        )  # fmt: skip
        assert done.code == (1 if day == 4 else 3), done.err
    done = call("history", "other", "--from", instant(4, 3), "--to", instant(5, 3), "-f", "json", cwd=place)
    (told,) = json.loads(done.out)["between"]
    assert told["findings"] == []
    assert told["money"] == [{"currency": "EUR", "perMonth": [40.0, 0.0]}]
    assert told["unknown"] == [
        "1 of 2 nights were not read completely",
        "in 1 of 2 results some policy could not be evaluated",
    ]


def test_an_instant_before_the_first_night_is_said(place: Path) -> None:
    early = compared(place, "2020-01-01T00:00:00Z", instant(2))
    assert early["unknown"][0] == "nothing is stored at or before 2020-01-01 00:00"
    assert (early["seats"], early["findings"]) == ([], [])


def test_days_stand_for_the_nights_in_them(place: Path) -> None:
    """A day that is named is looked at: not the night before it."""
    from_day, to_day = instant(1)[:10], instant(2)[:10]
    days = compared(place, from_day, to_day)
    assert [night[:10] for night in days["nights"]] == [from_day, to_day]
    alone = compared(place, "2020-01-01", to_day)
    assert alone["unknown"] == compared(place, instant(0), instant(2))["unknown"]


def test_instants_in_the_wrong_order_are_one_clear_error(place: Path) -> None:
    done = shown(place, "--from", instant(4), "--to", instant(0))
    assert (done.code, done.out) == (2, b"")
    assert "is after" in done.err


def test_half_a_store_and_one_of_a_newer_version_are_one_clear_error(place: Path) -> None:
    for part in (place / "audits" / "contoso" / "findings").glob("000004*"):
        part.unlink()
    done = shown(place, "--from", instant(0), "--to", instant(4))
    assert (done.code, done.out) == (2, b"")
    assert (done.err.count("error"), "store-damaged" in done.err) == (1, True)
    mark = place / "audits" / "store.json"
    mark.write_text(mark.read_text().replace("store/v1", "store/v9"))
    done = shown(place, "--from", instant(0), "--to", instant(4))
    assert (done.code, done.err.count("error")) == (2, 1)
    mark.unlink()
    done = shown(place, "--from", instant(0), "--to", instant(4))
    assert (done.code, done.err.count("error")) == (2, 1)


def test_findings_that_retention_took_are_compared_by_their_numbers(place: Path) -> None:
    for part in (place / "audits" / "contoso" / "findings").glob("000001*"):
        part.unlink()
    told = compared(place, instant(0), instant(2))
    assert told["findings"] == []
    assert [(p["open"], p["new"]) for p in told["policies"]] == [([0, 2], None)]
    assert told["unknown"] == ["the findings of 2026-01-29 are no longer kept: only numbers are compared"]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_terminal_and_page_are_in_the_reader_s_language(language: str, place: Path) -> None:
    span = ("--from", instant(0), "--to", instant(2), "--locale", language)
    done = shown(place, *span)
    assert done.code == 0, done.err
    written = shown(place, *span, "-f", "html=h.html", "-q")
    assert written.code == 0, written.err
    page = (place / "h.html").read_text()
    assert f'<html lang="{language}">' in page
    assert "\\x" not in done.text.replace("\\x1b", "")
    english = ("no forecast", "not known", "Runs out", "Holders", "What changed", "weeks that it needs", "reclaimed")
    for sentence in english:
        assert (sentence in done.text + page) == (language == "en" and sentence != "not known"), sentence
    assert "microsoft 365 e3" in done.text.lower()
    kept = call("store", "list", "audits", "--locale", language, cwd=place)
    assert kept.code == 0
    assert ("complete" in kept.text) == (language == "en")
