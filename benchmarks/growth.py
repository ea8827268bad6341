"""How time and memory grow: evaluation with users, policies and tenants, reports with findings, trends with nights.

Every point is a process of its own; docs/images/growth.svg is drawn of them.
"""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measuring import FIFTY, ROOT, Row, fleet, module, peer, tenant

PICTURE = ROOT / "docs" / "images" / "growth.svg"
_TENANTS, _EACH = 200, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What one size took."""

    size: int
    seconds: float
    """Of the processor, from input to output; starting the program is left out."""
    peak: float
    """MB that the process held at its highest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
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
    store = Path(str(module("history", "1000", "3").told["store"]))

    def evaluated(size: int) -> Point:
        ran = module("run_engine", str(tenant(size)), str(FIFTY))
        return Point(size=size, seconds=ran.told["cpu"], peak=ran.peak)

    def judged(policies: int) -> Point:
        ran = module("run_engine", str(tenant(third)), str(FIFTY), "--times", str(policies // 50))
        return Point(size=policies, seconds=ran.told["cpu"], peak=ran.peak)

    def walked(tenants: int) -> Point:
        ran = module("run_tenants", str(fleet(_TENANTS, _EACH)), str(tenants))
        return Point(size=tenants, seconds=ran.told["cpu"] * tenants / 1000, peak=ran.peak)

    def reported(findings: int) -> Point:
        ran = module("report", "--one", str(findings), "html", str(folder / "report.html"))
        return Point(size=findings, seconds=ran.told["of them computing"], peak=ran.peak)

    def looked_back(nights: int) -> Point:
        told = module("history", "trend", str(store), str(nights)).told
        return Point(size=nights, seconds=told["query"], peak=told["peak"])

    def taken(title: str, unit: str, sizes: Sequence[int], work: Callable[[int], Point]) -> Series:
        points = (min((work(size) for _ in range(rounds)), key=lambda point: point.seconds) for size in sizes)
        return Series(title=title, unit=unit, points=tuple(points))

    try:
        return (
            taken("evaluation of 50 policies", "users", (users // 30, users // 10, third, users), evaluated),
            taken(f"evaluation of {third:,} users", "policies", (50, 100, 150, 200), judged),
            taken(f"evaluation, {_EACH} users each", "tenants", (25, 50, 100, _TENANTS), walked),
            taken("the HTML report", "findings", (5_000, 15_000, 50_000, 150_000), reported),
            taken("a trend query", "nights", (45, 90, 180, 365), looked_back),
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
    told = json.dumps([asdict(each) for each in series])
    path = f"{libraries}:{ROOT}" if sys.platform != "win32" else f"{libraries};{ROOT}"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.drawing", str(PICTURE)],
        check=True, input=told, text=True, cwd=ROOT, env={"PYTHONPATH": path, "PATH": "", "MPLBACKEND": "svg"},
    )  # fmt: skip
