"""Seat history with nights without data: gaps are shown as unknown, and not as the value before."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.app.history.stored_runs import stored_runs
from auditor.app.saved_results import saved_result
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import Coverage
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.service.command_line import call, expect
from tests.builders.tenant.nights import SKUS, START, night
from tests.builders.tenant.two_people import ASKED, BLOCKED_POLICY, TWO_PEOPLE

pytestmark = pytest.mark.slow
WEEKS = 10
VISIO = {"skuId": SKUS[1], "skuPartNumber": "VISIO", "consumedUnits": 1, "prepaidUnits": {"enabled": 5, "warning": 0}}


def week(number: int, *, with_product: bool = True) -> Snapshot:
    """Return the snapshot of one week: ten seats more than the week before, or without the product."""
    product = {**VISIO, "skuId": SKUS[0], "skuPartNumber": "SPE_E3", "consumedUnits": 10 * number}
    product["prepaidUnits"] = {"enabled": 1000, "warning": 0}
    return night({**TWO_PEOPLE, "subscribedSkus": [*([product] if with_product else []), VISIO]}, 7 * number)


def unread(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot whose products were not read (denied)."""
    sources = [source for source in snapshot.manifest.sources if source.name is not Source.SUBSCRIBED_SKUS]
    denied = Coverage(name=Source.SUBSCRIBED_SKUS, status=SourceStatus.DENIED)
    empty = night({**TWO_PEOPLE, "subscribedSkus": []}, (snapshot.manifest.instant - START).days)
    return replace(empty, manifest=replace(snapshot.manifest, sources=(*sources, denied)))


def seats(folder: Path, *options: str) -> dict[str, Any]:
    now = str(int((START + timedelta(days=7 * WEEKS + 1)).timestamp()))
    completed = expect(0, "history", "nights", "-f", "json", *options, cwd=folder, SOURCE_DATE_EPOCH=now)
    (tenant,) = json.loads(completed.out)["tenants"]
    return {seat["skuPartNumber"]: seat for seat in tenant["seats"]}


@pytest.mark.parametrize("last", [week(WEEKS, with_product=False), unread(week(WEEKS))], ids=["gone", "unread"])
def test_no_forecast_if_the_seats_of_the_last_night_are_unknown(last: Snapshot, tmp_path: Path) -> None:
    for number in range(WEEKS):
        write(tmp_path / "nights", week(number))
    assert seats(tmp_path)["SPE_E3"]["forecast"]["silent"] is None
    write(tmp_path / "nights", last)
    for options in ((), ("--to", "2027-01-01")):
        product = seats(tmp_path, *options)["SPE_E3"]
        assert [night["consumed"] for night in product["nights"]] == [*(10 * number for number in range(WEEKS)), None]
        assert product["forecast"]["silent"] == "the seats of the last night are not known"
    text = call("history", "nights", cwd=tmp_path, COLUMNS="200").text
    (line,) = [line for line in text.splitlines() if "Microsoft 365 E3" in line]
    assert line.split()[3:6] == ["0", "→", "?"]


def test_seats_are_listed_from_the_first_night_of_a_product_with_gaps(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path / "nights", week(number, with_product=number in {1, 3}))
    products = seats(tmp_path)
    assert [night["consumed"] for night in products["SPE_E3"]["nights"]] == [10, None, 30]
    assert [night["consumed"] for night in products["VISIO"]["nights"]] == [1, 1, 1, 1]


def test_spare_seats_of_a_fleet_are_unknown_if_one_tenant_was_not_read(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    for number in range(3):
        for name in ("contoso", "fabrikam"):
            snapshot = unread(week(number)) if (name, number) == ("fabrikam", 1) else week(number)
            renamed = replace(snapshot, manifest=replace(snapshot.manifest, tenant=name))
            write(tmp_path / f"week{number}", renamed)
        instant = (START + timedelta(days=7 * number, hours=1)).isoformat()
        completed = call(
            "audit", "p.yaml", "--snapshot", f"week{number}", "--as-of", instant, "--store", "audits", "-f",
            "json=result.json", "-q", cwd=tmp_path,
        )  # fmt: skip
        assert completed.code in {0, 3}, completed.err
    newest = saved_result(tmp_path / "result.json")
    # Each of the two tenants has 1000 seats, ten more of them assigned every week, and 5 seats with one assigned.
    assert [run.spare for run in stored_runs(tmp_path / "audits", newest)] == [2 * (1000 + 4), None]


STORAGE = {
    **VISIO,
    "skuId": "99049c9c-6011-4908-bf17-15f496e6519d",
    "skuPartNumber": "SHAREPOINTSTORAGE",
    "appliesTo": "Company",
}


def state(day: int) -> dict[str, Any]:
    """Ten more units of storage are bought every day."""
    storage = {**STORAGE, "consumedUnits": 0, "prepaidUnits": {"enabled": 500 + 10 * day, "warning": 0}}
    return {**TWO_PEOPLE, "subscribedSkus": [VISIO, storage]}


@pytest.mark.parametrize("where", ["nights", "audits"])
def test_units_of_storage_are_no_spare_seats(where: str, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    for day in range(2):
        snapshot = night(state(day), day, asked=ASKED)
        write(tmp_path / "nights", snapshot)
        write(tmp_path / f"night{day}", snapshot)
        options = ("--snapshot", f"night{day}", "--as-of", (START + timedelta(days=day)).isoformat(), "-q")
        assert call("audit", "p.yaml", *options, "--store", "audits", cwd=tmp_path).code in {0, 1}
    between = ("--from", START.isoformat(), "--to", (START + timedelta(days=1)).isoformat())
    printed = call("history", where, "--all", *between, cwd=tmp_path, COLUMNS="120").text
    rows = [line.split("  ") for line in printed.splitlines() if "Extra File Storage" in line]
    rows = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert [row[-1] for row in rows] == ["–", "–"]
    page = call("history", where, "-f", "html", *between, cwd=tmp_path).out.decode()
    rows = [re.findall("<td[^>]*>([^<]*)</td>", row) for row in page.split("<tr>") if "Extra File Storage" in row]
    assert [row[-1] if len(row) == 3 else row[-3] for row in rows] == ["–", "–"]
