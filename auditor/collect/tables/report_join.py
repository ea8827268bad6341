"""Joins the rows of a usage report to the users of a tenant, by object id or user principal name."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.tables.report_csv import NOTHING, Flags, ReportColumn, ReportRows
from auditor.snapshot.schema import USERS

_NOBODY: Final = -1


class UserFacts:
    """What a report shows about some users, in their order; several rows about one of them are merged."""

    def __init__(self, columns: Sequence[ReportColumn], count: int) -> None:
        self.listed = np.zeros(count, np.bool_)
        """Who has a row in the report."""
        self._columns = columns
        self._values = {column.name: np.full(count, column.start, column.storage) for column in columns}
        self._unreadable = {column.name: np.zeros(count, np.bool_) for column in columns}
        self._present: set[str] = set()
        """Columns that the report has."""

    @property
    def unreadable(self) -> Flags:
        """Who has a row with a text that cannot be read."""
        return np.asarray(np.logical_or.reduce(list(self._unreadable.values())))

    def add(self, users: pa.RecordBatch, rows: ReportRows) -> None:
        """Add the rows about these users; rows about others are left out."""
        owners = pc.index_in(rows.names, value_set=users.column("userPrincipalName"))
        if rows.ids is not None:
            by_id = pc.index_in(rows.ids, value_set=users.column("id"))
            owners = pc.if_else(pc.equal(rows.ids, ""), owners, by_id)
        numbers = pc.fill_null(owners, _NOBODY).to_numpy()
        chosen = np.flatnonzero(numbers != _NOBODY)
        positions = numbers[chosen]
        self.listed[positions] = True
        for column in self._columns:
            if column.name in rows.values:
                self._present.add(column.name)
                column.merge.at(self._values[column.name], positions, rows.values[column.name][chosen])
                self._unreadable[column.name][positions[rows.unreadable[column.name][chosen]]] = True

    def arrays(self, among: Flags) -> list[pa.Array]:
        """Return the columns of users.parquet, null for users who are not `among` those that count.

        Null also where a user has no row, or where the report shows nothing or something that cannot be read.
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
