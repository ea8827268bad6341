"""One batch of users as the columns that rules are evaluated on: casefolded texts, instants and bitsets."""

from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.columns import Flags, entries_of, flags_of, valid
from auditor.arrays.instants import NEVER, Numbers, instants_of
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy.selector import ABSENT_READS_AS
from auditor.engine.columns.assignments import AssignmentColumns
from auditor.engine.columns.strings import ALL_DIFFERENT, FoldedColumn, folded_column, id_prefixes
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import COLUMNS_OF_SOURCE, SIGN_IN_COLUMNS, SOURCE_OF_COLUMN

NO_ACTIVITY = np.iinfo(np.int32).min
"""Marks an absent day in columns of days since 1970."""

_SOURCES = {column: source for source, columns in COLUMNS_OF_SOURCE.items() for column in columns}

_BLANK_IS_NONE = frozenset({Source.USAGE, Source.COPILOT_USAGE})
"""Reports in which a blank means no activity; `notCollected` lists the users without a row."""


class UserColumns:
    """The users of one batch; every column is computed on first use and cached for all policies."""

    def __init__(self, batch: UserBatch, facts: TenantFacts) -> None:
        self.facts = facts
        self.users = batch.users
        self.offset = batch.offset
        self.count = batch.users.num_rows
        self._assignments = batch.assignments
        self._texts: dict[str, FoldedColumn] = {}
        self._booleans: dict[str, tuple[Flags, Flags]] = {}
        self._unknown: dict[str, Flags] = {}
        self._instants: dict[str, Numbers] = {}
        self._latest: dict[tuple[str, ...], Numbers] = {}

    @cached_property
    def nobody(self) -> Flags:
        """False for everyone; shared, so that it cannot be written to."""
        return _frozen(np.zeros(self.count, dtype=bool))

    @cached_property
    def everybody(self) -> Flags:
        """True for everyone; shared, so that it cannot be written to."""
        return _frozen(np.ones(self.count, dtype=bool))

    @cached_property
    def assignments(self) -> AssignmentColumns:
        """The assignments of the users."""
        pathless = self.unknown("licenseAssignmentStates")
        return AssignmentColumns(
            self._assignments, self.facts, offset=self.offset, users=self.count,
            pathless=None if pathless is self.nobody else pathless,
        )  # fmt: skip

    # Facts that were not collected.

    @cached_property
    def _not_collected(self) -> dict[str, Flags]:
        """Name of a fact that was not collected for all users → flags of those for whom it was not."""
        index = self.users.schema.get_field_index("notCollected")
        if index < 0 or self.users.column(index).null_count == self.count:
            return {}
        column = self.users.column(index)
        owners, names = entries_of(column)
        flags_by_name: dict[str, Flags] = {}
        for name in names.unique().to_pylist():
            flags = np.zeros(self.count, dtype=bool)
            flags[owners[flags_of(pc.equal(names, name))]] = True
            flags_by_name[name] = flags
        return flags_by_name

    def unknown(self, name: str) -> Flags:
        """Return flags of the users for whom a property, or a source such as `signInActivity`, was not collected."""
        cached = self._unknown.get(name)
        if cached is None:
            cached = self._unknown[name] = self._uncollected(name)
        return cached

    def _uncollected(self, name: str) -> Flags:
        if name == Source.SIGN_IN_ACTIVITY.value:
            return self._unknown_source(Source.SIGN_IN_ACTIVITY, name, self.latest(SIGN_IN_COLUMNS) == NEVER)
        if source := _SOURCES.get(name):
            partial = source is Source.MAILBOXES and self.facts.status(source) is SourceStatus.PARTIAL
            lists_unread = partial and self.facts.marks_mailboxes
            return self._unknown_source(source, name, self.nobody if lists_unread else self.absent(name))
        if name in SOURCE_OF_COLUMN:
            return self._unreported(SOURCE_OF_COLUMN[name], name)
        if not self.facts.is_requested(name):
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

    def _unreported(self, source: Source, column: str) -> Flags:
        """Return flags of the users for whom a report does not have the fact: it lacks the column or a row."""
        coverage = self.facts.coverage(source)
        if not coverage.status.is_read or column not in coverage.asked:
            return self.everybody
        if source in _BLANK_IS_NONE and coverage.status is SourceStatus.COMPLETE:
            return self._not_collected.get(source.value, self.nobody)
        values = self.column(column)
        absent = flags_of(values.is_null()) if values.null_count else self.nobody
        return absent | self._not_collected[source.value] if source.value in self._not_collected else absent

    # Properties.

    def column(self, name: str) -> pa.Array:
        """Return a column of the snapshot, unchanged; all null if the snapshot does not have it."""
        index = self.users.schema.get_field_index(name)
        return pa.nulls(self.count, pa.string()) if index < 0 else self.users.column(index)

    @cached_property
    def lowered_ids(self) -> pa.Array:
        """The ids of the users in lower case."""
        return pc.ascii_lower(self.column("id"))

    @cached_property
    def id_prefixes(self) -> npt.NDArray[np.uint64] | None:
        """The prefixes of the ids, as `auditor.engine.columns.strings.id_prefixes` returns them."""
        return id_prefixes(self.column("id"))

    def texts(self, name: str) -> FoldedColumn:
        """Return a text column casefolded for comparison; absent values have the documented defaults."""
        cached = self._texts.get(name)
        if cached is None:
            default = ABSENT_READS_AS.get(name)
            cached = self._texts[name] = folded_column(
                self.column(name),
                distinct=name not in ALL_DIFFERENT,
                default=default if isinstance(default, str) else None,
            )
        return cached

    def absent(self, name: str) -> Flags:
        """Return flags of the users without a value: null, or the empty string."""
        if name == "createdDateTime":
            return np.asarray(self.instants(name) == NEVER)
        column = self.column(name)
        if pa.types.is_boolean(column.type):
            return self.nobody if name in ABSENT_READS_AS else flags_of(column.is_null())
        return self.texts(name).absent()

    def booleans(self, name: str) -> tuple[Flags, Flags]:
        """Return flags of true and of false in a boolean column; absent values have the documented defaults."""
        cached = self._booleans.get(name)
        if cached is None:
            column = self.column(name)
            if not pa.types.is_boolean(column.type):
                column = column.cast(pa.bool_())
            true = flags_of(column)
            false = valid(column) & ~true if column.null_count else ~true
            default = ABSENT_READS_AS.get(name)
            if default is not None:
                true, false = (~false, false) if default else (true, ~true)
            cached = self._booleans[name] = true, false
        return cached

    def instants(self, name: str) -> Numbers:
        """Return a timestamp column as microseconds since 1970 in UTC; absent instants are NEVER."""
        cached = self._instants.get(name)
        if cached is None:
            cached = self._instants[name] = instants_of(self.column(name))
        return cached

    def integers(self, name: str, *, absent: int) -> npt.NDArray[np.signedinteger]:
        """Return a column of numbers, or of dates as days since 1970, with `absent` for null."""
        column = self.column(name)
        if column.null_count == self.count:
            return np.full(self.count, absent, dtype=np.int64)
        if pa.types.is_date32(column.type):
            column = column.view(pa.int32())
        numbers = np.frombuffer(column.buffers()[1], column.type.to_pandas_dtype())[column.offset :][: self.count]
        return np.where(valid(column), numbers, numbers.dtype.type(absent)) if column.null_count else numbers

    def latest(self, names: tuple[str, ...]) -> Numbers:
        """Return the latest of several instants for each user; NEVER if all are absent."""
        cached = self._latest.get(names)
        if cached is None:
            cached = self._latest[names] = reduce(np.maximum, map(self.instants, names))
        return cached


def _frozen(flags: Flags) -> Flags:
    flags.flags.writeable = False
    return flags
