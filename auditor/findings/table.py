"""The table of findings that every audit of a tenant returns and every output reads."""

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import accumulate, chain, groupby, islice
from operator import itemgetter
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.batches import joined
from auditor.arrays.columns import flags_of
from auditor.arrays.equal_rows import equal_rows
from auditor.arrays.rows import arrow_rows, ranks
from auditor.arrays.texts import codes, values_of
from auditor.domain.enums import Change, Severity, SubjectType
from auditor.domain.result.finding import Finding, Findings, FindingStats
from auditor.findings.columns import SCHEMA, DecodeCache, decode, encode, replaced
from auditor.findings.spill import SpilledBlock, SpillFile
from auditor.findings.stats import StatsBuilder

GROUP_SIZE: Final = 16_384
"""Minimum number of findings in a group, within which each policy and check has a record batch."""
BATCH_SIZE: Final = 16_384
"""Number of findings in a record batch that is encoded from `Finding` values."""
_CHANGED: Final = frozenset({Change.NEW, Change.REOPENED})
_USER: Final = SubjectType.USER
_ORDER: Final = ("subjectId", "skuPartNumber", "skuId", "detail")
"""The columns by which the findings of one policy and check are sorted; absent values come first."""
_SMALL_DICTIONARY: Final = 64
"""Dictionaries with up to this many values are written in full, even if a record batch does not use all of them."""

GroupKey = tuple[int, str, str]
"""Severity rank, policy and check: the first sort keys of findings."""


class _Group:
    """All findings about a range of subjects, by key: slices of a record batch in memory, or of blocks on disk."""

    def __init__(self, batch: pa.RecordBatch, runs: Mapping[GroupKey, tuple[int, int]]) -> None:
        self.keys = tuple(runs)
        self._runs = runs
        self._batch: pa.RecordBatch | None = batch
        self._blocks: dict[GroupKey, SpilledBlock] = {}
        self.count: int = batch.num_rows
        self.size = batch.nbytes

    def of_key(self, key: GroupKey, spill: SpillFile | None) -> pa.RecordBatch | None:
        """Return the findings of a key; None if there are none."""
        if key not in self._runs:
            return None
        if self._batch is not None:
            return self._batch.slice(*self._runs[key])
        assert spill is not None
        return spill.read(self._blocks[key]).slice(*self._runs[key])

    def all_findings(self, spill: SpillFile | None) -> pa.RecordBatch:
        """Return all findings in report order."""
        if self._batch is not None:
            return self._batch
        assert spill is not None
        return joined([spill.read(block) for block in dict.fromkeys(self._blocks.values())])

    def write(self, spill: SpillFile, *, only_group: bool = False) -> None:
        """Write the findings to the spill file: a block for each key, or one if no other group is in the table."""
        batch = self._batch
        if batch is None:
            return
        if only_group:
            self._blocks = dict.fromkeys(self._runs, spill.write(batch))
        else:
            self._blocks = {key: spill.write(_compact(batch.slice(*run))) for key, run in self._runs.items()}
            self._runs = {key: (0, count) for key, (_, count) in self._runs.items()}
        self._batch = None


_UNKEYED: Final[GroupKey] = (0, "", "")
"""The key of all findings in a table that keeps the order of its input."""


class FindingTable(Findings):
    """The findings of one tenant or of the fleet as columns, in memory or, beyond the budget of the run, on disk.

    Created by `FindingTable.of` from values, or by a `FindingTableBuilder` from record batches. Immutable.
    """

    def __init__(
        self, groups: Sequence[_Group], stats: FindingStats, *, spill: SpillFile | None, ordered: bool, reserved: int
    ) -> None:
        self._stats = stats
        self._groups = groups
        self._spill = spill
        self._ordered = ordered
        """Whether the groups are in report order for each policy and check; else findings are sorted when read."""
        self._count = sum(group.count for group in groups)
        if spill is not None and reserved:
            weakref.finalize(self, spill.findings.release, reserved).atexit = False

    @classmethod
    def of(cls, findings: Iterable[Finding], spill: SpillFile | None = None) -> "FindingTable":
        """Create a table of findings that are in report order already.

        With a `spill` file, findings beyond its memory budget are written to it. Raises DeliveryError if its disk is
        full, TypeError for evidence that is not JSON.
        """
        rest = iter(findings)
        batches = [encode(chunk) for chunk in iter(lambda: tuple(islice(rest, BATCH_SIZE)), ())]
        return cls._of_batches(batches, spill)

    @classmethod
    def _of_batches(cls, batches: Sequence[pa.RecordBatch], spill: SpillFile | None) -> "FindingTable":
        builder = StatsBuilder()
        counted = builder.add(joined(batches)) if batches else pa.nulls(0)
        starts = accumulate((batch.num_rows for batch in batches), initial=0)
        groups = [
            _Group(replaced(batch, "counted", counted.slice(start, batch.num_rows)), {_UNKEYED: (0, batch.num_rows)})
            for batch, start in zip(batches, starts, strict=False)
        ]
        size = sum(group.size for group in groups)
        if spill is None or spill.findings.reserve(size):
            return cls(groups, builder.stats(), spill=spill, ordered=True, reserved=size)
        for group in groups:
            group.write(spill)
        return cls(groups, builder.stats(), spill=spill, ordered=True, reserved=0)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Finding]:
        """Yield the findings in report order. Raises DeliveryError if they cannot be read from disk."""
        return chain.from_iterable(map(decode, self.batches()))

    @property
    def stats(self) -> FindingStats:
        """Counts and sums over all findings."""
        return self._stats

    @property
    def spill(self) -> SpillFile | None:
        """The temporary storage of the run."""
        return self._spill

    def sample(self, count: int) -> tuple[Finding, ...]:
        """Return all findings if there are at most `count`, otherwise the first of every policy and check."""
        if self._count > count:
            return tuple(self._first(count))
        cache = DecodeCache()
        return tuple(chain.from_iterable(decode(batch, cache=cache) for batch in self.batches()))

    def of_checks(self, prefix: str) -> Iterator[Finding]:
        """Yield the findings of the checks whose name begins with `prefix`, in report order; others are not decoded."""
        keys = (key for key in self.keys if key[2].startswith(prefix))
        batches = self.batches() if self._unkeyed else chain.from_iterable(map(self._of_key, keys))
        for batch in batches:
            checks = batch.column("check")
            is_wanted = np.array([name.startswith(prefix) for name in values_of(checks.dictionary)], dtype=bool)
            yield from decode(batch.filter(pa.array(is_wanted[codes(checks)])))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the findings in report order as Arrow record batches of `auditor.findings.columns.SCHEMA`."""
        if len(self._groups) == 1 and self._ordered:
            yield self._groups[0].all_findings(self._spill)  # its keys are in report order
            return
        for key in self.keys:
            yield from self._of_key(key)

    def subject_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield record batches in report order, each with all findings about its subjects."""
        if self._unkeyed and self._count:
            yield joined([group.all_findings(self._spill) for group in self._groups])
        elif self._count:
            yield from (group.all_findings(self._spill) for group in self._groups)

    def map(self, change: Callable[[Sequence[Finding]], Iterable[Finding]]) -> "FindingTable":
        """Return a new table with `change` applied to the findings of every batch of `subject_batches`."""
        return self.map_batches(lambda batch: encode(tuple(change(tuple(decode(batch))))))

    def map_batches(self, change: Callable[[pa.RecordBatch], pa.RecordBatch]) -> "FindingTable":
        """Return a new table with `change` applied to every batch of `subject_batches`."""
        if self._unkeyed or not self._count:
            return FindingTable._of_batches([change(batch) for batch in self.subject_batches()], self._spill)
        builder = FindingTableBuilder(self._spill)
        for batch in self.subject_batches():
            builder.add(change(batch))
        return builder.table()

    @cached_property
    def keys(self) -> Sequence[GroupKey]:
        """The keys for which there are findings, in report order."""
        return _keys_of(self._groups)

    def _of_key(self, key: GroupKey) -> Iterator[pa.RecordBatch]:
        """Return the findings of one check of one policy."""
        batches = (batch for group in self._groups if (batch := group.of_key(key, self._spill)) is not None)
        return batches if self._ordered else iter((sorted_by_subject(joined(list(batches))),))

    def _first(self, count: int) -> Iterator[Finding]:
        """Yield the first findings about people of every policy and check, and all findings about other objects."""
        if self._unkeyed:
            checks = len({(finding.policy, finding.check) for finding in self})
            parts: Iterable[Iterable[Finding]] = (
                findings for _, findings in groupby(self, key=lambda finding: (finding.policy, finding.check))
            )
        else:
            checks = len(self.keys)
            parts = (chain.from_iterable(map(decode, self._of_key(key))) for key in self.keys)
        for findings in parts:
            yield from _sampled(findings, max(1, count // checks))

    @property
    def _unkeyed(self) -> bool:
        return all(group.keys == (_UNKEYED,) for group in self._groups)


def _sampled(findings: Iterable[Finding], limit: int) -> list[Finding]:
    """Return the first findings of one policy and check in report order; new and reopened ones take precedence."""
    changed: list[tuple[int, Finding]] = []
    others: list[tuple[int, Finding]] = []
    objects: list[tuple[int, Finding]] = []
    for index, finding in enumerate(findings):
        if finding.subject.type is not _USER:
            objects.append((index, finding))
            continue
        target = changed if finding.change in _CHANGED else others
        if len(target) < limit:
            target.append((index, finding))
        elif finding.change is None:  # the run was not compared with another one, so no later finding is new
            break
    return [finding for _, finding in sorted((changed + others)[:limit] + objects, key=itemgetter(0))]


class FindingTableBuilder:
    """Builds a table from record batches in report order, each with all findings about its subjects.

    Batches should be in the order of subject ids. If they are not, the table sorts each check when it is read.
    """

    def __init__(self, spill: SpillFile | None = None) -> None:
        self._spill = spill
        self._groups: list[_Group] = []
        self._pending: list[pa.RecordBatch] = []
        self._last: dict[GroupKey, str] = {}
        self._ordered = True
        self._reserved = 0
        self._on_disk = False
        self._stats = StatsBuilder()

    def add(self, batch: pa.RecordBatch) -> None:
        """Add all findings about some subjects. Raises DeliveryError if the disk of the spill file is full."""
        if not batch.num_rows:
            return
        self._pending.append(replaced(batch, "counted", self._stats.add(batch)))
        if sum(pending.num_rows for pending in self._pending) >= GROUP_SIZE:
            self._close_group()

    def table(self) -> FindingTable:
        """Return the table of the findings that were added."""
        if self._pending:
            self._close_group(only_group=not self._groups)
        stats = self._stats.stats(policy for _, policy, _ in _keys_of(self._groups))
        return FindingTable(self._groups, stats, spill=self._spill, ordered=self._ordered, reserved=self._reserved)

    def _close_group(self, *, only_group: bool = False) -> None:
        batch = joined(self._pending)
        self._pending = []  # release the memory before the rows are copied again
        batch, runs = _by_key(batch)
        self._ordered = self._ordered and self._follows(batch, runs)
        group = _Group(batch, runs)
        self._groups.append(group)
        if self._spill is None:
            return
        if not self._on_disk and self._spill.findings.reserve(group.size):
            self._reserved += group.size
            return
        # A table is either in memory or on disk: once it exceeds the budget, write all groups and release the memory.
        for unwritten in self._groups if not self._on_disk else (group,):
            unwritten.write(self._spill, only_group=only_group)
        self._on_disk = True
        self._spill.findings.release(self._reserved)
        self._reserved = 0

    def _follows(self, batch: pa.RecordBatch, runs: Mapping[GroupKey, tuple[int, int]]) -> bool:
        """Return whether the subjects of each key are in the order of ids, after those of previous groups."""
        ids = batch.column("subjectId")
        follows = np.ones(len(ids), dtype=bool)
        follows[1:] = flags_of(pc.greater_equal(ids.slice(1), ids.slice(0, len(ids) - 1)))
        starts = np.array([start for start, _ in runs.values()])
        ends = starts + [count - 1 for _, count in runs.values()]
        firsts, lasts = (values_of(ids.take(arrow_rows(rows))) for rows in (starts, ends))
        for key, start, first_id, last_id in zip(runs, starts, firsts, lasts, strict=True):
            follows[start] = self._last.get(key, first_id) <= first_id
            self._last[key] = last_id
        return bool(follows.all())


def _keys_of(groups: Iterable[_Group]) -> list[GroupKey]:
    """Return the keys of groups in report order."""
    return sorted(set(chain.from_iterable(group.keys for group in groups)))


def _by_key(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, dict[GroupKey, tuple[int, int]]]:
    """Return the rows stably sorted by key, and the offset and number of rows of each key."""
    firsts, group_of = equal_rows(batch, ("severity", "policy", "check"))
    columns = (values_of(batch.column(name).take(arrow_rows(firsts))) for name in ("severity", "policy", "check"))
    keys = [_key(Severity(severity).rank, policy, check) for severity, policy, check in zip(*columns, strict=True)]
    rank_of = ranks(keys)[group_of]
    if (rank_of[1:] < rank_of[:-1]).any():
        batch = batch.take(arrow_rows(np.argsort(rank_of, kind="stable")))
    counts = np.bincount(rank_of, minlength=len(keys)).tolist()
    starts = accumulate(counts, initial=0)
    return batch, dict(zip(sorted(keys), zip(starts, counts, strict=False), strict=True))


@cache
def _key(rank: int, policy: str, check: str) -> GroupKey:
    """Return a key: one object for the tables of all tenants."""
    return rank, policy, check


def sorted_by_subject(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Sort consecutive findings of the same policy and check by subject, product and detail."""
    _, check_of = equal_rows(batch, ("policy", "check"))
    columns = [batch.column(name) for name in _ORDER]
    decoded = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in columns]
    runs = arrow_rows(np.cumsum(np.diff(check_of, prepend=check_of[:1]) != 0))
    keys = pa.table([runs, *(column.fill_null("") for column in decoded)], names=["run", *_ORDER])
    return batch.take(pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names]))


def _compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Drop unused values of large dictionaries."""
    columns = (
        column.dictionary_decode().dictionary_encode()
        if pa.types.is_dictionary(column.type) and len(column.dictionary) > _SMALL_DICTIONARY
        else column
        for column in batch.columns
    )
    return pa.record_batch(list(columns), schema=SCHEMA)
