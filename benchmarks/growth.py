"""Measures growth: evaluation with users, policies and tenants, reports with findings, trends with nights.

Every point is measured in a separate process; docs/images/growth.svg shows all of them.
"""

import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.measurement import FIFTY, ROOT, Row, fleet, module, peer, tenant

PICTURE = ROOT / "docs" / "images" / "growth.svg"
_TENANTS, _EACH = 200, 500


class Point(Struct, frozen=True, kw_only=True):
    """The measurement of one size."""

    size: int
    seconds: float
    """CPU seconds from input to output, without the start of the program."""
    peak: float
    """Peak memory of the process in MB."""


class Series(Struct, frozen=True, kw_only=True):
    """One job at several sizes, the smallest first."""

    title: str
    unit: str
    points: tuple[Point, ...]

    @property
    def slope(self) -> float:
        """The exponent between the last two sizes: 1 if time grows linearly with the size, 2 if quadratically."""
        first, last = self.points[-2:]
        return math.log(last.seconds / first.seconds) / math.log(last.size / first.size)


def measure(users: int, rounds: int) -> list[Row]:
    """Measure and draw every series; the quickest of `rounds` repetitions is used, as the least disturbed."""
    with tempfile.TemporaryDirectory(prefix="auditor-bench-") as folder:
        series = _series(users, rounds, Path(folder))
    _draw(series)
    return [_row(item) for item in series]


def _series(users: int, rounds: int, folder: Path) -> tuple[Series, ...]:
    third = users // 3
    store = Path(str(module("history", "1000", "3").readings["store"]))

    def by_users(size: int) -> Point:
        run = module("processes.engine", str(tenant(size)), str(FIFTY), "--outcomes")
        return Point(size=size, seconds=run.readings["cpu"], peak=run.peak)

    def by_policies(policies: int) -> Point:
        run = module("processes.engine", str(tenant(third)), str(FIFTY), "--outcomes", "--times", str(policies // 50))
        return Point(size=policies, seconds=run.readings["cpu"], peak=run.peak)

    def by_tenants(tenants: int) -> Point:
        run = module("processes.tenants", str(fleet(_TENANTS, _EACH)), str(tenants))
        return Point(size=tenants, seconds=run.readings["cpu"] * tenants / 1000, peak=run.peak)

    def by_findings(findings: int) -> Point:
        run = module("report", str(findings), "html", str(folder / "report.html"))
        return Point(size=findings, seconds=run.readings["of them computing"], peak=run.peak)

    def by_nights(nights: int) -> Point:
        readings = module("history", "trend", str(store), str(nights)).readings
        return Point(size=nights, seconds=readings["query"], peak=readings["peak"])

    def measure_series(title: str, unit: str, sizes: Sequence[int], work: Callable[[int], Point]) -> Series:
        points = (min((work(size) for _ in range(rounds)), key=lambda point: point.seconds) for size in sizes)
        return Series(title=title, unit=unit, points=tuple(points))

    try:
        return (
            measure_series("evaluation of 50 policies", "users", (users // 30, users // 10, third, users), by_users),
            measure_series(f"evaluation of {third:,} users", "policies", (50, 100, 150, 200), by_policies),
            measure_series(f"evaluation, {_EACH} users each", "tenants", (25, 50, 100, _TENANTS), by_tenants),
            measure_series("the HTML report", "findings", (5_000, 15_000, 50_000, 150_000), by_findings),
            measure_series("a trend query", "nights", (45, 90, 180, 365), by_nights),
        )
    finally:
        shutil.rmtree(store.parent)


def _row(series: Series) -> Row:
    first, last = series.points[0], series.points[-1]
    return Row(
        what=f"{series.title}, by {series.unit}",
        measured="; ".join(f"{point.size:,}: {point.seconds:.2f} s, {point.peak:,.0f} MB" for point in series.points),
        against=f"{last.size / first.size:.0f} times as many {series.unit}",
        ratio=f"{last.seconds / first.seconds:.1f}× the time, {last.peak / first.peak:.1f}× the memory; "
        f"exponent {series.slope:.2f}",
    )


def _draw(series: Sequence[Series]) -> None:
    """Draw in a separate process with matplotlib on its path; without matplotlib there is only the table."""
    libraries = peer("plots")
    if libraries is None:
        return
    path = f"{libraries}:{ROOT}" if sys.platform != "win32" else f"{libraries};{ROOT}"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.plot", str(PICTURE)],
        check=True, input=msgspec.json.encode(series), cwd=ROOT,
        env={"PYTHONPATH": path, "PATH": "", "MPLBACKEND": "svg"},
    )  # fmt: skip
