"""Restores the partitions of a night from its objects, and computes their digests."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from msgspec import Struct

from auditor.snapshot.schema import ADDED_COLUMNS, REQUIRED_TABLES, SMALL_TABLES
from auditor.store.delta.column_diff import digest
from auditor.store.delta.pack import StoredObject
from auditor.store.delta.user_delta import PartitionBuilder, UserPartition


def replay(parts: Sequence[StoredObject]) -> Iterator[PartitionBuilder]:
    """Yield the partitions of a night, each with the deltas of all its objects applied."""
    columns = parts[0].head.columns
    for deltas in zip(*(part.people() for part in parts), strict=True):
        partition = PartitionBuilder(columns)
        for part, steps in zip(parts, deltas, strict=True):
            partition.apply(steps, second=part.head.second)
        yield partition


class Digests(Struct):
    """Computes digests of tables while they are streamed."""

    users: Any = None
    links: Any = None

    def people(self, partitions: Iterable[UserPartition]) -> Iterator[UserPartition]:
        """Yield the partitions unchanged while digesting them."""
        self.users, self.links = hashlib.sha256(), hashlib.sha256()
        for partition in partitions:
            users, links = partition.tables()
            self.users.update(digest([users]).encode())
            self.links.update(digest([links]).encode())
            yield partition

    def by_table(self, tables: Mapping[str, pa.Table]) -> dict[str, str]:
        """Return a digest for every table of the snapshot.

        Columns that older snapshots lack are included only if they have values, so that digests of stored nights remain
        valid.
        """
        small = {
            name: digest([_without_empty(tables[name], ADDED_COLUMNS.get(name, ()))])
            for name in SMALL_TABLES
            if name in REQUIRED_TABLES or tables[name].num_rows
        }
        return {"users": self.users.hexdigest(), "assignments": self.links.hexdigest(), **small}


def _without_empty(table: pa.Table, names: Sequence[str]) -> pa.Table:
    return table.drop_columns([name for name in names if table.column(name).null_count == table.num_rows])
