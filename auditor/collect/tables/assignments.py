"""Nested licences of users into rows of the assignments table: one per user, SKU and path."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.tables.timestamps import timestamps
from auditor.snapshot.schema import ASSIGNMENTS

_Numbers = npt.NDArray[np.int64]
_PLANS = pa.list_(pa.string())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entries:
    """The items of a list column: whose they are, and their fields."""

    owners: _Numbers
    items: pa.StructArray
    skus: pa.Array

    def field(self, name: str) -> pa.Array:
        return pc.struct_field(self.items, name)


def assignments(licenses: pa.Array, states: pa.Array, *, offset: int) -> pa.RecordBatch:
    """Return the assignment rows of some users, in their order; `offset` is the number of the first of them.

    An entry of `licenseAssignmentStates` gives a row, and so does a SKU held without one.
    """
    held, paths = _entries(licenses), _entries(states)
    codes = pa.concat_arrays([held.skus, paths.skus]).dictionary_encode()
    numbers = codes.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    width = max(1, len(codes.dictionary))
    held_keys = held.owners * width + numbers[: len(held.owners)]
    path_keys = paths.owners * width + numbers[len(held.owners) :]
    order = np.argsort(held_keys, kind="stable")
    found = np.searchsorted(held_keys[order], path_keys, side="right") - 1
    matched = np.zeros(len(path_keys), dtype=bool)
    if len(held_keys):
        matched = (found >= 0) & (held_keys[order][found] == path_keys)
    plans = _plans(held.field("disabledPlans"))
    of_path = pa.array(order[np.maximum(found, 0)] if len(order) else found, mask=~matched, type=pa.int64())
    pathless = _pathless(held_keys, path_keys)
    lonely = len(pathless)
    columns = {
        "user": np.concatenate([paths.owners, held.owners[pathless]]) + offset,
        "skuId": pa.concat_arrays([paths.skus, held.skus.take(pathless)]),
        "held": pa.array(np.concatenate([matched, np.ones(lonely, dtype=bool)])),
        "disabledPlans": pa.concat_arrays([plans.take(of_path), plans.take(pathless)]),
        "state": _padded(paths.field("state"), lonely),
        "assignedByGroup": _padded(pc.ascii_lower(paths.field("assignedByGroup")), lonely),
        "error": _padded(paths.field("error"), lonely),
        "pathDisabledPlans": _padded(_plans(paths.field("disabledPlans")), lonely),
        "lastUpdatedDateTime": _padded(timestamps(paths.field("lastUpdatedDateTime"))[0], lonely),
    }
    table = pa.RecordBatch.from_arrays(
        [pa.array(columns[field.name]).cast(field.type) for field in ASSIGNMENTS], schema=ASSIGNMENTS
    )
    if not lonely:
        return table
    return table.take(pa.array(np.argsort(columns["user"], kind="stable")))


def _entries(column: pa.Array) -> _Entries:
    """Take a list column apart; an entry without a SKU says nothing and is left out."""
    owners = pc.list_parent_indices(column).to_numpy(zero_copy_only=False).astype(np.int64)
    items = column.flatten()
    skus = pc.ascii_lower(pc.struct_field(items, "skuId"))
    if skus.null_count:
        there = pc.is_valid(skus)
        owners, items, skus = owners[there.to_numpy(zero_copy_only=False)], items.filter(there), skus.filter(there)
    return _Entries(owners=owners, items=items, skus=skus)


def _pathless(held_keys: _Numbers, path_keys: _Numbers) -> _Numbers:
    """Return the places of held SKUs that no path explains, each SKU of a user once (its last entry counts)."""
    lonely = np.flatnonzero(~np.isin(held_keys, path_keys))
    _, last = np.unique(held_keys[lonely][::-1], return_index=True)
    return np.sort(lonely[::-1][last])


def _plans(column: pa.Array) -> pa.Array:
    """Return lists of plan ids in lower case; an empty list says as much as none."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = pc.ascii_lower(column.flatten())
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(lengths == 0))


def _padded(column: pa.Array, lonely: int) -> pa.Array:
    return column if not lonely else pa.concat_arrays([column, pa.nulls(lonely, column.type)])
