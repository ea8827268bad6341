"""People over nights of which some were not read whole: who was not read has lost nothing, and is not none."""

import json
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from msgspec.structs import replace

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import Coverage
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.service.command_line import Ran, call
from tests.builders.tenant.nights import SKUS, night
from tests.builders.tenant.snapshot_damage import rewritten
from tests.builders.tenant.two_people import ANN, ASKED, BOB, TWO_PEOPLE, instant, store_in

GAP = {**BOB, "notCollected": ["assignedLicenses"], "assignedLicenses": []}


def nightly(day: int, *users: Any, asked: tuple[str, ...] = ASKED) -> Snapshot:
    return night({**TWO_PEOPLE, "users": users}, day, asked=asked)


def partly(snapshot: Snapshot) -> Snapshot:
    """The night of which users were read in part only."""
    sources = [s for s in snapshot.manifest.sources if s.name is not Source.USERS]
    users = Coverage(name=Source.USERS, status=SourceStatus.PARTIAL, asked=ASKED)
    return replace(snapshot, manifest=replace(snapshot.manifest, sources=(*sources, users)))


def people(folder: Path, *options: str, first: int = 0, last: int = 1) -> Ran:
    return call(
        "history", "nights", "--people", "--from", instant(first), "--to", instant(last), *options, cwd=folder
    )  # fmt: skip


UNKNOWN = {
    "in part": partly(nightly(1, ANN)),
    "without licences": nightly(1, {**ANN, "assignedLicenses": []}, BOB, asked=("id", "accountEnabled")),
    "but for one": nightly(1, ANN, GAP),
}


@pytest.mark.slow
@pytest.mark.parametrize("other", UNKNOWN.values(), ids=UNKNOWN)
def test_who_was_not_read_has_lost_nothing(other: Snapshot, tmp_path: Path) -> None:
    for snapshot in (nightly(0, ANN, BOB), other, nightly(2, ANN, BOB)):
        write(tmp_path / "nights", snapshot)
    for first in (0, 1):
        done = people(tmp_path, first=first, last=first + 1)
        assert (done.code, done.out) == (2, b"")
        assert "history-people" in done.err
        assert instant(1, 0) in done.err
    assert people(tmp_path, last=2).code == 0
    store = store_in(tmp_path)
    summaries = [store.put(folder)[0].summary for folder in sorted((tmp_path / "nights" / "contoso").iterdir())]
    assert [summary["licensed"] for summary in summaries] == [2, None, 2]
    assert [summary["seats"][0]["holders"] for summary in summaries] == [2, None, 2]
    assert [summary["cohorts"] for summary in summaries] == [None, None, None]


@pytest.mark.slow
def test_blocked_accounts_that_nobody_asked_about_are_not_none(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    blocked = {**BOB, "accountEnabled": False}
    asked = tuple(name for name in ASKED if name != "accountEnabled")
    summaries = [
        store.put(write(tmp_path / "nights", snapshot))[0].summary
        for snapshot in (nightly(0, ANN, blocked), nightly(1, ANN, blocked, asked=asked))
    ]
    assert [(each["users"], each["blocked"], each["licensed"]) for each in summaries] == [(2, 1, 2), (2, None, 2)]


def cohorts(folder: Path) -> list[dict[str, Any]]:
    """What became of the holders of the first product."""
    done = call("history", "audits", "-f", "json", cwd=folder)
    assert done.code == 0, done.err
    cohorts_by_sku = {seat["skuId"]: seat["cohorts"] for seat in json.loads(done.out)["tenants"][0]["seats"]}
    return [cohorts_by_sku[SKUS[0]]]


@pytest.mark.slow
def test_who_left_in_the_night_of_a_new_column_is_reported_too(tmp_path: Path) -> None:
    few = night(
        {**TWO_PEOPLE, "users": [ANN, BOB]}, 0, columns=("id", "notCollected"), asked=("id", "assignedLicenses")
    )
    folders = [
        write(tmp_path / "nights", each) for each in (few, nightly(1, ANN), nightly(2, ANN, {**ANN, "id": "cleo"}))
    ]
    for folder in folders:
        assert call("store", "put", "audits", folder, cwd=tmp_path).code == 0
    assert cohorts(tmp_path) == [{"nights": 2, "kept": 1, "new": 1, "reclaimed": 0, "lapsed": 1}]


@pytest.mark.slow
def test_who_left_is_reported_once_where_a_night_comes_after_the_one_that_follows_it(tmp_path: Path) -> None:
    folders = [write(tmp_path / "nights", each) for each in (nightly(0, ANN, BOB), nightly(1, ANN), nightly(2, ANN))]
    for day in (0, 2, 1):
        assert call("store", "put", "audits", folders[day], cwd=tmp_path).code == 0
    assert cohorts(tmp_path) == [{"nights": 1, "kept": 1, "new": 0, "reclaimed": 0, "lapsed": 1}]


@pytest.mark.slow
def test_machines_get_the_comparison_as_json_and_other_forms_are_refused(tmp_path: Path) -> None:
    for snapshot in (nightly(0, ANN, BOB), nightly(1, ANN)):
        write(tmp_path / "nights", snapshot)
    document = json.loads(people(tmp_path, "-f", "json").out)
    assert document["people"] == [
        {"skuId": SKUS[0], "skuPartNumber": "SPE_E3", "kept": 1, "new": 0, "reclaimed": 0, "lapsed": 1},
        {"skuId": SKUS[1], "skuPartNumber": None, "kept": 0, "new": 0, "reclaimed": 0, "lapsed": 1},
    ]
    refused = people(tmp_path, "-f", "csv=people.csv")
    assert (refused.code, refused.out, (tmp_path / "people.csv").exists()) == (2, b"", False)
    assert "format-unknown" in refused.err


def test_two_nights_in_the_wrong_order_are_one_clear_error(tmp_path: Path) -> None:
    for day in (0, 1):
        write(tmp_path / "nights", nightly(day, ANN))
    done = people(tmp_path, first=1, last=0)
    assert (done.code, "is after" in done.err) == (2, True)


@pytest.mark.slow
def test_people_of_another_writer_in_no_order_are_compared_all_the_same(tmp_path: Path) -> None:
    write(tmp_path / "nights", nightly(0, ANN, BOB))
    folder = write(tmp_path / "nights", nightly(1, BOB, {**ANN, "assignedLicenses": []}))
    rewritten(folder, "users", lambda table: table.take(pc.sort_indices(table, [("id", "descending")])))
    rewritten(folder, "assignments", lambda table: table.set_column(0, "user", pc.add(table["user"], -1)))
    (first, _) = json.loads(people(tmp_path, "-f", "json").out)["people"]
    assert first == {"skuId": SKUS[0], "skuPartNumber": "SPE_E3", "kept": 1, "new": 0, "reclaimed": 1, "lapsed": 0}
