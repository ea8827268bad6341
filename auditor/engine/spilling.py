"""Findings about people, batch by batch, into a scratch file and back: what memory holds does not grow with them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.engine.columns.bitsets import distinct
from auditor.engine.outcome import NOTHING, BatchOutcome, FindingColumns, FindingCount

Columns = npt.NDArray[np.int32]
"""Findings as four rows of numbers: ROW, PRODUCT, DETAIL and WAIVER, a column each finding."""
ROW, PRODUCT, DETAIL, WAIVER = range(4)
ABSENT: Final = -1
_NOTHING: Final[Columns] = np.zeros((4, 0), dtype=np.int32)

Key = tuple[int, str]
"""A policy, by its place, and a check."""

BOUND: Final = 32 << 20
"""Bytes of findings, and of ids, that stay in memory."""
_WIDTH: Final = 4
"""Bytes of a number in the scratch file."""


class ScratchError(OSError):
    """The scratch file cannot be written, or read again: its disk is full, whichever tenant is judged."""


class Scratch:
    """A scratch file that several write to, each at its end, and read from anywhere."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = 0

    def put(self, data: pa.Buffer) -> int:
        """Append some bytes and return where they begin. Raises ScratchError where the disk is full."""
        place = self._end
        try:
            self._file.seek(place)
            self._file.write(data)
        except OSError as error:
            raise ScratchError(error.errno, error.strerror) from error
        self._end += data.size
        return place

    def take(self, place: int, size: int) -> bytes:
        """Read again what was put. Raises ScratchError where the file has become shorter."""
        try:
            self._file.seek(place)
            data = self._file.read(size)
        except OSError as error:
            raise ScratchError(error.errno, error.strerror) from error
        if len(data) != size:
            raise ScratchError(None, "a temporary file has lost its end")
        return data


@dataclass(slots=True)
class _Piece:
    """The findings of one chunk: at hand, or at a place of the scratch file."""

    count: int
    held: Columns | None
    place: int = 0


class Spill:
    """Takes the findings of batches, keeps `bound` bytes of them and puts the others into a scratch file."""

    def __init__(self, scratch: Scratch, *, bound: int = BOUND) -> None:
        self._scratch = scratch
        self._bound = bound
        self._batch = 0
        self._pieces: dict[Key, dict[int, list[_Piece]]] = {}
        self._written: dict[str, int] = {}
        self._details: dict[str, int] = {}
        self.raised: dict[int, FindingCount] = {}
        """Policy place → how much it found about people."""
        self.held = 0
        """Bytes of findings that are in memory."""

    @property
    def keys(self) -> list[Key]:
        """The policies, by their place, and checks that found something, in order."""
        return sorted(self._pieces)

    @property
    def batches(self) -> set[int]:
        """The numbers of the batches with findings."""
        return set().union(*self._pieces.values())

    @property
    def written(self) -> list[str]:
        """Products as policies write them: number N stands for the product `-2 - N`."""
        return list(self._written)

    @property
    def details(self) -> list[str]:
        """The texts that the numbers of details stand for."""
        return list(self._details)

    def take(self, outcome: BatchOutcome) -> None:
        """Take the findings out of what one batch came to; the batches have to come in their order."""
        for chunk in outcome.chunks:
            self.raised[chunk.policy] = self.raised.get(chunk.policy, NOTHING).more(chunk)
            found = np.empty((4, len(chunk)), dtype=np.int32)
            found[ROW], found[WAIVER] = chunk.rows, chunk.waivers
            found[PRODUCT] = self._products(chunk)
            found[DETAIL] = self._numbered(chunk)
            batches = self._pieces.setdefault((chunk.policy, chunk.check), {})
            batches.setdefault(self._batch, []).append(_Piece(len(chunk), found))
            self.held += found.nbytes
        outcome.chunks.clear()
        self._batch += 1
        if self.held > self._bound:
            self.put_away()

    def stretches(self, key: Key) -> Iterator[tuple[int, Columns]]:
        """Yield what one check of one policy found, with the number of each batch, in the order of users."""
        for batch in self._pieces[key]:
            yield batch, self.found(key, batch)

    def found(self, key: Key, batch: int) -> Columns:
        """Return what one check of one policy found in a batch; what it found first stands first."""
        found = [self._read(piece) for piece in self._pieces.get(key, {}).get(batch, ())]
        if len(found) == 1:
            return found[0]
        return np.concatenate(found, axis=1) if found else _NOTHING

    def rows(self, batch: int) -> npt.NDArray[np.int32]:
        """Return the users of a batch with findings, each once, in order."""
        found = [self.found(key, batch)[ROW] for key, batches in self._pieces.items() if batch in batches]
        return distinct(np.concatenate(found)) if found else _NOTHING[ROW]

    def _products(self, chunk: FindingColumns) -> npt.NDArray[np.signedinteger] | int:
        if chunk.skus is not None:
            return chunk.skus
        if chunk.written is None:
            return ABSENT
        return -2 - self._written.setdefault(chunk.written, len(self._written))

    def _numbered(self, chunk: FindingColumns) -> npt.NDArray[np.signedinteger] | int:
        if not chunk.details:
            return ABSENT
        if chunk.detail_codes is None:
            return self._details.setdefault(chunk.details[0], len(self._details))
        # Only what is quoted: every batch knows the texts of all of its people.
        known = np.full(len(chunk.details), ABSENT, dtype=np.int32)
        for code in np.flatnonzero(np.bincount(chunk.detail_codes, minlength=len(known))).tolist():
            known[code] = self._details.setdefault(chunk.details[code], len(self._details))
        return known[chunk.detail_codes]

    def put_away(self) -> None:
        """Put everything that is in memory into the scratch file. Raises OSError where the disk is full."""
        # Part by part, since that is how they are read.
        for key in self.keys:
            for piece in chain.from_iterable(self._pieces[key].values()):
                if piece.held is not None:
                    piece.place = self._scratch.put(pa.py_buffer(piece.held))
                    piece.held = None
        self.held = 0

    def _read(self, piece: _Piece) -> Columns:
        if piece.held is not None:
            return piece.held
        data = self._scratch.take(piece.place, 4 * _WIDTH * piece.count)
        return np.frombuffer(data, dtype=np.int32).reshape(4, piece.count)


class Ids:
    """The ids of a snapshot's users, row group by row group, where they are quick to find once more."""

    def __init__(self, scratch: Scratch, *, bound: int = BOUND) -> None:
        self._scratch = scratch
        self._bound = bound
        self._firsts: list[int] = []
        self._kept: list[pa.Array | tuple[int, int]] = []
        self._at_hand: tuple[int, pa.Array] | None = None

    def take(self, batches: Iterable[tuple[int, pa.Array]]) -> None:
        """Keep the ids of batches, each with the row of its first user, in order of rows."""
        held = 0
        for first, ids in batches:
            self._firsts.append(first)
            held += ids.nbytes
            if held <= self._bound:
                self._kept.append(ids)
                continue
            data = pa.record_batch([ids], schema=_IDS).serialize()
            self._kept.append((self._scratch.put(data), data.size))

    def of_rows(self, rows: npt.NDArray[np.int32]) -> pa.Array:
        """Return the ids of users of one batch by their rows."""
        place = bisect_right(self._firsts, int(rows[0])) - 1
        if self._at_hand is None or self._at_hand[0] != place:
            self._at_hand = (place, self._read(place))
        return self._at_hand[1].take(pa.array(rows - np.int32(self._firsts[place])))

    def _read(self, place: int) -> pa.Array:
        kept = self._kept[place]
        if isinstance(kept, pa.Array):
            return kept
        return pa.ipc.read_record_batch(pa.py_buffer(self._scratch.take(*kept)), _IDS).column(0)


_IDS: Final = pa.schema([("id", pa.string())])
