"""The fingerprints and requests that the actions of a tenant list, as columns sorted by group."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge
from typing import Any, Final

import numpy as np
import pyarrow as pa

from auditor.domain.sized_iterable import SizedIterable
from auditor.engine.columns.bitsets import indices
from auditor.engine.outcome import Rows
from auditor.findings.columns import values_of
from auditor.findings.spill import SpilledColumn, SpillFile
from auditor.remedy.actions.groups import SortKey
from auditor.remedy.requests import RequestTemplate

RUN: Final = 1 << 18
"""Rows of a run; fewer are in memory."""


class SortedRuns:
    """Rows with the number of a group, in runs that are sorted by group and keep the order of rows within a group.

    With a `spill` file whole runs are written there.
    """

    def __init__(self, spill: SpillFile | None, *, rows: int = RUN) -> None:
        """Take the spill file, if there is one, and the rows of a run."""
        self._spill = spill
        self._rows = rows
        self._pending: list[tuple[Rows, Sequence[pa.Array]]] = []
        self._count = 0
        self._runs: list[_Run] = []

    def add(self, groups: Rows, *columns: pa.Array) -> None:
        """Append rows: the group of each, and columns of int32 or text. Raises DeliveryError where the disk is full."""
        self._pending.append((groups, columns))
        self._count += len(groups)
        if self._count >= self._rows:
            self._close()

    def count(self, group: int) -> int:
        """Return the number of rows of a group."""
        self._close()
        return sum(run.span(group)[1] for run in self._runs)

    def read(self, group: int) -> Iterator[Sequence[pa.Array]]:
        """Yield the columns of a group, run by run. Raises DeliveryError where the spill file was cut."""
        self._close()
        for run in self._runs:
            start, count = run.span(group)
            if count:
                yield [column.slice(start, count) for column in run.columns]

    def _close(self) -> None:
        if not self._count:
            return
        groups = np.concatenate([groups for groups, _ in self._pending])
        columns = [pa.concat_arrays(some) for some in zip(*(columns for _, columns in self._pending), strict=True)]
        self._runs.append(_Run(groups, columns, self._spill if self._count >= self._rows else None))
        self._pending, self._count = [], 0


class _Run:
    """Columns sorted by group, in memory or in the spill file."""

    def __init__(self, groups: Rows, columns: Sequence[pa.Array], spill: SpillFile | None) -> None:
        order = np.argsort(groups, kind="stable")
        ordered = groups[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        # Arrays of Python, in which a number is found sooner than in those of NumPy.
        self._groups = array("i", ordered[starts].astype(np.int32).tobytes())
        self._starts = array("i", np.append(starts, len(ordered)).astype(np.int32).tobytes())
        ordered_columns = [column.take(indices(order)) for column in columns]
        self.columns: Sequence[pa.Array | SpilledColumn] = (
            ordered_columns if spill is None else [SpilledColumn(spill, column) for column in ordered_columns]
        )

    def span(self, group: int) -> tuple[int, int]:
        """Return the first row of a group, and how many it has."""
        index = bisect_left(self._groups, group)
        if index == len(self._groups) or self._groups[index] != group:
            return 0, 0
        return self._starts[index], self._starts[index + 1] - self._starts[index]


class _Listed(SizedIterable[Any]):
    """What a group lists, made when it is read: of many tenants closures would take more memory than the columns."""

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
    """What the actions of a tenant list about people: fingerprints in ascending order, requests by their sort key."""

    def __init__(self, spill: SpillFile | None) -> None:
        self._fingerprints = SortedRuns(spill)
        self._requests = SortedRuns(spill)
        self._templates: dict[tuple[SortKey, str], int] = {}
        self._known: list[tuple[SortKey, RequestTemplate]] = []

    def template(self, key: SortKey, template: RequestTemplate) -> int:
        """Return the number of a request with its sort key."""
        number = self._templates.setdefault((key, template.identity), len(self._known))
        if number == len(self._known):
            self._known.append((key, template))
        return number

    def add_fingerprints(self, groups: Rows, fingerprints: pa.StringArray) -> None:
        """Append the fingerprint of a finding to each group. Raises DeliveryError where the disk is full."""
        self._fingerprints.add(groups, fingerprints)

    def add_requests(self, groups: Rows, templates: Rows, users: pa.StringArray) -> None:
        """Append a request about a user to each group. Raises DeliveryError where the disk is full."""
        self._requests.add(groups, indices(templates).cast(pa.int32()), users)

    def fingerprints(self, group: int, others: Sequence[str] = ()) -> Sequence[str]:
        """Return the fingerprints of a group and others, in ascending order."""
        count = self._fingerprints.count(group)
        if not count:
            return tuple(sorted(others))
        return _Listed(count + len(others), _fingerprints, self._fingerprints, group, *sorted(others))

    def requests(self, group: int) -> Sequence[Mapping[str, Any]]:
        """Return the requests of a group."""
        count = self._requests.count(group)
        return _Listed(count, _requests, self._requests, group, self._known) if count else ()


def _fingerprints(runs: SortedRuns, group: int, *others: str) -> Iterator[str]:
    own = sorted(text for (column,) in runs.read(group) for text in values_of(column))
    return merge(own, others)


def _requests(
    runs: SortedRuns, group: int, keyed_templates: Sequence[tuple[SortKey, RequestTemplate]]
) -> Iterator[Mapping[str, Any]]:
    numbers: list[int] = []
    users: list[str] = []
    for templates, ids in runs.read(group):
        numbers += templates.to_pylist()
        users += values_of(ids)
    for row in sorted(range(len(numbers)), key=lambda row: keyed_templates[numbers[row]][0]):
        yield keyed_templates[numbers[row]][1].document(users[row])
