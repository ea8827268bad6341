"""Columns of findings into findings with names, evidence and money: a second walk over those users that have any."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from auditor.domain.policy import Policy
from auditor.domain.result import Finding, Money, ProductReference, SourceLine, Subject
from auditor.domain.words import Status, SubjectType
from auditor.engine.bitsets import distinct
from auditor.engine.outcome import OPEN, Chunk, Evaluation, Single, fingerprint
from auditor.engine.plan import Plan
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import SIGN_IN_COLUMNS

_FACTS = (
    "accountEnabled",
    "userType",
    "department",
    "usageLocation",
    "createdDateTime",
    "onPremisesSyncEnabled",
    "mailboxType",
    *SIGN_IN_COLUMNS,
)
_PRICED = frozenset({"assignment.not-allowed", "assignment.denied", "assignment.redundant"})
"""Checks whose finding costs a seat; a second path of one seat, or the way it was assigned, costs nothing."""


def describe(plan: Plan, evaluation: Evaluation) -> tuple[Finding, ...]:
    """Return the findings of a tenant in the order of reports."""
    people = _people(plan, evaluation)
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


class Person:
    """What a finding quotes of a user."""

    __slots__ = ("assignments", "facts", "id", "name", "principal")

    def __init__(self, row: Mapping[str, Any], assignments: list[dict[str, Any]]) -> None:
        self.id: str = row["id"]
        self.principal: str | None = row.get("userPrincipalName")
        self.name: str = row.get("displayName") or self.principal or self.id
        self.assignments = assignments
        self.facts = {name: _plain(row[name]) for name in _FACTS if row.get(name) is not None}


def _people(plan: Plan, evaluation: Evaluation) -> dict[int, Person]:
    """Read what is quoted of every user with a finding."""
    if not evaluation.chunks:
        return {}
    rows = distinct(np.concatenate([chunk.rows for chunk in evaluation.chunks]))
    people: dict[int, Person] = {}
    for batch in plan.facts.snapshot.batches(("id", "displayName", "userPrincipalName", *_FACTS), None):
        start, end = np.searchsorted(rows, [batch.offset, batch.offset + batch.users.num_rows])
        if start < end:
            people.update(_batch_people(plan, batch, rows[start:end] - batch.offset))
    return people


def _batch_people(plan: Plan, batch: UserBatch, rows: Any) -> Iterator[tuple[int, Person]]:
    links = batch.assignments
    owners = links.column("user").to_numpy() - batch.offset
    chosen = np.nonzero(np.isin(owners, rows))[0]
    assignments: dict[int, list[dict[str, Any]]] = {}
    for row in links.take(chosen).select(["user", "skuId", "held", "state", "assignedByGroup", "error"]).to_pylist():
        place = plan.facts.index[row["skuId"].lower()]
        assignments.setdefault(row["user"], []).append(
            {
                "sku": place,
                "held": row["held"],
                "state": row["state"],
                "group": row["assignedByGroup"],
                "error": row["error"],
            }
        )
    for row, user in zip(rows, batch.users.take(rows).to_pylist(), strict=True):
        number = int(row) + batch.offset
        yield number, Person(user, assignments.get(number, []))


def _chunk(plan: Plan, chunk: Chunk, people: Mapping[int, Person]) -> Iterator[Finding]:
    policy = plan.policies[chunk.policy]
    tenant = plan.facts.manifest.tenant_id or plan.facts.manifest.tenant
    skus = plan.facts.skus
    for place in range(len(chunk)):
        person = people[int(chunk.rows[place])]
        sku = None if chunk.skus is None else int(chunk.skus[place])
        detail = _detail(chunk, place)
        product = _product(plan, chunk, sku)
        identity = None if product is None else product.sku_id or f"written:{product.sku_part_number}"
        waiver = int(chunk.waivers[place])
        yield Finding(
            fingerprint=fingerprint(tenant, policy.id, chunk.check, ("user", person.id), identity, detail),
            policy=policy.id,
            check=chunk.check,
            severity=policy.severity,
            status=Status.OPEN if waiver == OPEN else Status.WAIVED,
            waiver=None if waiver == OPEN else plan.waivers[waiver].id,
            subject=Subject(type=SubjectType.USER, id=person.id, name=person.name),
            product=product,
            detail=detail,
            evidence=_evidence(plan, person, sku),
            money=None if sku is None or chunk.check not in _PRICED else _price(plan, skus[sku]),
            source=_source(policy),
        )


def _single(plan: Plan, single: Single) -> Finding:
    policy = plan.policies[single.policy]
    tenant = plan.facts.manifest.tenant_id or plan.facts.manifest.tenant
    product = single.product
    identity = None if product is None else product.sku_id or f"written:{product.sku_part_number}"
    subject = (single.subject.type.value, single.subject.id)
    return Finding(
        fingerprint=fingerprint(tenant, policy.id, single.check, subject, identity, single.detail),
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


def _product(plan: Plan, chunk: Chunk, sku: int | None) -> ProductReference | None:
    if sku is not None:
        fact = plan.facts.skus[sku]
        return ProductReference(sku_id=fact.sku_id, sku_part_number=fact.part_number)
    return None if chunk.written is None else ProductReference(sku_id=None, sku_part_number=chunk.written)


def _detail(chunk: Chunk, place: int) -> str | None:
    if chunk.detail_codes is not None:
        return chunk.details[int(chunk.detail_codes[place])]
    return chunk.details[0] if chunk.details else None


def _evidence(plan: Plan, person: Person, sku: int | None) -> dict[str, Any]:
    """Quote the user's facts, everything they hold, and the paths of the SKU in question."""
    skus = plan.facts.skus
    held = sorted(
        {skus[item["sku"]].part_number or skus[item["sku"]].sku_id for item in person.assignments if item["held"]}
    )
    evidence: dict[str, Any] = {"userPrincipalName": person.principal, **person.facts, "assignedLicenses": held}
    if sku is not None:
        evidence["paths"] = [
            _path(plan, item) for item in person.assignments if item["sku"] == sku and item["state"] is not None
        ]
    return evidence


def _path(plan: Plan, item: dict[str, Any]) -> dict[str, Any]:
    """Quote one way in which a SKU was assigned, with the name of the group where it was read."""
    quoted = {"assignedByGroup": item["group"], "state": item["state"], "error": item["error"]}
    name = None if item["group"] is None else plan.facts.group_names.get(item["group"])
    return quoted if name is None else quoted | {"groupName": name}


def _price(plan: Plan, sku: Any) -> Money | None:
    prices = plan.facts.policies.prices
    price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
    return None if prices is None or price is None else Money(currency=prices.currency, per_month=price)


def _source(policy: Policy) -> SourceLine:
    return SourceLine(file=policy.span.file, line=policy.span.line)


def _plain(value: Any) -> Any:
    return format_instant(value) if hasattr(value, "astimezone") else value
