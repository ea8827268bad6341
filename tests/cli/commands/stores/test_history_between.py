"""`auditor history --from --to`: compare two nights of a store, also if one is missing, in every language."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import Coverage
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.service.command_line import Ran, call, expect
from tests.builders.tenant.nights import SKUS, night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant
from tests.localization.catalogue_messages import LANGUAGES

pytestmark = pytest.mark.slow
SEATS = TWO_PEOPLE["subscribedSkus"][0]
VISIO_SEATS = {**SEATS, "skuId": SKUS[1], "skuPartNumber": "VISIO", "consumedUnits": 1}


def state(day: int) -> dict[str, Any]:
    """Bob is blocked from day 1 on and deleted on day 4; another product is bought on day 2. Night 3 is missing."""
    users = {0: [ANN], 4: [ANN]}.get(day, [ANN, BLOCKED_BOB])
    skus = [{**SEATS, "consumedUnits": 1 + day}, *([VISIO_SEATS] if day >= 2 else [])]
    return {**TWO_PEOPLE, "users": users, "subscribedSkus": skus}


@pytest.fixture(scope="module")
def stored_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("between")
    (folder / "p.yaml").write_text(BLOCKED_POLICY)
    for day in (0, 1, 2, 4):
        write(folder / f"night{day}", night(state(day), day, asked=ASKED))
        assert audit(folder, f"night{day}", instant(day), "audits") in {0, 1}
    return folder


def audit(folder: Path, snapshot: str, instant: str, store: str) -> int:
    """Audit a snapshot, store the result, and return the exit code."""
    options = ("--snapshot", snapshot, "--as-of", instant, "-f", "json", "--store", store, "-q")
    return call("audit", "p.yaml", *options, cwd=folder).code


@pytest.fixture
def folder(stored_nights: Path, tmp_path: Path) -> Path:
    return shutil.copytree(stored_nights, tmp_path / "copy")


def compare(folder: Path, first: str, last: str, *options: str) -> dict[str, Any]:
    completed = expect(0, "history", "audits", "--from", first, "--to", last, "-f", "json", *options, cwd=folder)
    (comparison,) = json.loads(completed.out)["between"]
    return dict(comparison)


def history(folder: Path, *options: str) -> Ran:
    return call("history", "audits", *options, cwd=folder, COLUMNS="200")


def test_new_findings_and_seats_are_reported(folder: Path) -> None:
    comparison = compare(folder, instant(0), instant(2))
    assert [finding["kind"] for finding in comparison["findings"]] == ["new", "new"]
    assert comparison["policies"] == [
        {"id": "blocked", "open": [0, 2], "waived": [0, 0], "new": 2, "gone": 0, "changed": 0}
    ]
    assert comparison["seats"] == [
        {"skuId": SKUS[0], "skuPartNumber": "SPE_E3", "usable": [5, 5], "consumed": [1, 3], "spare": [4, 2]},
        {"skuId": SKUS[1], "skuPartNumber": "VISIO", "usable": [None, 5], "consumed": [None, 1], "spare": [None, 4]},
    ]
    assert comparison["unknown"] == []


def test_previous_night_is_used_for_a_missing_one_and_gone_findings_are_reported(folder: Path) -> None:
    comparison = compare(folder, instant(3), instant(4))
    assert comparison["nights"] == [instant(2, 0), instant(4, 0)]
    assert [finding["kind"] for finding in comparison["findings"]] == ["gone", "gone"]


def test_findings_with_another_status_are_reported_as_changed(folder: Path) -> None:
    waiver = "waivers:\n- {id: W, policies: [blocked], owner: it, reason: x, approvedBy: ann@x.example, expires: 2026-06-01}\n"
    (folder / "p.yaml").write_text(BLOCKED_POLICY + waiver)
    write(folder / "night5", night(state(2), 5, asked=ASKED))
    write(folder / "night6", night(state(2), 6, asked=ASKED))
    for day, text in ((5, BLOCKED_POLICY), (6, BLOCKED_POLICY + waiver)):
        (folder / "p.yaml").write_text(text)
        assert audit(folder, f"night{day}", instant(day), "audits") in {0, 1}
    comparison = compare(folder, instant(5), instant(6))
    assert [(finding["kind"], finding["status"]) for finding in comparison["findings"]] == [("changed", "waived")] * 2


def night_without_users() -> Snapshot:
    """Return the fifth night, in which the users were denied."""
    unread = night(state(2), 5, asked=ASKED)
    sources = [source for source in unread.manifest.sources if source.name is not Source.USERS]
    denied = Coverage(name=Source.USERS, status=SourceStatus.DENIED)
    return replace(unread, manifest=replace(unread.manifest, sources=(*sources, denied)))


def test_incomplete_night_is_reported_as_unknown_instead_of_gone_findings(folder: Path) -> None:
    write(folder / "night5", night_without_users())
    prices = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 40}}\n"
    (folder / "p.yaml").write_text(BLOCKED_POLICY + prices)
    write(folder / "again", night(state(2), 4, asked=ASKED))
    for day, snapshot in ((4, "again"), (5, "night5")):
        assert audit(folder, snapshot, instant(day, 2), "other") == (1 if day == 4 else 3)
    completed = call("history", "other", "--from", instant(4, 3), "--to", instant(5, 3), "-f", "json", cwd=folder)
    (comparison,) = json.loads(completed.out)["between"]
    assert comparison["findings"] == []
    assert comparison["money"] == [{"currency": "EUR", "perMonth": [40.0, 0.0]}]
    assert comparison["unknown"] == [
        "one of 2 nights was not read completely",
        "in 1 of 2 results some policy could not be evaluated",
    ]


def test_instant_before_the_first_night_is_reported_as_unknown(folder: Path) -> None:
    early = compare(folder, "2020-01-01T00:00:00Z", instant(2))
    assert early["unknown"][0] == "nothing is stored at or before 2020-01-01 00:00"
    assert (early["seats"], early["findings"]) == ([], [])


def test_date_selects_the_night_on_that_day(folder: Path) -> None:
    """`--from DATE` includes the night on that day, and not the night before."""
    from_day, to_day = instant(1)[:10], instant(2)[:10]
    days = compare(folder, from_day, to_day)
    assert [night[:10] for night in days["nights"]] == [from_day, to_day]
    early = compare(folder, "2020-01-01", to_day)
    assert early["unknown"] == compare(folder, instant(0), instant(2))["unknown"]


def test_from_after_to_is_an_error(folder: Path) -> None:
    completed = history(folder, "--from", instant(4), "--to", instant(0))
    assert (completed.code, completed.out) == (2, b"")
    assert "is after" in completed.err


def test_damaged_store_and_store_of_another_version_are_one_error(folder: Path) -> None:
    for part in (folder / "audits" / "contoso" / "findings").glob("000004*"):
        part.unlink()
    completed = history(folder, "--from", instant(0), "--to", instant(4))
    assert (completed.code, completed.out) == (2, b"")
    assert (completed.err.count("error"), "store-damaged" in completed.err) == (1, True)
    marker = folder / "audits" / "store.json"
    marker.write_text(marker.read_text().replace("store/v1", "store/v9"))
    completed = history(folder, "--from", instant(0), "--to", instant(4))
    assert (completed.code, completed.err.count("error")) == (2, 1)
    marker.unlink()
    completed = history(folder, "--from", instant(0), "--to", instant(4))
    assert (completed.code, completed.err.count("error")) == (2, 1)


def test_pruned_findings_are_compared_by_their_counts(folder: Path) -> None:
    for part in (folder / "audits" / "contoso" / "findings").glob("000001*"):
        part.unlink()
    comparison = compare(folder, instant(0), instant(2))
    assert comparison["findings"] == []
    assert [(policy["open"], policy["new"]) for policy in comparison["policies"]] == [([0, 2], None)]
    assert comparison["unknown"] == ["the findings of 2026-01-29 are no longer kept: only numbers are compared"]


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_terminal_and_page_are_in_the_requested_language(language: str, folder: Path) -> None:
    options = ("--from", instant(0), "--to", instant(2), "--locale", language)
    completed = history(folder, *options)
    assert completed.code == 0, completed.err
    page_run = history(folder, *options, "-f", "html=h.html", "-q")
    assert page_run.code == 0, page_run.err
    page = (folder / "h.html").read_text()
    assert f'<html lang="{language}">' in page
    assert "\\x" not in completed.text.replace("\\x1b", "")
    english_phrases = (
        "no forecast",
        "not known",
        "Runs out",
        "Licensed users",
        "What changed",
        "weeks that it needs",
        "reclaimed",
    )
    for phrase in english_phrases:
        assert (phrase in completed.text + page) == (language == "en" and phrase != "not known"), phrase
    assert "microsoft 365 e3" in completed.text.lower()
    listing = expect(0, "store", "list", "audits", "--locale", language, cwd=folder)
    assert ("complete" in listing.text) == (language == "en")


def test_policies_that_were_not_evaluated_do_not_count_as_without_a_finding(tmp_path: Path) -> None:
    """The only night has no users, so a policy about them is unknown; one about seats has no finding."""
    write(tmp_path / "n", night_without_users())
    seats = "- {id: seats, severity: low, seats: {of: [SPE_E3], spare: {max: 9999}}}\n"
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY.rstrip("\n") + f"\n{seats}")
    options = ("--snapshot", "n", "--as-of", instant(5, 2), "-f", "json", "-q", "--store", "kept")
    assert call("audit", "p.yaml", *options, cwd=tmp_path).code == 3
    text = expect(0, "history", "kept", cwd=tmp_path, COLUMNS="200").text
    assert "1 policy without a finding, 1 policy not evaluated in the latest result" in text
    assert "the only night was not read completely" in text
    assert "in the only result some policy could not be evaluated" in text


@pytest.mark.parametrize("question", [(), ("--policy", "blocked"), ("--person", "bob@contoso.example"), ("--people",)])
def test_quiet_history_prints_no_text(question: tuple[str, ...], folder: Path) -> None:
    nights = ("--from", instant(0), "--to", instant(1)) if question == ("--people",) else ()
    assert expect(0, "history", "audits", *question, *nights, cwd=folder).out != b""
    quiet = expect(0, "history", "audits", *question, *nights, "-q", cwd=folder)
    assert (quiet.out, quiet.err) == (b"", "")
