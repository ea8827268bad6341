"""Measures start-up: complete processes against a bare interpreter and bare imports."""

import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.measurement import INCOMPLETE, Row, alternated, at_most, spread, tenant

_USERS = 1000
_IMPORTS = "import msgspec, numpy, orjson, pyarrow.compute, pyarrow.parquet, yaml"
"""The libraries that every audit needs."""


def measure(_users: int, rounds: int) -> list[Row]:
    """Run each command alternately with its floor."""
    times = max(7, rounds)
    program = [sys.executable, "-m", "auditor"]
    with tempfile.TemporaryDirectory(prefix="auditor-bench-") as out:
        audit = ["audit", "--snapshot", str(tenant(_USERS)), "-f", "json", "-o", str(Path(out)), "--fail-on", "never"]
        commands = alternated(
            {
                "floor": [sys.executable, "-c", "pass"],
                "auditor --help": [*program, "--help"],
                "auditor --version": [*program, "--version"],
            },
            times,
        )
        small = alternated(
            {
                "floor": [sys.executable, "-c", _IMPORTS],
                f"auditor audit --snapshot, {_USERS:,} users, the starter library, JSON out": [
                    *program, *audit, "--as-of", "2026-11-20T02:17:00Z",
                ],
            },
            times,
            accept=INCOMPLETE,
        )  # fmt: skip
    return [*_rows(commands, "python -c pass", 6.0), *_rows(small, f'python -c "{_IMPORTS}"', 2.5)]


def _rows(seconds: dict[str, list[float]], against: str, bar: float) -> list[Row]:
    floor = seconds.pop("floor")
    rows = []
    for name, values in seconds.items():
        ratios = [time / bare for time, bare in zip(values, floor, strict=True)]
        rows.append(
            Row(
                what=f"`{name}`" if name.startswith("auditor --") else name,
                measured=f"{spread([1000 * value for value in values], 0)} ms",
                against=f"`{against}`: {spread([1000 * value for value in floor], 0)} ms",
                ratio=f"{spread(ratios)}×",
                bar=at_most(median(ratios), bar),
            )
        )
    return rows
