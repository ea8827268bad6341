"""The one table of findings: what every audit of a tenant yields, and what every reader takes."""

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, groupby
from operator import itemgetter
from typing import Final

import pyarrow as pa

from auditor.domain.enums import Change, SubjectType
from auditor.domain.finding import Finding, Findings, report_order
from auditor.domain.finding_stats import Concern, FindingStats
from auditor.findings.columns import UnencodableError, decode, encode
from auditor.findings.spill import Block, SpillFile
from auditor.findings.stats import StatsBuilder

GROUP_SIZE: Final = 32_768
"""Findings of a group: those of one policy and check in it become a record batch."""
BATCH_SIZE: Final = 16_384
"""Findings of a record batch at most."""
_BYTES: Final = 1_536
"""What a finding takes in memory, with its evidence."""
_CHANGED: Final = frozenset({Change.NEW, Change.REOPENED})
_USER: Final = SubjectType.USER

Key = tuple[int, str, str]
"""Rank of the severity, policy, check: what findings are ordered by first."""


@dataclass(slots=True, eq=False)
class _Piece:
    """Findings in report order: in memory, or as a record batch in the spill file."""

    count: int
    values: Sequence[Finding] | None
    block: Block | None = None

    def read(self, spill: SpillFile | None) -> Iterator[Finding]:
        if self.values is not None:
            return iter(self.values)
        return decode(self.batch(spill))

    def batch(self, spill: SpillFile | None) -> pa.RecordBatch:
        if self.values is not None:
            return encode(self.values)
        assert spill is not None
        assert self.block is not None
        return spill.read(self.block)


_Group = dict[Key, list[_Piece]]
"""All findings about some subjects."""
_AS_GIVEN: Final[Key] = (0, "", "")
"""The key of a table whose order is that of its values."""


class FindingTable(Findings):
    """The findings of one tenant or of the fleet, in memory or, beyond the budget of the run, on disk.

    Made by `FindingTable.of` from values, or by a `FindingTableBuilder` group by group. Immutable.
    """

    def __init__(self, groups: Sequence[_Group], *, spill: SpillFile | None, ordered: bool, reserved: int) -> None:
        self._groups = groups
        self._spill = spill
        self._ordered = ordered
        """Whether the groups of each policy and check follow one another; else they are sorted when they are read."""
        self._count = sum(piece.count for group in groups for pieces in group.values() for piece in pieces)
        self._sample: tuple[int, tuple[Finding, ...]] | None = None
        self._origin: FindingTable | None = None
        if spill is not None and reserved:
            weakref.finalize(self, spill.release, reserved).atexit = False

    @classmethod
    def of(cls, findings: Iterable[Finding], spill: SpillFile | None = None) -> "FindingTable":
        """Make a table of findings that are in report order already.

        With a `spill` file findings beyond its memory budget are written there. Raises DeliveryError where its disk is
        full.
        """
        values = tuple(findings)
        size = len(values) * _BYTES
        if spill is None or spill.reserve(size):
            return cls([{_AS_GIVEN: [_Piece(len(values), values)]}], spill=spill, ordered=True, reserved=size)
        counted = StatsBuilder()
        counted.add(values)
        table = cls([{_AS_GIVEN: _written(values, spill)}], spill=spill, ordered=True, reserved=0)
        table.stats = counted.stats()
        return table

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Finding]:
        """Yield the findings in report order. Raises DeliveryError where they cannot be read from disk."""
        for key in self._keys():
            yield from self._of_key(key)

    @cached_property
    def stats(self) -> FindingStats:
        """Counts and sums over all findings."""
        counted = StatsBuilder()
        for group in self.by_subject():
            counted.add(group)
        return counted.stats()

    def sample(self, count: int) -> tuple[Finding, ...]:
        """Return all findings if there are at most `count`, otherwise the first of every policy and check."""
        if self._sample is None or self._sample[0] != count:
            self._sample = count, tuple(self) if self._count <= count else tuple(self._first(count))
        return self._sample[1]

    def by_subject(self) -> Iterator[Sequence[Finding]]:
        """Yield the findings in groups that hold all findings about their subjects."""
        for group in self._groups:
            if group:
                yield [finding for key in sorted(group) for piece in group[key] for finding in piece.read(self._spill)]

    def map(self, change: Callable[[Sequence[Finding]], Iterable[Finding]]) -> "FindingTable":
        """Return a new table of what `change` makes of every group of `by_subject`."""
        if self._as_given or not self._count:
            return FindingTable.of(change(tuple(self)), self._spill)
        builder = FindingTableBuilder(self._spill)
        for group in self.by_subject():
            builder.add(tuple(change(group)))
        return builder.table()

    def with_concerns(self, concerns: Mapping[str, Concern]) -> "FindingTable":
        """Return the same findings with whom the actions about them concern, by action id."""
        table = FindingTable(self._groups, spill=self._spill, ordered=self._ordered, reserved=0)
        table._origin = self  # its memory stays reserved as long as this table is used
        table.stats = replace(self.stats, concerns=concerns)
        return table

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the findings in report order as Arrow record batches of `auditor.findings.columns.SCHEMA`.

        Raises UnencodableError for a finding that no record batch can hold.
        """
        for key in self._keys():
            if not self._ordered:
                values = list(self._of_key(key))
                yield from (encode(values[start : start + BATCH_SIZE]) for start in range(0, len(values), BATCH_SIZE))
                continue
            for group in self._groups:
                for piece in group.get(key, ()):
                    yield piece.batch(self._spill)

    def _keys(self) -> list[Key]:
        return sorted(set(chain.from_iterable(self._groups)))

    def _of_key(self, key: Key) -> Iterator[Finding]:
        """Yield what one check of one policy found."""
        pieces = (piece for group in self._groups for piece in group.get(key, ()))
        found = chain.from_iterable(piece.read(self._spill) for piece in pieces)
        return found if self._ordered else iter(sorted(found, key=report_order))

    def _first(self, count: int) -> Iterator[Finding]:
        """Yield the first findings about people of every policy and check, and all others."""
        if self._as_given:
            checks = len({(finding.policy, finding.check) for finding in self})
            parts: Iterable[Iterable[Finding]] = (
                own for _, own in groupby(self, key=lambda finding: (finding.policy, finding.check))
            )
        else:
            checks = len(self._keys())
            parts = map(self._of_key, self._keys())
        for own in parts:
            yield from _shown(own, max(1, count // checks))

    @property
    def _as_given(self) -> bool:
        return len(self._groups) == 1 and self._groups[0].keys() == {_AS_GIVEN}


def _shown(findings: Iterable[Finding], most: int) -> list[Finding]:
    """Return the first findings of one check of one policy, new and reopened ones before others, in report order."""
    changed: list[tuple[int, Finding]] = []
    others: list[tuple[int, Finding]] = []
    things: list[tuple[int, Finding]] = []
    for index, finding in enumerate(findings):
        if finding.subject.type is not _USER:
            things.append((index, finding))
            continue
        chosen = changed if finding.change in _CHANGED else others
        if len(chosen) < most:
            chosen.append((index, finding))
        elif finding.change is None:  # the run was compared with no other: nothing that follows is new
            break
    return [finding for _, finding in sorted((changed + others)[:most] + things, key=itemgetter(0))]


def _written(values: Sequence[Finding], spill: SpillFile) -> list[_Piece]:
    """Write findings to the spill file; those that no record batch can hold stay in memory."""
    pieces = []
    for start in range(0, len(values), BATCH_SIZE):
        some = values[start : start + BATCH_SIZE]
        try:
            pieces.append(_Piece(len(some), None, spill.write(encode(some))))
        except UnencodableError:
            pieces.append(_Piece(len(some), some))
    return pieces


class FindingTableBuilder:
    """Builds a table group by group: all findings about some subjects together, in report order.

    Groups are expected in the order of subject ids. Where they are not, the table sorts each check when it is read.
    """

    def __init__(self, spill: SpillFile | None = None) -> None:
        self._spill = spill
        self._groups: list[_Group] = []
        self._open: dict[Key, list[Finding]] = {}
        self._pending = 0
        self._last: dict[Key, tuple[str, str, str, str]] = {}
        self._ordered = True
        self._reserved = 0
        self._full = False
        self._stats = StatsBuilder()

    def add(self, findings: Sequence[Finding]) -> None:
        """Add all findings about some subjects. Raises DeliveryError where the disk of the spill file is full."""
        by_key: dict[Key, list[Finding]] = {}
        for finding in findings:
            by_key.setdefault((finding.severity.rank, finding.policy, finding.check), []).append(finding)
        for key, own in by_key.items():
            begun = report_order(own[0])
            self._ordered &= self._last.get(key, begun) <= begun
            self._last[key] = report_order(own[-1])
            self._open.setdefault(key, []).extend(own)
        self._pending += len(findings)
        self._stats.add(findings)
        if self._pending >= GROUP_SIZE:
            self._close()

    def table(self, concerns: Mapping[str, Concern] | None = None) -> FindingTable:
        """Return the table; `concerns` tells by action id whom the actions are about."""
        if not self._groups:
            # Few findings lie in one piece; a fleet has thousands of such tables.
            keys = sorted(self._open)
            table = FindingTable.of(chain.from_iterable(map(self._sorted, keys)), self._spill)
            table.stats = replace(self._stats.stats(policy for _, policy, _ in keys), concerns=concerns or {})
            return table
        if self._pending:
            self._close()
        table = FindingTable(self._groups, spill=self._spill, ordered=self._ordered, reserved=self._reserved)
        keys = sorted(set(chain.from_iterable(self._groups)))
        table.stats = replace(self._stats.stats(policy for _, policy, _ in keys), concerns=concerns or {})
        return table

    def _sorted(self, key: Key) -> list[Finding]:
        return self._open[key] if self._ordered else sorted(self._open[key], key=report_order)

    def _close(self) -> None:
        group = {key: [_Piece(len(own), own)] for key, own in self._open.items()}
        size = self._pending * _BYTES
        self._groups.append(group)
        self._open, self._pending = {}, 0
        if self._spill is None:
            return
        if not self._full and self._spill.reserve(size):
            self._reserved += size
            return
        # A table is on disk as a whole: what it held in memory makes room for what is made of it.
        for each in self._groups if not self._full else (group,):
            self._write(each)
        self._full = True
        self._spill.release(self._reserved)
        self._reserved = 0

    def _write(self, group: _Group) -> None:
        assert self._spill is not None
        for key, pieces in group.items():
            group[key] = [each for piece in pieces for each in _written(piece.values or (), self._spill)]
