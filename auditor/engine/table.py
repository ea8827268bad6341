"""An Evaluation into one Arrow table of findings: a row each in the order of reports, every text once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.domain.enums import Severity, Status, SubjectType
from auditor.engine.binding import BoundPolicies
from auditor.engine.outcome import OPEN, Evaluation, FindingColumns, ObjectFinding

if TYPE_CHECKING:
    from concurrent.futures import Executor

Codes = npt.NDArray[np.int32]

NONE = -1
"""Stands for null in columns of codes; it sorts first, as the absent does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Findings of one policy and check, in order, as places in the table's dictionaries."""

    policy: int
    check: str
    people: bool
    """Whether the subjects are users; `kinds` tells what they are otherwise."""
    kinds: tuple[SubjectType, ...]
    subjects: Codes
    products: Codes
    details: Codes
    waivers: Codes

    def __len__(self) -> int:
        return len(self.subjects)


def findings_table(plan: BoundPolicies, evaluation: Evaluation) -> pa.Table:
    """Return the findings of a tenant as columns of dictionary codes, in the order of reports.

    The columns are policy, check, severity, status, subjectType, subject (its id), skuId, skuPartNumber, detail and
    waiver; product and detail are null where a finding names none, `skuId` also where the policy's words stand for a
    set. Ids of users that the evaluation did not keep are read again from the snapshot.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  an audit without a table needs no threads

    words = Words(
        plan,
        evaluation.singles,
        written={chunk.written for chunk in evaluation.chunks if chunk.written is not None},
        details={text for chunk in evaluation.chunks for text in chunk.details},
        users=plan.facts.snapshot.user_count if evaluation.chunks else 0,
    )
    room: Codes = np.empty((4, evaluation.count), dtype=np.int32)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        # The ids are put together while the findings are put in order.
        subjects = pool.submit(words.subjects, evaluation.ids)
        parts = list(words.parts(evaluation.chunks, room))
        return words.table(parts, subjects.result(), room, pool)


_AT_ONCE = 2
"""Columns that are made at the same time: Arrow and NumPy let go of the lock."""


class Words:
    """The dictionaries of one table: codes are places in them, in the order in which findings are sorted."""

    def __init__(
        self,
        plan: BoundPolicies,
        singles: Sequence[ObjectFinding],
        *,
        written: Iterable[str],
        details: Iterable[str],
        users: int = 0,
    ) -> None:
        """Order the products and details that findings about people name, and all that those about others do.

        The first `users` subjects are people, by their rows.
        """
        self._plan = plan
        self._singles: dict[tuple[int, str], list[ObjectFinding]] = {}
        for item in singles:
            self._singles.setdefault((item.policy, item.check), []).append(item)
        skus = [(sku.part_number or "", sku.sku_id) for sku in plan.facts.skus]
        single = {_product(item) for item in singles if item.product is not None}
        self.products: list[tuple[str, str]] = sorted({*skus, *((text, "") for text in written), *single})
        self._product_codes = {product: code for code, product in enumerate(self.products)}
        self.sku_codes = np.array([self._product_codes[sku] for sku in skus], dtype=np.int32)
        self.details = sorted({*details, *(item.detail for item in singles if item.detail is not None)})
        self._detail_codes = {text: code for code, text in enumerate(self.details)}
        self.others = sorted({item.subject.id for item in singles})
        self._users = users

    @property
    def keys(self) -> set[tuple[int, str]]:
        """The policies, by their place, and checks that found something about others than people."""
        return set(self._singles)

    def parts(self, chunks: Sequence[FindingColumns], room: Codes) -> Iterator[Part]:
        """Walk policies and checks in order; `room` takes the four columns of all their findings."""
        people = {key: list(found) for key, found in groupby(chunks, lambda chunk: (chunk.policy, chunk.check))}
        end = 0
        for key in sorted({*people, *self.keys}):
            if key in people:
                begin, end = end, end + sum(map(len, people[key]))
                yield self._people(people[key], room[:, begin:end])
                continue
            part = self.objects(key)
            begin, end = end, end + len(part)
            room[:, begin:end] = part.subjects, part.products, part.details, part.waivers
            yield part

    def product_code(self, written: str) -> int:
        """Return the code of a product as a policy writes it."""
        return self._product_codes[written, ""]

    def detail_codes(self, texts: Sequence[str]) -> Codes:
        """Return the codes of some details."""
        return np.array([self._detail_codes[text] for text in texts], dtype=np.int32)

    def _people(self, chunks: Sequence[FindingColumns], room: Codes) -> Part:
        rows, products, details, waivers = room
        starts: list[int] = []
        highest: list[int] = []
        end = 0
        for chunk in chunks:
            # Chunks of one batch may be about the same users, those of different ones never are.
            begin, top = end, int(chunk.rows[-1])
            while starts and chunk.rows[0] <= highest[-1]:
                begin, top = starts.pop(), max(top, highest.pop())
            starts.append(begin)
            highest.append(top)
            here, end = slice(end, end + len(chunk)), end + len(chunk)
            rows[here], waivers[here] = chunk.rows, chunk.waivers
            products[here] = self._products_of(chunk)
            details[here] = self._details_of(chunk)
        for begin, stop in pairwise([*starts, end]):
            self._sort(room[:, begin:stop])
        return self._part(chunks[0].policy, chunks[0].check, room)

    def people(self, policy: int, check: str, rows: Codes, products: Codes, details: Codes, waivers: Codes) -> Part:
        """Put findings about people in order."""
        found = np.array([rows, products, details, waivers], dtype=np.int32)
        self._sort(found)
        return self._part(policy, check, found)

    def _part(self, policy: int, check: str, found: Codes) -> Part:
        rows, products, details, waivers = found
        return Part(
            policy=policy,
            check=check,
            people=True,
            kinds=(),
            subjects=rows,
            products=products,
            details=details,
            waivers=waivers,
        )

    def _sort(self, found: Codes) -> None:
        """Put findings in order by whom, which product and which detail they are about; most are already."""
        rows, products, details, _ = found
        if not _in_order(rows, products, details):
            # One number a finding, for a stable sort: it merges runs, and what one check found is a run already.
            keys = rows.astype(np.int64) * (len(self.products) + 1) + products + 1
            keys = keys * (len(self.details) + 1) + details + 1
            found[:] = found[:, np.argsort(keys, kind="stable")]

    def _products_of(self, chunk: FindingColumns) -> Codes | int:
        if chunk.skus is not None:
            return self.sku_codes[chunk.skus]
        return NONE if chunk.written is None else self.product_code(chunk.written)

    def _details_of(self, chunk: FindingColumns) -> Codes | int:
        if chunk.detail_codes is None:
            return self._detail_codes[chunk.details[0]] if chunk.details else NONE
        return self.detail_codes(chunk.details)[chunk.detail_codes]

    def objects(self, key: tuple[int, str]) -> Part:
        """Put the findings about others than people in order."""
        singles = self._singles[key]
        places = {name: self._users + place for place, name in enumerate(self.others)}
        rows = sorted(
            (
                places[item.subject.id],
                NONE if item.product is None else self._product_codes[_product(item)],
                NONE if item.detail is None else self._detail_codes[item.detail],
                item.waiver,
                item.subject.type,
            )
            for item in singles
        )
        subjects, products, details, waivers = np.array([row[:4] for row in rows], dtype=np.int32).T
        return Part(
            policy=singles[0].policy,
            check=singles[0].check,
            people=False,
            kinds=tuple(row[4] for row in rows),
            subjects=subjects,
            products=products,
            details=details,
            waivers=waivers,
        )

    def table(
        self, parts: Sequence[Part], subjects: pa.Array, room: Codes | None = None, pool: "Executor | None" = None
    ) -> pa.Table:
        """Join the parts, or take them from the room that holds all their columns.

        A dictionary holds each text once, however many findings quote it.
        """
        sizes = [len(part) for part in parts]
        policies = self._plan.policies
        checks = sorted({part.check for part in parts})
        severities, kinds = list(Severity), list(SubjectType)
        rows, products, details, waivers = _joined(parts) if room is None else room
        names, ids = zip(*self.products, strict=True) if self.products else ((), ())
        columns: dict[str, Callable[[], pa.DictionaryArray]] = {
            "policy": lambda: _repeated([part.policy for part in parts], sizes, [policy.id for policy in policies]),
            "check": lambda: _repeated([checks.index(part.check) for part in parts], sizes, checks),
            "severity": lambda: _repeated(
                [policies[part.policy].severity.rank for part in parts],
                sizes,
                [severity.value for severity in severities],
            ),
            "status": lambda: _column((waivers != OPEN).astype(np.int16), [Status.OPEN.value, Status.WAIVED.value]),
            "subjectType": lambda: _column(_kinds(parts, kinds), [kind.value for kind in kinds]),
            "subject": lambda: _column(rows, subjects),
            "skuId": lambda: _texts(products, ids),
            "skuPartNumber": lambda: _texts(products, names),
            "detail": lambda: _column(details, self.details),
            "waiver": lambda: _column(waivers, [waiver.id for waiver in self._plan.waivers]),
        }
        made = (map if pool is None else pool.map)(lambda make: make(), columns.values())
        return pa.table(dict(zip(columns, made, strict=True)))

    def subjects(self, ids: Sequence[pa.Array] | None) -> pa.Array:
        """Return the ids of all users in their order, then those of everything else."""
        others = pa.array(self.others, pa.string())
        if not self._users:
            return others
        if ids is None:
            ids = [batch.users.column("id") for batch in self._plan.facts.snapshot.batches(("id",), ())]
        return pa.concat_arrays([*ids, others])


def _product(single: ObjectFinding) -> tuple[str, str]:
    assert single.product is not None
    return (single.product.sku_part_number or "", single.product.sku_id or "")


def _in_order(*columns: Codes) -> bool:
    """Tell whether rows of numbers ascend, the first column before the others; equal ones do."""
    column, *others = columns
    one, other = column[:-1], column[1:]
    if (one > other).any():
        return False
    same = np.flatnonzero(one == other) if others else _NOWHERE
    for column in others:
        one, other = column[same], column[same + 1]
        if (one > other).any():
            return False
        same = same[one == other]
    return True


_NOWHERE = np.zeros(0, dtype=np.int64)


def _kinds(parts: Sequence[Part], kinds: list[SubjectType]) -> npt.NDArray[np.int16]:
    user = kinds.index(SubjectType.USER)
    told = [
        np.full(len(part), user, dtype=np.int16) if part.people else _small([kinds.index(kind) for kind in part.kinds])
        for part in parts
    ]
    return np.concatenate([_small(()), *told])


def _small(places: Sequence[int]) -> npt.NDArray[np.int16]:
    return np.array(places, dtype=np.int16)


def _joined(parts: Sequence[Part]) -> Sequence[Codes]:
    columns = [(part.subjects, part.products, part.details, part.waivers) for part in parts]
    return [np.concatenate(column) for column in zip(*columns, strict=True)] or [np.zeros(0, dtype=np.int32)] * 4


def _repeated(places: Sequence[int], sizes: Sequence[int], texts: Sequence[str]) -> pa.DictionaryArray:
    return _column(np.repeat(_small(places), sizes), texts)


def _texts(codes: Codes, texts: Sequence[str]) -> pa.DictionaryArray:
    """Replace codes by their texts, each once; an empty one is none: a set has no id, an unknown product no name."""
    different = sorted({*texts} - {""})
    places = {text: place for place, text in enumerate(different)}
    known = np.array([places.get(text, NONE) for text in texts] + [NONE], dtype=np.int32)
    return _column(known[codes], different)


def _column(codes: npt.NDArray[np.signedinteger], values: Sequence[str] | pa.Array) -> pa.DictionaryArray:
    texts = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    present = codes != NONE
    bitmap = None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little"))
    places = pa.Array.from_buffers(pa.from_numpy_dtype(codes.dtype), len(codes), [bitmap, pa.py_buffer(codes)])
    # The codes are places in these texts: they need not be looked through for others.
    return pa.DictionaryArray.from_arrays(places, texts, safe=False)
