"""What an action lists for very many people into a scratch file and back: only where each part stands is held."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zlib import compress, decompress

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from auditor.domain.described import Listed
from auditor.engine.spilling import Scratch
from auditor.remedy.actions.groups import ActionGroup

_BYTES: Final = 16
"""Of a fingerprint."""
_TOGETHER: Final = 256
"""Requests that are put away, and read again, at once."""
_SHORT: Final = 4096
"""Fingerprints from which on a run is not read whole."""
_PARTS: Final = 256
"""Parts in which very many are read: by their first byte."""
_MARK: Final = np.dtype(f"S{_BYTES}")


@dataclass(frozen=True, slots=True)
class _Run:
    """Many ascending fingerprints that stand together in the scratch file."""

    place: int
    starts: npt.NDArray[np.uint32]
    """Where those with each first byte begin, and where the last ones end."""


@dataclass(slots=True, eq=False)
class Marks(Listed[str]):
    """The fingerprints of an action, ascending."""

    scratch: Scratch
    many: int = 0
    runs: list[_Run] = field(default_factory=list)
    short: "array[int]" = field(default_factory=lambda: array("q"))
    """The place and the size of each run of few: there are very many of them."""

    def put(self, marks: Sequence[str]) -> None:
        """Put some away. Raises OSError where the disk is full."""
        found = np.sort(np.frombuffer(bytes.fromhex("".join(marks)), dtype=_MARK))
        place = self.scratch.put(pa.py_buffer(found))
        if len(found) < _SHORT:
            self.short.extend((place, found.nbytes))
        else:
            self.runs.append(_Run(place, _starts(found).astype(np.uint32)))
        self.many += len(found)

    def __len__(self) -> int:
        return self.many

    def __iter__(self) -> Iterator[str]:
        """Read them all, a part at a time. Raises OSError where the file was cut."""
        places = zip(self.short[::2], self.short[1::2], strict=True)
        loose = np.sort(np.frombuffer(b"".join(self.scratch.take(*each) for each in places), dtype=_MARK))
        if not self.runs:
            yield from _told(loose)
            return
        starts = _starts(loose)
        for begin, end in zip(range(_PARTS), range(1, _PARTS + 1), strict=True):
            found = b"".join(self._read(run, begin, end) for run in self.runs)
            yield from _told(np.sort(np.concatenate((np.frombuffer(found, _MARK), loose[starts[begin] : starts[end]]))))

    def _read(self, run: _Run, begin: int, end: int) -> bytes:
        first, last = int(run.starts[begin]), int(run.starts[end])
        return self.scratch.take(run.place + _BYTES * first, _BYTES * (last - first)) if first < last else b""


def _starts(marks: npt.NDArray[np.bytes_]) -> npt.NDArray[np.int64]:
    """Return where the ascending marks with each first byte begin, and where the last ones end."""
    return np.searchsorted(marks.view(np.uint8)[::_BYTES], np.arange(_PARTS + 1))


def _told(marks: npt.NDArray[np.bytes_]) -> Iterator[str]:
    """Yield fingerprints as they are told."""
    text = marks.tobytes().hex()
    return (text[at : at + 2 * _BYTES] for at in range(0, len(text), 2 * _BYTES))


@dataclass(slots=True, eq=False)
class Requests(Listed[Mapping[str, Any]]):
    """The requests of an action, in the order of their remedies."""

    scratch: Scratch
    many: int = 0
    parts: "array[int]" = field(default_factory=lambda: array("q"))
    """Of each part the place of its remedies, where it stands in the file, and its size."""

    def put(self, requests: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Put some away, each with the place of its remedy. Raises OSError where the disk is full."""
        by_order: dict[int, list[Mapping[str, Any]]] = {}
        for order, document in requests:
            by_order.setdefault(order, []).append(document)
        for order, documents in by_order.items():
            for begin in range(0, len(documents), _TOGETHER):
                packed = compress(orjson.dumps(documents[begin : begin + _TOGETHER]), 1)
                self.parts.extend((order, self.scratch.put(pa.py_buffer(packed)), len(packed)))
            self.many += len(documents)

    def __len__(self) -> int:
        return self.many

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Read them all, some at a time. Raises OSError where the file was cut."""
        # Of one place what came first stands first in the file.
        for _, place, size in sorted(zip(*(self.parts[column::3] for column in range(3)), strict=True)):
            yield from orjson.loads(decompress(self.scratch.take(place, size)))


class Shelf:
    """Takes from piles what they list, and keeps it in a scratch file."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._marks: dict[ActionGroup, Marks] = {}
        self._requests: dict[ActionGroup, Requests] = {}

    def clear(self, piles: Iterable[ActionGroup]) -> None:
        """Put away what the piles hold of fingerprints and requests. Raises OSError where the disk is full."""
        for pile in piles:
            if pile.marks:
                self._marks.setdefault(pile, Marks(self._scratch)).put(pile.marks)
                pile.marks.clear()
            if pile.requests:
                self._requests.setdefault(pile, Requests(self._scratch)).put(pile.requests)
                pile.requests.clear()

    def of(self, pile: ActionGroup) -> tuple[Sequence[str], Sequence[Mapping[str, Any]]]:
        """Return the fingerprints and the requests of a pile; those that were never put away as tuples."""
        if pile in self._marks or pile in self._requests:
            self.clear((pile,))
        return (
            self._marks.get(pile) or tuple(sorted(pile.marks)),
            self._requests.get(pile) or tuple(pile.documents),
        )
