"""Joins users, sign-ins and mailboxes, each sorted by id, into the row groups of a snapshot."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.columns import Flags
from auditor.collect.tables.assignments import assignments, owners_of, unreadable_entries
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.page_decoder import column_type
from auditor.collect.tables.timestamps import timestamps
from auditor.domain.policy.selector import NESTED_PROPERTIES
from auditor.snapshot.schema import ASSIGNMENTS, USERS, users_schema

_ALWAYS_SENT = ("accountEnabled", "assignedLicenses", "licenseAssignmentStates")
"""Properties that Graph sends for every user; with User.ReadBasic.All they are null."""


Join: TypeAlias = Callable[["UserRows", pa.Table], None]
"""Adds columns: (users, the row of each user in a second spool; all values are null for a user without one)."""


class _MergeCursor:
    """Reads a second spool in step with the users; both are sorted by id."""

    def __init__(self, spool: Spool) -> None:
        self._schema = spool.schema
        self._tables = spool.tables()
        self._tables_ahead: list[pa.Table] = []

    def rows_of(self, ids: pa.Array) -> pa.Table:
        """Return the row of each id; all values are null for an id without a row."""
        last = ids[-1].as_py()
        while not self._tables_ahead or self._tables_ahead[-1]["id"][-1].as_py() < last:
            table = next(self._tables, None)
            if table is None:
                break
            self._tables_ahead.append(table)
        if not self._tables_ahead:
            return pa.table([pa.nulls(len(ids), field.type) for field in self._schema], schema=self._schema)
        rows = pa.concat_tables(self._tables_ahead).combine_chunks()
        self._tables_ahead = []
        if rows["id"].equals(pa.chunked_array([ids])):
            return rows
        if rows["id"][-1].as_py() > last:
            self._tables_ahead.append(rows.filter(pc.greater(rows["id"], last)))
        return rows.take(pc.index_in(ids, value_set=rows["id"]))


def row_groups(
    users: Spool, joins: Iterable[tuple[Spool, Join]] = (), *, check_stopped: Callable[[], None] = lambda: None
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Yield (users, assignments) for each row group; each join adds columns from a second spool about users.

    `check_stopped` is called between the steps of a group, and raises to stop the work.
    """
    offset = 0
    cursors = [(_MergeCursor(spool), join) for spool, join in joins]
    for table in users.tables():
        check_stopped()
        group, count = UserRows(table), table.num_rows
        del table  # row groups are large: release each as soon as it is no longer needed
        check_stopped()
        for cursor, join in cursors:
            join(group, cursor.rows_of(group.ids))
        user_rows = group.users()
        check_stopped()
        assignment_rows = group.assignments(offset)
        del group
        yield user_rows, assignment_rows
        del user_rows, assignment_rows
        offset += count


class UserRows:
    """The users of one row group while their columns are assembled."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.ids = one_array(table["id"])
        self._columns: dict[str, pa.Array] = {}
        self._missing: dict[str, Flags] = {}
        for name in table.column_names:
            self._add_column(name)
        self._mark_hidden()

    def _mark_hidden(self) -> None:
        """Mark null values as not collected for users whose always-sent properties are all null: no permission."""
        always = [name for name in _ALWAYS_SENT if name in self._table.column_names]
        hidden = np.full(len(self.ids), bool({*always} - {"accountEnabled"}))
        for name in always:
            hidden &= pc.is_null(one_array(self._table[name])).to_numpy(zero_copy_only=False).astype(bool)
        if hidden.any():
            for name, column in self._columns.items():
                self.mark_not_collected(
                    name, pa.array(hidden & pc.is_null(column).to_numpy(zero_copy_only=False).astype(bool))
                )

    def _add_column(self, name: str) -> None:
        column = one_array(self._table[name])
        match name:
            case "createdDateTime":
                self._columns[name], malformed = timestamps(column)
                self.mark_not_collected(name, malformed)
            case outer if outer in NESTED_PROPERTIES:
                for inner in NESTED_PROPERTIES[outer]:
                    self._columns[inner] = pc.struct_field(column, inner)
            case "accountEnabled" | "userPrincipalName":
                # Every user has these; null does not mean that the account is blocked, or that its name does not match.
                self._columns[name] = column
                self.mark_not_collected(name, pc.is_null(column))
            case "assignedLicenses" | "licenseAssignmentStates":
                # Graph always sends these lists; if one or an entry is unreadable, the user's licences are unknown.
                self.mark_not_collected(name, pc.is_null(column))
                self.mark_not_collected(name, owners_of(column, unreadable_entries(column.flatten())))
            case "notCollected":
                self._mark_malformed(column)
            case _:
                self._columns[name] = column

    def _mark_malformed(self, column: pa.Array) -> None:
        if column.null_count == len(column):
            return
        owners = pc.list_parent_indices(column).to_numpy()
        names = np.array(column.flatten().to_pylist(), dtype=object)
        for name in sorted(set(names)):
            flags = np.zeros(len(column), dtype=bool)
            flags[owners[names == name]] = True
            for column_name in NESTED_PROPERTIES.get(name, (name,)):
                self.mark_not_collected(column_name, pa.array(flags))

    def set_column(self, name: str, column: pa.Array) -> None:
        """Set a column of users.parquet; one value per user, in their order."""
        self._columns[name] = column

    def mark_not_collected(self, name: str, missing: pa.Array) -> None:
        """List a property in `notCollected` for the users where the mask is true; an empty mask marks none."""
        if len(missing):
            flags = missing.to_numpy(zero_copy_only=False).astype(bool)
            if flags.any():
                self._missing[name] = self._missing.get(name, np.zeros(len(flags), dtype=bool)) | flags

    def users(self) -> pa.RecordBatch:
        """Return the rows of users.parquet."""
        schema = users_schema(self._columns)
        count = len(self.ids)
        self._columns["id"] = self.ids
        self._columns["notCollected"] = self._not_collected()
        columns = [
            self._columns[field.name].cast(field.type) if field.name in self._columns else pa.nulls(count, field.type)
            for field in schema
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def assignments(self, offset: int) -> pa.RecordBatch:
        """Return the rows of assignments.parquet."""
        names = self._table.column_names
        if "assignedLicenses" not in names and "licenseAssignmentStates" not in names:
            return pa.RecordBatch.from_pylist([], schema=ASSIGNMENTS)
        licenses, states = (
            one_array(self._table[name]) if name in names else pa.nulls(len(self.ids), column_type(name))
            for name in ("assignedLicenses", "licenseAssignmentStates")
        )
        return assignments(licenses, states, offset=offset)

    def _not_collected(self) -> pa.Array:
        kind = USERS.field("notCollected").type
        if not self._missing:
            return pa.nulls(len(self.ids), kind)
        names = sorted(self._missing)
        flags = np.column_stack([self._missing[name] for name in names])
        lengths = flags.sum(axis=1)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        values = pa.array(names, pa.string()).take(pa.array(np.nonzero(flags)[1]))
        return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(lengths == 0))


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """Return a chunked column as one array."""
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else combined.chunk(0)
