"""Reads parts of a large members.parquet on demand, so that memory does not grow with the tenant."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from auditor.snapshot.manifest import FileEntry
from auditor.snapshot.model import chosen_members
from auditor.snapshot.parquet.integrity import (
    UNREADABLE,
    cast_table,
    check_form,
    check_rows,
    expanding_columns_of,
    null_error,
    opened,
    undecodable,
)
from auditor.snapshot.schema import MEMBERS

_MAX_PART_ROWS = 1 << 17
"""Rows up to which a row group is a part; a file with a larger row group is read completely."""
_CACHED_PARTS = 4
"""Parts that are cached, because many small groups are in the same parts."""


class _Part(Struct, frozen=True, kw_only=True):
    """Statistics of a row group; None if the footer has none."""

    rows: int
    groups: tuple[bytes, bytes] | None
    lists: tuple[bool, bool] | None
    first_user: bytes

    def likely(self, group: bytes, *, transitive: bool) -> bool:
        """Return whether the part may contain rows of a member list."""
        if self.groups is not None and not self.groups[0] <= group <= self.groups[1]:
            return False
        return self.lists is None or self.lists[0] <= transitive <= self.lists[1]


def open_in_parts(path: Path, entry: FileEntry) -> "MemberFile | None":
    """Open a large members file in parts; returns None if it has a row group that is too large for one.

    The caller checks the digest. Raises SnapshotError if the file does not match its entry or the schema.
    """
    file = opened(path, codes=False)
    try:
        footer = file.metadata
        check_rows(path, footer.num_rows, entry.rows)
        check_form(path, file.schema_arrow, MEMBERS, required=tuple(MEMBERS.names))
        dictionaries = expanding_columns_of(path, footer, None)
    except UNREADABLE as error:
        raise undecodable(path, error) from error
    finally:
        file.close(force=True)
    parts = tuple(_part_of(path, footer, number) for number in range(footer.num_row_groups))
    check_rows(path, sum(part.rows for part in parts), entry.rows)
    return MemberFile(path, footer, parts, dictionaries) if all(part.rows <= _MAX_PART_ROWS for part in parts) else None


class MemberFile:
    """The members of a large tenant; the file is opened for each read."""

    def __init__(self, path: Path, footer: pq.FileMetaData, parts: tuple[_Part, ...], dictionaries: list[str]) -> None:
        self._path = path
        self._footer = footer
        self._dictionaries = dictionaries
        self._parts = parts
        self._lock = Lock()
        self._cache: dict[int, pa.Table] = {}

    def likely(self, group: str, *, transitive: bool) -> Mapping[int, bytes]:
        """Return the parts that may contain members of a group, each with a lower bound of its user ids."""
        group_id = group.encode()
        parts = enumerate(self._parts)
        return {number: part.first_user for number, part in parts if part.likely(group_id, transitive=transitive)}

    def ids(self, part: int, group: str, *, transitive: bool) -> pa.Array:
        """Return the user ids of the members of a group in one part, in row order."""
        with self._lock:
            table = self._cache.pop(part, None)
            if table is None:
                table = self._read(part)
            self._cache[part] = table
            if len(self._cache) > _CACHED_PARTS:
                self._cache.pop(next(iter(self._cache)))
        return chosen_members(table, group, transitive=transitive)

    def whole(self) -> pa.Table:
        """Return all rows."""
        return pa.concat_tables([MEMBERS.empty_table(), *map(self._read, range(len(self._parts)))])

    def _read(self, part: int) -> pa.Table:
        try:
            with pa.OSFile(str(self._path)) as source:
                file = pq.ParquetFile(source, metadata=self._footer, read_dictionary=self._dictionaries)
                table = file.read_row_group(part, columns=MEMBERS.names, use_threads=False)
            table = cast_table(self._path, table.select(MEMBERS.names), MEMBERS)
        except UNREADABLE as error:
            raise undecodable(self._path, error) from error
        check_rows(self._path, table.num_rows, self._parts[part].rows)
        return table


def _part_of(path: Path, footer: pq.FileMetaData, row_group: int) -> _Part:
    """Return the statistics of a row group. Raises SnapshotError if it has nulls."""
    metadata = footer.row_group(row_group)
    min_max: dict[str, tuple[Any, Any]] = {}
    for index in range(metadata.num_columns):
        column = metadata.column(index)
        statistics = column.statistics if column.path_in_schema in MEMBERS.names else None
        if statistics is None:
            continue
        if statistics.has_null_count and statistics.null_count:
            raise null_error(path, column.path_in_schema)
        if statistics.has_min_max:
            min_max[column.path_in_schema] = (statistics.min_raw, statistics.max_raw)
    return _Part(
        rows=metadata.num_rows,
        groups=min_max.get("groupId"),
        lists=min_max.get("transitive"),
        first_user=min_max.get("userId", (b"", b""))[0],
    )
