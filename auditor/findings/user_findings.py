"""Describes evaluated users and objects as record batches of findings; users with findings are read a second time."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from auditor.domain.actions.money import Money
from auditor.domain.enums import Status, SubjectType
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, report_order
from auditor.engine.columns.bitsets import distinct, indices
from auditor.engine.outcome import (
    OPEN,
    BatchOutcome,
    Evaluation,
    FindingColumns,
    ObjectFinding,
    Rows,
    fingerprint,
    fingerprint_text,
    unwaived_status,
)
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import price_of
from auditor.findings.columns import SCHEMA, coded, combined, constant, encode
from auditor.findings.evidence import QUOTED, UserEvidence, chosen, quoted
from auditor.findings.usage_evidence import UsageEvidence, usage_columns
from auditor.snapshot.model import UserBatch

_PEOPLE: Final = 16_384
"""People whose findings are described together."""
_DIGITS: Final = 32
"""Hexadecimal digits of a fingerprint."""
_NO_PRODUCT: Final = ProductReference(sku_id=None, sku_part_number=None)


def describe(
    bound: BoundPolicies, batches: Iterable[BatchOutcome], outcome: BatchOutcome, *, evidence: bool = True
) -> Iterator[pa.RecordBatch]:
    """Yield the findings about people, without guidance, and add what the batches say to `outcome`.

    Without `evidence` that column is empty, for readers of the other columns.

    A record batch holds all findings about some people in report order; they are in the order of users. `batches` has
    to hold one outcome for every batch of the snapshot, in their order. Raises SnapshotError where the snapshot cannot
    be read, or is no longer the one that was evaluated.
    """
    read: Iterator[UserBatch] | None = None
    for number, part in enumerate(batches):
        outcome.add(part)
        chunks, outcome.chunks = outcome.chunks, []
        if read is None and any(map(len, chunks)):
            users, links = QUOTED
            usage = usage_columns(bound) if evidence else ()
            read = islice(bound.facts.snapshot.batches((*users, *usage), links), number, None)
        if read is not None:
            yield from _described(bound, chunks, next(read, None), evidence=evidence)


def _described(
    bound: BoundPolicies, chunks: Sequence[FindingColumns], batch: UserBatch | None, *, evidence: bool
) -> Iterator[pa.RecordBatch]:
    """Describe what was found about the users of a batch."""
    if not chunks:
        return
    rows = distinct(np.concatenate([chunk.rows for chunk in chunks]))
    if batch is None or (len(rows) and not batch.offset <= rows[0] <= rows[-1] < batch.offset + batch.users.num_rows):
        tenant = bound.facts.manifest.tenant
        message = Message("the snapshot of the tenant {tenant} changed while it was audited", tenant=tenant)
        hint = Message("run the audit again when nothing writes to the snapshot")
        raise SnapshotError("snapshot-damaged", message, hint=hint)
    for start in range(0, len(rows), _PEOPLE):
        some = rows[start : start + _PEOPLE]
        users, links = chosen(batch, some)
        people = quoted(bound, users, links, some, evidence=evidence)
        usage = UsageEvidence(bound, UserBatch(users=users, assignments=links, offset=batch.offset), some)
        yield _of_people(bound, _FindingRows.of(bound, chunks, some), people, usage)


class _FindingRows(Struct, frozen=True):
    """Findings about some people as numbers, one row each; not in any order."""

    policies: list[tuple[int, str]]
    """Policy's place and check, in report order."""
    products: list[tuple[int | str | None, int | None]]
    """The place of a SKU, the words of the policy or nothing, and the seats that a finding stands for."""
    details: list[str | None]
    policy: Rows
    """Index in `policies`."""
    person: Rows
    """Index among the people."""
    product: Rows
    """Index in `products`."""
    detail: Rows
    """Index in `details`."""
    waiver: Rows

    @classmethod
    def of(cls, bound: BoundPolicies, chunks: Sequence[FindingColumns], rows: Rows) -> "_FindingRows":
        """Take the findings of the people with these rows."""

        def rank(key: tuple[int, str]) -> tuple[int, str, str]:
            policy = bound.policies[key[0]]
            return policy.severity.rank, policy.id, key[1]

        policies = sorted({(chunk.policy, chunk.check) for chunk in chunks}, key=rank)
        codes = _Indices()
        parts: list[tuple[Rows, ...]] = []
        for chunk in chunks:
            first, end = np.searchsorted(chunk.rows, [rows[0], rows[-1] + 1]).tolist()
            person = np.searchsorted(rows, chunk.rows[first:end])
            index = policies.index((chunk.policy, chunk.check))
            product, detail = codes.products_of(bound, chunk, first, end), codes.details_of(chunk, first, end)
            parts.append((np.full(end - first, index), person, product, detail, chunk.waivers[first:end]))
        columns = [np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)]
        return cls(policies, list(codes.products), list(codes.details), *columns)


class _Indices(Struct):
    """Products and details by their index, as they come up."""

    products: dict[tuple[int | str | None, int | None], int] = field(default_factory=dict)
    details: dict[str | None, int] = field(default_factory=dict)

    def products_of(self, bound: BoundPolicies, chunk: FindingColumns, first: int, end: int) -> Rows:
        if chunk.skus is None:
            return np.full(end - first, self.products.setdefault((chunk.written, None), len(self.products)))
        seats = bound.rules.paid_seats(bound.policies[chunk.policy], chunk.check)
        skus = chunk.skus[first:end]
        index = np.zeros(len(bound.facts.skus), dtype=np.int64)
        for sku in distinct(skus).tolist():
            index[sku] = self.products.setdefault((sku, seats), len(self.products))
        return index[skus]

    def details_of(self, chunk: FindingColumns, first: int, end: int) -> Rows:
        if chunk.detail_codes is None:
            detail = chunk.details[0] if chunk.details else None
            return np.full(end - first, self.details.setdefault(detail, len(self.details)))
        index = np.array([self.details.setdefault(each, len(self.details)) for each in chunk.details], dtype=np.int64)
        return index[chunk.detail_codes[first:end]]


def _of_people(bound: BoundPolicies, rows: _FindingRows, people: UserEvidence, usage: UsageEvidence) -> pa.RecordBatch:
    """Describe findings about some people, in report order."""
    policies = [bound.policies[index] for index, _ in rows.policies]
    products = [_product(bound, about, seats) for about, seats in rows.products]
    order = _report_order(rows, [item for item, _ in products], people.ids)
    policy, person, product, detail, waiver = (
        column[order] for column in (rows.policy, rows.person, rows.product, rows.detail, rows.waiver)
    )
    named = [about is not None for about, _ in rows.products]
    skus = np.array([about if isinstance(about, int) else -1 for about, _ in rows.products], dtype=np.int64)[product]
    own = indices(person)
    waivers = [*(each.id for each in bound.waivers), None]
    columns = {
        "policy": coded([each.id for each in policies], policy),
        "check": coded([check for _, check in rows.policies], policy),
        "severity": coded([each.severity.value for each in policies], policy),
        "status": coded(
            [*(unwaived_status(each).value for each in policies), Status.WAIVED.value],
            np.where(waiver == OPEN, policy, len(policies)),
        ),
        "waiver": coded(waivers, np.where(waiver == OPEN, len(waivers) - 1, waiver)),
        "change": constant(None, len(order)),
        "subjectType": constant(SubjectType.USER.value, len(order)),
        "subjectId": people.ids.take(own),
        "subjectName": people.names.take(own),
        "product": coded(["true" if each else None for each in named], product),
        "skuId": coded([item.sku_id for item, _ in products], product),
        "skuPartNumber": coded([item.sku_part_number for item, _ in products], product),
        "detail": coded(rows.details, detail),
        "currency": coded([None if money is None else money.currency for _, money in products], product),
        "perMonth": coded([None if money is None else str(money.per_month) for _, money in products], product),
        "guidance": constant("", len(order)),
        "fingerprint": _fingerprints(bound, rows, [item for item, _ in products], people.ids, order),
        "sourceFile": coded([each.span.file for each in policies], policy),
        "sourceLine": coded([str(each.span.line) for each in policies], policy),
        "evidence": pa.repeat("{}", len(order))
        if people.evidence is None
        else usage.added_to(people.evidence, policies, policy, person),
        "paths": people.paths.of(person, skus),
        "principal": people.principals.take(own),
        "lastSignIn": people.last_sign_ins.take(own),
        "facts": people.facts.take(own),
        "seats": constant(None, len(order)),
    }
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _report_order(rows: _FindingRows, products: Sequence[ProductReference], ids: pa.Array) -> Rows:
    """Return the rows by policy, person, product and detail."""
    order: Rows = np.lexsort(
        (
            _ranks([detail or "" for detail in rows.details])[rows.detail],
            _ranks([(item.sku_part_number or "", item.sku_id or "") for item in products])[rows.product],
            pc.rank(ids, tiebreaker="first").to_numpy()[rows.person],
            rows.policy,
        )
    )
    return order


def _ranks(values: Sequence[object]) -> Rows:
    """Return the place of each value in ascending order; equal values have different ones, in their order."""
    order = sorted(range(len(values)), key=values.__getitem__)  # type: ignore[arg-type]
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.arange(len(values))
    return ranks


def _fingerprints(
    bound: BoundPolicies, rows: _FindingRows, products: Sequence[ProductReference], ids: pa.StringArray, order: Rows
) -> pa.StringArray:
    """Hash what findings are, in some order."""
    tenant = bound.facts.manifest.tenant_id or bound.facts.manifest.tenant
    begun = [
        fingerprint_text(tenant, bound.policies[index].id, check, SubjectType.USER.value, "")
        for index, check in rows.policies
    ]
    firsts, ends = combined(((rows.product, len(products)), (rows.detail, len(rows.details))))
    ended = [
        fingerprint_text("", _identity(products[product]), rows.details[detail])
        for product, detail in zip(rows.product[firsts].tolist(), rows.detail[firsts].tolist(), strict=True)
    ]
    parts = (
        pa.array(begun, pa.binary()).take(indices(rows.policy[order])),
        ids.view(pa.binary()).take(indices(rows.person[order])),
        pa.array(ended, pa.binary()).take(indices(ends[order])),
    )
    texts = pc.binary_join_element_wise(*parts, b"").to_pylist()
    digests = np.frombuffer(b"".join([sha256(text).digest() for text in texts]), dtype=np.uint8)
    leading = digests.reshape(-1, sha256().digest_size)[:, : _DIGITS // 2].tobytes()
    offsets = np.arange(len(order) + 1, dtype=np.int32) * _DIGITS
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(leading.hex().encode())]
    return pa.Array.from_buffers(pa.string(), len(order), buffers)


def describe_objects(bound: BoundPolicies, evaluation: Evaluation) -> pa.RecordBatch:
    """Describe what was found about everything but people, without guidance."""
    singles = [((single.policy, single.check), _of_object(bound, single)) for single in evaluation.singles]
    return encode([finding for _, finding in sorted(singles, key=lambda item: (item[0], report_order(item[1])))])


def _product(bound: BoundPolicies, about: int | str | None, seats: int | None) -> tuple[ProductReference, Money | None]:
    """Return what findings are about, and the price of so many seats; none where they are about no seat."""
    if about is None:
        return _NO_PRODUCT, None
    if isinstance(about, str):
        return ProductReference(sku_id=None, sku_part_number=about), None
    sku = bound.facts.skus[about]
    money = None if seats is None else price_of(bound, sku, seats)
    return ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number), money


def _identity(product: ProductReference | None) -> str | None:
    if product is None or product is _NO_PRODUCT:
        return None
    return product.sku_id or f"written:{product.sku_part_number}"


def _of_object(bound: BoundPolicies, single: ObjectFinding) -> Finding:
    """Describe what is not about a user."""
    policy = bound.policies[single.policy]
    tenant = bound.facts.manifest.tenant_id or bound.facts.manifest.tenant
    product = single.product
    subject = (single.subject.type.value, single.subject.id)
    waived = single.waiver != OPEN
    return Finding(
        fingerprint=fingerprint(tenant, policy.id, single.check, subject, _identity(product), single.detail),
        policy=policy.id,
        check=single.check,
        severity=policy.severity,
        status=Status.WAIVED if waived else unwaived_status(policy),
        waiver=bound.waivers[single.waiver].id if waived else None,
        subject=single.subject,
        product=product,
        detail=single.detail,
        evidence=single.evidence,
        money=single.money,
        source=SourceLine(file=policy.span.file, line=policy.span.line),
    )
