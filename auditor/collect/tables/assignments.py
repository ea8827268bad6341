"""Builds the rows of the assignments table from the nested licences of users: one per user, SKU and path."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.collect.tables.timestamps import timestamps
from auditor.snapshot.schema import ASSIGNMENTS

_Numbers = npt.NDArray[np.int64]
_PLANS = pa.list_(pa.string())
_STATES, _FAILED = pa.array(["Active", "ActiveWithError", "Disabled", "Error"]), pa.array(["Error"])


class _Entries(Struct, frozen=True, kw_only=True):
    """The items of a list column, with the row of the user that each belongs to."""

    owners: _Numbers
    items: pa.StructArray
    skus: pa.Array

    def field(self, name: str) -> pa.Array:
        return pc.struct_field(self.items, name)


def assignments(licenses: pa.Array, states: pa.Array, *, offset: int) -> pa.RecordBatch:
    """Return the assignment rows of some users, in their order; `offset` is the row number of the first user.

    Each entry of `licenseAssignmentStates` makes a row, and so does an assigned SKU without an entry.
    """
    assigned, paths = _entries(licenses), _entries(states)
    codes = pa.concat_arrays([assigned.skus, paths.skus]).dictionary_encode()
    sku_numbers = codes.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    width = max(1, len(codes.dictionary))
    assigned_keys = assigned.owners * width + sku_numbers[: len(assigned.owners)]
    path_keys = paths.owners * width + sku_numbers[len(assigned.owners) :]
    order = np.argsort(assigned_keys, kind="stable")
    positions = np.searchsorted(assigned_keys[order], path_keys, side="right") - 1
    matched = np.zeros(len(path_keys), dtype=bool)
    if len(assigned_keys):
        matched = (positions >= 0) & (assigned_keys[order][positions] == path_keys)
    plans = _plans(assigned.field("disabledPlans"))
    of_path = pa.array(order[np.maximum(positions, 0)] if len(order) else positions, mask=~matched, type=pa.int64())
    unmatched = _unmatched(assigned_keys, path_keys)
    unmatched_count = len(unmatched)
    columns = {
        "user": np.concatenate([paths.owners, assigned.owners[unmatched]]) + offset,
        "skuId": pa.concat_arrays([paths.skus, assigned.skus.take(unmatched)]),
        "held": pa.array(np.concatenate([matched, np.ones(unmatched_count, dtype=bool)])),
        "disabledPlans": pa.concat_arrays([plans.take(of_path), plans.take(unmatched)]),
        "state": _padded(paths.field("state"), unmatched_count),
        "assignedByGroup": _padded(pc.ascii_lower(paths.field("assignedByGroup")), unmatched_count),
        "error": _padded(paths.field("error"), unmatched_count),
        "pathDisabledPlans": _padded(_plans(paths.field("disabledPlans")), unmatched_count),
        "lastUpdatedDateTime": _padded(timestamps(paths.field("lastUpdatedDateTime"))[0], unmatched_count),
    }
    table = pa.RecordBatch.from_arrays(
        [pa.array(columns[field.name]).cast(field.type) for field in ASSIGNMENTS], schema=ASSIGNMENTS
    )
    if not unmatched_count:
        return table
    return table.take(pa.array(np.argsort(columns["user"], kind="stable")))


def unreadable_entries(items: pa.StructArray) -> pa.Array:
    """Return flags of the entries of a list of licences without a SKU, or whose state, error or plans are not known.

    Graph documents four states, and an error for each entry in the state `Error`.
    """
    unreadable = pc.is_null(pc.struct_field(items, "skuId"))
    if "state" not in items.type.names:
        return unreadable
    states, errors, plans = (pc.struct_field(items, name) for name in ("state", "error", "disabledPlans"))
    for gap in (
        pc.is_null(plans),
        pc.invert(pc.is_in(states, value_set=_STATES)),
        pc.and_(pc.is_in(states, value_set=_FAILED), pc.is_null(errors)),
    ):
        unreadable = pc.or_(unreadable, gap)
    return unreadable


def owners_of(column: pa.Array, entries: pa.Array) -> pa.Array:
    """Return flags of the rows of a list column that have one of the flagged entries."""
    flags = np.zeros(len(column), dtype=bool)
    flags[pc.list_parent_indices(column).to_numpy(zero_copy_only=False)[entries.to_numpy(zero_copy_only=False)]] = True
    return pa.array(flags)


def _entries(column: pa.Array) -> _Entries:
    """Flatten a list column; entries without a SKU are dropped."""
    owners = pc.list_parent_indices(column).to_numpy(zero_copy_only=False).astype(np.int64)
    items = column.flatten()
    skus = pc.ascii_lower(pc.struct_field(items, "skuId"))
    if skus.null_count:
        valid = pc.is_valid(skus)
        owners, items, skus = owners[valid.to_numpy(zero_copy_only=False)], items.filter(valid), skus.filter(valid)
    return _Entries(owners=owners, items=items, skus=skus)


def _unmatched(assigned_keys: _Numbers, path_keys: _Numbers) -> _Numbers:
    """Return the positions of assigned SKUs without a path, one per user and SKU (the last entry is used)."""
    positions = np.flatnonzero(~np.isin(assigned_keys, path_keys))
    _, last = np.unique(assigned_keys[positions][::-1], return_index=True)
    return np.sort(positions[::-1][last])


def _plans(column: pa.Array) -> pa.Array:
    """Return lists of lower-case service plan ids; an empty list becomes null."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = pc.ascii_lower(column.flatten())
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(lengths == 0))


def _padded(column: pa.Array, unmatched_count: int) -> pa.Array:
    return column if not unmatched_count else pa.concat_arrays([column, pa.nulls(unmatched_count, column.type)])
