"""`auditor history --people` over incomplete nights: users that were not read do not count as lost or as zero."""

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
from tests.builders.service.command_line import Ran, call, expect
from tests.builders.tenant.nights import SKUS, night
from tests.builders.tenant.snapshot_damage import rewritten
from tests.builders.tenant.two_people import ANN, ASKED, BOB, TWO_PEOPLE, instant, store_in

pytestmark = pytest.mark.slow
BOB_UNREAD = {**BOB, "notCollected": ["assignedLicenses"], "assignedLicenses": []}


def nightly(day: int, *users: Any, asked: tuple[str, ...] = ASKED) -> Snapshot:
    return night({**TWO_PEOPLE, "users": users}, day, asked=asked)


def with_partial_users(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with users marked as partially read."""
    sources = [source for source in snapshot.manifest.sources if source.name is not Source.USERS]
    users = Coverage(name=Source.USERS, status=SourceStatus.PARTIAL, asked=ASKED)
    return replace(snapshot, manifest=replace(snapshot.manifest, sources=(*sources, users)))


def people(folder: Path, *options: str, first: int = 0, last: int = 1) -> Ran:
    return call(
        "history", "nights", "--people", "--from", instant(first), "--to", instant(last), *options, cwd=folder
    )  # fmt: skip


INCOMPLETE_NIGHTS = {
    "in part": with_partial_users(nightly(1, ANN)),
    "without licences": nightly(1, {**ANN, "assignedLicenses": []}, BOB, asked=("id", "accountEnabled")),
    "but for one": nightly(1, ANN, BOB_UNREAD),
}


@pytest.mark.parametrize("incomplete", INCOMPLETE_NIGHTS.values(), ids=INCOMPLETE_NIGHTS)
def test_comparison_with_an_incomplete_night_is_an_error(incomplete: Snapshot, tmp_path: Path) -> None:
    for snapshot in (nightly(0, ANN, BOB), incomplete, nightly(2, ANN, BOB)):
        write(tmp_path / "nights", snapshot)
    for first in (0, 1):
        completed = people(tmp_path, first=first, last=first + 1)
        assert (completed.code, completed.out) == (2, b"")
        assert "history-people" in completed.err
        assert instant(1, 0) in completed.err
    assert people(tmp_path, last=2).code == 0
    store = store_in(tmp_path)
    summaries = [store.put(folder)[0].summary for folder in sorted((tmp_path / "nights" / "contoso").iterdir())]
    assert [summary["licensed"] for summary in summaries] == [2, None, 2]
    assert [summary["seats"][0]["holders"] for summary in summaries] == [2, None, 2]
    assert [summary["cohorts"] for summary in summaries] == [None, None, None]


def test_blocked_accounts_are_unknown_if_the_property_was_not_requested(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    blocked = {**BOB, "accountEnabled": False}
    asked = tuple(name for name in ASKED if name != "accountEnabled")
    summaries = [
        store.put(write(tmp_path / "nights", snapshot))[0].summary
        for snapshot in (nightly(0, ANN, blocked), nightly(1, ANN, blocked, asked=asked))
    ]
    assert [(summary["users"], summary["blocked"], summary["licensed"]) for summary in summaries] == [
        (2, 1, 2),
        (2, None, 2),
    ]


def cohorts(folder: Path) -> list[dict[str, Any]]:
    """Return the counts of kept, new, reclaimed and lapsed holders of the first product."""
    completed = expect(0, "history", "audits", "-f", "json", cwd=folder)
    cohorts_by_sku = {seat["skuId"]: seat["cohorts"] for seat in json.loads(completed.out)["tenants"][0]["seats"]}
    return [cohorts_by_sku[SKUS[0]]]


def test_lapsed_holder_is_counted_if_the_next_night_has_another_column(tmp_path: Path) -> None:
    few_columns = night(
        {**TWO_PEOPLE, "users": [ANN, BOB]}, 0, columns=("id", "notCollected"), asked=("id", "assignedLicenses")
    )
    folders = [
        write(tmp_path / "nights", snapshot)
        for snapshot in (few_columns, nightly(1, ANN), nightly(2, ANN, {**ANN, "id": "cleo"}))
    ]
    for folder in folders:
        assert call("store", "put", "audits", folder, cwd=tmp_path).code == 0
    assert cohorts(tmp_path) == [{"nights": 2, "kept": 1, "new": 1, "reclaimed": 0, "lapsed": 1}]


def test_lapsed_holder_is_counted_once_if_nights_are_stored_out_of_order(tmp_path: Path) -> None:
    folders = [
        write(tmp_path / "nights", snapshot) for snapshot in (nightly(0, ANN, BOB), nightly(1, ANN), nightly(2, ANN))
    ]
    for day in (0, 2, 1):
        assert call("store", "put", "audits", folders[day], cwd=tmp_path).code == 0
    assert cohorts(tmp_path) == [{"nights": 1, "kept": 1, "new": 0, "reclaimed": 0, "lapsed": 1}]


def test_people_comparison_is_available_as_json_only(tmp_path: Path) -> None:
    for snapshot in (nightly(0, ANN, BOB), nightly(1, ANN)):
        write(tmp_path / "nights", snapshot)
    document = json.loads(people(tmp_path, "-f", "json").out)
    assert document["people"] == [
        {"skuId": SKUS[0], "skuPartNumber": "SPE_E3", "kept": 1, "new": 0, "reclaimed": 0, "lapsed": 1},
        {"skuId": SKUS[1], "skuPartNumber": None, "kept": 0, "new": 0, "reclaimed": 0, "lapsed": 1},
    ]
    csv_run = people(tmp_path, "-f", "csv=people.csv")
    assert (csv_run.code, csv_run.out, (tmp_path / "people.csv").exists()) == (2, b"", False)
    assert "format-unknown" in csv_run.err


def test_from_after_to_is_an_error(tmp_path: Path) -> None:
    for day in (0, 1):
        write(tmp_path / "nights", nightly(day, ANN))
    completed = people(tmp_path, first=1, last=0)
    assert (completed.code, "is after" in completed.err) == (2, True)


def test_unsorted_users_of_another_writer_are_compared(tmp_path: Path) -> None:
    write(tmp_path / "nights", nightly(0, ANN, BOB))
    folder = write(tmp_path / "nights", nightly(1, BOB, {**ANN, "assignedLicenses": []}))
    rewritten(folder, "users", lambda table: table.take(pc.sort_indices(table, [("id", "descending")])))
    rewritten(folder, "assignments", lambda table: table.set_column(0, "user", pc.add(table["user"], -1)))
    (product, _) = json.loads(people(tmp_path, "-f", "json").out)["people"]
    assert product == {"skuId": SKUS[0], "skuPartNumber": "SPE_E3", "kept": 1, "new": 0, "reclaimed": 1, "lapsed": 0}
