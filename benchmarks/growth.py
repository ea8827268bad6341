"""Measures growth: evaluation with users, policies and tenants, reports with findings, trends with nights.

Every point is a process of its own; docs/images/growth.svg is drawn of them.
"""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from benchmarks.measurement import FIFTY, ROOT, Row, fleet, module, peer, tenant

PICTURE = ROOT / "docs" / "images" / "growth.svg"
_TENANTS, _EACH = 200, 500


class Point(Struct, frozen=True, kw_only=True):
    """What one size took."""

    size: int
    seconds: float
    """Of the processor, from input to output; starting the program is left out."""
    peak: float
    """MB that the process held at its highest."""


class Series(Struct, frozen=True, kw_only=True):
    """One job at several sizes, the smallest first."""

    title: str
    unit: str
    points: tuple[Point, ...]

    @property
    def slope(self) -> float:
        """The exponent between the last two sizes: 1 where time grows as the size does, 2 where as its square."""
        first, last = self.points[-2:]
        return math.log(last.seconds / first.seconds) / math.log(last.size / first.size)


def measure(users: int, rounds: int) -> list[Row]:
    """Measure every series and draw them; of `rounds` repetitions the quickest counts, as the least disturbed."""
    with tempfile.TemporaryDirectory(prefix="auditor-bench-") as folder:
        series = _series(users, rounds, Path(folder))
    _draw(series)
    return [_row(each) for each in series]


def _series(users: int, rounds: int, folder: Path) -> tuple[Series, ...]:
    third = users // 3
    store = Path(str(module("history", "1000", "3").readings["store"]))

    def evaluated(size: int) -> Point:
        run = module("processes.engine", str(tenant(size)), str(FIFTY), "--outcomes")
        return Point(size=size, seconds=run.readings["cpu"], peak=run.peak)

    def judged(policies: int) -> Point:
        run = module("processes.engine", str(tenant(third)), str(FIFTY), "--outcomes", "--times", str(policies // 50))
        return Point(size=policies, seconds=run.readings["cpu"], peak=run.peak)

    def walked(tenants: int) -> Point:
        run = module("processes.tenants", str(fleet(_TENANTS, _EACH)), str(tenants))
        return Point(size=tenants, seconds=run.readings["cpu"] * tenants / 1000, peak=run.peak)

    def reported(findings: int) -> Point:
        run = module("report", "--one", str(findings), "html", str(folder / "report.html"))
        return Point(size=findings, seconds=run.readings["of them computing"], peak=run.peak)

    def looked_back(nights: int) -> Point:
        readings = module("history", "trend", str(store), str(nights)).readings
        return Point(size=nights, seconds=readings["query"], peak=readings["peak"])

    def measured(title: str, unit: str, sizes: Sequence[int], work: Callable[[int], Point]) -> Series:
        points = (min((work(size) for _ in range(rounds)), key=lambda point: point.seconds) for size in sizes)
        return Series(title=title, unit=unit, points=tuple(points))

    try:
        return (
            measured("evaluation of 50 policies", "users", (users // 30, users // 10, third, users), evaluated),
            measured(f"evaluation of {third:,} users", "policies", (50, 100, 150, 200), judged),
            measured(f"evaluation, {_EACH} users each", "tenants", (25, 50, 100, _TENANTS), walked),
            measured("the HTML report", "findings", (5_000, 15_000, 50_000, 150_000), reported),
            measured("a trend query", "nights", (45, 90, 180, 365), looked_back),
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
        bar="",
    )


def _draw(series: Sequence[Series]) -> None:
    """Draw in a process of its own, which finds the library for it; without that library there is a table only."""
    libraries = peer("plots")
    if libraries is None:
        return
    document = json.dumps([asdict(each) for each in series])
    path = f"{libraries}:{ROOT}" if sys.platform != "win32" else f"{libraries};{ROOT}"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.plot", str(PICTURE)],
        check=True, input=document, text=True, cwd=ROOT, env={"PYTHONPATH": path, "PATH": "", "MPLBACKEND": "svg"},
    )  # fmt: skip
