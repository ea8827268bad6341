"""The assignments of one batch as bitsets per user: SKUs held, their assignment paths, and disabled service plans."""

from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.arrays.columns import Codes, Flags, codes_of, entries_of, flags_of
from auditor.arrays.instants import NEVER, Numbers, instants_of
from auditor.arrays.rows import Rows, distinct, entries_of_rows
from auditor.engine.columns.bitsets import BitRows, HoldingsCollector, empty_bitsets, width_of
from auditor.engine.columns.strings import looked_up
from auditor.engine.tenant_facts import TenantFacts

Paths = Literal["direct", "group", "several"]

ACTIVE_STATES = ("Active", "ActiveWithError")


class AssignmentColumns:
    """The assignments of one batch, one per user, SKU and path, in the order of users; columns are computed lazily."""

    def __init__(
        self, assignments: pa.RecordBatch, facts: TenantFacts, *, offset: int, users: int, pathless: Flags | None
    ) -> None:
        self._table = assignments
        self._facts = facts
        self._offset = offset
        self._users = users
        self.pathless = pathless
        """Flags of the users whose assignment paths were not collected; None if all were."""
        self._lists: dict[str, tuple[dict[str, int], Codes, Rows]] = {}
        self._codes: dict[str, Codes] = {}
        self._paths: dict[Paths, BitRows] = {}

    def column(self, name: str) -> pa.Array:
        """Return a column of the snapshot, unchanged."""
        return self._table.column(name)

    @cached_property
    def owner(self) -> Rows:
        """The row of the user in this batch, for each assignment."""
        owners: npt.NDArray[np.int64] = self.column("user").to_numpy()
        return owners - self._offset

    @cached_property
    def starts(self) -> Rows:
        """The offset of each user's first assignment, followed by the total number of assignments."""
        return np.concatenate(([0], np.cumsum(np.bincount(self.owner, minlength=self._users))))

    @cached_property
    def sku(self) -> Rows:
        """The index in `facts.skus` of each assignment's SKU."""
        codes = self.column("skuId")
        index_of = self._facts.index
        sku_indices = np.array([index_of[sku_id.lower()] for sku_id in codes.dictionary.to_pylist()], dtype=np.int64)
        return sku_indices[codes.indices.to_numpy()] if len(sku_indices) else np.zeros(0, dtype=np.int64)

    @cached_property
    def is_held(self) -> Flags:
        """Flags of the assignments whose SKU is in `assignedLicenses`."""
        return flags_of(self.column("held"))

    @cached_property
    def _collector(self) -> HoldingsCollector:
        return HoldingsCollector(self.starts, self.sku, len(self._facts.skus))

    @cached_property
    def assigned_skus(self) -> BitRows:
        """For each user, the bitset of SKUs in `assignedLicenses`."""
        return self._collector.where(self.is_held)

    @cached_property
    def providing_skus(self) -> BitRows:
        """For each user, the bitset of SKUs that provide their service plans; see `provides_plans`."""
        return self._collector.where(self.provides_plans)

    def codes(self, name: str) -> Codes:
        """Return the dictionary code of each assignment's value in a column; null has the number of values."""
        cached = self._codes.get(name)
        if cached is None:
            column = self.column(name)
            cached = self._codes[name] = codes_of(column, absent=len(column.dictionary))
        return cached

    @cached_property
    def active(self) -> Flags:
        """Flags of the assignments with an active path: the state is Active or ActiveWithError."""
        return looked_up(self._is_in("state", ACTIVE_STATES), self.codes("state"))

    @cached_property
    def failed(self) -> Rows:
        """Indices of the assignments in error, ascending."""
        is_error = ~self._is_in("error", ("None", ""))
        is_error[-1] = False
        return np.flatnonzero(looked_up(is_error, self.codes("error")))

    def _is_in(self, name: str, values: tuple[str, ...]) -> Flags:
        """Return flags of the values in a column's dictionary that are in `values`; False for null, which is last."""
        return np.array([value in values for value in self.column(name).dictionary.to_pylist()] + [False], dtype=bool)

    @cached_property
    def provides_plans(self) -> Flags:
        """Flags of the assignments that provide service plans: held, and the path is active or was not collected."""
        active = self.active if self.pathless is None else self.active | self.pathless[self.owner]
        return self.is_held & active

    def of_users(self, rows: Rows) -> Rows:
        """Return the indices of the assignments of the given users, in the order of `rows`."""
        return entries_of_rows(self.starts, rows)

    def rows_with_disabled_plan(self, column: str, plan_id: str) -> Rows:
        """Return the assignments whose list of disabled plans in that column has the plan."""
        cached = self._lists.get(column)
        if cached is None:
            cached = self._lists[column] = self._read_lists(column)
        plans, codes, entries = cached
        if plan_id not in plans:
            return np.zeros(0, dtype=np.int64)
        return distinct(entries[codes == plans[plan_id]])

    def _read_lists(self, name: str) -> tuple[dict[str, int], Codes, Rows]:
        """Return the code of each plan in a list column, and the plan code and assignment of each list entry."""
        column = self.column(name)
        entries, values = entries_of(column)
        coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        plans = {plan: code for code, plan in enumerate(coded.dictionary.to_pylist())}
        return plans, codes_of(coded, absent=len(plans)), entries

    def unchanged_since(self, latest: int) -> tuple[BitRows, BitRows | None]:
        """Return the SKUs of each user whose active paths all last changed at `latest` or earlier, and possible ones.

        `latest` is in microseconds since 1970. A SKU with an active path without a date is a possible one; the second
        item is None if all active paths have a date.
        """
        active = self.active & self.is_held
        changed = self._changed
        unchanged = self._collector.where(active) & ~self._collector.where(active & (changed > latest))
        has_no_date = active & (changed == NEVER)
        if not has_no_date.any():
            return unchanged, None
        undated = unchanged & self._collector.where(has_no_date)
        return unchanged & ~undated, undated

    @cached_property
    def _changed(self) -> Numbers:
        return instants_of(self.column("lastUpdatedDateTime"))

    def paths(self, kind: Paths) -> BitRows:
        """Return the SKUs of each user with an active path of that kind, or with several different paths."""
        if kind not in self._paths:
            if kind == "several":
                self._paths[kind] = self._several_paths()
            else:
                direct = self.codes("assignedByGroup") == len(self.column("assignedByGroup").dictionary)
                self._paths[kind] = self._collector.where(self.active & (direct if kind == "direct" else ~direct))
        return self._paths[kind]

    def _several_paths(self) -> BitRows:
        entries = self.of_users(self._collector.doubled)
        entries = entries[self.active[entries]]
        owner, sku, group = self.owner[entries], self.sku[entries], self.codes("assignedByGroup")[entries]
        size = len(self._facts.skus)
        # Sorted by user and SKU: if the paths of a user and SKU differ, at least two adjacent entries differ.
        order = np.argsort(owner * size + sku, kind="stable")
        owner, sku, group = owner[order], sku[order], group[order]
        last_of_pair = np.flatnonzero((owner[1:] == owner[:-1]) & (sku[1:] == sku[:-1]) & (group[1:] != group[:-1]))
        several = empty_bitsets(self._users, size)
        owner, sku, width = owner[last_of_pair], sku[last_of_pair], width_of(several)
        np.bitwise_or.at(several, (owner, sku // width), several.dtype.type(1) << (sku % width).astype(several.dtype))
        return several
