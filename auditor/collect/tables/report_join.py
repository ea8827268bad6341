"""Joins the rows of a usage report to the users of a tenant, by object id or user principal name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.report_csv import NOTHING, Numbers, ReportColumn, ReportRows
from auditor.collect.tables.row_groups import one_array
from auditor.snapshot.schema import USERS

_Flags = npt.NDArray[np.bool_]
USER_PROPERTIES: Final = ("id", "userPrincipalName")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFacts:
    """What a report tells about some users, in their order."""

    listed: _Flags
    """Who has a row in the report."""
    unreadable: _Flags
    """Who has a row with a text that cannot be read."""
    columns: dict[str, pa.Array]
    """Null where a user has no row, or where the report tells nothing or something that cannot be read."""


def joined(users: Spool, rows: ReportRows, columns: Sequence[ReportColumn]) -> list[UserFacts]:
    """Return the facts of all users, for each table of `Spool.tables`; rows of nobody among them are left out."""
    return [_facts(table, rows, columns) for table in users.tables(columns=list(USER_PROPERTIES))]


def _facts(users: pa.Table, rows: ReportRows, columns: Sequence[ReportColumn]) -> UserFacts:
    owners = pc.index_in(rows.names, value_set=pc.utf8_lower(one_array(users["userPrincipalName"])))
    if rows.ids is not None:
        by_id = pc.index_in(rows.ids, value_set=one_array(users["id"]))
        owners = pc.if_else(pc.equal(rows.ids, ""), owners, by_id)
    chosen = np.flatnonzero(pc.is_valid(owners).to_numpy(zero_copy_only=False))
    positions = owners.drop_null().to_numpy()
    listed = np.zeros(users.num_rows, np.bool_)
    listed[positions] = True
    facts = UserFacts(listed=listed, unreadable=np.zeros(users.num_rows, np.bool_), columns={})
    for column in columns:
        values, unreadable = _merged(column, rows, chosen, positions, users.num_rows)
        facts.unreadable[unreadable] = True
        empty = unreadable | ~listed | (values == NOTHING)
        facts.columns[column.name] = pa.array(values, mask=empty).cast(USERS.field(column.name).type)
    return facts


def _merged(
    column: ReportColumn, rows: ReportRows, chosen: Numbers, positions: Numbers, count: int
) -> tuple[Numbers, _Flags]:
    """Return the values of a column for `count` users, several rows of one merged, and whether one is unreadable."""
    values = np.full(count, column.start, column.storage)
    unreadable = np.zeros(count, np.bool_)
    if column.name not in rows.values:
        return np.full(count, NOTHING, column.storage), unreadable
    column.merge.at(values, positions, rows.values[column.name][chosen])
    np.logical_or.at(unreadable, positions, rows.unreadable[column.name][chosen])
    return values, unreadable
