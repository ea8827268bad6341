"""Users, their sign-ins and their mailboxes, each sorted by id, into the row groups of a snapshot."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.tables.assignments import assignments
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.timestamps import timestamps
from auditor.collect.tables.user_decoder import MALFORMED, column_type
from auditor.snapshot.schema import ASSIGNMENTS, SIGN_IN_COLUMNS, USERS, users_schema

_Flags = npt.NDArray[np.bool_]
_ATTRIBUTES = "onPremisesExtensionAttributes"
_EXTENSIONS = tuple(f"extensionAttribute{number}" for number in range(1, 16))
_ALWAYS = ("accountEnabled", "assignedLicenses", "licenseAssignmentStates")
"""What Graph sends of every user, unless the caller may not see it: then (User.ReadBasic.All) all but names is null."""


class _MergeCursor:
    """Walks a second spool in step with the users: both are sorted by id."""

    def __init__(self, spool: Spool) -> None:
        self._tables = spool.tables()
        self._held: list[pa.Table] = []
        self._more = True

    def matching(self, ids: pa.Array) -> tuple[pa.Table | None, pa.Array]:
        """Return some rows, and for each id the place of its row among them, or null."""
        last = ids[-1].as_py()
        while self._more and (not self._held or self._held[-1]["id"][-1].as_py() < last):
            table = next(self._tables, None)
            self._more = table is not None
            if table is not None:
                self._held.append(table)
        if not self._held:
            return None, pa.nulls(len(ids), pa.int32())
        rows = pa.concat_tables(self._held).combine_chunks()
        self._held = [rows.filter(pc.greater(rows["id"], last))]
        if not self._held[0].num_rows:
            self._held = []
        return rows, pc.index_in(ids, value_set=rows["id"])


def row_groups(
    users: Spool, *, sign_ins: Spool | None, mailboxes: Spool | None, go_on: Callable[[], None] = lambda: None
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Yield (users, assignments) for each row group; a spool that is None was not asked for.

    `go_on` is called between the steps of a group, to raise where the work is to stop.
    """
    offset = 0
    activity = None if sign_ins is None else _MergeCursor(sign_ins)
    purposes = None if mailboxes is None else _MergeCursor(mailboxes)
    for table in users.tables():
        go_on()
        group, count = _Group(table), table.num_rows
        del table  # what is no longer needed goes at once: there are row groups enough that are larger than the rest
        go_on()
        if activity is not None:
            group.join_activity(*activity.matching(group.ids))
        if purposes is not None:
            group.join_mailboxes(*purposes.matching(group.ids))
        people = group.users()
        go_on()
        links = group.assignments(offset)
        del group
        yield people, links
        del people, links
        offset += count


class _Group:
    """The users of one row group, being put together."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.ids = _one(table["id"])
        self._columns: dict[str, pa.Array] = {}
        self._missing: dict[str, _Flags] = {}
        for name in table.column_names:
            self._take(name)
        self._mark_hidden()

    def _mark_hidden(self) -> None:
        """Mark what is null for users of whom all that is null which Graph always sends: nobody may see it."""
        always = [name for name in _ALWAYS if name in self._table.column_names]
        hidden = np.full(len(self.ids), bool({*always} - {"accountEnabled"}))
        for name in always:
            hidden &= pc.is_null(_one(self._table[name])).to_numpy(zero_copy_only=False).astype(bool)
        if hidden.any():
            for name, column in self._columns.items():
                self._mark(name, pa.array(hidden & pc.is_null(column).to_numpy(zero_copy_only=False).astype(bool)))

    def _take(self, name: str) -> None:
        column = _one(self._table[name])
        match name:
            case "createdDateTime":
                self._columns[name], wrong = timestamps(column)
                self._mark(name, wrong)
            case "onPremisesExtensionAttributes":
                for extension in _EXTENSIONS:
                    self._columns[extension] = pc.struct_field(column, extension)
            case "assignedLicenses" | "licenseAssignmentStates":
                # Graph always sends these lists; without one it is not known what the user holds.
                self._mark(name, pc.is_null(column))
            case "notCollected":
                self._take_malformed(column)
            case _:
                self._columns[name] = column

    def _take_malformed(self, column: pa.Array) -> None:
        if column.null_count == len(column):
            return
        owners = pc.list_parent_indices(column).to_numpy()
        names = np.array(column.flatten().to_pylist(), dtype=object)
        for name in sorted(set(names)):
            flags = np.zeros(len(column), dtype=bool)
            flags[owners[names == name]] = True
            for concerned in _EXTENSIONS if name == _ATTRIBUTES else (name,):
                self._mark(concerned, pa.array(flags))

    def _mark(self, name: str, missing: pa.Array) -> None:
        if len(missing):
            flags = missing.to_numpy(zero_copy_only=False).astype(bool)
            if flags.any():
                self._missing[name] = self._missing.get(name, np.zeros(len(flags), dtype=bool)) | flags

    def join_activity(self, rows: pa.Table | None, places: pa.Array) -> None:
        """Add the stamps of those whom the pass over sign-ins returned; the others are marked."""
        self._mark("signInActivity", pc.is_null(places))
        if rows is None:
            return
        activity = _one(rows["signInActivity"]).take(places)
        for name in SIGN_IN_COLUMNS:
            self._columns[name], wrong = timestamps(pc.struct_field(activity, name))
            self._mark("signInActivity", wrong)
        malformed = _one(rows[MALFORMED]).take(places)
        self._mark("signInActivity", pc.is_valid(malformed))

    def join_mailboxes(self, rows: pa.Table | None, places: pa.Array) -> None:
        """Add the mailboxes of those who were asked for; the others are marked."""
        self._mark("mailboxType", pc.is_null(places))
        empty = pa.nulls(len(places), pa.string())
        self._columns["mailboxType"] = empty if rows is None else _one(rows["mailboxType"]).take(places)

    def users(self) -> pa.RecordBatch:
        """Return the rows of users.parquet."""
        schema = users_schema(tuple(self._columns))
        count = len(self.ids)
        self._columns["id"] = self.ids
        self._columns["notCollected"] = self._not_collected()
        columns = [
            _typed(self._columns[field.name], field.type)
            if field.name in self._columns
            else pa.nulls(count, field.type)
            for field in schema
        ]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def assignments(self, offset: int) -> pa.RecordBatch:
        """Return the rows of assignments.parquet."""
        names = self._table.column_names
        if "assignedLicenses" not in names and "licenseAssignmentStates" not in names:
            return pa.RecordBatch.from_pylist([], schema=ASSIGNMENTS)
        licenses, states = (
            _one(self._table[name]) if name in names else pa.nulls(len(self.ids), column_type(name))
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


def _typed(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type == kind else column.cast(kind)


def _one(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else combined.chunk(0)
