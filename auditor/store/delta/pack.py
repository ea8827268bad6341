"""The steps of one night, or the files of a snapshot as they are, into one object of the store, and back."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.snapshot.schema import MEMBERS, SMALL_TABLES
from auditor.store.delta.column_diff import gaps, places, plain
from auditor.store.delta.user_delta import Steps

BUCKETS_TOGETHER: Final = 16
"""Buckets of one Parquet file: what is held in memory at once."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_LEVEL: Final = 9
_MANY: Final = 1000
"""Memberships from which on only changes are written."""


class Kind(StrEnum):
    """What an object holds."""

    FULL = "full"
    """Everything, as steps from nothing."""
    STEPS = "steps"
    """What changed since the night whose objects stand before it."""
    VERBATIM = "verbatim"
    """The snapshot's own files: one that is not sorted by id, or cannot be told exactly as steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What an object says of itself."""

    kind: Kind
    columns: tuple[str, ...] = ()
    """Columns of users, in order."""
    bounds: tuple[str, ...] = ()
    """The first id of every bucket but the first."""
    second: int = 0
    """What instants are counted back from."""


def pack(head: Head, people: Iterable[Steps], tables: Mapping[str, bytes]) -> bytes:
    """Write an object: the same content gives the same bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as made:
        document = {"kind": head.kind.value, "columns": head.columns, "bounds": head.bounds, "second": head.second}
        _add(made, "part.json", json.dumps(document, ensure_ascii=False).encode())
        buckets = iter(people)
        number = 0
        while together := list(islice(buckets, BUCKETS_TOGETHER)):
            _add(made, f"people-{number:05}.parquet", _written(together))
            number += 1
        for name in sorted(tables):
            _add(made, name, tables[name])
    return sink.getvalue()


class StoredObject:
    """An object that was read back."""

    def __init__(self, body: bytes, where: str) -> None:
        self._where = where
        try:
            self._file = zipfile.ZipFile(io.BytesIO(body))
            document = json.loads(self._file.read("part.json"))
            self.head = Head(
                kind=Kind(document["kind"]),
                columns=tuple(document["columns"]),
                bounds=tuple(document["bounds"]),
                second=int(document["second"]),
            )
        except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise SnapshotError(
                "store-damaged",
                Message("{where} is no part of a store: {error}", where=where, error=error),
                hint=Message("restore the store from a copy"),
            ) from error
        self._names = frozenset(self._file.namelist())

    def people(self) -> Iterator[dict[str, Any]]:
        """Yield the steps of each bucket in order."""
        for name in sorted(name for name in self._names if name.startswith("people-")):
            table = pq.read_table(io.BytesIO(self._file.read(name)))
            for row in range(table.num_rows):
                yield {n: table.column(n).slice(row, 1).combine_chunks().flatten() for n in table.column_names}

    def member(self, name: str) -> bytes | None:
        """Return one of the other files, or None where this object does not have it."""
        return self._file.read(name) if name in self._names else None

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files of a snapshot that was kept as it is."""
        for name in sorted(self._names - {"part.json"}):
            yield name, self._file.read(name)


def small_files(old: Mapping[str, pa.Table] | None, new: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Return the files of the small tables that changed; of many memberships, what changed of them."""
    found: dict[str, bytes] = {}
    for name, table in new.items():
        before = None if old is None else old[name]
        if before is not None and before.equals(table):
            continue
        steps = _member_steps(before, table) if name == "members" and before is not None else None
        if steps is None:
            found[f"{name}.parquet"] = _parquet(table)
        else:
            found["members.steps.parquet"] = _written([steps])
    return found


def small_tables(parts: Iterable[StoredObject]) -> dict[str, pa.Table]:
    """Put the small tables of a night together from its objects, oldest first."""
    made = {name: schema.empty_table() for name, schema in SMALL_TABLES.items()}
    for part in parts:
        for name, schema in SMALL_TABLES.items():
            whole = part.member(f"{name}.parquet")
            if whole is not None:
                made[name] = pq.read_table(io.BytesIO(whole)).select(schema.names).cast(schema)
        steps = part.member("members.steps.parquet")
        if steps is not None:
            table = pq.read_table(io.BytesIO(steps))
            row = {name: table.column(name).combine_chunks().flatten() for name in table.column_names}
            made["members"] = _with_steps(made["members"], row)
    return made


def _add(made: zipfile.ZipFile, name: str, body: bytes) -> None:
    made.writestr(zipfile.ZipInfo(name, _EPOCH), body)


def _written(buckets: list[Steps]) -> bytes:
    """Write buckets as rows, each named array as a list; arrays that no bucket has are left out."""
    types = {name: step.type for steps in buckets for name, step in steps.items()}
    columns = []
    for name, kind in types.items():
        arrays = [steps.get(name, pa.array([], kind)) for steps in buckets]
        ends = np.cumsum([0, *map(len, arrays)]).astype(np.int32)
        columns.append(pa.ListArray.from_arrays(pa.array(ends), pa.concat_arrays(arrays)))
    numbers = [f"{name}.list.element" for name, kind in types.items() if pa.types.is_int32(kind)]
    texts = [f"{name}.list.element" for name, kind in types.items() if pa.types.is_string(kind)]
    sink = io.BytesIO()
    table = (
        pa.table(columns, names=list(types))
        if types
        else pa.table({"nothing": pa.nulls(len(buckets), pa.list_(pa.int32()))})
    )
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=texts,
        use_byte_stream_split=numbers,
        write_statistics=False,
        store_schema=False,
    )
    return sink.getvalue()


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", compression_level=_LEVEL, write_statistics=False)
    return sink.getvalue()


def _member_steps(old: pa.Table, new: pa.Table) -> Steps | None:
    """Return which memberships went and which came; None where the table is small, or its order changed."""
    if old.num_rows < _MANY or new.num_rows < _MANY:
        return None
    codes = np.zeros(old.num_rows + new.num_rows, dtype=np.int64)
    for name in MEMBERS.names:
        column = pa.concat_arrays([plain(old.column(name)), plain(new.column(name))]).dictionary_encode()
        codes = codes * max(1, len(column.dictionary)) + column.indices.to_numpy(zero_copy_only=False)
    there, here = codes[: old.num_rows], codes[old.num_rows :]
    stays, came = np.isin(there, here), ~np.isin(here, there)
    if not np.array_equal(there[stays], here[~came]):
        return None
    rows = pa.array(np.nonzero(came)[0])
    steps: Steps = {"removed": gaps(np.nonzero(~stays)[0]), "added": gaps(np.nonzero(came)[0])}
    steps |= {f"{name}_is": plain(new.column(name)).take(rows) for name in MEMBERS.names}
    return {name: step for name, step in steps.items() if len(step)}


def _with_steps(old: pa.Table, steps: Mapping[str, Any]) -> pa.Table:
    gone = places(steps.get("removed", ()))
    came = places(steps.get("added", ()))
    stays = np.ones(old.num_rows, dtype=bool)
    stays[gone] = False
    rows = np.empty(int(stays.sum()) + len(came), dtype=np.int64)
    there = np.ones(len(rows), dtype=bool)
    there[came] = False
    rows[there] = np.nonzero(stays)[0]
    rows[came] = old.num_rows + np.arange(len(came))
    new = pa.table(
        [pc.cast(plain(steps.get(f"{f.name}_is", pa.array([], f.type))), f.type) for f in MEMBERS], schema=MEMBERS
    )
    return pa.concat_tables([old, new]).take(pa.array(rows))
