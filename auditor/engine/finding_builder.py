"""Columns of findings into findings with names, evidence and money: a second read of those users that have any."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Final

import numpy as np

from auditor.domain.enums import Status, SubjectType
from auditor.domain.errors import SnapshotError
from auditor.domain.finding import report_order
from auditor.domain.message import Message
from auditor.domain.policy import Policy
from auditor.domain.result import Finding, Money, ProductReference, SourceLine
from auditor.engine.binding import BoundPolicies
from auditor.engine.columns.bitsets import distinct
from auditor.engine.evidence import QUOTED, UserEvidence, chosen, quoted
from auditor.engine.outcome import (
    OPEN,
    BatchOutcome,
    Evaluation,
    FindingColumns,
    Fingerprint,
    ObjectFinding,
    Rows,
    fingerprint,
)
from auditor.engine.tenant_facts import SkuFact
from auditor.snapshot.model import UserBatch

_PEOPLE: Final = 8192
"""People whose findings are described together."""
Product = int | str | None
"""What a finding is about: the place of a SKU, the words of the policy, or nothing."""


def describe(
    bound: BoundPolicies, batches: Iterable[BatchOutcome], outcome: BatchOutcome
) -> Iterator[Sequence[Finding]]:
    """Yield the findings about people, group after group, and add what the batches say to `outcome`.

    A group holds all findings about some people in report order; the groups are in the order of users. `batches` has to
    hold one outcome for every batch of the snapshot, in their order. Raises SnapshotError where the snapshot cannot be
    read, or is no longer the one that was judged.
    """
    read: Iterator[UserBatch] | None = None
    for number, part in enumerate(batches):
        outcome.add(part)
        chunks, outcome.chunks = outcome.chunks, []
        if read is None and any(map(len, chunks)):
            read = islice(bound.facts.snapshot.batches(*QUOTED), number, None)
        if read is not None:
            yield from _described(bound, chunks, next(read, None))


def _described(
    bound: BoundPolicies, chunks: Sequence[FindingColumns], batch: UserBatch | None
) -> Iterator[list[Finding]]:
    """Describe what was found about the users of a batch."""
    if not chunks:
        return
    rows = distinct(np.concatenate([chunk.rows for chunk in chunks]))
    if batch is None or (len(rows) and not batch.offset <= rows[0] <= rows[-1] < batch.offset + batch.users.num_rows):
        raise SnapshotError(
            "snapshot-damaged",
            Message(
                "the snapshot of the tenant {tenant} changed while it was audited", tenant=bound.facts.manifest.tenant
            ),
            hint=Message("run the audit again when nothing writes to the snapshot"),
        )
    chunks = sorted(chunks, key=lambda chunk: (chunk.policy, chunk.check))
    for start in range(0, len(rows), _PEOPLE):
        some = rows[start : start + _PEOPLE]
        people = dict(zip(some.tolist(), quoted(bound, *chosen(batch, some), some), strict=True))
        found: list[Finding] = []
        for _, alike in groupby(chunks, key=lambda chunk: (chunk.policy, chunk.check)):
            own = [each for chunk in alike for each in _of_people(bound, chunk, people, some)]
            found += sorted(own, key=report_order)
        yield found


def _of_people(
    bound: BoundPolicies, chunk: FindingColumns, people: Mapping[int, UserEvidence], rows: Rows
) -> Iterator[Finding]:
    """Describe the findings of a chunk about some people."""
    first, end = np.searchsorted(chunk.rows, [rows[0], rows[-1] + 1]).tolist()
    if first == end:
        return
    policy, facts = bound.policies[chunk.policy], bound.facts
    tenant = facts.manifest.tenant_id or facts.manifest.tenant
    begun = Fingerprint(tenant, policy.id, chunk.check, SubjectType.USER.value)
    source, severity, check = _source(policy), policy.severity, chunk.check
    products = _Products(bound, check)
    waivers = chunk.waivers[first:end].tolist()
    states = {waiver: _standing(bound, waiver) for waiver in set(waivers)}
    skus: Iterable[Product] = itertools.repeat(chunk.written) if chunk.skus is None else chunk.skus[first:end].tolist()
    details = _details(chunk, first, end)
    for row, about, detail, waived in zip(chunk.rows[first:end].tolist(), skus, details, waivers, strict=False):
        person = people[row]
        product, identity, money = products[about]
        status, waiver = states[waived]
        yield Finding(
            fingerprint=begun.of(person.subject.id, identity, detail),
            policy=policy.id,
            check=check,
            severity=severity,
            status=status,
            subject=person.subject,
            source=source,
            waiver=waiver,
            product=product,
            detail=detail,
            evidence=person.about(about) if type(about) is int else person.evidence,
            money=money,
        )


def describe_objects(bound: BoundPolicies, evaluation: Evaluation) -> list[Finding]:
    """Describe what was found about everything but people, in report order."""
    singles = [((single.policy, single.check), _of_object(bound, single)) for single in evaluation.singles]
    return [finding for _, finding in sorted(singles, key=lambda item: (item[0], report_order(item[1])))]


class _Products(dict[Product, tuple[ProductReference | None, str | None, Money | None]]):
    """What findings of one check are about, each with its identity and its price; looked up when it is first named."""

    def __init__(self, bound: BoundPolicies, check: str) -> None:
        super().__init__({None: (None, None, None)})
        self._plan = bound
        self._priced = bound.rules.priced(check)

    def __missing__(self, about: int | str) -> tuple[ProductReference | None, str | None, Money | None]:
        """Look up a product that was not named yet."""
        price = None
        if isinstance(about, str):
            product = ProductReference(sku_id=None, sku_part_number=about)
        else:
            sku = self._plan.facts.skus[about]
            product = ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number)
            price = _price(self._plan, sku) if self._priced else None
        found = self[about] = product, _identity(product), price
        return found


def _standing(bound: BoundPolicies, waiver: int) -> tuple[Status, str | None]:
    """Tell whether findings with that waiver are open, and the waiver's id."""
    return (Status.OPEN, None) if waiver == OPEN else (Status.WAIVED, bound.waivers[waiver].id)


def _identity(product: ProductReference | None) -> str | None:
    return None if product is None else product.sku_id or f"written:{product.sku_part_number}"


def _of_object(bound: BoundPolicies, single: ObjectFinding) -> Finding:
    """Describe what is not about a user."""
    policy = bound.policies[single.policy]
    tenant = bound.facts.manifest.tenant_id or bound.facts.manifest.tenant
    product = single.product
    subject = (single.subject.type.value, single.subject.id)
    status, waiver = _standing(bound, single.waiver)
    return Finding(
        fingerprint=fingerprint(tenant, policy.id, single.check, subject, _identity(product), single.detail),
        policy=policy.id,
        check=single.check,
        severity=policy.severity,
        status=status,
        waiver=waiver,
        subject=single.subject,
        product=product,
        detail=single.detail,
        evidence=single.evidence,
        money=single.money,
        source=_source(policy),
    )


def _details(chunk: FindingColumns, first: int, end: int) -> Iterable[str | None]:
    if chunk.detail_codes is not None:
        return [chunk.details[code] for code in chunk.detail_codes[first:end].tolist()]
    return itertools.repeat(chunk.details[0] if chunk.details else None)


def _price(bound: BoundPolicies, sku: SkuFact) -> Money | None:
    prices = bound.facts.policies.prices
    price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
    return None if prices is None or price is None else Money(currency=prices.currency, per_month=price)


def _source(policy: Policy) -> SourceLine:
    return SourceLine(file=policy.span.file, line=policy.span.line)
