"""`python -m benchmarks [NAME ...]`: measure, print a table, and write it into docs/benchmarks.md."""

import argparse
import importlib
import os
import platform
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measurement import ROOT, Row

BENCHMARKS = {
    "startup": "how long a command takes to start, and a small audit as a whole",
    "policies": "500 policy files",
    "hostile": "policies made to take long, at two sizes",
    "evaluation": "1,000,000 users × 50 policies",
    "selectors": "selectors about use, roles and coverage",
    "tenants": "small tenants, one after the other",
    "audit": "the whole command over a large tenant",
    "spark": "the big tenant on a Spark of this machine",
    "history": "a year of nights in a store",
    "report": "large reports, written and opened",
    "formats": "the other formats of a large audit",
    "collect": "reading tenants from an emulated Graph",
    "sources": "collecting with and without optional sources",
    "growth": "how time and memory grow, as a table and a plot",
}
_SECTIONS = {"collect": "collection"}
"""The marker of a table in the page, if it is not the name of the benchmark."""
_PAGE = ROOT / "docs" / "benchmarks.md"
_LIBRARIES = ("numpy", "pyarrow", "PyYAML", "jsonschema_rs")


def main() -> int:
    """Run the named benchmarks, or all; return 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(f"{n}: {w}" for n, w in BENCHMARKS.items()))
    parser.add_argument("--users", type=int, default=1_000_000, help="size of the big tenant (default: 1,000,000)")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of each measurement (default: 3)")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md alone")
    args = parser.parse_args()
    unknown = set(args.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    missed = False
    for name in args.names or BENCHMARKS:
        rows: list[Row] = importlib.import_module(f"benchmarks.{name}").measure(args.users, args.rounds)
        _show(name, rows)
        missed |= any(row.bar is not None and not row.bar.met for row in rows)
        if not args.no_write:
            _write(_PAGE, _SECTIONS.get(name, name), rows)
    return int(missed)


def _show(name: str, rows: Sequence[Row]) -> None:
    print(f"\n{name}: {BENCHMARKS[name]}")
    for row in rows:
        print(f"  {row.what}\n    {row.measured}" + (f"\n    against {row.against}" if row.against else ""))
        bar, verdict = _bar_and_verdict(row)
        print(f"    {' · '.join(filter(None, (row.ratio, bar and f'bar {bar}', verdict)))}")


def _bar_and_verdict(row: Row) -> tuple[str, str]:
    return ("", "") if row.bar is None else (row.bar.text, "met" if row.bar.met else "MISSED")


def _write(page: Path, name: str, rows: Sequence[Row]) -> None:
    """Write the table between the markers of its name."""
    lines = ["| what | measured | against | ratio | bar | |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {' | '.join((row.what, row.measured, row.against, row.ratio, *_bar_and_verdict(row)))} |" for row in rows
    ]
    body = "\n".join(
        [f"<!-- {name}: written by `python -m benchmarks` -->", _machine(), "", *lines, f"<!-- /{name} -->"]
    )
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"<!-- {name}: .*?<!-- /{name} -->", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"{page} has no place for {name}")
    page.write_text(pattern.sub(lambda _: body, text), encoding="utf-8")


def _machine() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    day = datetime.now(UTC).date()
    return f"{day}, {os.cpu_count()} cores{load}, {platform.system()}, Python {platform.python_version()}, {libraries}."


if __name__ == "__main__":
    sys.exit(main())
