"""Columns of findings into findings with names, evidence and money: a second walk over those users that have any."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from auditor.domain.enums import Status, SubjectType
from auditor.domain.making import drafts
from auditor.domain.policy import Policy
from auditor.domain.result import Finding, Money, ProductReference, SourceLine
from auditor.engine.binding import BoundPolicies
from auditor.engine.evidence import UserEvidence, people_of
from auditor.engine.outcome import OPEN, Evaluation, FindingColumns, Fingerprint, ObjectFinding, fingerprint
from auditor.engine.tenant_facts import SkuFact

Guide = Callable[[Finding], str]
"""Tells the article that mends a finding whose `guidance` is not filled in yet."""


def describe(plan: BoundPolicies, evaluation: Evaluation) -> tuple[Finding, ...]:
    """Return the findings of a tenant in the order of reports."""
    people = people_of(plan, evaluation)
    # Policies stand in the order of findings, so that only what one check of one policy found has to be put in order.
    found: dict[tuple[int, str], list[Finding]] = {}
    for single in evaluation.singles:
        found.setdefault((single.policy, single.check), []).append(of_thing(plan, single))
    for chunk in evaluation.chunks:
        products = itertools.repeat(chunk.written) if chunk.skus is None else chunk.skus.tolist()
        columns = (chunk.rows.tolist(), products, _details(chunk), chunk.waivers.tolist())
        found.setdefault((chunk.policy, chunk.check), []).extend(
            of_people(plan, (chunk.policy, chunk.check), people, columns)
        )
    return tuple(itertools.chain.from_iterable(sorted(found[key], key=in_order) for key in sorted(found)))


def in_order(finding: Finding) -> tuple[str, str, str, str]:
    """Order findings of one check by subject id, product and detail; the absent go first."""
    product = finding.product
    if product is None:
        return (finding.subject.id, "", "", finding.detail or "")
    return (finding.subject.id, product.sku_part_number or "", product.sku_id or "", finding.detail or "")


Product = int | str | None
"""What a finding is about: the place of a SKU, the words of the policy, or nothing."""
Columns = tuple[Iterable[int], Iterable[Product], Iterable[str | None], Sequence[int]]
"""Findings about people: the row of each, product, detail, and the place of the waiver or OPEN."""


def of_people(
    plan: BoundPolicies,
    key: tuple[int, str],
    people: Mapping[int, UserEvidence],
    columns: Columns,
    guide: Guide | None = None,
) -> Iterator[Finding]:
    """Describe what one check of one policy says of people; without a guide `guidance` stays empty."""
    place, check = key
    policy, facts, draft = plan.policies[place], plan.facts, drafts(Finding)
    tenant = facts.manifest.tenant_id or facts.manifest.tenant
    told = (policy.id, check, policy.severity, _source(policy))
    begun = Fingerprint(tenant, policy.id, check, SubjectType.USER.value)
    products = _Products(plan, check)
    standings = {waiver: _standing(plan, waiver) for waiver in set(columns[-1])}
    for row, about, detail, waived in zip(*columns, strict=False):
        person = people[row]
        finding = draft()
        finding.product, identity, finding.money = products[about]
        finding.fingerprint = begun.of(person.subject.id, identity, detail)
        finding.policy, finding.check, finding.severity, finding.source = told
        finding.status, finding.waiver = standings[waived]
        finding.subject = person.subject
        finding.detail = detail
        finding.evidence = person.about(about) if type(about) is int else person.evidence
        finding.change, finding.guidance = None, ""
        if guide is not None:
            finding.guidance = guide(finding)
        finding.__class__ = Finding
        yield finding


class _Products(dict[Product, tuple[ProductReference | None, str | None, Money | None]]):
    """What findings of one check are about, each with its identity and its price; looked up when it is first named."""

    def __init__(self, plan: BoundPolicies, check: str) -> None:
        super().__init__({None: (None, None, None)})
        self._plan = plan
        self._priced = plan.rules.priced(check)

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


def _standing(plan: BoundPolicies, waiver: int) -> tuple[Status, str | None]:
    """Tell whether findings with that waiver are open, and the waiver's id."""
    return (Status.OPEN, None) if waiver == OPEN else (Status.WAIVED, plan.waivers[waiver].id)


def _identity(product: ProductReference | None) -> str | None:
    return None if product is None else product.sku_id or f"written:{product.sku_part_number}"


def of_thing(plan: BoundPolicies, single: ObjectFinding) -> Finding:
    """Describe what is not about a user."""
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


def _details(chunk: FindingColumns) -> Iterable[str | None]:
    if chunk.detail_codes is not None:
        return [chunk.details[code] for code in chunk.detail_codes.tolist()]
    return [chunk.details[0] if chunk.details else None] * len(chunk)


def _price(plan: BoundPolicies, sku: SkuFact) -> Money | None:
    prices = plan.facts.policies.prices
    price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
    return None if prices is None or price is None else Money(currency=prices.currency, per_month=price)


def _source(policy: Policy) -> SourceLine:
    return SourceLine(file=policy.span.file, line=policy.span.line)
