"""One batch of users and assignments into the columns that rules are evaluated on: folded texts, instants, bitsets."""

from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.selector import ABSENT_READS_AS
from auditor.domain.words import Source, SourceStatus
from auditor.engine.facts import Facts
from auditor.engine.texts import ALL_DIFFERENT, Flags, Texts, among, codes_of, flags_of, texts
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import SIGN_IN_COLUMNS

Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

Paths = Literal["direct", "group", "several"]

NEVER = np.iinfo(np.int64).min
"""Stands for an absent instant in columns of microseconds since 1970."""

ACTIVE_STATES = ("Active", "ActiveWithError")


def words_for(bits: int) -> int:
    """Return how many 64-bit words hold that many bits."""
    return max(1, (bits + 63) // 64)


def pack(flags: Flags) -> Words:
    """Turn flags per SKU into a bitset."""
    padded = np.zeros(words_for(len(flags)) * 64, dtype=np.uint8)
    padded[: len(flags)] = flags
    return np.packbits(padded, bitorder="little").view(np.uint64)


class People:
    """The users of one batch; every column is made when it is first asked for and kept for all policies."""

    def __init__(self, batch: UserBatch, facts: Facts) -> None:
        self.facts = facts
        self.users = batch.users
        self.links = batch.assignments
        self.offset = batch.offset
        self.count = batch.users.num_rows
        self._words = words_for(len(facts.skus))
        self._texts: dict[str, Texts] = {}
        self._instants: dict[str, Numbers] = {}
        self._latest: dict[tuple[str, ...], Numbers] = {}
        self._lists: dict[str, tuple[dict[str, int], Numbers, Numbers]] = {}

    @cached_property
    def nobody(self) -> Flags:
        """False for everyone; never to be written to."""
        return np.zeros(self.count, dtype=bool)

    @cached_property
    def everybody(self) -> Flags:
        """True for everyone; never to be written to."""
        return np.ones(self.count, dtype=bool)

    # What was not collected.

    @cached_property
    def _not_collected(self) -> dict[str, Flags]:
        """Facts that nobody could read of single users: name → for whom."""
        place = self.users.schema.get_field_index("notCollected")
        if place < 0 or self.users.column(place).null_count == self.count:
            return {}
        column = self.users.column(place)
        owners = pc.list_parent_indices(column).to_numpy()
        names = column.flatten()
        marked: dict[str, Flags] = {}
        for name in names.unique().to_pylist():
            flags = np.zeros(self.count, dtype=bool)
            flags[owners[pc.equal(names, name).to_numpy(zero_copy_only=False)]] = True
            marked[name] = flags
        return marked

    def unknown(self, name: str) -> Flags:
        """For whom a property, or one of the sources `signInActivity` and `mailboxType`, was not collected."""
        if name == Source.SIGN_IN_ACTIVITY.value:
            return self._unknown_source(Source.SIGN_IN_ACTIVITY, name, self._without_stamp)
        if name == "mailboxType":
            return self._unknown_source(Source.MAILBOXES, name, self._without_mailbox)
        if not self.facts.asked(name):
            return self.everybody
        return self._not_collected.get(name, self.nobody)

    def _unknown_source(self, source: Source, name: str, absent: Flags) -> Flags:
        match self.facts.status(source):
            case SourceStatus.COMPLETE:
                return self._not_collected.get(name, self.nobody)
            case SourceStatus.PARTIAL:
                return absent | self._not_collected.get(name, self.nobody)
            case _:
                return self.everybody

    @cached_property
    def _without_stamp(self) -> Flags:
        return np.asarray(self.latest(SIGN_IN_COLUMNS) == NEVER)

    @cached_property
    def _without_mailbox(self) -> Flags:
        return self.absent("mailboxType")

    # Properties.

    def column(self, name: str) -> pa.Array:
        """Return a column as the snapshot has it; one that is not there is all null."""
        place = self.users.schema.get_field_index(name)
        return pa.nulls(self.count, pa.string()) if place < 0 else self.users.column(place)

    @cached_property
    def lowered_ids(self) -> pa.Array:
        """The ids of the users in lower case."""
        return pc.ascii_lower(self.column("id"))

    def texts(self, name: str) -> Texts:
        """Return a text column folded for comparison, documented defaults filled in."""
        found = self._texts.get(name)
        if found is None:
            default = ABSENT_READS_AS.get(name)
            found = self._texts[name] = texts(
                self.column(name),
                distinct=name not in ALL_DIFFERENT,
                default=default if isinstance(default, str) else None,
            )
        return found

    def absent(self, name: str) -> Flags:
        """Who has no value: null, or the empty string."""
        if name == "createdDateTime":
            return np.asarray(self.instants(name) == NEVER)
        column = self.column(name)
        if pa.types.is_boolean(column.type):
            return self.nobody if name in ABSENT_READS_AS else flags_of(column.is_null())
        return self.texts(name).absent()

    def booleans(self, name: str) -> pa.Array:
        """Return a boolean column, documented defaults filled in."""
        column = self.column(name)
        if not pa.types.is_boolean(column.type):
            column = column.cast(pa.bool_())
        default = ABSENT_READS_AS.get(name)
        return column if default is None else pc.fill_null(column, default)

    def instants(self, name: str) -> Numbers:
        """Return an instant column as microseconds since 1970 in UTC; an absent one is NEVER."""
        found = self._instants.get(name)
        if found is None:
            found = self._instants[name] = self._read_instants(name)
        return found

    def _read_instants(self, name: str) -> Numbers:
        column = self.column(name)
        if column.null_count == len(column):
            return np.full(self.count, NEVER, dtype=np.int64)
        numbers: Numbers = pc.fill_null(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()), NEVER).to_numpy()
        return np.where(numbers < _YEAR_TWO, NEVER, numbers)

    def latest(self, names: tuple[str, ...]) -> Numbers:
        """Return the latest of some instants for each user; NEVER where there is none."""
        found = self._latest.get(names)
        if found is None:
            found = self._latest[names] = np.maximum.reduce([self.instants(name) for name in names])
        return found

    # Assignments.

    @cached_property
    def owner(self) -> npt.NDArray[np.int64]:
        """The row in this batch that each assignment belongs to."""
        owners: Numbers = self.links.column("user").to_numpy()
        return owners - self.offset

    @cached_property
    def sku(self) -> npt.NDArray[np.int64]:
        """The place in `facts.skus` of each assignment's SKU."""
        codes = self.links.column("skuId")
        index = self.facts.index
        places = np.array([index[sku_id.lower()] for sku_id in codes.dictionary.to_pylist()], dtype=np.int64)
        if not len(places):
            return np.zeros(0, dtype=np.int64)
        found: npt.NDArray[np.int64] = places[codes.indices.to_numpy(zero_copy_only=False)]
        return found

    @cached_property
    def held(self) -> Words:
        """Per user, the bitset of SKUs in `assignedLicenses`."""
        column = self.links.column("held")
        if column.true_count == len(column):
            return self.bitset(None)
        return self.bitset(flags_of(column))

    @cached_property
    def _runs(self) -> Numbers:
        """Where the assignments of each user who has any begin."""
        return np.concatenate(([0], np.nonzero(np.diff(self.owner))[0] + 1))

    @cached_property
    def _bits(self) -> Words:
        """Per assignment, the bit of its SKU within its word."""
        return np.left_shift(np.uint64(1), (self.sku & 63).astype(np.uint64))

    def bitset(self, which: Flags | None) -> Words:
        """Gather the SKUs of the chosen assignments (None: of all) into one bitset per user."""
        found = np.zeros((self.count, self._words), dtype=np.uint64)
        if not len(self.owner):
            return found
        people = self.owner[self._runs]
        for word in range(self._words):
            values = self._bits if self._words == 1 else np.where(self.sku >> 6 == word, self._bits, np.uint64(0))
            chosen = values if which is None else np.where(which, values, np.uint64(0))
            found[people, word] = np.bitwise_or.reduceat(chosen, self._runs)
        return found

    @cached_property
    def active(self) -> Flags:
        """Which assignments are a path: an entry with state Active or ActiveWithError."""
        states = self.links.column("state")
        return among(states, ACTIVE_STATES)

    @cached_property
    def by_group(self) -> Flags:
        """Which assignments a group made."""
        return flags_of(self.links.column("assignedByGroup").is_valid())

    @cached_property
    def counting(self) -> Flags:
        """Which assignments give their plans: held, over an active path, or over any where paths were not collected."""
        pathless = self.unknown("licenseAssignmentStates")
        held = flags_of(self.links.column("held"))
        return held & (self.active | pathless[self.owner]) if pathless.any() else held & self.active

    @cached_property
    def counted(self) -> Words:
        """Per user, the SKUs whose plans count."""
        return self.bitset(self.counting)

    def listing(self, column: str, plan_id: str) -> Numbers:
        """Return the assignments whose list of disabled plans, in that column, names the plan."""
        found = self._lists.get(column)
        if found is None:
            found = self._lists[column] = self._read_lists(column)
        plans, codes, places = found
        return np.unique(places[codes == plans[plan_id]]) if plan_id in plans else np.zeros(0, dtype=np.int64)

    def _read_lists(self, name: str) -> tuple[dict[str, int], Numbers, Numbers]:
        """Return the plans of a column of lists with their numbers, and per entry its plan and its assignment."""
        column = self.links.column(name)
        coded = column.flatten().dictionary_encode()
        places: Numbers = pc.list_parent_indices(column).to_numpy()
        plans = {plan: number for number, plan in enumerate(coded.dictionary.to_pylist())}
        return plans, codes_of(coded, absent=-1), places

    def paths(self, kind: Paths) -> Words:
        """Per user, the SKUs held over paths of that kind, or over several."""
        match kind:
            case "direct":
                return self.direct_paths
            case "group":
                return self.group_paths
            case "several":
                return self.several_paths

    @cached_property
    def direct_paths(self) -> Words:
        """Per user, the SKUs with an active direct assignment."""
        return self.bitset(self.active & ~self.by_group)

    @cached_property
    def group_paths(self) -> Words:
        """Per user, the SKUs with an active assignment by a group."""
        return self.bitset(self.active & self.by_group)

    @cached_property
    def several_paths(self) -> Words:
        """Per user, the SKUs with two or more different active paths."""
        # Only who has more paths than SKUs can have two for one of them; few have.
        paths = np.bincount(self.owner[self.active], minlength=self.count)
        skus = np.bitwise_count(self.direct_paths | self.group_paths).sum(axis=1)
        chosen = np.nonzero(self.active & (paths > skus)[self.owner])[0]
        group = codes_of(self.links.column("assignedByGroup"), absent=-1)[chosen]
        owner, sku = self.owner[chosen], self.sku[chosen]
        order = np.lexsort((group, sku, owner))
        owner, sku, group, chosen = owner[order], sku[order], group[order], chosen[order]
        second = np.zeros(len(self.active), dtype=bool)
        repeated = (owner[1:] == owner[:-1]) & (sku[1:] == sku[:-1]) & (group[1:] != group[:-1])
        second[chosen[1:][repeated]] = True
        return self.bitset(second)


_YEAR_TWO = -62_104_060_800_000_000
"""0002-01-01 in microseconds: Graph writes the year 1 where it means never."""
