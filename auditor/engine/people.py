"""One batch of users and assignments into the columns that rules are evaluated on: folded texts, instants, bitsets."""

from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.selector import ABSENT_READS_AS
from auditor.domain.words import Source, SourceStatus
from auditor.engine.facts import Facts
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import SIGN_IN_COLUMNS

Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

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
        self._columns: dict[str, pa.Array] = {}

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
        latest = np.maximum.reduce([self.instants(name) for name in SIGN_IN_COLUMNS])
        return np.asarray(latest == NEVER)

    @cached_property
    def _without_mailbox(self) -> Flags:
        return self.absent("mailboxType")

    # Properties.

    def column(self, name: str) -> pa.Array:
        """Return a column as the snapshot has it; one that is not there is all null."""
        place = self.users.schema.get_field_index(name)
        return pa.nulls(self.count, pa.string()) if place < 0 else self.users.column(place)

    def folded(self, name: str) -> pa.Array:
        """Return a text column folded for comparison, documented defaults filled in."""
        if name not in self._columns:
            column = self.column(name)
            default = ABSENT_READS_AS.get(name)
            if default is not None:
                column = pc.fill_null(pc.if_else(pc.equal(column, ""), None, column), str(default))
            self._columns[name] = fold(column)
        return self._columns[name]

    def absent(self, name: str) -> Flags:
        """Who has no value: null, or the empty string."""
        if name == "createdDateTime":
            return np.asarray(self.instants(name) == NEVER)
        column = self.column(name)
        if pa.types.is_boolean(column.type):
            return self.nobody if name in ABSENT_READS_AS else flags_of(column.is_null())
        folded = self.folded(name)
        return flags_of(pc.fill_null(pc.equal(folded, ""), fill_value=True))

    def booleans(self, name: str) -> pa.Array:
        """Return a boolean column, documented defaults filled in."""
        column = self.column(name)
        if not pa.types.is_boolean(column.type):
            column = column.cast(pa.bool_())
        default = ABSENT_READS_AS.get(name)
        return column if default is None else pc.fill_null(column, default)

    def instants(self, name: str) -> Numbers:
        """Return an instant column as microseconds since 1970 in UTC; an absent one is NEVER."""
        column = self.column(name)
        if column.null_count == len(column):
            return np.full(self.count, NEVER, dtype=np.int64)
        numbers: Numbers = pc.fill_null(column.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()), NEVER).to_numpy()
        return np.where(numbers < _YEAR_TWO, NEVER, numbers)

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

    def bitset(self, which: Flags | None) -> Words:
        """Gather the SKUs of the chosen assignments (None: of all) into one bitset per user."""
        owner, sku = (self.owner, self.sku) if which is None else (self.owner[which], self.sku[which])
        bits = np.left_shift(np.uint64(1), (sku & 63).astype(np.uint64))
        found = np.zeros((self.count, self._words), dtype=np.uint64)
        for word in range(self._words):
            chosen = slice(None) if self._words == 1 else np.nonzero(sku >> 6 == word)[0]
            people, values = owner[chosen], bits[chosen]
            if len(people):
                starts = np.concatenate(([0], np.nonzero(np.diff(people))[0] + 1))
                found[people[starts], word] = np.bitwise_or.reduceat(values, starts)
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
        chosen = np.nonzero(self.active)[0]
        if not len(chosen):
            return np.zeros((self.count, self._words), dtype=np.uint64)
        group = pc.fill_null(self.links.column("assignedByGroup").indices.cast(pa.int64()), -1).to_numpy()[chosen]
        owner, sku = self.owner[chosen], self.sku[chosen]
        order = np.lexsort((group, sku, owner))
        owner, sku, group, chosen = owner[order], sku[order], group[order], chosen[order]
        second = np.zeros(len(self.active), dtype=bool)
        repeated = (owner[1:] == owner[:-1]) & (sku[1:] == sku[:-1]) & (group[1:] != group[:-1])
        second[chosen[1:][repeated]] = True
        return self.bitset(second)


_YEAR_TWO = -62_104_060_800_000_000
"""0002-01-01 in microseconds: Graph writes the year 1 where it means never."""


def flags_of(column: pa.Array) -> Flags:
    """Turn a boolean Arrow column without nulls into flags."""
    flags: Flags = column.to_numpy(zero_copy_only=False)
    return flags.astype(bool, copy=False)


def among(codes: pa.DictionaryArray, values: tuple[str, ...]) -> Flags:
    """Tell which rows of a dictionary column hold one of the values; null is none of them."""
    known = np.array([value in values for value in codes.dictionary.to_pylist()] + [False], dtype=bool)
    indices = pc.fill_null(codes.indices.cast(pa.int64()), len(known) - 1).to_numpy()
    found: Flags = known[indices]
    return found


def fold(column: pa.Array) -> pa.Array:
    """Casefold a text column as Python does: ASCII by Arrow, every other value by itself."""
    if pa.types.is_dictionary(column.type):
        return fold(column.cast(pa.string()))
    lowered = pc.ascii_lower(column)
    foreign = pc.invert(pc.string_is_ascii(column))
    if not pc.any(foreign).as_py():
        return lowered
    replaced = pa.array(
        [text.casefold() for text in column.filter(pc.fill_null(foreign, fill_value=False)).to_pylist()], pa.string()
    )
    return pc.replace_with_mask(lowered, pc.fill_null(foreign, fill_value=False), replaced)
