"""Measures CPU and memory of all formats but HTML, against a plain writer of the same cells."""

import csv
import gc
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measurement import Row, module, spread
from benchmarks.report import large, written

_FINDINGS = 500_000
_FEWER = 100_000
"""Findings for xlsxwriter and for reading back: a fifth of the others, to limit the time."""
_STRETCH = 20_000
"""Findings whose cells are prepared at a time, outside the measurement."""
_BARS = {"csv": 1.0, "xlsx": 12.0}
"""Maximum CPU seconds."""
_MOST = {"xlsx": 150}
"""Maximum MB above the result."""
_NAMES = {
    "csv": "findings.csv",
    "xlsx": "report.xlsx",
    "parquet": "findings.parquet",
    "ndjson": "findings.ndjson",
    "json": "result.json",
}
_FLOORS = {
    "csv": "`csv.writer` over ready tuples of the same cells",
    "xlsx": f"xlsxwriter's `constant_memory` over the same ready cells, {_FEWER:,} rows and scaled",
    "parquet": "pyarrow, the same table at hand",
    "ndjson": "`orjson.dumps` of the same documents at hand",
}


def measure(_users: int, rounds: int) -> list[Row]:
    """Write each format, and the same cells with its floor, in fresh processes."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        cells = Path(folder) / _NAMES["csv"]
        for format_, name in _NAMES.items():
            to = Path(folder) / name
            readings = [module("formats", "--one", str(_FINDINGS), format_, str(to)).readings for _ in range(rounds)]
            rows += _rows(format_, readings, _floor(format_, to, cells))
            if format_ != "csv":
                to.unlink()
    rows.append(_read_back(rounds))
    return rows


def _floor(format_: str, written_: Path, cells: Path) -> float | None:
    if format_ not in _FLOORS:
        return None
    source = cells if format_ == "xlsx" else written_
    seconds = float(module("formats", "--floor", format_, str(source)).readings["seconds"])
    return seconds * _FINDINGS / _FEWER if format_ == "xlsx" else seconds


def _rows(format_: str, readings: list[dict[str, float]], floor: float | None) -> Iterator[Row]:
    busy = [each["of them computing"] for each in readings]
    most, size = (max(each[name] for each in readings) for name in ("MB above the result", "MB written"))
    title = f"`{_NAMES[format_]}` of {_FINDINGS:,} findings"
    bar, memory = _BARS.get(format_), _MOST.get(format_)
    yield Row(
        what=f"{title}, {size:.0f} MB: CPU",
        measured=f"{spread(busy, 2)} s",
        against="" if floor is None else f"{_FLOORS[format_]}: {floor:.2f} s",
        ratio="" if floor is None else f"{median(busy) / floor:.1f}×",
        bar="" if bar is None else f"≤ {bar:g} s",
        met=None if bar is None else median(busy) <= bar,
    )
    yield Row(
        what=f"{title}: memory above the result",
        measured=f"{most:.0f} MB",
        against="",
        ratio="",
        bar="" if memory is None else f"≤ {memory} MB",
        met=None if memory is None else most <= memory,
    )


def _read_back(rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / _NAMES["json"]
        module("formats", "--one", str(_FEWER), "json", str(to))
        readings = [module("formats", "--read", str(to)).readings for _ in range(rounds)]
        size = to.stat().st_size / 1e6
    seconds, most = [each["seconds"] for each in readings], max(each["MB"] for each in readings)
    return Row(
        what=f"reading back a `result.json` of {_FEWER:,} findings, {size:.0f} MB: CPU, memory",
        measured=f"{spread(seconds, 2)} s, {most:.0f} MB",
        against="",
        ratio="",
        bar="",
    )


def _read(path: Path) -> dict[str, float]:
    from auditor.app.saved_results import saved_result

    gc.disable()
    before, busy = _peak(), time.process_time()
    count = sum(len(tenant.findings) for tenant in saved_result(path).tenants)
    if not count:
        sys.exit(f"{path} holds no findings")
    return {"seconds": round(time.process_time() - busy, 2), "MB": _peak() - before}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _timed(ready: Iterator[Any], write: Callable[[Any], object], close: Callable[[], object]) -> float:
    """Return the CPU seconds of writing prepared cells, without the preparation."""
    seconds = 0.0
    for part in ready:
        busy = time.process_time()
        write(part)
        seconds += time.process_time() - busy
    busy = time.process_time()
    close()
    return seconds + time.process_time() - busy


def _stretches(lines: Iterator[Any]) -> Iterator[list[Any]]:
    while stretch := list(islice(lines, _STRETCH)):
        yield stretch


def _csv_floor(source: Path) -> float:
    with source.open(encoding="utf-8", newline="") as cells, tempfile.TemporaryFile("w", encoding="utf-8") as to:
        writer = csv.writer(to)
        return _timed(_stretches(map(tuple, csv.reader(cells))), writer.writerows, to.close)


def _xlsx_floor(source: Path) -> float:
    import xlsxwriter  # type: ignore[import-untyped, unused-ignore]

    with source.open(encoding="utf-8", newline="") as cells, tempfile.NamedTemporaryFile(suffix=".xlsx") as to:
        book = xlsxwriter.Workbook(to.name, {"constant_memory": True, "in_memory": False})
        sheet = book.add_worksheet()
        rows = csv.reader(cells)
        header = next(rows)
        numeric = frozenset(("perMonth", "sourceLine"))
        places = {place for place, name in enumerate(header) if name in numeric}
        ready = (
            [(number, place, Decimal(text) if place in places else text) for place, text in enumerate(row) if text]
            for number, row in enumerate(islice(rows, _FEWER), 1)
        )

        def write(part: list[list[tuple[int, int, Any]]]) -> None:
            string, figure = sheet.write_string, sheet.write_number
            for row in part:
                for line, place, cell in row:
                    (string if type(cell) is str else figure)(line, place, cell)

        return _timed(_stretches(ready), write, book.close)


def _parquet_floor(source: Path) -> float:
    import pyarrow.parquet as pq

    table = pq.read_table(source)
    with tempfile.NamedTemporaryFile(suffix=".parquet") as to:
        busy = time.process_time()
        pq.write_table(table, to.name, compression="zstd", row_group_size=65_536)
        return time.process_time() - busy


def _ndjson_floor(source: Path) -> float:
    import orjson

    with source.open("rb") as lines, tempfile.TemporaryFile() as to:

        def write(part: list[Any]) -> None:
            to.write(b"\n".join(map(orjson.dumps, part)))

        return _timed(_stretches(map(orjson.loads, lines)), write, to.close)


_PLAIN = {"csv": _csv_floor, "xlsx": _xlsx_floor, "parquet": _parquet_floor, "ndjson": _ndjson_floor}


def main() -> None:
    """Measure one thing in this process, and print it as JSON."""
    match sys.argv[1:]:
        case ["--one", count, format_, to]:
            readings: dict[str, float] = written(large(int(count)), format_, Path(to))
        case ["--floor", format_, source]:
            readings = {"seconds": _PLAIN[format_](Path(source))}
        case ["--read", path]:
            readings = _read(Path(path))
        case _:
            sys.exit(__doc__)
    print(json.dumps(readings))


if __name__ == "__main__":
    main()
