"""A fleet audited in parts, of which some tenants failed: merged, it is to the byte what one run would have written."""

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
"""They have nothing of the first night."""
BALANCE = "- {id: even, severity: low, balance: {of: [SPE_E3], spare: {min: 2, max: 10}}}\n"
FORMATS = ("json", "html", "csv", "markdown", "ndjson")
PARTS = 2


def state(number: int, day: int) -> dict[str, Any]:
    """What a school owns and holds: odd ones are short of seats, even ones have too many; somebody is blocked later."""
    bought = {**TWO_PEOPLE["subscribedSkus"][0], "skuId": SKUS[0], "prepaidUnits": {"enabled": 3 if number % 2 else 40}}
    return {"users": [ANN, BLOCKED_BOB] if day or number % 3 else [ANN], "subscribedSkus": [bought]}


def fleet(folder: Path) -> None:
    (folder / "p.yaml").write_text(BLOCKED_POLICY + BALANCE)
    for number, name in enumerate(TENANTS):
        for day in (1,) if name in FAILED else (0, 1):
            made = night(state(number, day), day, asked=ASKED)
            named = replace(made.manifest, tenant=name, tenant_id=f"id-{number}")
            write(folder / "snapshots", replace(made, manifest=named))
    assert call("store", "put", "audits", "snapshots", cwd=folder).code == 0


def audited(folder: Path, to: str, day: int, *options: str) -> int:
    formats = [word for name in FORMATS for word in ("-f", name)]
    common = ("--snapshot", "audits", "--as-of", instant(day), "-o", to, "-q", *formats)
    return call("audit", "p.yaml", *common, *options, cwd=folder).code


def merged(folder: Path, to: str, *parts: str) -> int:
    formats = [word for name in FORMATS for word in ("-f", name)]
    return call("report", *(f"{part}/result.json" for part in parts), "-o", to, "-q", *formats, cwd=folder).code


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_parts_of_a_fleet_with_tenants_that_failed_merge_into_the_bytes_of_one_run(tmp_path: Path) -> None:
    fleet(tmp_path)
    for day, compare in ((0, ()), (1, ("--compare", "whole0/result.json"))):
        assert audited(tmp_path, f"whole{day}", day, *compare) == (1 if day else 3)
        parts = [f"part{day}-{number}" for number in range(1, PARTS + 1)]
        codes = [
            audited(tmp_path, part, day, "--shard", f"{number}/{PARTS}", *compare)
            for number, part in enumerate(parts, 1)
        ]
        assert set(codes) <= {0, 1, 3}
        assert merged(tmp_path, f"merged{day}", *reversed(parts)) == 0
        assert files(tmp_path / f"merged{day}") == files(tmp_path / f"whole{day}")
    first, second = (json.loads((tmp_path / f"whole{day}" / "result.json").read_text()) for day in (0, 1))
    assert {t["name"] for t in first["tenants"] if t["failure"] is not None} == FAILED
    (uneven,) = second["fleet"]["findings"]
    assert uneven["check"] == "balance.imbalance"
    assert {f["change"] for t in second["tenants"] for f in t["findings"]} == {"new", "unchanged"}
