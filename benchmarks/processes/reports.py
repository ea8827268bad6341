"""Reads a usage report of many people and joins it to the users in a separate process; prints time and memory.

usage: python -m benchmarks.processes.reports PEOPLE
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.report_columns import SERVICE_COLUMNS
from auditor.collect.tables.report_csv import read_report
from auditor.collect.tables.report_join import NAMES_PER_TABLE, UserFacts, join, user_names
from benchmarks.measurement import peak

_ROWS = 50_000
"""Number of rows that are generated at once."""
_SERVICES = ("Exchange", "OneDrive", "SharePoint", "Skype For Business", "Yammer", "Teams")


def main(people: int) -> None:
    """Read a report, and print the CPU seconds, the rows, and the resident memory before it and at peak in MB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Another process writes the file, so that writing does not affect the peak memory of this process.
        command = [sys.executable, "-m", "benchmarks.processes.reports", str(people), str(folder / "report.csv")]
        subprocess.run(command, check=True)
        users = _users(folder, people)
        with (folder / "report.csv").open("rb") as file:
            before, started = resident(), time.process_time()
            names = user_names(users, folder)
            facts = [UserFacts(SERVICE_COLUMNS, table.num_rows) for table in names.tables(NAMES_PER_TABLE)]
            read_report(file, SERVICE_COLUMNS, lambda rows: join(names.tables(NAMES_PER_TABLE), rows, facts))
            cpu = time.process_time() - started
        rows = sum(int(part.listed.sum()) for part in facts)
    print(json.dumps({"before": before, "peak": peak(), "cpu": cpu, "rows": rows}))


def make(people: int, path: Path) -> None:
    """Write a report of that many people."""
    with path.open("wb") as file:
        file.writelines(_report(people))


def _users(folder: Path, people: int) -> Spool:
    schema = pa.schema([("id", pa.string()), ("userPrincipalName", pa.string())])
    users = Spool(folder, "users", schema)
    for first in range(0, people, _ROWS):
        numbers = range(first, min(first + _ROWS, people))
        users.add(pa.record_batch([list(map(_id, numbers)), list(map(_name, numbers))], schema=schema))
    return users


def _report(people: int) -> Iterator[bytes]:
    """Yield the lines of a report in Microsoft's format, in an order other than that of ids."""
    days = [f"2026-11-{day:02}" for day in range(1, 20)] + [""]
    dates = ",".join(f"{service} Last Activity Date" for service in _SERVICES)
    yield f"\ufeffReport Refresh Date,User Principal Name,Display Name,Is Deleted,{dates},Report Period\r\n".encode()
    order, rng = list(range(people)), random.Random(7)
    rng.shuffle(order)
    for first in range(0, people, _ROWS):
        lines = [
            f"2026-11-20,{_name(number)},Person {number},False,{','.join(rng.choices(days, k=6))},180\r\n"
            for number in order[first : first + _ROWS]
        ]
        yield "".join(lines).encode()


def _id(number: int) -> str:
    return f"{number * 7919 % 4294967291:08x}-0000-4000-8000-{number:012x}"


def _name(number: int) -> str:
    return f"person.{number}@contoso.onmicrosoft.example"


def resident() -> int:
    """Return the resident memory in MB; on systems other than Linux the peak so far, which is not lower."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak()
    return pages * resource.getpagesize() >> 20


if __name__ == "__main__":
    if len(sys.argv) > 2:
        make(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        main(int(sys.argv[1]))
