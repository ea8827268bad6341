"""The assignments of one batch into bitsets per user: what is held, over which paths, with which plans switched off."""

from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.engine.columns.bitsets import BitRows, HoldingsCollector, blank, distinct, spread, width_of
from auditor.engine.columns.instants import NEVER, Numbers, instants_of
from auditor.engine.columns.strings import Codes, Flags, codes_of, entries_of, flags_of, looked_up
from auditor.engine.outcome import Rows
from auditor.engine.tenant_facts import TenantFacts

Paths = Literal["direct", "group", "several"]

ACTIVE_STATES = ("Active", "ActiveWithError")


class Links:
    """The assignments of one batch, one per user, SKU and path, in the order of users; made when first asked for."""

    def __init__(
        self, assignments: pa.RecordBatch, facts: TenantFacts, *, offset: int, users: int, pathless: Flags | None
    ) -> None:
        self._table = assignments
        self._facts = facts
        self._offset = offset
        self._users = users
        self.pathless = pathless
        """Whose paths were not collected; None where everybody's were."""
        self._lists: dict[str, tuple[dict[str, int], Codes, Rows]] = {}
        self._codes: dict[str, Codes] = {}
        self._paths: dict[Paths, BitRows] = {}

    def column(self, name: str) -> pa.Array:
        """Return a column as the snapshot has it."""
        return self._table.column(name)

    @cached_property
    def owner(self) -> Rows:
        """The row in this batch that each assignment belongs to."""
        owners: npt.NDArray[np.int64] = self.column("user").to_numpy()
        return owners - self._offset

    @cached_property
    def starts(self) -> Rows:
        """Where the assignments of each user begin, and where the last one's end."""
        return np.concatenate(([0], np.cumsum(np.bincount(self.owner, minlength=self._users))))

    @cached_property
    def sku(self) -> Rows:
        """The place in `facts.skus` of each assignment's SKU."""
        codes = self.column("skuId")
        index = self._facts.index
        places = np.array([index[sku_id.lower()] for sku_id in codes.dictionary.to_pylist()], dtype=np.int64)
        return places[codes.indices.to_numpy()] if len(places) else np.zeros(0, dtype=np.int64)

    @cached_property
    def is_held(self) -> Flags:
        """Which assignments are of a SKU in `assignedLicenses`."""
        return flags_of(self.column("held"))

    @cached_property
    def _collector(self) -> HoldingsCollector:
        return HoldingsCollector(self.starts, self.sku, len(self._facts.skus))

    @cached_property
    def held(self) -> BitRows:
        """Per user, the bitset of SKUs in `assignedLicenses`."""
        return self._collector.where(self.is_held)

    @cached_property
    def counted(self) -> BitRows:
        """Per user, the SKUs whose plans count."""
        return self._collector.where(self.counting)

    def codes(self, name: str) -> Codes:
        """Return per assignment the place of its value in a column's dictionary, and the number of values for null."""
        cached = self._codes.get(name)
        if cached is None:
            column = self.column(name)
            cached = self._codes[name] = codes_of(column, absent=len(column.dictionary))
        return cached

    @cached_property
    def active(self) -> Flags:
        """Which assignments are a path: an entry with state Active or ActiveWithError."""
        return looked_up(self._named("state", ACTIVE_STATES), self.codes("state"))

    @cached_property
    def failed(self) -> Rows:
        """The assignments whose entry is in error, in their order."""
        named = ~self._named("error", ("None", ""))
        named[-1] = False
        return np.flatnonzero(looked_up(named, self.codes("error")))

    def _named(self, name: str, values: tuple[str, ...]) -> Flags:
        """Tell which values of a column's dictionary are among some; null, which comes last, is not."""
        return np.array([value in values for value in self.column(name).dictionary.to_pylist()] + [False], dtype=bool)

    @cached_property
    def counting(self) -> Flags:
        """Which assignments give their plans: held, over an active path, or over any where paths were not collected."""
        giving = self.active if self.pathless is None else self.active | self.pathless[self.owner]
        return self.is_held & giving

    def of_users(self, rows: Rows) -> Rows:
        """Return the assignments of some users, in their order."""
        return spread(self.starts, rows)

    def listing(self, column: str, plan_id: str) -> Rows:
        """Return the assignments whose list of disabled plans, in that column, names the plan."""
        cached = self._lists.get(column)
        if cached is None:
            cached = self._lists[column] = self._read_lists(column)
        plans, codes, places = cached
        if plan_id not in plans:
            return np.zeros(0, dtype=np.int64)
        return distinct(places[codes == plans[plan_id]])

    def _read_lists(self, name: str) -> tuple[dict[str, int], Codes, Rows]:
        """Return the plans of a column of lists with their numbers, and per entry its plan and its assignment."""
        column = self.column(name)
        places, values = entries_of(column)
        coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
        plans = {plan: number for number, plan in enumerate(coded.dictionary.to_pylist())}
        return plans, codes_of(coded, absent=len(plans)), places

    def unchanged_since(self, latest: int) -> tuple[BitRows, BitRows | None]:
        """Per user, the SKUs held whose active paths all last changed at an instant or earlier; and those that may be.

        `latest` is in microseconds since 1970. A path without a date makes it unknown; None where all have one.
        """
        active = self.active & self.is_held
        changed = self._changed
        unchanged = self._collector.where(active) & ~self._collector.where(active & (changed > latest))
        without = active & (changed == NEVER)
        if not without.any():
            return unchanged, None
        undated = unchanged & self._collector.where(without)
        return unchanged & ~undated, undated

    @cached_property
    def _changed(self) -> Numbers:
        return instants_of(self.column("lastUpdatedDateTime"))

    def paths(self, kind: Paths) -> BitRows:
        """Per user, the SKUs held over paths of that kind, or over several different ones."""
        if kind not in self._paths:
            if kind == "several":
                self._paths[kind] = self._several_paths()
            else:
                direct = self.codes("assignedByGroup") == len(self.column("assignedByGroup").dictionary)
                self._paths[kind] = self._collector.where(self.active & (direct if kind == "direct" else ~direct))
        return self._paths[kind]

    def _several_paths(self) -> BitRows:
        chosen = self.of_users(self._collector.doubled)
        chosen = chosen[self.active[chosen]]
        owner, sku, group = self.owner[chosen], self.sku[chosen], self.codes("assignedByGroup")[chosen]
        size = len(self._facts.skus)
        # Of neighbours in this order two differ where any of those with the same user and SKU do.
        order = np.argsort(owner * size + sku, kind="stable")
        owner, sku, group = owner[order], sku[order], group[order]
        twice = np.flatnonzero((owner[1:] == owner[:-1]) & (sku[1:] == sku[:-1]) & (group[1:] != group[:-1]))
        several = blank(self._users, size)
        owner, sku, width = owner[twice], sku[twice], width_of(several)
        np.bitwise_or.at(several, (owner, sku // width), several.dtype.type(1) << (sku % width).astype(several.dtype))
        return several
