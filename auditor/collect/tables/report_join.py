"""Joins the rows of a usage report to the users of a tenant, by object id or user principal name."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.columns import Flags
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.report_csv import NOTHING, ReportColumn, ReportRows, folded
from auditor.collect.tables.row_groups import one_array
from auditor.snapshot.schema import USERS

NAMES_PER_TABLE: Final = 32_768
"""Users whose names are joined at once."""
_NAMES: Final = pa.schema([("id", pa.string()), ("userPrincipalName", pa.string())])
_MAX_NAMES: Final = 20 << 20
"""Bytes of names kept in memory: those of some 250,000 users."""
_NO_USER: Final = -1


def user_names(users: Spool, folder: Path) -> Spool:
    """Return the ids of all users with their user principal names in lower case; each report is joined to them."""
    names = Spool(folder, "user-names", _NAMES, limit=_MAX_NAMES)
    for table in users.tables(NAMES_PER_TABLE, columns=_NAMES.names):
        columns = [one_array(table["id"]), folded(one_array(table["userPrincipalName"]))]
        names.add(pa.RecordBatch.from_arrays(columns, schema=_NAMES))
    return names


class UserFacts:
    """The facts of a report about some users, in their order; if a user has several rows, they are merged."""

    def __init__(self, columns: Sequence[ReportColumn], count: int) -> None:
        self.listed = np.zeros(count, np.bool_)
        """Whether each user has a row in the report."""
        self._columns = columns
        self._values = {column.name: np.full(count, column.start, column.storage) for column in columns}
        self._unreadable = {column.name: np.zeros(count, np.bool_) for column in columns}
        self._present: set[str] = set()
        """Columns that the report has."""

    @property
    def unreadable(self) -> Flags:
        """Whether each user has a row with an unreadable text."""
        return np.asarray(np.logical_or.reduce(list(self._unreadable.values())))

    def add(self, users: pa.Table, rows: ReportRows) -> None:
        """Add the rows about these users; rows about other users are ignored."""
        owners = pc.index_in(rows.names, value_set=one_array(users["userPrincipalName"]))
        if rows.ids is not None:
            by_id = pc.index_in(rows.ids, value_set=one_array(users["id"]))
            owners = pc.if_else(pc.equal(rows.ids, ""), owners, by_id)
        user_indices = pc.fill_null(owners, _NO_USER).to_numpy()
        row_indices = np.flatnonzero(user_indices != _NO_USER)
        positions = user_indices[row_indices]
        self.listed[positions] = True
        for column in self._columns:
            if column.name in rows.values:
                self._present.add(column.name)
                column.merge.at(self._values[column.name], positions, rows.values[column.name][row_indices])
                self._unreadable[column.name][positions[rows.unreadable[column.name][row_indices]]] = True

    def arrays(self, among: Flags) -> list[pa.Array]:
        """Return the columns of users.parquet; values are null for users for whom `among` is false.

        A value is also null if the user has no row, or if the report has no value or an unreadable one.
        """
        arrays = []
        for column in self._columns:
            values, unreadable = self._values[column.name], self._unreadable[column.name]
            present = among & self.listed & ~unreadable & (values != NOTHING)
            if column.name not in self._present:
                present[:] = False
            arrays.append(pa.array(values, mask=~present).cast(USERS.field(column.name).type))
        return arrays


def join(users: Iterable[pa.Table], rows: ReportRows, facts: Sequence[UserFacts]) -> None:
    """Add rows of a report to the facts of each table of `user_names`."""
    for table, user_facts in zip(users, facts, strict=True):
        user_facts.add(table, rows)
