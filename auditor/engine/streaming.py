"""Findings in a scratch file into batches of the table of findings: the rows that `findings_table` holds at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from auditor.domain.enums import SubjectType
from auditor.engine.binding import BoundPolicies
from auditor.engine.evaluate import conclude
from auditor.engine.outcome import BatchOutcome, Evaluation, Fingerprint
from auditor.engine.spilling import BOUND, DETAIL, PRODUCT, ROW, WAIVER, Columns, Ids, Scratch, Spill
from auditor.engine.table import NONE, Codes, Part, Words

_ROWS: Final = 65_536
"""Findings of a batch at the least, but for the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spilled:
    """Everything that policies say of one tenant; what they say of people lies in a scratch file."""

    evaluation: Evaluation
    """Without chunks."""
    spill: Spill

    @property
    def count(self) -> int:
        """The number of findings, waived ones included."""
        return len(self.evaluation.singles) + sum(raised.found for raised in self.spill.raised.values())


def spilled(plan: BoundPolicies, batches: Iterable[BatchOutcome], spill: Spill) -> Spilled:
    """Add up what the batches of one tenant came to, in their order, and put their findings aside."""
    outcome = BatchOutcome()
    for batch in batches:
        spill.take(batch)
        outcome.add(batch)
    return Spilled(evaluation=conclude(plan, outcome, spill.raised), spill=spill)


def findings_batches(
    plan: BoundPolicies, found: Spilled, scratch: Scratch, *, rows: int = _ROWS, bound: int = BOUND
) -> Iterator[pa.RecordBatch]:
    """Yield the rows and columns of `findings_table` in its order, and the fingerprint of each as the last column.

    Ids of users are read again from the snapshot; what the scratch file no longer holds raises OSError.
    """
    streaming = _Streaming(plan, found, Ids(scratch, bound=bound))
    waiting: list[tuple[Part, pa.Array]] = []
    count = 0
    for part, subjects in streaming.parts():
        waiting.append((part, subjects))
        count += len(part)
        if count >= rows:
            yield streaming.batch(waiting)
            waiting, count = [], 0
    if waiting:
        yield streaming.batch(waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The findings of a small tenant as they will be written: of the tenant itself nothing is held."""

    tenant: str
    count: int
    size: int
    held: pa.Buffer | None
    """The batches as an Arrow stream, which is empty where nothing was found; None where they are in the file."""
    place: int

    def batches(self, scratch: Scratch) -> Iterator[pa.RecordBatch]:
        """Read the batches of `findings_batches` again. Raises OSError where the file was cut."""
        if self.size:
            yield from pa.ipc.open_stream(self.held if self.held is not None else scratch.take(self.place, self.size))


def put_aside(plan: BoundPolicies, found: Spilled, scratch: Scratch, *, room: int) -> Rows:
    """Put the rows of a tenant into the scratch file, but where they take less than `room` bytes.

    Raises OSError where the disk is full.
    """
    sink = pa.BufferOutputStream()
    writer = None
    for batch in findings_batches(plan, found, scratch):
        writer = writer or pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd"))
        writer.write_batch(batch)
    if writer is not None:
        writer.close()
    body = sink.getvalue()
    fits = body.size <= room
    return Rows(
        tenant=plan.facts.manifest.tenant,
        count=found.count,
        size=body.size,
        held=body if fits else None,
        place=0 if fits else scratch.put(body),
    )


class _Streaming:
    """The dictionaries of the whole table, for batches that hold a part of it."""

    def __init__(self, plan: BoundPolicies, found: Spilled, ids: Ids) -> None:
        self._spill = found.spill
        self._plan = plan
        self._words = words = Words(
            plan, found.evaluation.singles, written=found.spill.written, details=found.spill.details
        )
        # What the numbers of the scratch file stand for in the order of the table; the last one is nothing.
        self._skus = np.append(words.sku_codes, np.int32(NONE))
        self._written = np.array([words.product_code(text) for text in found.spill.written], dtype=np.int32)
        self._details = np.append(words.detail_codes(found.spill.details), np.int32(NONE))
        self._ids = ids
        if found.spill.keys:
            ids.take((batch.offset, batch.users.column("id")) for batch in plan.facts.snapshot.batches(("id",), ()))

    def parts(self) -> Iterator[tuple[Part, pa.Array]]:
        """Yield the findings in order, at most those about a batch of users at a time, with the ids of whom."""
        people = set(self._spill.keys)
        for key in sorted(people | self._words.keys):
            if key not in people:
                yield self._words.objects(key), pa.array(self._words.others, pa.string())
                continue
            for _, stretch in self._spill.stretches(key):
                part = self._part(key, stretch)
                who, places = _distinct(part.subjects)
                yield replace(part, subjects=places), self._ids.of_rows(who)

    def batch(self, parts: Sequence[tuple[Part, pa.Array]]) -> pa.RecordBatch:
        """Join some parts."""
        marks = [mark for part, subjects in parts for mark in self._fingerprints(part, subjects)]
        starts = np.cumsum([0, *(len(subjects) for _, subjects in parts)])
        # Parts may be about the same people: a dictionary holds each id once.
        ids = pa.concat_arrays([subjects for _, subjects in parts]).dictionary_encode()
        places = ids.indices.to_numpy()
        moved = [
            replace(part, subjects=places[part.subjects + np.int32(start)])
            for (part, _), start in zip(parts, starts, strict=False)
        ]
        table = self._words.table(moved, ids.dictionary)
        (batch,) = table.append_column("fingerprint", pa.array(marks, pa.string())).to_batches()
        return batch

    def _part(self, key: tuple[int, str], stretch: Columns) -> Part:
        products = stretch[PRODUCT]
        known = self._skus[np.maximum(products, NONE)]
        if len(self._written) and (products < NONE).any():
            known = np.where(products < NONE, self._written[np.maximum(-2 - products, 0)], known)
        policy, check = key
        return self._words.people(policy, check, stretch[ROW], known, self._details[stretch[DETAIL]], stretch[WAIVER])

    def _fingerprints(self, part: Part, subjects: pa.Array) -> Iterator[str]:
        """Yield the fingerprint of every finding of a part, as findings themselves bear it."""
        manifest, policy = self._plan.facts.manifest, self._plan.policies[part.policy].id
        begun = {
            kind: Fingerprint(manifest.tenant_id or manifest.tenant, policy, part.check, kind.value)
            for kind in (part.kinds or (SubjectType.USER,))
        }
        products = [sku_id or f"written:{name}" for name, sku_id in self._words.products] + [None]
        details = [*self._words.details, None]
        ids = subjects.to_pylist()
        kinds = part.kinds or (SubjectType.USER,) * len(part)
        for kind, subject, product, detail in zip(
            kinds, part.subjects.tolist(), part.products.tolist(), part.details.tolist(), strict=True
        ):
            yield begun[kind].of(ids[subject], products[product], details[detail])


def _distinct(rows: Codes) -> tuple[Codes, Codes]:
    """Return sorted rows each once, and where each of them now stands."""
    first = np.ones(len(rows), dtype=bool)
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return rows[first], np.cumsum(first, dtype=np.int32) - np.int32(1)
