"""The object format of one night: deltas of users and small tables, or the files of a snapshot, as a ZIP archive."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct
from msgspec.structs import asdict

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.files import json_document
from auditor.snapshot.schema import MEMBERS, SMALL_TABLES, with_added_columns
from auditor.store.delta.column_diff import deltas_of, indices_of, kept_rows, plain
from auditor.store.delta.user_delta import Delta

PARTITIONS_PER_FILE: Final = 16
"""Partitions per Parquet file; these are in memory at once."""
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_LEVEL: Final = 9
MIN_MEMBER_DELTA: Final = 1000
"""Number of memberships from which only changes are written."""


class ObjectKind(StrEnum):
    """The kind of content of an object."""

    FULL = "full"
    """All data, as a delta to an empty night."""
    STEPS = "steps"
    """The changes since the night that the preceding objects contain."""
    VERBATIM = "verbatim"
    """The snapshot's own files, because it is not sorted by id or a delta would not be exact."""


class Head(Struct, frozen=True, kw_only=True):
    """The metadata of an object."""

    kind: ObjectKind
    columns: tuple[str, ...] = ()
    """Columns of users, in order."""
    bounds: tuple[str, ...] = ()
    """The first id of every partition but the first."""
    second: int = 0
    """The time from which timestamps are counted backwards, in seconds since 1970."""


def pack(head: Head, people: Iterable[Delta], tables: Mapping[str, bytes]) -> bytes:
    """Encode an object; equal content gives equal bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "part.json", json.dumps(asdict(head), ensure_ascii=False).encode())
        partitions = iter(people)
        number = 0
        while group := list(islice(partitions, PARTITIONS_PER_FILE)):
            _add(archive, f"people-{number:05}.parquet", _encode_partitions(group))
            number += 1
        for name in sorted(tables):
            _add(archive, name, tables[name])
    return sink.getvalue()


class StoredObject:
    """An object read from the store."""

    def __init__(self, body: bytes, where: str) -> None:
        try:
            self._file = zipfile.ZipFile(io.BytesIO(body))
            self.head = json_document.checked(json.loads(self._file.read("part.json")), Head)
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise SnapshotError(
                "store-damaged",
                Message("{where} is not part of a store: {error}", where=where, error=error),
                hint=Message("restore the store from a copy"),
            ) from error
        self._names = frozenset(self._file.namelist())

    def people(self) -> Iterator[dict[str, Any]]:
        """Yield the delta of each partition, in order."""
        for name in sorted(name for name in self._names if name.startswith("people-")):
            table = pq.read_table(io.BytesIO(self._file.read(name)))
            for row in range(table.num_rows):
                yield {n: table.column(n).slice(row, 1).combine_chunks().flatten() for n in table.column_names}

    def member(self, name: str) -> bytes | None:
        """Return a file of the object; None if it has no file of this name."""
        return self._file.read(name) if name in self._names else None

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files of a snapshot that was stored verbatim."""
        for name in sorted(self._names - {"part.json"}):
            yield name, self._file.read(name)


def small_files(old: Mapping[str, pa.Table] | None, new: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Return the files of the small tables that changed; of a large members table, only its changes."""
    files: dict[str, bytes] = {}
    for name, table in new.items():
        before = None if old is None else old[name]
        if before is not None and before.equals(table):
            continue
        steps = _member_steps(before, table) if name == "members" and before is not None else None
        if steps is None:
            files[f"{name}.parquet"] = _parquet(table)
        else:
            files["members.steps.parquet"] = _encode_partitions([steps])
    return files


def small_tables(parts: Iterable[StoredObject]) -> dict[str, pa.Table]:
    """Return the small tables of a night, assembled from its objects, oldest first."""
    tables = {name: schema.empty_table() for name, schema in SMALL_TABLES.items()}
    for part in parts:
        for name in SMALL_TABLES:
            table = table_of(part, name)
            if table is not None:
                tables[name] = table
        steps = part.member("members.steps.parquet")
        if steps is not None:
            table = pq.read_table(io.BytesIO(steps))
            row = {name: table.column(name).combine_chunks().flatten() for name in table.column_names}
            tables["members"] = _apply_steps(tables["members"], row)
    return tables


def table_of(part: StoredObject, name: str) -> pa.Table | None:
    """Return a small table of an object; None if it is unchanged since an earlier object."""
    body = part.member(f"{name}.parquet")
    if body is None:
        return None
    schema = SMALL_TABLES[name]
    return with_added_columns(pq.read_table(io.BytesIO(body)), name).select(schema.names).cast(schema)


def _add(archive: zipfile.ZipFile, name: str, body: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), body)


def _encode_partitions(partitions: list[Delta]) -> bytes:
    """Encode partitions as rows and their named arrays as lists; arrays that no partition has are left out."""
    types = {name: step.type for steps in partitions for name, step in steps.items()}
    columns = []
    for name, kind in types.items():
        arrays = [steps.get(name, pa.array([], kind)) for steps in partitions]
        offsets = np.cumsum([0, *map(len, arrays)]).astype(np.int32)
        columns.append(pa.ListArray.from_arrays(pa.array(offsets), pa.concat_arrays(arrays)))
    numbers = [f"{name}.list.element" for name, kind in types.items() if pa.types.is_int32(kind)]
    texts = [f"{name}.list.element" for name, kind in types.items() if pa.types.is_string(kind)]
    if not types:
        types, columns = {"nothing": pa.int32()}, [pa.nulls(len(partitions), pa.list_(pa.int32()))]
    table, sink = pa.table(columns, names=list(types)), io.BytesIO()
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


def _member_steps(old: pa.Table, new: pa.Table) -> Delta | None:
    """Return the removed and added memberships; None if the table is small or its order changed."""
    if old.num_rows < MIN_MEMBER_DELTA or new.num_rows < MIN_MEMBER_DELTA:
        return None
    codes = np.zeros(old.num_rows + new.num_rows, dtype=np.int64)
    for name in MEMBERS.names:
        column = pa.concat_arrays([plain(old.column(name)), plain(new.column(name))]).dictionary_encode()
        codes = codes * max(1, len(column.dictionary)) + column.indices.to_numpy(zero_copy_only=False)
    old_codes, new_codes = codes[: old.num_rows], codes[old.num_rows :]
    is_kept, is_added = np.isin(old_codes, new_codes), ~np.isin(new_codes, old_codes)
    if not np.array_equal(old_codes[is_kept], new_codes[~is_added]):
        return None
    added = np.nonzero(is_added)[0]
    steps: Delta = {"removed": deltas_of(np.nonzero(~is_kept)[0]), "added": deltas_of(added)}
    steps |= {f"{name}_is": plain(new.column(name)).take(pa.array(added)) for name in MEMBERS.names}
    return {name: step for name, step in steps.items() if len(step)}


def _apply_steps(old: pa.Table, steps: Mapping[str, Any]) -> pa.Table:
    added = indices_of(steps.get("added", ()))
    before, after = kept_rows(old.num_rows, indices_of(steps.get("removed", ())), added)
    rows = np.empty(len(after), dtype=np.int64)
    rows[after] = np.nonzero(before)[0]
    rows[added] = old.num_rows + np.arange(len(added))
    new = pa.table(
        [pc.cast(plain(steps.get(f"{f.name}_is", pa.array([], f.type))), f.type) for f in MEMBERS], schema=MEMBERS
    )
    return pa.concat_tables([old, new]).take(pa.array(rows))
