"""Several places looked at together: each night and each result counts once, and none of them hides another's."""

import json
import shutil
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from auditor.snapshot.writer import write
from tests.builders.service.command_line import call
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights in a folder and in a store without results, and their results in a store without nights."""
    folder = tmp_path_factory.mktemp("places")
    (folder / "p.yaml").write_text(BLOCKED_POLICY)
    for day in range(3):
        write(folder / "snapshots", night({**TWO_PEOPLE, "users": [ANN, BLOCKED_BOB][: day + 1]}, day, asked=ASKED))
        done = call(
            "audit", "p.yaml", "--snapshot", "snapshots", "--as-of", instant(day), "-f", f"json=r{day}.json", "-q",
            cwd=folder,
        )  # fmt: skip
        assert done.code in {0, 1}, done.err
    assert call("store", "put", "nights", "snapshots", cwd=folder).code == 0
    assert call("store", "put", "results", "r0.json", "r1.json", "r2.json", cwd=folder).code == 0
    return folder


def curves(workspace: Path, sources: Sequence[str]) -> dict[str, Any]:
    done = call("history", *sources, "-f", "json", cwd=workspace)
    assert done.code == 0, done.err
    (tenant,) = json.loads(done.out)["tenants"]
    return dict(tenant)


@pytest.mark.slow
@pytest.mark.parametrize("sources", list(permutations(["nights", "results", "snapshots"])), ids="+".join)
def test_the_order_of_places_says_nothing_and_a_night_in_two_of_them_is_one(
    sources: tuple[str, ...], workspace: Path
) -> None:
    found = curves(workspace, sources)
    assert (found["nights"], found["results"]) == (3, 3)
    assert [len(seat["nights"]) for seat in found["seats"]] == [3]
    assert [each["accounts"] for each in found["people"]] == [1, 2, 2]
    assert [each["open"]["high"] for each in found["findings"]] == [0, 2, 2]


@pytest.mark.slow
def test_a_place_that_is_named_twice_is_one(workspace: Path) -> None:
    assert curves(workspace, ["results", "results", "nights", "nights"]) == curves(workspace, ["results", "nights"])


@pytest.mark.slow
def test_results_in_two_places_are_one_clear_error(workspace: Path, tmp_path: Path) -> None:
    assert call("store", "put", tmp_path / "more", "r0.json", cwd=workspace).code == 0
    for other in (tmp_path / "more", Path("r0.json")):
        done = call("history", "results", other, cwd=workspace)
        assert (done.code, done.out) == (2, b"")
        assert "results of contoso are both in a store and outside it" in done.err


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_damaged_snapshot_of_a_folder_is_one_clear_error(harm: str, workspace: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(workspace / "snapshots", tmp_path / "snapshots")
    products = next(copy.rglob("products.parquet"))
    if harm == "gone":
        products.unlink()
    else:
        products.write_bytes(products.read_bytes()[:100])
    done = call("history", copy, cwd=tmp_path)
    assert (done.code, done.out) == (2, b"")
    assert "snapshot-damaged" in done.err
