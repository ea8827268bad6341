"""People with findings, batch by batch, into a scratch file and back: what is quoted of them is read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.engine.binding import BoundPolicies
from auditor.engine.columns.bitsets import indices
from auditor.engine.evidence import QUOTED, UserEvidence, chosen, links_of, quoted
from auditor.engine.spilling import BOUND, Scratch, Spill

_ROW: Final = "row"
_QUOTED: Final = 1024
"""Bytes that a quoted person takes, or little more: where there is room for all of them they are quoted once."""


@dataclass(frozen=True, slots=True)
class _Some:
    """Some people: their ascending rows in the snapshot, what is quoted of them, and their assignments."""

    rows: npt.NDArray[np.int32]
    users: pa.RecordBatch
    links: pa.RecordBatch

    @property
    def nbytes(self) -> int:
        return int(self.rows.nbytes + self.users.nbytes + self.links.nbytes)


class Recall:
    """Keeps the people whom a spill's findings are about: `bound` bytes in memory, the others in a scratch file."""

    def __init__(self, plan: BoundPolicies, scratch: Scratch, *, bound: int = BOUND) -> None:
        self._plan = plan
        self._scratch = scratch
        self._bound = bound
        self._kept: dict[int, _Some | tuple[int, int, int]] = {}
        self._at_hand: tuple[int, _Some] | None = None
        self._people: dict[int, Mapping[int, UserEvidence]] = {}
        self._last: str | None = None
        self._count = 0
        self._once = False
        self.held = 0
        """Bytes of people that are, or will be, in memory."""
        self.ordered = True
        """Whether their rows follow their ids, as in every snapshot that the auditor wrote."""

    def take(self, spill: Spill) -> bool:
        """Read everybody with a finding; False where the snapshot is no longer the one that was judged.

        Raises SnapshotError where it cannot be read, OSError where the disk is full.
        """
        for number, batch in enumerate(self._plan.facts.snapshot.batches(*QUOTED) if spill.keys else ()):
            rows = spill.rows(number)
            if not len(rows):
                continue
            if rows[0] < batch.offset or rows[-1] >= batch.offset + batch.users.num_rows:
                break
            self._take(number, _Some(rows, *chosen(batch, rows)))
        if self._kept.keys() != spill.batches:
            return False
        self._once = self.held + _QUOTED * self._count <= self._bound
        if self._once:
            self.held += _QUOTED * self._count
        return True

    def people(self, batch: int, rows: npt.NDArray[np.int32]) -> Mapping[int, UserEvidence]:
        """Quote people of a batch by their ascending rows, at least these. Raises OSError where the file was cut."""
        if self._once:
            if batch not in self._people:
                some = self._read(batch)
                self._people[batch] = self._quoted(some, some.rows)
            return self._people[batch]
        return self._quoted(self._read(batch), rows)

    def _take(self, number: int, some: _Some) -> None:
        ids = some.users.column("id")
        first, last = ids[0].as_py(), ids[-1].as_py()
        rising = pc.all(pc.greater(ids.slice(1), ids.slice(0, len(ids) - 1))).as_py() is not False
        self.ordered &= rising and (self._last is None or self._last < first)
        self._last = last
        self._count += len(some.rows)
        if self.held + some.nbytes <= self._bound:
            self._kept[number] = some
            self.held += some.nbytes
        else:
            self._kept[number] = self._put(some)

    def _quoted(self, some: _Some, rows: npt.NDArray[np.int32]) -> Mapping[int, UserEvidence]:
        users, links = some.users, some.links
        if len(rows) < len(some.rows):
            users, links = users.take(indices(np.searchsorted(some.rows, rows))), links_of(links, rows)
        return dict(zip(rows.tolist(), quoted(self._plan, users, links, rows), strict=True))

    def _put(self, some: _Some) -> tuple[int, int, int]:
        """Put people into the scratch file; returns where they begin, and how many bytes the two parts have."""
        users = some.users.append_column(_ROW, pa.array(some.rows))
        one, other = _packed(users), _packed(some.links)
        place = self._scratch.put(one)
        self._scratch.put(other)
        return place, one.size, other.size

    def _read(self, batch: int) -> _Some:
        if self._at_hand is not None and self._at_hand[0] == batch:
            return self._at_hand[1]
        kept = self._kept[batch]
        if isinstance(kept, _Some):
            return kept
        place, one, other = kept
        users, links = _unpacked(self._scratch.take(place, one)), _unpacked(self._scratch.take(place + one, other))
        where = users.schema.get_field_index(_ROW)
        some = _Some(users.column(where).to_numpy(), users.remove_column(where), links)
        self._at_hand = batch, some
        return some


def _packed(batch: pa.RecordBatch) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return sink.getvalue()


def _unpacked(data: bytes) -> pa.RecordBatch:
    return pa.ipc.open_stream(pa.py_buffer(data)).read_next_batch()
