"""Joins the rows of a usage report to the users of a tenant, by object id or user principal name."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.tables.report_csv import NOTHING, Flags, ReportColumn, ReportRows
from auditor.snapshot.schema import USERS

_NO_USER: Final = -1


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

    def add(self, users: pa.RecordBatch, rows: ReportRows) -> None:
        """Add the rows about these users; rows about other users are ignored."""
        owners = pc.index_in(rows.names, value_set=users.column("userPrincipalName"))
        if rows.ids is not None:
            by_id = pc.index_in(rows.ids, value_set=users.column("id"))
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


def join(users: Iterable[pa.RecordBatch], rows: ReportRows, facts: Sequence[UserFacts]) -> None:
    """Add rows of a report to the facts of each batch of `UserNames`."""
    for batch, user_facts in zip(users, facts, strict=True):
        user_facts.add(batch, rows)
