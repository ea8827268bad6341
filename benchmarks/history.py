"""Measures a year of nights in a store: size per night, restoring, trends.

The churn is assumed, not taken from a real tenant: every night 40 % of the people sign in (all of them by a client on
their behalf, half of them also themselves), 0.3 % of the people have another department or title, 0.5 % of the
assignments another state, group or date, 0.02 % of the people leave and as many join.
"""

import json
import shutil
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec.structs import replace

from auditor.app.history.queries import open_history, tenant_trends
from auditor.domain.enums import Severity
from auditor.history.logged_result import SCHEMA as LEDGER
from auditor.snapshot.manifest import decode as decode_manifest
from auditor.snapshot.manifest import encode as encode_manifest
from auditor.snapshot.model import Manifest, Snapshot, in_memory
from auditor.snapshot.reader import read
from auditor.snapshot.schema import FILES, SIGN_IN_COLUMNS, SMALL_TABLES, USERS_PER_ROW_GROUP
from auditor.snapshot.writer import write
from auditor.store.commit import Night, encode, with_digest
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import Store, commit_name
from benchmarks.measurement import CACHE, Bar, Readings, Row, module, peak, run, spread
from benchmarks.measurement import tenant as tenant_of

_PEOPLE = 100_000
_NIGHTS = 30
_FIRST_NIGHT = datetime.fromisoformat("2026-01-05T02:17:00+00:00")
"""The first night; thirty nights from it include the start of a month."""
_NIGHTS_PER_YEAR = 365
_MONTH_STARTS = 11
"""Number of nights of a year that start a month: they are stored as differences from the complete night."""


class Tenant:
    """A tenant that changes from night to night."""

    def __init__(self, folder: Path, seed: int = 7) -> None:
        base = read(folder)
        batches = list(base.batches())
        self._manifest = base.manifest
        self._tables = {name: base.table(name) for name in SMALL_TABLES}
        self.users = pa.Table.from_batches([b.users for b in batches]).cast(pa.schema(
            [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in batches[0].users.schema]
        )).combine_chunks()  # fmt: skip
        self.links = pa.Table.from_batches([b.assignments for b in batches]).unify_dictionaries().combine_chunks()
        self._random = np.random.default_rng(seed)

    def night(self, at: datetime) -> Snapshot:
        """Return the current state as a snapshot."""
        manifest: Manifest = replace(self._manifest, instant=at)
        return in_memory(manifest, self._tables, self.users, self.links, rows=USERS_PER_ROW_GROUP)

    def advance(self, at: datetime) -> None:
        """Advance by one day."""
        self._replace_people()
        count = self.users.num_rows
        now = int(at.timestamp())
        signed_in = self._random.random(count) < 0.4
        by_user = signed_in & (self._random.random(count) < 0.5)
        interactive, other, successful = SIGN_IN_COLUMNS
        columns = {interactive: self._sign_ins(interactive, by_user, now), other: self._sign_ins(other, signed_in, now)}
        numbers = pc.max_element_wise(columns[interactive].cast(pa.int64()), columns[other].cast(pa.int64()))
        latest = numbers.cast(columns[other].type)
        columns[successful] = pc.if_else(pa.array(signed_in), latest, self.users.column(successful))
        for name in ("department", "jobTitle"):
            chosen = self._random.random(count) < 0.0015
            columns[name] = pc.if_else(pa.array(chosen), f"{name} {now % 97}", self.users.column(name))
        for name, column in columns.items():
            self.users = self.users.set_column(self.users.column_names.index(name), name, column)
        rows = self.links.num_rows
        changed = pa.array(self._random.random(rows) < 0.005)
        updated_at = pa.scalar(at - timedelta(hours=3), pa.timestamp("us", tz="UTC"))
        index = self.links.column_names.index("lastUpdatedDateTime")
        updated = pc.if_else(changed, updated_at, self.links.column("lastUpdatedDateTime"))
        self.links = self.links.set_column(index, "lastUpdatedDateTime", updated)

    def _sign_ins(self, name: str, mask: Any, now: int) -> Any:
        ago = self._random.integers(0, 86_400, len(mask))
        fresh = pa.array((now - ago) * 1_000_000).cast(pa.timestamp("us", tz="UTC"))
        return pc.if_else(pa.array(mask), fresh, self.users.column(name))

    def _replace_people(self) -> None:
        """Remove some people and add as many, with the licences of a remaining person."""
        count = self.users.num_rows
        leavers = max(1, count // 5000)
        remaining = np.ones(count, dtype=bool)
        remaining[self._random.choice(count, leavers, replace=False)] = False
        colleagues = self._random.choice(np.nonzero(remaining)[0], leavers, replace=False)
        origin = np.concatenate([np.nonzero(remaining)[0], colleagues])
        people = self.users.take(pa.array(origin))
        ids = people.column("id").to_pylist()
        for number in range(len(ids) - leavers, len(ids)):
            raw = self._random.bytes(16).hex()
            ids[number] = f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-8{raw[17:20]}-{raw[20:]}"
        people = people.set_column(0, people.schema.field("id"), pa.array(ids))
        order = np.argsort(np.array(ids))
        origin = origin[order]
        owners = self.links.column("user").to_numpy()
        first, last = np.searchsorted(owners, origin), np.searchsorted(owners, origin, side="right")
        sizes = last - first
        rows = np.arange(sizes.sum()) + np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
        links = self.links.take(pa.array(rows))
        self.links = links.set_column(
            0, links.schema.field("user"), pa.array(np.repeat(np.arange(len(origin)), sizes))
        ).combine_chunks()
        self.users = people.take(pa.array(order)).combine_chunks()


def measure(_users: int, rounds: int) -> list[Row]:
    """Store thirty nights of 100,000 people, restore the last one, and compute the trends of a year."""
    readings = module("history", str(_PEOPLE), str(_NIGHTS)).readings
    trend = [module("history", "trend", str(readings["store"]), str(_NIGHTS_PER_YEAR)).readings for _ in range(rounds)]
    shutil.rmtree(Path(readings["store"]).parent)
    year = 10 * (
        readings["full"]
        + _MONTH_STARTS * readings["month"]
        + (_NIGHTS_PER_YEAR - 1 - _MONTH_STARTS) * readings["night"]
        + _NIGHTS_PER_YEAR * readings["commit"]
    )
    seconds, process = [reading["query"] for reading in trend], [reading["process"] for reading in trend]
    return [
        Row(
            what=f"a night of {_PEOPLE:,} people in a store ({_NIGHTS} nights, the last came back equal)",
            measured=f"{readings['night'] / 1e6:.2f} MB; the first {readings['full'] / 1e6:.1f} MB, "
            f"the first of a month {readings['month'] / 1e6:.2f} MB",
            against=f"its snapshot: {readings['snapshot'] / 1e6:.1f} MB",
            ratio=f"{readings['snapshot'] / readings['night']:.0f} times less",
        ),
        Row(
            what="a year of nights of 1,000,000 people, reckoned as ten times these",
            measured=f"{year / 1e9:.2f} GB",
            against=f"{_NIGHTS_PER_YEAR} snapshots: {10 * _NIGHTS_PER_YEAR * readings['snapshot'] / 1e9:.1f} GB",
            bar=Bar("< 1 GB", year < 1e9),
        ),
        Row(
            what=f"storing such a night, with the cohorts; restoring the last ({readings['chain']} objects)",
            measured=f"{readings['put']:.1f} s; {readings['restore']:.1f} s of CPU, {readings['peak']} MB",
        ),
        Row(
            what="a year's trends: 365 nights of 30 products, 365 results of 50 policies",
            measured=f"{spread(seconds, 2)} s of CPU; the command as a whole, start and JSON included, "
            f"{spread(process, 2)} s",
            bar=Bar("< 1 s", median(seconds) < 1),
        ),
    ]


def _nights(people: int, nights: int) -> Readings:
    tenant = Tenant(tenant_of(people))
    work = Path(tempfile.mkdtemp(prefix="history-", dir=CACHE))
    store = Store(FolderBackend(work / "store")).create()
    seconds: list[float] = []
    stored: list[Night] = []
    for number in range(nights):
        at = _FIRST_NIGHT + timedelta(days=number)
        tenant.advance(at)
        folder = write(work / "given", tenant.night(at))
        before = process_time()
        night, _ = store.put(folder)
        seconds.append(process_time() - before)
        stored.append(night)
        size = sum((folder / f"{name}.parquet").stat().st_size for name in FILES)
        if number < nights - 1:
            shutil.rmtree(work / "given")
    before = process_time()
    restored = store.restore(stored[-1], work / "back")
    restore_seconds = process_time() - before
    for name in FILES:
        assert _decode(folder, name) == _decode(restored, name), name
    for night in stored[:: max(1, nights // 5)]:
        store.restore(night, work / "again")  # raises an error if the result is not what was stored
        shutil.rmtree(work / "again")
    sizes = {"night": [], "month": []}  # type: ignore[var-annotated]
    for night in stored[1:]:
        sizes["month" if len(night.parts) == 2 and night.instant.day == 1 else "night"].append(night.own_size)
    return {
        "store": str(work / "store"),
        "snapshot": size,
        "full": stored[0].own_size,
        "night": float(np.mean(sizes["night"])),
        "month": float(np.mean(sizes["month"])) if sizes["month"] else 0,
        "commit": len(encode(stored[-1])),
        "put": float(np.median(seconds[1:])),
        "restore": restore_seconds,
        "chain": len(stored[-1].parts),
        "peak": peak(),
    }


def _decode(folder: Path, name: str) -> dict[str, pa.ChunkedArray]:
    """Read the columns of a table without their dictionary codes, whose order may differ."""
    table = pq.read_table(folder / f"{name}.parquet")
    return {
        field.name: column.cast(pa.string()) if pa.types.is_dictionary(field.type) else column
        for field, column in zip(table.schema, table.columns, strict=True)
    }


def _trend(root: Path, count: int) -> Readings:
    """Fill a store with commits that differ in their instants only, then time the command."""
    store = Store(FolderBackend(root))
    nights = store.nights()
    year = root.parent / f"nights-{count}"
    if not year.exists():
        _fill(year, nights[-1], count)
    command = run([sys.executable, "-m", "auditor", "history", str(year), "-f", "json"])
    trends = json.loads(command.out)["tenants"][0]
    assert (trends["nights"], trends["results"]) == (count, count)
    before = process_time()
    tenant_trends(open_history([year]), (), (None, None), nights[-1].instant + timedelta(days=count))
    return {"query": process_time() - before, "process": command.cpu, "peak": peak()}


def _fill(year: Path, night: Night, count: int) -> None:
    store = Store(FolderBackend(year)).create()
    files = decode_manifest(night.manifest_text.encode(), where="manifest.json")[1]
    for day in range(count):
        manifest = replace(night.manifest, instant=night.instant + timedelta(days=day))
        copy = replace(night, manifest=manifest, manifest_text=encode_manifest(manifest, files).decode())
        store.backend.create(commit_name(copy), encode(copy))
        summary = {
            "complete": True, "open": {severity.value: 20 for severity in Severity}, "waived": 3, "notEvaluated": 0,
            "money": {"EUR": "1234.50"}, "seats": [],
            "policies": [
                {"id": f"policy-{n}", "severity": "high", "status": "fail", "open": day + n, "waived": 1,
                 "ages": [1, 2, 3, 4], "opened": 2, "closed": 1, "repair": {str(n): 1}}
                for n in range(50)
            ],
        }  # fmt: skip
        document: dict[str, Any] = {
            "schema": LEDGER, "number": day + 1, "asOf": manifest.instant.isoformat(), "run": str(day),
            "events": {"name": f"{manifest.tenant}/findings/{day + 1:06}-{'0' * 16}.parquet", "sha256": "", "bytes": 0,
                       "checkpoint": day == 0}, "summary": summary,
        }  # fmt: skip
        store.backend.create(f"{manifest.tenant}/results/{day + 1:06}.json", with_digest(document))


if __name__ == "__main__":
    first, second, *rest = sys.argv[1:]
    if first == "trend":
        print(json.dumps(_trend(Path(second), int(*rest))))
    else:
        print(json.dumps(_nights(int(first), int(second))))
