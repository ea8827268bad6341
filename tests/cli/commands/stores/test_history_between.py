"""Two nights of a store compared, in every language, and what is said where one of them is not there."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import Coverage
from auditor.snapshot.writer import write
from tests.builders.service.command_line import Ran, call, expect
from tests.builders.tenant.nights import SKUS, night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant
from tests.localization.catalogue_messages import LANGUAGES

SEATS = TWO_PEOPLE["subscribedSkus"][0]
MORE = {**SEATS, "skuId": SKUS[1], "skuPartNumber": "VISIO", "consumedUnits": 1}


def state(day: int) -> dict[str, Any]:
    """Bob is blocked from day 1 on and gone on day 4; another product is bought on day 2. There is no night 3."""
    users = {0: [ANN], 4: [ANN]}.get(day, [ANN, BLOCKED_BOB])
    skus = [{**SEATS, "consumedUnits": 1 + day}, *([MORE] if day >= 2 else [])]
    return {**TWO_PEOPLE, "users": users, "subscribedSkus": skus}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("between")
    (folder / "p.yaml").write_text(BLOCKED_POLICY)
    for day in (0, 1, 2, 4):
        write(folder / f"night{day}", night(state(day), day, asked=ASKED))
        assert audited(folder, f"night{day}", instant(day), "audits") in {0, 1}
    return folder


def audited(folder: Path, snapshot: str, instant: str, store: str) -> int:
    """Audit a night, store the result, and return the exit code."""
    options = ("--snapshot", snapshot, "--as-of", instant, "-f", "json", "--store", store, "-q")
    return call("audit", "p.yaml", *options, cwd=folder).code


@pytest.fixture
def folder(given: Path, tmp_path: Path) -> Path:
    return shutil.copytree(given, tmp_path / "copy")


def compared(folder: Path, first: str, last: str, *options: str) -> dict[str, Any]:
    done = expect(0, "history", "audits", "--from", first, "--to", last, "-f", "json", *options, cwd=folder)
    (comparison,) = json.loads(done.out)["between"]
    return dict(comparison)


def shown(folder: Path, *options: str) -> Ran:
    return call("history", "audits", *options, cwd=folder, COLUMNS="200")


@pytest.mark.slow
def test_what_is_new_is_reported_with_seats(folder: Path) -> None:
    comparison = compared(folder, instant(0), instant(2))
    assert [finding["kind"] for finding in comparison["findings"]] == ["new", "new"]
    assert comparison["policies"] == [
        {"id": "blocked", "open": [0, 2], "waived": [0, 0], "new": 2, "gone": 0, "changed": 0}
    ]
    assert comparison["seats"] == [
        {"skuId": SKUS[0], "skuPartNumber": "SPE_E3", "usable": [5, 5], "consumed": [1, 3], "spare": [4, 2]},
        {"skuId": SKUS[1], "skuPartNumber": "VISIO", "usable": [None, 5], "consumed": [None, 1], "spare": [None, 4]},
    ]
    assert comparison["unknown"] == []


@pytest.mark.slow
def test_a_night_that_is_missing_is_the_one_before_it_and_what_went_is_reported(folder: Path) -> None:
    comparison = compared(folder, instant(3), instant(4))
    assert comparison["nights"] == [instant(2, 0), instant(4, 0)]
    assert [finding["kind"] for finding in comparison["findings"]] == ["gone", "gone"]


@pytest.mark.slow
def test_what_changed_its_state_is_reported(folder: Path) -> None:
    waiver = "waivers:\n- {id: W, policies: [blocked], owner: it, reason: x, approvedBy: ann@x.example, expires: 2026-06-01}\n"
    (folder / "p.yaml").write_text(BLOCKED_POLICY + waiver)
    write(folder / "night5", night(state(2), 5, asked=ASKED))
    write(folder / "night6", night(state(2), 6, asked=ASKED))
    for day, text in ((5, BLOCKED_POLICY), (6, BLOCKED_POLICY + waiver)):
        (folder / "p.yaml").write_text(text)
        assert audited(folder, f"night{day}", instant(day), "audits") in {0, 1}
    comparison = compared(folder, instant(5), instant(6))
    assert [(f["kind"], f["status"]) for f in comparison["findings"]] == [("changed", "waived")] * 2


@pytest.mark.slow
def test_a_night_that_was_not_read_whole_is_reported_where_money_went_with_it(folder: Path) -> None:
    unread = night(state(2), 5, asked=ASKED)
    sources = [s for s in unread.manifest.sources if s.name is not Source.USERS]
    denied = Coverage(name=Source.USERS, status=SourceStatus.DENIED)
    write(folder / "night5", replace(unread, manifest=replace(unread.manifest, sources=(*sources, denied))))
    prices = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 40}}\n"
    (folder / "p.yaml").write_text(BLOCKED_POLICY + prices)
    write(folder / "again", night(state(2), 4, asked=ASKED))
    for day, snapshot in ((4, "again"), (5, "night5")):
        assert audited(folder, snapshot, instant(day, 2), "other") == (1 if day == 4 else 3)
    done = call("history", "other", "--from", instant(4, 3), "--to", instant(5, 3), "-f", "json", cwd=folder)
    (comparison,) = json.loads(done.out)["between"]
    assert comparison["findings"] == []
    assert comparison["money"] == [{"currency": "EUR", "perMonth": [40.0, 0.0]}]
    assert comparison["unknown"] == [
        "1 of 2 nights were not read completely",
        "in 1 of 2 results some policy could not be evaluated",
    ]


@pytest.mark.slow
def test_an_instant_before_the_first_night_is_reported(folder: Path) -> None:
    early = compared(folder, "2020-01-01T00:00:00Z", instant(2))
    assert early["unknown"][0] == "nothing is stored at or before 2020-01-01 00:00"
    assert (early["seats"], early["findings"]) == ([], [])


@pytest.mark.slow
def test_days_stand_for_the_nights_in_them(folder: Path) -> None:
    """A day that is named is looked at: not the night before it."""
    from_day, to_day = instant(1)[:10], instant(2)[:10]
    days = compared(folder, from_day, to_day)
    assert [night[:10] for night in days["nights"]] == [from_day, to_day]
    alone = compared(folder, "2020-01-01", to_day)
    assert alone["unknown"] == compared(folder, instant(0), instant(2))["unknown"]


@pytest.mark.slow
def test_instants_in_the_wrong_order_are_one_clear_error(folder: Path) -> None:
    done = shown(folder, "--from", instant(4), "--to", instant(0))
    assert (done.code, done.out) == (2, b"")
    assert "is after" in done.err


@pytest.mark.slow
def test_half_a_store_and_one_of_a_newer_version_are_one_clear_error(folder: Path) -> None:
    for part in (folder / "audits" / "contoso" / "findings").glob("000004*"):
        part.unlink()
    done = shown(folder, "--from", instant(0), "--to", instant(4))
    assert (done.code, done.out) == (2, b"")
    assert (done.err.count("error"), "store-damaged" in done.err) == (1, True)
    mark = folder / "audits" / "store.json"
    mark.write_text(mark.read_text().replace("store/v1", "store/v9"))
    done = shown(folder, "--from", instant(0), "--to", instant(4))
    assert (done.code, done.err.count("error")) == (2, 1)
    mark.unlink()
    done = shown(folder, "--from", instant(0), "--to", instant(4))
    assert (done.code, done.err.count("error")) == (2, 1)


def test_findings_that_retention_took_are_compared_by_their_numbers(folder: Path) -> None:
    for part in (folder / "audits" / "contoso" / "findings").glob("000001*"):
        part.unlink()
    comparison = compared(folder, instant(0), instant(2))
    assert comparison["findings"] == []
    assert [(p["open"], p["new"]) for p in comparison["policies"]] == [([0, 2], None)]
    assert comparison["unknown"] == ["the findings of 2026-01-29 are no longer kept: only numbers are compared"]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_terminal_and_page_are_in_the_reader_s_language(language: str, folder: Path) -> None:
    span = ("--from", instant(0), "--to", instant(2), "--locale", language)
    done = shown(folder, *span)
    assert done.code == 0, done.err
    written = shown(folder, *span, "-f", "html=h.html", "-q")
    assert written.code == 0, written.err
    page = (folder / "h.html").read_text()
    assert f'<html lang="{language}">' in page
    assert "\\x" not in done.text.replace("\\x1b", "")
    english = ("no forecast", "not known", "Runs out", "Holders", "What changed", "weeks that it needs", "reclaimed")
    for sentence in english:
        assert (sentence in done.text + page) == (language == "en" and sentence != "not known"), sentence
    assert "microsoft 365 e3" in done.text.lower()
    kept = expect(0, "store", "list", "audits", "--locale", language, cwd=folder)
    assert ("complete" in kept.text) == (language == "en")
