"""The assignments of one batch into bitsets per user: what is held, over which paths, with which plans switched off."""

from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.engine.bitsets import Words, distinct, gather, spread, words_for
from auditor.engine.facts import Facts
from auditor.engine.outcome import Rows
from auditor.engine.texts import Codes, Flags, among, codes_of, flags_of

Paths = Literal["direct", "group", "several"]

ACTIVE_STATES = ("Active", "ActiveWithError")


class Links:
    """The assignments of one batch, one per user, SKU and path, in the order of users; made when first asked for."""

    def __init__(
        self, assignments: pa.RecordBatch, facts: Facts, *, offset: int, users: int, pathless: Flags | None
    ) -> None:
        self._table = assignments
        self._facts = facts
        self._offset = offset
        self._users = users
        self.pathless = pathless
        """Whose paths were not collected; None where everybody's were."""
        self._lists: dict[str, tuple[dict[str, int], Codes, Rows]] = {}

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
        return places.take(codes.indices.to_numpy()) if len(places) else np.zeros(0, dtype=np.int64)

    @cached_property
    def is_held(self) -> Flags:
        """Which assignments are of a SKU in `assignedLicenses`."""
        return flags_of(self.column("held"))

    @cached_property
    def _bitsets(self) -> tuple[list[Words], Rows]:
        """What is held, the SKUs over each kind of path, the SKUs whose plans count; and who has a SKU twice."""
        kinds = _ANY | self.is_held * _HELD
        if "state" in self._table.schema.names:
            kinds |= self.active * np.where(self._by_group, _GROUP, _DIRECT) | self.counting * _COUNTED
        return gather(self.starts, self.sku, kinds, len(self._facts.skus))

    def _bitset(self, kind: np.uint8) -> Words:
        planes, _ = self._bitsets
        plane = int(kind).bit_length() - 1
        return planes[plane] if plane < len(planes) else self._empty

    @cached_property
    def _empty(self) -> Words:
        return np.zeros((self._users, words_for(len(self._facts.skus))), dtype=np.uint64)

    @property
    def held(self) -> Words:
        """Per user, the bitset of SKUs in `assignedLicenses`."""
        return self._bitset(_HELD)

    @property
    def counted(self) -> Words:
        """Per user, the SKUs whose plans count."""
        return self._bitset(_COUNTED)

    @cached_property
    def active(self) -> Flags:
        """Which assignments are a path: an entry with state Active or ActiveWithError."""
        return among(self.column("state"), ACTIVE_STATES)

    @cached_property
    def _by_group(self) -> Flags:
        return flags_of(self.column("assignedByGroup").is_valid())

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
        found = self._lists.get(column)
        if found is None:
            found = self._lists[column] = self._read_lists(column)
        plans, codes, places = found
        if plan_id not in plans:
            return np.zeros(0, dtype=np.int64)
        return distinct(places[codes == plans[plan_id]])

    def _read_lists(self, name: str) -> tuple[dict[str, int], Codes, Rows]:
        """Return the plans of a column of lists with their numbers, and per entry its plan and its assignment."""
        column = self.column(name)
        coded = column.flatten().dictionary_encode()
        places: Rows = pc.list_parent_indices(column).to_numpy()
        plans = {plan: number for number, plan in enumerate(coded.dictionary.to_pylist())}
        return plans, codes_of(coded, absent=len(plans)), places

    def paths(self, kind: Paths) -> Words:
        """Per user, the SKUs held over paths of that kind, or over several different ones."""
        match kind:
            case "direct":
                return self._bitset(_DIRECT)
            case "group":
                return self._bitset(_GROUP)
            case "several":
                return self._several_paths

    @cached_property
    def _several_paths(self) -> Words:
        _, doubled = self._bitsets
        chosen = self.of_users(doubled)
        chosen = chosen[self.active[chosen]]
        groups = self.column("assignedByGroup")
        group = codes_of(groups, absent=len(groups.dictionary))[chosen]
        owner, sku = self.owner[chosen], self.sku[chosen]
        order = np.lexsort((group, sku, owner))
        owner, sku, group = owner[order], sku[order], group[order]
        twice = np.flatnonzero((owner[1:] == owner[:-1]) & (sku[1:] == sku[:-1]) & (group[1:] != group[:-1]))
        found = self._empty.copy()
        bits = np.left_shift(np.uint64(1), (sku[twice] & 63).astype(np.uint64))
        np.bitwise_or.at(found, (owner[twice], sku[twice] >> 6), bits)
        return found


_HELD, _DIRECT, _GROUP, _COUNTED = (np.uint8(1 << bit) for bit in range(4))
_ANY = np.uint8(1 << 7)
