"""Seats over nights of which some say nothing: a gap is told as one, and never as what was true before it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.app.history.queries import stored_runs
from auditor.app.saved_results import saved_result
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import Coverage
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.service.command_line import call
from tests.builders.tenant.nights import SKUS, START, night
from tests.builders.tenant.two_people import BLOCKED_POLICY, TWO_PEOPLE

WEEKS = 10
OTHER = {"skuId": SKUS[1], "skuPartNumber": "VISIO", "consumedUnits": 1, "prepaidUnits": {"enabled": 5, "warning": 0}}


def week(number: int, *, counted: bool = True) -> Snapshot:
    """A night of a week: ten more seats of a hundred are taken than the week before, or the product is not there."""
    grown = {**OTHER, "skuId": SKUS[0], "skuPartNumber": "SPE_E3", "consumedUnits": 10 * number}
    grown["prepaidUnits"] = {"enabled": 1000, "warning": 0}
    return night({**TWO_PEOPLE, "subscribedSkus": [*([grown] if counted else []), OTHER]}, 7 * number)


def unread(snapshot: Snapshot) -> Snapshot:
    """The night of a tenant that refused to tell its products."""
    sources = [s for s in snapshot.manifest.sources if s.name is not Source.SUBSCRIBED_SKUS]
    denied = Coverage(name=Source.SUBSCRIBED_SKUS, status=SourceStatus.DENIED)
    made = night({**TWO_PEOPLE, "subscribedSkus": []}, (snapshot.manifest.instant - START).days)
    return replace(made, manifest=replace(snapshot.manifest, sources=(*sources, denied)))


def seats(folder: Path, *options: str) -> dict[str, Any]:
    now = str(int((START + timedelta(days=7 * WEEKS + 1)).timestamp()))
    done = call("history", "nights", "-f", "json", *options, cwd=folder, SOURCE_DATE_EPOCH=now)
    assert done.code == 0, done.err
    (tenant,) = json.loads(done.out)["tenants"]
    return {seat["skuPartNumber"]: seat for seat in tenant["seats"]}


@pytest.mark.slow
@pytest.mark.parametrize("last", [week(WEEKS, counted=False), unread(week(WEEKS))], ids=["gone", "unread"])
def test_nothing_is_foretold_from_seats_that_the_last_night_does_not_tell(last: Snapshot, tmp_path: Path) -> None:
    for number in range(WEEKS):
        write(tmp_path / "nights", week(number))
    assert seats(tmp_path)["SPE_E3"]["forecast"]["silent"] is None
    write(tmp_path / "nights", last)
    for options in ((), ("--to", "2027-01-01")):
        grown = seats(tmp_path, *options)["SPE_E3"]
        assert [each["consumed"] for each in grown["nights"]] == [*(10 * number for number in range(WEEKS)), None]
        assert grown["forecast"]["silent"] == "the seats of the last night are not known"
    shown = call("history", "nights", cwd=tmp_path, COLUMNS="200").text
    (line,) = [line for line in shown.splitlines() if "Microsoft 365 E3" in line]
    assert line.split()[3:6] == ["0", "→", "?"]


def test_a_product_is_reported_from_its_first_night_on_and_a_night_without_it_is_a_gap(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path / "nights", week(number, counted=number in {1, 3}))
    found = seats(tmp_path)
    assert [each["consumed"] for each in found["SPE_E3"]["nights"]] == [10, None, 30]
    assert [each["consumed"] for each in found["VISIO"]["nights"]] == [1, 1, 1, 1]


@pytest.mark.slow
def test_the_spare_seats_of_tenants_are_no_sum_where_those_of_one_were_not_read(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    for number in range(3):
        for name in ("contoso", "fabrikam"):
            made = unread(week(number)) if (name, number) == ("fabrikam", 1) else week(number)
            named = replace(made, manifest=replace(made.manifest, tenant=name))
            write(tmp_path / f"week{number}", named)
        at = (START + timedelta(days=7 * number, hours=1)).isoformat()
        done = call(
            "audit", "p.yaml", "--snapshot", f"week{number}", "--as-of", at, "--store", "audits", "-f",
            "json=result.json", "-q", cwd=tmp_path,
        )  # fmt: skip
        assert done.code in {0, 3}, done.err
    newest = saved_result(tmp_path / "result.json")
    # Of a thousand seats and of five in each of two tenants; ten a week are taken.
    assert [run.spare for run in stored_runs(tmp_path / "audits", newest)] == [2 * (1000 + 4), None]
