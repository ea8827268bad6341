"""Measures CPU and memory of all formats but HTML, against a plain writer of the same cells."""

import csv
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import measurement
from benchmarks.measurement import Readings, Row, at_most, module, spread

_FINDINGS = 500_000
_FEWER_FINDINGS = 100_000
"""Number of findings for xlsxwriter and for reading back: a fifth, to limit the time."""
_CHUNK = 20_000
"""Number of findings whose cells are prepared at a time, outside the measurement."""
_CPU_BARS = {"csv": 1.0, "xlsx": 12.0}
"""Maximum CPU seconds."""
_MEMORY_BARS = {"xlsx": 150}
"""Maximum memory above that of the result, in MB."""
_NAMES = {
    "csv": "findings.csv",
    "xlsx": "report.xlsx",
    "parquet": "findings.parquet",
    "ndjson": "findings.ndjson",
    "json": "result.json",
}
_FLOORS = {
    "csv": "`csv.writer` over ready tuples of the same cells",
    "xlsx": f"xlsxwriter's `constant_memory` over the same ready cells, {_FEWER_FINDINGS:,} rows and scaled",
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
            readings = [module("report", str(_FINDINGS), format_, str(to)).readings for _ in range(rounds)]
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
    return seconds * _FINDINGS / _FEWER_FINDINGS if format_ == "xlsx" else seconds


def _rows(format_: str, readings: list[Readings], floor: float | None) -> Iterator[Row]:
    cpu = [reading["of them computing"] for reading in readings]
    peak, size = (max(reading[name] for reading in readings) for name in ("MB above the result", "MB written"))
    title = f"`{_NAMES[format_]}` of {_FINDINGS:,} findings"
    yield Row(
        what=f"{title}, {size:.0f} MB: CPU",
        measured=f"{spread(cpu, 2)} s",
        against="" if floor is None else f"{_FLOORS[format_]}: {floor:.2f} s",
        ratio="" if floor is None else f"{median(cpu) / floor:.1f}×",
        bar=at_most(median(cpu), _CPU_BARS.get(format_), " s"),
    )
    yield Row(
        what=f"{title}: memory above the result",
        measured=f"{peak:.0f} MB",
        bar=at_most(peak, _MEMORY_BARS.get(format_), " MB"),
    )


def _read_back(rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / _NAMES["json"]
        module("report", str(_FEWER_FINDINGS), "json", str(to))
        readings = [module("formats", "--read", str(to)).readings for _ in range(rounds)]
        size = to.stat().st_size / 1e6
    seconds, peak = [reading["seconds"] for reading in readings], max(reading["MB"] for reading in readings)
    return Row(
        what=f"reading back a `result.json` of {_FEWER_FINDINGS:,} findings, {size:.0f} MB: CPU, memory",
        measured=f"{spread(seconds, 2)} s, {peak:.0f} MB",
    )


def _read(path: Path) -> dict[str, float]:
    from auditor.app.saved_results import saved_result

    gc.disable()
    before, started = measurement.reset_peak(), time.process_time()
    count = sum(len(tenant.findings) for tenant in saved_result(path).tenants)
    if not count:
        sys.exit(f"{path} holds no findings")
    return {"seconds": round(time.process_time() - started, 2), "MB": measurement.peak() - before}


def _time_writes(ready: Iterator[Any], write: Callable[[Any], object], close: Callable[[], object]) -> float:
    """Return the CPU seconds of writing prepared cells, without the preparation."""
    seconds = 0.0
    for chunk in ready:
        started = time.process_time()
        write(chunk)
        seconds += time.process_time() - started
    started = time.process_time()
    close()
    return seconds + time.process_time() - started


def _chunks(lines: Iterator[Any]) -> Iterator[list[Any]]:
    while chunk := list(islice(lines, _CHUNK)):
        yield chunk


def _csv_floor(source: Path) -> float:
    with source.open(encoding="utf-8", newline="") as cells, tempfile.TemporaryFile("w", encoding="utf-8") as to:
        writer = csv.writer(to)
        return _time_writes(_chunks(map(tuple, csv.reader(cells))), writer.writerows, to.close)


def _xlsx_floor(source: Path) -> float:
    import xlsxwriter  # type: ignore[import-untyped, unused-ignore]

    with source.open(encoding="utf-8", newline="") as cells, tempfile.NamedTemporaryFile(suffix=".xlsx") as to:
        book = xlsxwriter.Workbook(to.name, {"constant_memory": True, "in_memory": False})
        sheet = book.add_worksheet()
        rows = csv.reader(cells)
        header = next(rows)
        numeric = frozenset(("perMonth", "sourceLine"))
        columns = {column for column, name in enumerate(header) if name in numeric}
        ready = (
            [(number, column, Decimal(text) if column in columns else text) for column, text in enumerate(row) if text]
            for number, row in enumerate(islice(rows, _FEWER_FINDINGS), 1)
        )

        def write(chunk: list[list[tuple[int, int, Any]]]) -> None:
            string, figure = sheet.write_string, sheet.write_number
            for row in chunk:
                for row_number, column, cell in row:
                    (string if type(cell) is str else figure)(row_number, column, cell)

        return _time_writes(_chunks(ready), write, book.close)


def _parquet_floor(source: Path) -> float:
    import pyarrow.parquet as pq

    table = pq.read_table(source)
    with tempfile.NamedTemporaryFile(suffix=".parquet") as to:
        started = time.process_time()
        pq.write_table(table, to.name, compression="zstd", row_group_size=65_536)
        return time.process_time() - started


def _ndjson_floor(source: Path) -> float:
    import orjson

    with source.open("rb") as lines, tempfile.TemporaryFile() as to:

        def write(chunk: list[Any]) -> None:
            to.write(b"\n".join(map(orjson.dumps, chunk)))

        return _time_writes(_chunks(map(orjson.loads, lines)), write, to.close)


_FLOOR_WRITERS = {"csv": _csv_floor, "xlsx": _xlsx_floor, "parquet": _parquet_floor, "ndjson": _ndjson_floor}


def main() -> None:
    """Run one measurement in this process, and print it as JSON."""
    match sys.argv[1:]:
        case ["--floor", format_, source]:
            readings: dict[str, float] = {"seconds": _FLOOR_WRITERS[format_](Path(source))}
        case ["--read", path]:
            readings = _read(Path(path))
        case _:
            sys.exit(__doc__)
    print(json.dumps(readings))


if __name__ == "__main__":
    main()
