"""Columns of findings into findings with names, evidence and money: a second walk over those users that have any."""

import itertools
from collections.abc import Iterable, Iterator, Mapping

from auditor.domain.making import drafts
from auditor.domain.policy import Policy
from auditor.domain.result import Finding, Money, ProductReference, SourceLine
from auditor.domain.words import Status, SubjectType
from auditor.engine.facts import SkuFact
from auditor.engine.outcome import OPEN, Chunk, Evaluation, Fingerprint, Single, fingerprint
from auditor.engine.plan import Plan
from auditor.engine.quoting import Person, people_of

_PRICED = frozenset({"assignment.not-allowed", "assignment.denied", "assignment.redundant"})
"""Checks whose finding costs a seat; a second path of one seat, or the way it was assigned, costs nothing."""


def describe(plan: Plan, evaluation: Evaluation) -> tuple[Finding, ...]:
    """Return the findings of a tenant in the order of reports."""
    people = people_of(plan, evaluation)
    # Policies stand in the order of findings, so that only what one check of one policy found has to be put in order.
    found: dict[tuple[int, str], list[Finding]] = {}
    for single in evaluation.singles:
        found.setdefault((single.policy, single.check), []).append(_single(plan, single))
    for chunk in evaluation.chunks:
        found.setdefault((chunk.policy, chunk.check), []).extend(_chunk(plan, chunk, people))
    return tuple(itertools.chain.from_iterable(sorted(found[key], key=_within) for key in sorted(found)))


def _within(finding: Finding) -> tuple[str, str, str, str]:
    """Order findings of one check by subject id, product and detail; the absent go first."""
    product = finding.product
    if product is None:
        return (finding.subject.id, "", "", finding.detail or "")
    return (finding.subject.id, product.sku_part_number or "", product.sku_id or "", finding.detail or "")


def _chunk(plan: Plan, chunk: Chunk, people: Mapping[int, Person]) -> Iterator[Finding]:
    policy, facts, draft = plan.policies[chunk.policy], plan.facts, drafts(Finding)
    tenant = facts.manifest.tenant_id or facts.manifest.tenant
    told = (policy.id, chunk.check, policy.severity, _source(policy))
    begun = Fingerprint(tenant, policy.id, chunk.check, SubjectType.USER.value)
    products = _products(plan, chunk)
    standings = {place: _standing(plan, place) for place in set(chunk.waivers.tolist())}
    skus = itertools.repeat(None) if chunk.skus is None else chunk.skus.tolist()
    for row, sku, detail, waived in zip(
        chunk.rows.tolist(), skus, _details(chunk), chunk.waivers.tolist(), strict=False
    ):
        person = people[row]
        finding = draft()
        finding.product, identity, finding.money = products[sku]
        finding.fingerprint = begun.of(person.subject.id, identity, detail)
        finding.policy, finding.check, finding.severity, finding.source = told
        finding.status, finding.waiver = standings[waived]
        finding.subject = person.subject
        finding.detail = detail
        finding.evidence = person.evidence if sku is None else person.about(sku)
        finding.change, finding.guidance = None, ""
        finding.__class__ = Finding
        yield finding


def _products(plan: Plan, chunk: Chunk) -> dict[int | None, tuple[ProductReference | None, str | None, Money | None]]:
    """Return the products that findings are about by their places, each with its identity and its price."""
    written = None if chunk.written is None else ProductReference(sku_id=None, sku_part_number=chunk.written)
    found: dict[int | None, tuple[ProductReference | None, str | None, Money | None]] = {}
    found[None] = written, _identity(written), None
    for place in () if chunk.skus is None else set(chunk.skus.tolist()):
        sku = plan.facts.skus[place]
        product = ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number)
        found[place] = product, _identity(product), _price(plan, sku) if chunk.check in _PRICED else None
    return found


def _standing(plan: Plan, waiver: int) -> tuple[Status, str | None]:
    """Tell whether findings with that waiver are open, and the waiver's id."""
    return (Status.OPEN, None) if waiver == OPEN else (Status.WAIVED, plan.waivers[waiver].id)


def _identity(product: ProductReference | None) -> str | None:
    return None if product is None else product.sku_id or f"written:{product.sku_part_number}"


def _single(plan: Plan, single: Single) -> Finding:
    policy = plan.policies[single.policy]
    tenant = plan.facts.manifest.tenant_id or plan.facts.manifest.tenant
    product = single.product
    subject = (single.subject.type.value, single.subject.id)
    status, waiver = _standing(plan, single.waiver)
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


def _details(chunk: Chunk) -> Iterable[str | None]:
    if chunk.detail_codes is not None:
        return [chunk.details[code] for code in chunk.detail_codes.tolist()]
    return [chunk.details[0] if chunk.details else None] * len(chunk)


def _price(plan: Plan, sku: SkuFact) -> Money | None:
    prices = plan.facts.policies.prices
    price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
    return None if prices is None or price is None else Money(currency=prices.currency, per_month=price)


def _source(policy: Policy) -> SourceLine:
    return SourceLine(file=policy.span.file, line=policy.span.line)
