"""`auditor history` of several locations: each night and result counts once, and all are included."""

import json
import shutil
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.snapshot.writer import write
from tests.builders.service.command_line import call, expect
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights in a folder and in a store without results, and their results in a store without nights."""
    folder = tmp_path_factory.mktemp("places")
    (folder / "p.yaml").write_text(BLOCKED_POLICY)
    for day in range(3):
        write(folder / "snapshots", night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB][: day + 1]}, day, asked=ASKED))
        completed = call(
            "audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(day), "-f", f"json=r{day}.json", "-q",
            cwd=folder,
        )  # fmt: skip
        assert completed.code in {0, 1}, completed.err
    assert call("store", "put", "nights", "snapshots", cwd=folder).code == 0
    assert call("store", "put", "results", "r0.json", "r1.json", "r2.json", cwd=folder).code == 0
    return folder


def curves(workspace: Path, sources: Sequence[str]) -> dict[str, Any]:
    completed = expect(0, "history", *sources, "-f", "json", cwd=workspace)
    (tenant,) = json.loads(completed.out)["tenants"]
    return dict(tenant)


@pytest.mark.slow
@pytest.mark.parametrize("sources", list(permutations(["nights", "results", "snapshots"])), ids="+".join)
def test_order_of_locations_is_irrelevant_and_duplicate_nights_count_once(
    sources: tuple[str, ...], workspace: Path
) -> None:
    tenant = curves(workspace, sources)
    assert (tenant["nights"], tenant["results"]) == (3, 3)
    assert [len(seat["nights"]) for seat in tenant["seats"]] == [3]
    assert [night["accounts"] for night in tenant["people"]] == [1, 2, 2]
    assert [night["open"]["high"] for night in tenant["findings"]] == [0, 2, 2]


@pytest.mark.slow
def test_location_given_twice_counts_once(workspace: Path) -> None:
    assert curves(workspace, ["results", "results", "nights", "nights"]) == curves(workspace, ["results", "nights"])


@pytest.mark.slow
def test_results_in_a_store_and_outside_it_are_an_error(workspace: Path, tmp_path: Path) -> None:
    assert call("store", "put", tmp_path / "more", "r0.json", cwd=workspace).code == 0
    for location in (tmp_path / "more", Path("r0.json")):
        completed = call("history", "results", location, cwd=workspace)
        assert (completed.code, completed.out) == (2, b"")
        assert "results of contoso are both in a store and outside it" in completed.err


@pytest.mark.parametrize("content", [b"", b'{"schema": "auditor/result/v1", "run"'])
def test_unreadable_result_is_reported_and_the_others_are_shown(content: bytes, workspace: Path) -> None:
    (workspace / "damaged.json").write_bytes(content)
    completed = expect(3, "history", "r0.json", "damaged.json", "r2.json", "-f", "json", cwd=workspace)
    (tenant,) = json.loads(completed.out)["tenants"]
    assert tenant["results"] == 2
    assert "damaged.json" in completed.err


@pytest.mark.parametrize(
    "options",
    [
        ("--tenant", "contoso"),
        ("--policy", "blocked"),
        ("--tenant", "fabrikam"),
        ("--tenant", "contoso", "--tenant", "fabrikam"),
    ],
)
def test_unreadable_result_is_an_error_if_it_may_contain_what_is_asked_for(
    options: tuple[str, ...], workspace: Path
) -> None:
    """The file may contain a tenant that no other file has, so that an answer without it could be wrong."""
    (workspace / "damaged.json").write_bytes(b"{")
    completed = call("history", "r0.json", "damaged.json", *options, cwd=workspace)
    assert (completed.code, completed.out) == (2, b"")
    assert "damaged.json" in completed.err
    assert "has no tenant" not in completed.err
    assert call("history", "damaged.json", cwd=workspace).code == 2


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_damaged_snapshot_in_a_folder_is_an_error(damage: str, workspace: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(workspace / "snapshots", tmp_path / "snapshots")
    products = next(copy.rglob("products.parquet"))
    if damage == "gone":
        products.unlink()
    else:
        products.write_bytes(products.read_bytes()[:100])
    completed = call("history", copy, cwd=tmp_path)
    assert (completed.code, completed.out) == (2, b"")
    assert "snapshot-damaged" in completed.err


@pytest.mark.slow
def test_display_name_of_the_tenant_is_shown_from_a_store_a_folder_and_a_result(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(BLOCKED_POLICY)
    snapshot = night({**TWO_PEOPLE, "users": [ANN]}, 0, asked=ASKED)
    write(tmp_path / "snapshots", replace(snapshot, manifest=replace(snapshot.manifest, display_name="Contoso Retail")))
    audited = ("--snapshot", "snapshots", "--as-of", instant(0), "-f", "json=r.json", "-q")
    assert call("audit", "p.yaml", *audited, cwd=tmp_path).code == 0
    assert call("store", "put", "nights", "snapshots", cwd=tmp_path).code == 0
    for location in ("nights", "snapshots", "r.json"):
        assert call("history", location, cwd=tmp_path).text.startswith("Contoso Retail: ")
        assert curves(tmp_path, [location])["displayName"] == "Contoso Retail"
