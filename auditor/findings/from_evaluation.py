"""Creates record batches of findings from evaluation outcomes; users with findings are read from the snapshot again."""

import math
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from auditor.arrays.equal_rows import combined
from auditor.arrays.rows import Rows, arrow_rows, distinct, ranks
from auditor.arrays.texts import constant, dictionary_column
from auditor.domain.enums import Status, SubjectType
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, report_order
from auditor.engine.outcome import (
    OPEN,
    BatchOutcome,
    Evaluation,
    FindingColumns,
    ObjectFinding,
    fingerprint,
    fingerprint_text,
    unwaived_status,
)
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import price_of_assigned
from auditor.findings.columns import SCHEMA, encode
from auditor.findings.evidence.usage import UsageEvidence, usage_columns
from auditor.findings.evidence.users import EVIDENCE_COLUMNS, UserEvidence, selected_users, user_evidence
from auditor.findings.group_products import GroupProductCollector
from auditor.snapshot.model import UserBatch

_PEOPLE_PER_BATCH: Final = 16_384
"""Maximum number of people whose findings are created together."""
_DIGITS: Final = 32
"""Number of hexadecimal digits in a fingerprint."""
_NO_PRODUCT: Final = ProductReference(sku_id=None, sku_part_number=None)


def findings_about_users(
    bound: BoundPolicies,
    batches: Iterable[BatchOutcome],
    outcome: BatchOutcome,
    group_products: GroupProductCollector,
    *,
    evidence: bool = True,
) -> Iterator[pa.RecordBatch]:
    """Yield the findings about people, without guidance, and add the outcomes of the batches to `outcome`.

    The products that groups assign to these people are added to `group_products`. Without `evidence`, that column is
    empty, for callers that read only the other columns.

    A record batch has all findings about some people in report order; the batches are in the order of users. `batches`
    has to have one outcome for every batch of the snapshot, in their order. Raises SnapshotError if the snapshot cannot
    be read, or is no longer the one that was evaluated.
    """
    user_batches: Iterator[UserBatch] | None = None
    for index, batch in enumerate(batches):
        outcome.add(batch)
        chunks, outcome.chunks = outcome.chunks, []
        if user_batches is None and any(map(len, chunks)):
            users, assignments = EVIDENCE_COLUMNS
            usage = usage_columns(bound) if evidence else ()
            user_batches = islice(bound.facts.snapshot.batches((*users, *usage), assignments), index, None)
        if user_batches is not None:
            yield from _findings_of_batch(bound, chunks, next(user_batches, None), group_products, evidence=evidence)


def _findings_of_batch(
    bound: BoundPolicies,
    chunks: Sequence[FindingColumns],
    batch: UserBatch | None,
    group_products: GroupProductCollector,
    *,
    evidence: bool,
) -> Iterator[pa.RecordBatch]:
    """Yield the findings about the users of a batch."""
    if not chunks:
        return
    rows = distinct(np.concatenate([chunk.rows for chunk in chunks]))
    if batch is None or (len(rows) and not batch.offset <= rows[0] <= rows[-1] < batch.offset + batch.users.num_rows):
        tenant = bound.facts.manifest.tenant
        message = Message("the snapshot of the tenant {tenant} changed while it was audited", tenant=tenant)
        hint = Message("run the audit again when nothing writes to the snapshot")
        raise SnapshotError("snapshot-damaged", message, hint=hint)
    # Parts of equal size: a small last one would be copied when the table joins it with the next part.
    for part in np.array_split(rows, math.ceil(len(rows) / _PEOPLE_PER_BATCH)) if len(rows) else ():
        users, assignments = selected_users(batch, part)
        group_products.add(bound.facts, assignments)
        people = user_evidence(bound, users, assignments, part, evidence=evidence)
        usage = UsageEvidence(bound, UserBatch(users=users, assignments=assignments, offset=batch.offset), part)
        yield _of_people(bound, _FindingRows.of(bound, chunks, part), people, usage)


class _FindingRows(Struct, frozen=True):
    """Findings about some people as columns of indices, one row per finding, in no particular order."""

    policies: list[tuple[int, str]]
    """Policy index and check, in report order."""
    products: list[tuple[int | str | None, int | None]]
    """The index of a SKU, the product as the policy writes it, or None; and the number of seats of a finding."""
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
        """Return the findings of the people with these rows."""

        def rank(key: tuple[int, str]) -> tuple[int, str, str]:
            policy = bound.policies[key[0]]
            return policy.severity.rank, policy.id, key[1]

        policies = sorted({(chunk.policy, chunk.check) for chunk in chunks}, key=rank)
        index_of = {key: index for index, key in enumerate(policies)}
        codes = _Indices()
        parts: list[tuple[Rows, ...]] = []
        for chunk in chunks:
            first, end = np.searchsorted(chunk.rows, [rows[0], rows[-1] + 1]).tolist()
            person = np.searchsorted(rows, chunk.rows[first:end])
            product, detail = codes.products_of(bound, chunk, first, end), codes.details_of(chunk, first, end)
            parts.append(
                (
                    np.full(end - first, index_of[chunk.policy, chunk.check]),
                    person,
                    product,
                    detail,
                    chunk.waivers[first:end],
                )
            )
        columns = [np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)]
        return cls(policies, list(codes.products), list(codes.details), *columns)


class _Indices(Struct):
    """Assigns indices to products and details, in order of first use."""

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
        index = np.array([self.details.setdefault(text, len(self.details)) for text in chunk.details], dtype=np.int64)
        return index[chunk.detail_codes[first:end]]


def _of_people(bound: BoundPolicies, rows: _FindingRows, people: UserEvidence, usage: UsageEvidence) -> pa.RecordBatch:
    """Return the findings about some people, in report order."""
    policies = [bound.policies[index] for index, _ in rows.policies]
    products = [_product(bound, product_key, seats) for product_key, seats in rows.products]
    order = _report_order(rows, [item for item, _ in products], people.ids)
    policy, person, product, detail, waiver = (
        column[order] for column in (rows.policy, rows.person, rows.product, rows.detail, rows.waiver)
    )
    has_product = [product_key is not None for product_key, _ in rows.products]
    skus = np.array(
        [product_key if isinstance(product_key, int) else -1 for product_key, _ in rows.products], dtype=np.int64
    )[product]
    person_indices = arrow_rows(person)
    waivers = [*(entry.id for entry in bound.waivers), None]
    columns = {
        "policy": dictionary_column([entry.id for entry in policies], policy),
        "check": dictionary_column([check for _, check in rows.policies], policy),
        "severity": dictionary_column([entry.severity.value for entry in policies], policy),
        "status": dictionary_column(
            [*(unwaived_status(entry).value for entry in policies), Status.WAIVED.value],
            np.where(waiver == OPEN, policy, len(policies)),
        ),
        "waiver": dictionary_column(waivers, np.where(waiver == OPEN, len(waivers) - 1, waiver)),
        "change": constant(None, len(order)),
        "subjectType": constant(SubjectType.USER.value, len(order)),
        "subjectId": people.ids.take(person_indices),
        "subjectName": people.names.take(person_indices),
        "product": dictionary_column(["true" if entry else None for entry in has_product], product),
        "skuId": dictionary_column([item.sku_id for item, _ in products], product),
        "skuPartNumber": dictionary_column([item.sku_part_number for item, _ in products], product),
        "detail": dictionary_column(rows.details, detail),
        "currency": dictionary_column([None if money is None else money.currency for _, money in products], product),
        "perMonth": dictionary_column(
            [None if money is None else str(money.per_month) for _, money in products], product
        ),
        "guidance": constant("", len(order)),
        "fingerprint": _fingerprints(bound, rows, [item for item, _ in products], people.ids, order),
        "sourceFile": dictionary_column([entry.span.file for entry in policies], policy),
        "sourceLine": dictionary_column([str(entry.span.line) for entry in policies], policy),
        "evidence": pa.repeat("{}", len(order))
        if people.evidence is None
        else usage.added_to(people.evidence, policies, policy, person),
        "paths": people.paths.of(person, skus),
        "principal": people.principals.take(person_indices),
        "lastSignIn": people.last_sign_ins.take(person_indices),
        "facts": people.facts.take(person_indices),
        "seats": constant(None, len(order)),
        "counted": constant(None, len(order)),
    }
    return pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _report_order(rows: _FindingRows, products: Sequence[ProductReference], ids: pa.Array) -> Rows:
    """Return the order of the rows by policy, person, product and detail."""
    order: Rows = np.lexsort(
        (
            ranks([detail or "" for detail in rows.details])[rows.detail],
            ranks([(item.sku_part_number or "", item.sku_id or "") for item in products])[rows.product],
            pc.rank(ids, tiebreaker="first").to_numpy()[rows.person],
            rows.policy,
        )
    )
    return order


def _fingerprints(
    bound: BoundPolicies, rows: _FindingRows, products: Sequence[ProductReference], ids: pa.StringArray, order: Rows
) -> pa.StringArray:
    """Return the fingerprints of findings, in the given order."""
    tenant = bound.facts.manifest.tenant_id or bound.facts.manifest.tenant
    prefixes = [
        fingerprint_text(tenant, bound.policies[index].id, check, SubjectType.USER.value, "")
        for index, check in rows.policies
    ]
    firsts, suffix_of = combined(((rows.product, len(products)), (rows.detail, len(rows.details))))
    suffixes = [
        fingerprint_text("", _identity(products[product]), rows.details[detail])
        for product, detail in zip(rows.product[firsts].tolist(), rows.detail[firsts].tolist(), strict=True)
    ]
    parts = (
        pa.array(prefixes, pa.binary()).take(arrow_rows(rows.policy[order])),
        ids.view(pa.binary()).take(arrow_rows(rows.person[order])),
        pa.array(suffixes, pa.binary()).take(arrow_rows(suffix_of[order])),
    )
    texts = pc.binary_join_element_wise(*parts, b"").to_pylist()
    digests = np.frombuffer(b"".join([sha256(text).digest() for text in texts]), dtype=np.uint8)
    prefix_bytes = digests.reshape(-1, sha256().digest_size)[:, : _DIGITS // 2].tobytes()
    offsets = np.arange(len(order) + 1, dtype=np.int32) * _DIGITS
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(prefix_bytes.hex().encode())]
    return pa.Array.from_buffers(pa.string(), len(order), buffers)


def findings_about_objects(bound: BoundPolicies, evaluation: Evaluation) -> pa.RecordBatch:
    """Return the findings about everything except people, without guidance."""
    object_findings = [
        ((finding.policy, finding.check), _of_object(bound, finding)) for finding in evaluation.object_findings
    ]
    return encode(
        [finding for _, finding in sorted(object_findings, key=lambda item: (item[0], report_order(item[1])))]
    )


def _product(
    bound: BoundPolicies, product_key: int | str | None, seats: int | None
) -> tuple[ProductReference, Money | None]:
    """Return the product of findings, and the price of its seats; None if the findings are not about a seat."""
    if product_key is None:
        return _NO_PRODUCT, None
    if isinstance(product_key, str):
        return ProductReference(sku_id=None, sku_part_number=product_key), None
    sku = bound.facts.skus[product_key]
    money = None if seats is None else price_of_assigned(bound, sku, seats)
    return ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number), money


def _identity(product: ProductReference | None) -> str | None:
    if product is None or product is _NO_PRODUCT:
        return None
    return product.sku_id or f"written:{product.sku_part_number}"


def _of_object(bound: BoundPolicies, finding: ObjectFinding) -> Finding:
    """Return a finding that is not about a user."""
    policy = bound.policies[finding.policy]
    tenant = bound.facts.manifest.tenant_id or bound.facts.manifest.tenant
    product = finding.product
    subject = (finding.subject.type.value, finding.subject.id)
    waived = finding.waiver != OPEN
    return Finding(
        fingerprint=fingerprint(tenant, policy.id, finding.check, subject, _identity(product), finding.detail),
        policy=policy.id,
        check=finding.check,
        severity=policy.severity,
        status=Status.WAIVED if waived else unwaived_status(policy),
        waiver=bound.waivers[finding.waiver].id if waived else None,
        subject=finding.subject,
        product=product,
        detail=finding.detail,
        evidence=finding.evidence,
        money=finding.money,
        source=SourceLine(file=policy.span.file, line=policy.span.line),
    )
