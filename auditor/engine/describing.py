"""Columns of findings into findings with names, evidence and money: a second walk over those users that have any."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditor.domain.policy import Policy
from auditor.domain.result import Finding, Money, ProductReference, SourceLine, Subject
from auditor.domain.words import Status, SubjectType
from auditor.engine.outcome import OPEN, Chunk, Evaluation, Single, fingerprint
from auditor.engine.plan import Plan
from auditor.engine.quoting import Path, Person, people_of

_PRICED = frozenset({"assignment.not-allowed", "assignment.denied", "assignment.redundant"})
"""Checks whose finding costs a seat; a second path of one seat, or the way it was assigned, costs nothing."""


def describe(plan: Plan, evaluation: Evaluation) -> tuple[Finding, ...]:
    """Return the findings of a tenant in the order of reports."""
    people = people_of(plan, evaluation)
    found = [
        *(_single(plan, single) for single in evaluation.singles),
        *(finding for chunk in evaluation.chunks for finding in _chunk(plan, chunk, people)),
    ]
    return tuple(sorted(found, key=sort_key))


def sort_key(finding: Finding) -> tuple[int, str, str, str, str, str, str]:
    """Order findings by severity, policy, check, subject id, product and detail; the absent go first."""
    product = finding.product
    return (
        finding.severity.rank,
        finding.policy,
        finding.check,
        finding.subject.id,
        (product.sku_part_number or "") if product else "",
        (product.sku_id or "") if product else "",
        finding.detail or "",
    )


def _chunk(plan: Plan, chunk: Chunk, people: Mapping[int, Person]) -> Iterator[Finding]:
    policy, facts = plan.policies[chunk.policy], plan.facts
    tenant = facts.manifest.tenant_id or facts.manifest.tenant
    source = _source(policy)
    written = None if chunk.written is None else ProductReference(sku_id=None, sku_part_number=chunk.written)
    products = [ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number) for sku in facts.skus]
    priced = chunk.skus is not None and chunk.check in _PRICED
    prices = [_price(plan, sku) for sku in facts.skus] if priced else []
    skus = itertools.repeat(None) if chunk.skus is None else chunk.skus.tolist()
    for row, sku, detail, waiver in zip(
        chunk.rows.tolist(), skus, _details(chunk), chunk.waivers.tolist(), strict=False
    ):
        person = people[row]
        product = written if sku is None else products[sku]
        yield Finding(
            fingerprint=fingerprint(tenant, policy.id, chunk.check, ("user", person.id), _identity(product), detail),
            policy=policy.id,
            check=chunk.check,
            severity=policy.severity,
            status=Status.OPEN if waiver == OPEN else Status.WAIVED,
            waiver=None if waiver == OPEN else plan.waivers[waiver].id,
            subject=Subject(type=SubjectType.USER, id=person.id, name=person.name),
            product=product,
            detail=detail,
            evidence=_evidence(plan, person, sku),
            money=prices[sku] if priced and sku is not None else None,
            source=source,
        )


def _identity(product: ProductReference | None) -> str | None:
    return None if product is None else product.sku_id or f"written:{product.sku_part_number}"


def _single(plan: Plan, single: Single) -> Finding:
    policy = plan.policies[single.policy]
    tenant = plan.facts.manifest.tenant_id or plan.facts.manifest.tenant
    product = single.product
    subject = (single.subject.type.value, single.subject.id)
    return Finding(
        fingerprint=fingerprint(tenant, policy.id, single.check, subject, _identity(product), single.detail),
        policy=policy.id,
        check=single.check,
        severity=policy.severity,
        status=Status.OPEN if single.waiver == OPEN else Status.WAIVED,
        waiver=None if single.waiver == OPEN else plan.waivers[single.waiver].id,
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


def _evidence(plan: Plan, person: Person, sku: int | None) -> dict[str, Any]:
    """Quote the user's facts, everything they hold, and the paths of the SKU in question."""
    evidence = {"userPrincipalName": person.principal, **person.facts, "assignedLicenses": list(person.held)}
    if sku is not None:
        evidence["paths"] = [_path(plan, path) for path in person.paths if path.sku == sku and path.state is not None]
    return evidence


def _path(plan: Plan, path: Path) -> dict[str, Any]:
    """Quote one way in which a SKU was assigned, with the name of the group where it was read."""
    quoted = {"assignedByGroup": path.group, "state": path.state, "error": path.error}
    name = None if path.group is None else plan.facts.group_names.get(path.group)
    return quoted if name is None else quoted | {"groupName": name}


def _price(plan: Plan, sku: Any) -> Money | None:
    prices = plan.facts.policies.prices
    price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
    return None if prices is None or price is None else Money(currency=prices.currency, per_month=price)


def _source(policy: Policy) -> SourceLine:
    return SourceLine(file=policy.span.file, line=policy.span.line)
