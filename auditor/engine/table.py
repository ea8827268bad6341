"""An Evaluation into one Arrow table of findings: a row each in the order of reports, every text once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.domain.words import Severity, Status, SubjectType
from auditor.engine.outcome import OPEN, Chunk, Evaluation, Single
from auditor.engine.plan import Plan

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


def findings_table(plan: Plan, evaluation: Evaluation) -> pa.Table:
    """Return the findings of a tenant as columns of dictionary codes, in the order of reports.

    The columns are policy, check, severity, status, subjectType, subject (its id), skuId, skuPartNumber, detail and
    waiver; product and detail are null where a finding names none, `skuId` also where the policy's words stand for a
    set. Ids of users are read again from the snapshot.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  an audit without a table needs no threads

    words = Words(
        plan,
        evaluation.singles,
        written={chunk.written for chunk in evaluation.chunks if chunk.written is not None},
        details={text for chunk in evaluation.chunks for text in chunk.details},
        users=plan.facts.snapshot.user_count if evaluation.chunks else 0,
    )
    with ThreadPoolExecutor(max_workers=1) as pool:
        # The ids are decoded while the findings are put in order.
        subjects = pool.submit(words.subjects)
        parts = list(words.parts(evaluation.chunks))
        return words.table(parts, subjects.result())


class Words:
    """The dictionaries of one table: codes are places in them, in the order in which findings are sorted."""

    def __init__(
        self, plan: Plan, singles: Sequence[Single], *, written: Iterable[str], details: Iterable[str], users: int = 0
    ) -> None:
        """Order the products and details that findings about people name, and all that those about others do.

        The first `users` subjects are people, by their rows.
        """
        self._plan = plan
        self._singles: dict[tuple[int, str], list[Single]] = {}
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

    def parts(self, chunks: Sequence[Chunk]) -> Iterator[Part]:
        """Walk policies and checks in order."""
        people = {key: list(found) for key, found in groupby(chunks, lambda chunk: (chunk.policy, chunk.check))}
        for key in sorted({*people, *self.keys}):
            yield self._people(people[key]) if key in people else self.objects(key)

    def product_code(self, written: str) -> int:
        """Return the code of a product as a policy writes it."""
        return self._product_codes[written, ""]

    def detail_codes(self, texts: Sequence[str]) -> Codes:
        """Return the codes of some details."""
        return np.array([self._detail_codes[text] for text in texts], dtype=np.int32)

    def _people(self, chunks: Sequence[Chunk]) -> Part:
        return self.people(
            chunks[0].policy,
            chunks[0].check,
            np.concatenate([chunk.rows for chunk in chunks]),
            np.concatenate([self._products_of(chunk) for chunk in chunks]),
            np.concatenate([self._details_of(chunk) for chunk in chunks]),
            np.concatenate([chunk.waivers for chunk in chunks]).astype(np.int32),
        )

    def people(self, policy: int, check: str, rows: Codes, products: Codes, details: Codes, waivers: Codes) -> Part:
        """Put findings about people in order."""
        # One number a finding, for a stable sort: it merges runs, and every batch's chunks are runs already.
        keys = rows.astype(np.int64) * (len(self.products) + 1) + products + 1
        keys = keys * (len(self.details) + 1) + details + 1
        if (keys[1:] < keys[:-1]).any():
            order = np.argsort(keys, kind="stable")
            rows, products, details, waivers = rows[order], products[order], details[order], waivers[order]
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

    def _products_of(self, chunk: Chunk) -> Codes:
        if chunk.skus is not None:
            return self.sku_codes[chunk.skus]
        code = NONE if chunk.written is None else self.product_code(chunk.written)
        return np.full(len(chunk), code, dtype=np.int32)

    def _details_of(self, chunk: Chunk) -> Codes:
        if chunk.detail_codes is None:
            code = self._detail_codes[chunk.details[0]] if chunk.details else NONE
            return np.full(len(chunk), code, dtype=np.int32)
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

    def table(self, parts: Sequence[Part], subjects: pa.Array) -> pa.Table:
        """Join the parts; a dictionary holds each text once, however many findings quote it."""
        sizes = [len(part) for part in parts]
        policies = self._plan.policies
        checks = sorted({part.check for part in parts})
        severities, kinds = list(Severity), list(SubjectType)
        waivers = _joined(part.waivers for part in parts)
        products = _joined(part.products for part in parts)
        names, ids = zip(*self.products, strict=True) if self.products else ((), ())
        return pa.table(
            {
                "policy": _column(
                    np.repeat(_small([part.policy for part in parts]), sizes), [policy.id for policy in policies]
                ),
                "check": _column(np.repeat(_small([checks.index(part.check) for part in parts]), sizes), checks),
                "severity": _column(
                    np.repeat(_small([policies[part.policy].severity.rank for part in parts]), sizes),
                    [severity.value for severity in severities],
                ),
                "status": _column((waivers != OPEN).astype(np.int16), [Status.OPEN.value, Status.WAIVED.value]),
                "subjectType": _column(
                    _joined((_kinds(part, kinds) for part in parts), np.int16), [kind.value for kind in kinds]
                ),
                "subject": _column(_joined(part.subjects for part in parts), subjects),
                "skuId": _texts(products, ids),
                "skuPartNumber": _texts(products, names),
                "detail": _column(_joined(part.details for part in parts), self.details),
                "waiver": _column(waivers, [waiver.id for waiver in self._plan.waivers]),
            }
        )

    def subjects(self) -> pa.Array:
        """Return the ids of all users in their order, then those of everything else."""
        if not self._users:
            return pa.array(self.others, pa.string())
        read = self._plan.facts.snapshot.batches(("id",), ())
        return pa.concat_arrays([*(batch.users.column("id") for batch in read), pa.array(self.others, pa.string())])


def _product(single: Single) -> tuple[str, str]:
    assert single.product is not None
    return (single.product.sku_part_number or "", single.product.sku_id or "")


def _kinds(part: Part, kinds: list[SubjectType]) -> npt.NDArray[np.int16]:
    if part.people:
        return np.full(len(part), kinds.index(SubjectType.USER), dtype=np.int16)
    return _small([kinds.index(kind) for kind in part.kinds])


def _small(places: Sequence[int]) -> npt.NDArray[np.int16]:
    return np.array(places, dtype=np.int16)


def _joined(columns: Iterable[npt.NDArray[np.signedinteger]], kind: type = np.int32) -> Codes:
    found = [np.zeros(0, dtype=kind), *columns]
    return np.concatenate(found)


def _texts(codes: Codes, texts: Sequence[str]) -> pa.DictionaryArray:
    """Replace codes by their texts, each once; an empty one is none: a set has no id, an unknown product no name."""
    different = sorted({*texts} - {""})
    places = {text: place for place, text in enumerate(different)}
    known = np.array([places.get(text, NONE) for text in texts] + [NONE], dtype=np.int32)
    return _column(known[codes], different)


def _column(codes: npt.NDArray[np.signedinteger], values: Sequence[str] | pa.Array) -> pa.DictionaryArray:
    absent = codes == NONE
    texts = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=absent if absent.any() else None), texts)
