"""The data model of a snapshot: its manifest, its small tables, and users in batches."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from auditor.domain.enums import Agreement, Cloud, Source, SourceStatus
from auditor.domain.result.model import Coverage
from auditor.snapshot.schema import SMALL_TABLES


class Manifest(Struct, frozen=True, kw_only=True):
    """The metadata of a snapshot."""

    tenant: str
    """The tenant's name in policies, reports and file names."""
    tenant_id: str
    cloud: Cloud
    instant: datetime
    """When the collection began, UTC."""
    sources: tuple[Coverage, ...]
    display_name: str = ""
    agreement: Agreement = Agreement.UNKNOWN
    locale: str | None = None
    tool_version: str = ""

    def coverage(self, source: Source) -> Coverage:
        """Return the coverage of a source; `not-needed` for a source that is not in the manifest."""
        for coverage in self.sources:
            if coverage.name is source:
                return coverage
        return Coverage(name=source, status=SourceStatus.NOT_NEEDED)

    @property
    def complete(self) -> bool:
        """Whether every requested source was read completely."""
        return all(coverage.status in {SourceStatus.COMPLETE, SourceStatus.NOT_NEEDED} for coverage in self.sources)


class UserBatch(Struct, frozen=True, kw_only=True):
    """A batch of users with all their assignments: the unit of evaluation."""

    users: pa.RecordBatch
    assignments: pa.RecordBatch
    """The column `user` has row numbers of the whole snapshot, not of the batch."""
    offset: int
    """The row number, in the whole snapshot, of the first user of the batch."""


UserReader = Callable[[tuple[str, ...] | None, tuple[str, ...] | None], Iterator[UserBatch]]
"""(user columns, assignment columns; None for all) → batches in row order."""


class MemberParts(Protocol):
    """The rows of a large members table in parts that fit in memory; safe to use from several threads."""

    def likely(self, group: str, *, transitive: bool) -> Mapping[int, bytes]:
        """Return the parts that may contain members of a group, each with a lower bound of its user ids."""

    def ids(self, part: int, group: str, *, transitive: bool) -> pa.Array:
        """Return the user ids of the members of a group in one part, in row order."""

    def whole(self) -> pa.Table:
        """Return all rows."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """A tenant's state at one instant; users and large members tables are streamed, other tables are in memory."""

    manifest: Manifest
    tables: Mapping[str, pa.Table]
    user_count: int
    read_users: UserReader
    identity: str = ""
    """A digest of the content; equal for snapshots with equal content."""
    sku_ids: tuple[str, ...] = field(default=())
    """Every distinct skuId in the assignments, sorted."""
    not_collected: frozenset[str] | None = None
    """Properties that were not collected for at least one user; None if this was not determined."""
    members: MemberParts | None = None
    """The members of groups, if there are many; None if they are in `tables`."""

    def table(self, name: str) -> pa.Table:
        """Return a table, which is empty if it was not read. A large members table is read at each call."""
        table = self.tables.get(name)
        if table is None and name == "members" and self.members is not None:
            return self.members.whole()
        return SMALL_TABLES[name].empty_table() if table is None else table

    def members_of(self, group: str, *, transitive: bool) -> pa.Array:
        """Return the user ids of a member list in row order; reads the whole list into memory."""
        if self.members is None:
            return chosen_members(self.table("members"), group, transitive=transitive)
        parts = self.members.likely(group, transitive=transitive)
        ids = [self.members.ids(part, group, transitive=transitive) for part in parts]
        return pa.concat_arrays([pa.array([], pa.string()), *ids])

    def batches(
        self, users: tuple[str, ...] | None = None, assignments: tuple[str, ...] | None = None
    ) -> Iterator[UserBatch]:
        """Yield the users in row order, reading only the given columns; missing columns are ignored."""
        return self.read_users(users, assignments)


def chosen_members(table: pa.Table, group: str, *, transitive: bool) -> pa.Array:
    """Return the user ids of one member list in a members table."""
    mask = pc.and_(pc.equal(table["groupId"], group), pc.equal(table["transitive"], transitive))
    return table["userId"].filter(mask).combine_chunks()


def in_memory(
    manifest: Manifest, tables: Mapping[str, pa.Table], users: pa.Table, assignments: pa.Table, *, rows: int
) -> Snapshot:
    """Return a snapshot of tables in memory, in batches of at most `rows` users."""
    users = users.combine_chunks()
    assignments = assignments.combine_chunks()

    def read(user_columns: tuple[str, ...] | None, assignment_columns: tuple[str, ...] | None) -> Iterator[UserBatch]:
        user_table, assignment_table = _selected(users, user_columns), _selected(assignments, assignment_columns)
        owners = assignments.column("user").to_numpy()
        for start in range(0, users.num_rows, rows):
            stop = min(start + rows, users.num_rows)
            first, last = owners.searchsorted([start, stop])
            yield UserBatch(
                users=one_batch(user_table.slice(start, stop - start)),
                assignments=one_batch(assignment_table.slice(first, last - first)),
                offset=start,
            )

    names = assignments.column("skuId").unique().to_pylist()
    return Snapshot(
        manifest=manifest, tables=dict(tables), user_count=users.num_rows, read_users=read, sku_ids=tuple(sorted(names))
    )


def _selected(table: pa.Table, columns: tuple[str, ...] | None) -> pa.Table:
    return table if columns is None else table.select([name for name in table.column_names if name in columns])


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return the rows of a table as one batch, even if there are none."""
    batches = table.to_batches()
    if len(batches) > 1:
        batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
