"""Stores the fingerprints and requests of a tenant's actions as columns sorted by action group."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from heapq import merge
from operator import itemgetter
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.rows import Rows, arrow_rows
from auditor.arrays.texts import values_of
from auditor.domain.sized_iterable import SizedIterable
from auditor.findings.spill import SpilledColumn, SpillFile
from auditor.remedy.actions.action_groups import SortKey
from auditor.remedy.requests import RequestTemplate

RUN: Final = 1 << 16
"""Number of rows of a run; runs with fewer rows are kept in memory."""
_SLICE: Final = 1 << 11
"""Number of rows of a run that are converted to values at once."""


class SortedRuns:
    """Rows with the number of a group, in runs that are sorted by group and by the rank of a row.

    If there is a `spill` file, complete runs are written to it.
    """

    def __init__(self, spill: SpillFile | None, ranks: Callable[..., Rows], *, rows: int = RUN) -> None:
        """Create an empty store; `ranks` computes the ranks of rows from their columns, `rows` is the size of a run.

        Rows with the same rank keep their order.
        """
        self._spill = spill
        self._ranks = ranks
        self._rows = rows
        self._pending: list[tuple[Rows, Sequence[pa.Array]]] = []
        self._count = 0
        self._runs: list[_Run] = []

    def add(self, groups: Rows, *columns: pa.Array) -> None:
        """Append rows: the group of each, and columns of int32 or text. Raises DeliveryError if the disk is full."""
        self._pending.append((groups, columns))
        self._count += len(groups)
        if self._count >= self._rows:
            self._close()

    def count(self, group: int) -> int:
        """Return the number of rows of a group."""
        self._close()
        return sum(run.span(group)[1] for run in self._runs)

    def read(self, group: int, key: Callable[[tuple[Any, ...]], Any]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a group sorted by `key`, which must order rows as their ranks do.

        Raises DeliveryError if the spill file was truncated.
        """
        self._close()
        return _merged([run.rows(group) for run in self._runs], key)

    def _close(self) -> None:
        if not self._count:
            return
        groups = np.concatenate([groups for groups, _ in self._pending])
        columns = [pa.concat_arrays(chunks) for chunks in zip(*(columns for _, columns in self._pending), strict=True)]
        order = np.lexsort((self._ranks(*columns), groups))
        spill = self._spill if self._count >= self._rows else None
        self._runs.append(_Run(groups[order], [column.take(arrow_rows(order)) for column in columns], spill))
        self._pending, self._count = [], 0


class _Run:
    """Columns sorted by group, in memory or in the spill file."""

    def __init__(self, groups: Rows, columns: Sequence[pa.Array], spill: SpillFile | None) -> None:
        starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
        # Python arrays, because `bisect` is faster on them than on NumPy arrays.
        self._groups = array("i", groups[starts].astype(np.int32).tobytes())
        self._starts = array("i", np.append(starts, len(groups)).astype(np.int32).tobytes())
        self._columns: Sequence[pa.Array | SpilledColumn] = (
            columns if spill is None else [SpilledColumn(spill, column) for column in columns]
        )

    def rows(self, group: int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a group; one slice at a time is in memory."""
        start, count = self.span(group)
        for offset in range(start, start + count, _SLICE):
            size = min(_SLICE, start + count - offset)
            yield from zip(*(values_of(column.slice(offset, size)) for column in self._columns), strict=True)

    def span(self, group: int) -> tuple[int, int]:
        """Return the first row of a group, and its number of rows."""
        index = bisect_left(self._groups, group)
        if index == len(self._groups) or self._groups[index] != group:
            return 0, 0
        return self._starts[index], self._starts[index + 1] - self._starts[index]


class _LazyRows(SizedIterable[Any]):
    """The rows of a group, read on iteration. With many tenants, closures would take more memory than the columns."""

    __slots__ = ("_arguments", "_count", "_read")

    def __init__(self, count: int, read: Callable[..., Iterator[Any]], *arguments: Any) -> None:
        self._count = count
        self._read = read
        self._arguments = arguments

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        return self._read(*self._arguments)


class ActionLists:
    """The fingerprints of a tenant's actions about people, in ascending order, and their requests, by sort key."""

    def __init__(self, spill: SpillFile | None) -> None:
        self._fingerprints = SortedRuns(spill, _text_ranks)
        self._templates: dict[tuple[SortKey, str], int] = {}
        self._keyed_templates: list[tuple[SortKey, RequestTemplate]] = []
        self._requests = SortedRuns(spill, partial(_template_ranks, self._keyed_templates))

    def template(self, key: SortKey, template: RequestTemplate) -> int:
        """Return the number of a request template with its sort key."""
        number = self._templates.setdefault((key, template.identity), len(self._keyed_templates))
        if number == len(self._keyed_templates):
            self._keyed_templates.append((key, template))
        return number

    def add_fingerprints(self, groups: Rows, fingerprints: pa.StringArray) -> None:
        """Append the fingerprint of a finding to each group. Raises DeliveryError if the disk is full."""
        self._fingerprints.add(groups, fingerprints)

    def add_requests(self, groups: Rows, templates: Rows, users: pa.StringArray) -> None:
        """Append a request about a user to each group. Raises DeliveryError if the disk is full."""
        self._requests.add(groups, arrow_rows(templates).cast(pa.int32()), users)

    def fingerprints(self, group: int, others: Sequence[str] = ()) -> Sequence[str]:
        """Return the fingerprints of a group together with `others`, in ascending order."""
        count = self._fingerprints.count(group)
        if not count:
            return tuple(sorted(others))
        return _LazyRows(count + len(others), _fingerprints, self._fingerprints, group, *sorted(others))

    def requests(self, group: int) -> Sequence[Mapping[str, Any]]:
        """Return the requests of a group."""
        count = self._requests.count(group)
        return _LazyRows(count, _requests, self._requests, group, self._keyed_templates) if count else ()


def _merged(sorted_rows: Sequence[Iterator[Any]], key: Callable[[Any], Any] | None = None) -> Iterator[Any]:
    """Merge sorted iterators; `heapq.merge` compares the items even if there is only one iterator."""
    return sorted_rows[0] if len(sorted_rows) == 1 else merge(*sorted_rows, key=key)


def _text_ranks(column: pa.StringArray) -> Rows:
    ranks: Rows = pc.rank(column, tiebreaker="first").to_numpy()
    return ranks


def _template_ranks(
    keyed_templates: Sequence[tuple[SortKey, RequestTemplate]], templates: pa.Int32Array, _: pa.StringArray
) -> Rows:
    ranks_by_key = {key: rank for rank, key in enumerate(sorted({key for key, _ in keyed_templates}))}
    ranks: Rows = np.array([ranks_by_key[key] for key, _ in keyed_templates])[templates.to_numpy()]
    return ranks


def _fingerprints(runs: SortedRuns, group: int, *others: str) -> Iterator[str]:
    return _merged([map(itemgetter(0), runs.read(group, itemgetter(0))), *([iter(others)] if others else [])])


def _requests(
    runs: SortedRuns, group: int, keyed_templates: Sequence[tuple[SortKey, RequestTemplate]]
) -> Iterator[Mapping[str, Any]]:
    for number, user in runs.read(group, lambda row: keyed_templates[row[0]][0]):
        yield keyed_templates[number][1].document(user)
