"""Shards of a fleet with failed tenants: the merged result has the same bytes as one run."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.snapshot.writer import write
from tests.builders.service.command_line import call
from tests.builders.tenant.nights import SKUS, night
from tests.builders.tenant.two_people import ANN, ASKED, BLOCKED_BOB, BLOCKED_POLICY, TWO_PEOPLE, instant

TENANTS = [f"school-{number}" for number in range(8)]
FAILED = {"school-2", "school-5"}
"""Tenants without a snapshot of the first night."""
BALANCE = "- {id: even, severity: low, balance: {of: [SPE_E3], spare: {min: 2, max: 10}}}\n"
FORMATS = ("json", "html", "csv", "markdown", "ndjson")
SHARDS = 2


def state(number: int, day: int) -> dict[str, Any]:
    """Return the state of a school: odd numbers have too few seats, even ones too many; Bob may be blocked."""
    product = {
        **TWO_PEOPLE["subscribedSkus"][0],
        "skuId": SKUS[0],
        "prepaidUnits": {"enabled": 3 if number % 2 else 40},
    }
    return {"users": [ANN, BLOCKED_BOB] if day or number % 3 else [ANN], "subscribedSkus": [product]}


def store_fleet(folder: Path) -> None:
    (folder / "p.yaml").write_text(BLOCKED_POLICY + BALANCE)
    for number, name in enumerate(TENANTS):
        for day in (1,) if name in FAILED else (0, 1):
            snapshot = night(state(number, day), day, asked=ASKED)
            manifest = replace(snapshot.manifest, tenant=name, tenant_id=f"id-{number}")
            write(folder / "snapshots", replace(snapshot, manifest=manifest))
    assert call("store", "put", "audits", "snapshots", cwd=folder).code == 0


def audit(folder: Path, output: str, day: int, *options: str) -> int:
    formats = [argument for name in FORMATS for argument in ("-f", name)]
    common = ("--snapshot", "audits", "--as-of", instant(day), "-o", output, "-q", *formats)
    return call("audit", "p.yaml", *common, *options, cwd=folder).code


def merge(folder: Path, output: str, *shards: str) -> int:
    formats = [argument for name in FORMATS for argument in ("-f", name)]
    return call("report", *(f"{shard}/result.json" for shard in shards), "-o", output, "-q", *formats, cwd=folder).code


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_merged_shards_with_failed_tenants_have_the_bytes_of_one_run(tmp_path: Path) -> None:
    store_fleet(tmp_path)
    for day, compare in ((0, ()), (1, ("--compare", "whole0/result.json"))):
        assert audit(tmp_path, f"whole{day}", day, *compare) == (1 if day else 3)
        shards = [f"part{day}-{number}" for number in range(1, SHARDS + 1)]
        codes = [
            audit(tmp_path, shard, day, "--shard", f"{number}/{SHARDS}", *compare)
            for number, shard in enumerate(shards, 1)
        ]
        assert set(codes) <= {0, 1, 3}
        assert merge(tmp_path, f"merged{day}", *reversed(shards)) == 0
        assert files(tmp_path / f"merged{day}") == files(tmp_path / f"whole{day}")
    first, second = (json.loads((tmp_path / f"whole{day}" / "result.json").read_text()) for day in (0, 1))
    assert {tenant["name"] for tenant in first["tenants"] if tenant["failure"] is not None} == FAILED
    (imbalance,) = second["fleet"]["findings"]
    assert imbalance["check"] == "balance.imbalance"
    assert {finding["change"] for tenant in second["tenants"] for finding in tenant["findings"]} == {"new", "unchanged"}
