"""The checks of `purchases`, `subscriptions`, `health: {groups}` and `budget`: what a tenant owns."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from auditor.domain.enums import Source, SourceStatus, SubjectType
from auditor.domain.message import Message
from auditor.domain.policy import Budget, Purchases, Subscriptions
from auditor.domain.product_set import PAID_PRODUCTS, Builtin, ProductSet
from auditor.domain.result import Money, ProductReference, Subject, Subscription
from auditor.engine.binding import BoundPolicies
from auditor.engine.coverage import NotEvaluated, unread
from auditor.engine.outcome import AggregateOutcome, ObjectFinding
from auditor.engine.skus.masks import Mask, ProductMasks, nothing
from auditor.engine.tenant_facts import GroupFact, SkuFact
from auditor.snapshot.manifest import format_instant

_TRIAL = ProductSet(elements=(Builtin(name="trial"),), written="trial")
_READABLE = {SourceStatus.COMPLETE, SourceStatus.PARTIAL}


def judge_purchases(plan: BoundPolicies, place: int, block: Purchases) -> AggregateOutcome:
    """Judge every SKU of which the tenant owns usable seats, those of the whole company included."""
    facts = plan.facts
    doubt = NotEvaluated.of(unread(facts, Source.SUBSCRIBED_SKUS))
    if facts.status(Source.SUBSCRIBED_SKUS) not in _READABLE:
        return doubt.judged()
    findings: list[ObjectFinding] = []
    # Catalogue, policies and the trials among the SKUs are what masks are made of.
    masks = plan.masks.made(("purchases", id(block)), lambda: _violations(plan, block))
    concerned = np.logical_or.reduce([mask.maybe for mask in masks.values()])
    for number in np.flatnonzero(concerned).tolist():
        sku = facts.skus[number]
        if not sku.owned or (sku.usable is not None and sku.usable <= 0):
            continue
        verdicts = {check: _answer(mask, number) for check, mask in masks.items()}
        if None in verdicts.values():
            doubt.take(unread(facts, Source.SUBSCRIPTIONS) or _TRIAL_UNKNOWN)
        raised = [check for check, verdict in verdicts.items() if verdict]
        if raised and sku.usable is None:
            doubt.add(
                "subscribedSkus",
                Message("Graph gave no seat numbers for {part_number}", part_number=sku.part_number or sku.sku_id),
            )
        else:
            findings.extend(_purchase(plan, place, check, sku) for check in raised)
    return doubt.judged(findings)


def _violations(plan: BoundPolicies, block: Purchases) -> dict[str, Mask]:
    """Tell for each check of the block which SKUs violate it."""
    masks: dict[str, Mask] = {}
    if block.allow is not None or block.deny is not None:
        outside = nothing(plan.size) if block.allow is None else ~plan.masks.of(block.allow)
        inside = nothing(plan.size) if block.deny is None else plan.masks.of(block.deny)
        masks["purchase.not-allowed"] = outside | inside
    if block.trials:
        masks["purchase.trial"] = plan.masks.of(_TRIAL)
    if block.unknown:
        catalogue = plan.facts.catalogue
        strange = np.array([catalogue.product(sku.sku_id) is None for sku in plan.facts.skus], dtype=bool)
        masks["purchase.unknown"] = Mask(strange, np.zeros(plan.size, dtype=bool), sure=True)
    return masks


def _answer(mask: Mask, number: int) -> bool | None:
    return None if mask.unknown[number] else bool(mask.true[number])


def _purchase(plan: BoundPolicies, place: int, check: str, sku: SkuFact) -> ObjectFinding:
    evidence = {
        "appliesTo": sku.applies_to,
        "capabilityStatus": sku.capability_status,
        "enabled": sku.enabled,
        "warning": sku.warning,
        "consumed": sku.consumed,
        "usable": sku.usable,
    }
    return ObjectFinding(
        policy=place,
        check=check,
        subject=Subject(type=SubjectType.PRODUCT, id=sku.sku_id, name=plan.facts.title(sku)),
        product=_reference(sku),
        evidence=evidence,
        money=_priced(plan, sku, sku.usable or 0),
    )


def judge_subscriptions(plan: BoundPolicies, place: int, block: Subscriptions) -> AggregateOutcome:
    """Judge every subscription of the set by its state and its next lifecycle date."""
    facts = plan.facts
    doubt = NotEvaluated.of(unread(facts, Source.SUBSCRIPTIONS))
    if facts.status(Source.SUBSCRIPTIONS) not in _READABLE:
        return doubt.judged()
    mask = plan.masks.of(block.of)
    denied = {state.casefold() for state in block.states}
    findings: list[ObjectFinding] = []
    for row in facts.subscriptions:
        number = facts.index.get(row["skuId"] or "")
        sku = sku_of(plan, row)
        if number is not None and sku.owned:
            included, open_ = bool(mask.true[number]), bool(mask.unknown[number])
        else:
            outside = ProductMasks(facts, (sku,)).of(block.of)
            included, open_ = bool(outside.true[0]), bool(outside.unknown[0])
        raised = list(_subscription_checks(plan, block, row, denied))
        if _may_be_a_trial(plan, block, row) and (included or open_):
            doubt.add(
                "subscriptions.isTrial",
                Message("whether the subscription {row} is a trial is not known", row=row["id"]),
            )
        if raised and open_:
            doubt.add("subscribedSkus", Message("whether a subscription's SKU is in the set is not known"))
        elif raised and included:
            findings.extend(_subscription(plan, place, check, detail, row, sku) for check, detail in raised)
    return doubt.judged(findings)


def dated_subscriptions(plan: BoundPolicies) -> tuple[Subscription, ...]:
    """Return the subscriptions that have a next date, in order of id; none where they were not read."""
    if plan.facts.status(Source.SUBSCRIPTIONS) not in _READABLE:
        return ()
    return tuple(_dated(plan, row) for row in plan.facts.subscriptions if row["nextLifecycleDateTime"] is not None)


def _dated(plan: BoundPolicies, row: Mapping[str, Any]) -> Subscription:
    sku = sku_of(plan, row)
    return Subscription(
        id=row["id"],
        sku_id=sku.sku_id,
        sku_part_number=sku.part_number or "",
        name=plan.facts.title(sku),
        status=row["status"],
        is_trial=row["isTrial"],
        total_licenses=row["totalLicenses"],
        next_lifecycle_date_time=row["nextLifecycleDateTime"],
    )


def sku_of(plan: BoundPolicies, row: Mapping[str, Any]) -> SkuFact:
    """Return the SKU of a subscription; one that the tenant no longer shows is told by the subscription itself."""
    return plan.facts.described(row["skuId"] or "", row["skuPartNumber"])


def _subscription_checks(
    plan: BoundPolicies, block: Subscriptions, row: Mapping[str, Any], denied: set[str]
) -> Iterator[tuple[str, str | None]]:
    status = row["status"]
    if status is not None and status.casefold() in denied:
        yield "subscription.state", str(status)
    if block.expiring is not None and _ends_before(plan, row, block.expiring):
        yield "subscription.expiring", None
    if block.trials_ending is not None and row["isTrial"] and _ends_before(plan, row, block.trials_ending):
        yield "subscription.trial-ending", None


def _may_be_a_trial(plan: BoundPolicies, block: Subscriptions, row: Mapping[str, Any]) -> bool:
    """Whether only `isTrial`, which Graph left out, decides about a finding."""
    return block.trials_ending is not None and row["isTrial"] is None and _ends_before(plan, row, block.trials_ending)


def _ends_before(plan: BoundPolicies, row: Mapping[str, Any], within: timedelta) -> bool:
    ends = row["nextLifecycleDateTime"]
    alive = (row["status"] or "").casefold() in {"enabled", "warning"}
    return alive and ends is not None and bool(ends < plan.facts.as_of + within)


def _subscription(
    plan: BoundPolicies, place: int, check: str, detail: str | None, row: Mapping[str, Any], sku: SkuFact
) -> ObjectFinding:
    ends = row["nextLifecycleDateTime"]
    evidence = {
        "status": row["status"],
        "isTrial": row["isTrial"],
        "totalLicenses": row["totalLicenses"],
        "nextLifecycleDateTime": None if ends is None else format_instant(ends),
        "commerceSubscriptionId": row["commerceSubscriptionId"],
        "ownerTenantId": row["ownerTenantId"],
        "consumed": sku.consumed,
        "spare": sku.spare,
    }
    return ObjectFinding(
        policy=place,
        check=check,
        subject=Subject(type=SubjectType.SUBSCRIPTION, id=row["id"], name=plan.facts.title(sku)),
        product=_reference(sku),
        detail=detail,
        evidence=evidence,
    )


def judge_groups(plan: BoundPolicies, place: int) -> AggregateOutcome:
    """Judge every licensed group by its members in error and its processing state."""
    facts = plan.facts
    doubt = NotEvaluated.of(unread(facts, Source.GROUPS))
    asked = facts.coverage(Source.GROUPS).asked
    if facts.status(Source.GROUPS) not in _READABLE:
        return doubt.judged()
    # Other programs need not say what they asked of groups: a list that was read holds the licensed ones.
    if asked and "hasMembersWithLicenseErrors" not in asked:
        doubt.add(
            "groups.hasMembersWithLicenseErrors",
            Message("the licensed groups were not listed; collect the snapshot again"),
        )
        return doubt.judged()
    findings: list[ObjectFinding] = []
    for group in facts.groups:
        if not group.sku_ids:
            continue
        if group.has_errors is None:
            doubt.add(
                "groups.hasMembersWithLicenseErrors",
                Message("whether the group {id} has errors was not read", id=group.id),
            )
        findings.extend(_group(plan, place, group))
    return doubt.judged(findings)


def _group(plan: BoundPolicies, place: int, group: GroupFact) -> Iterator[ObjectFinding]:
    processed = group.processing_state is None or group.processing_state.casefold() == "processingcomplete"
    if processed and not group.has_errors:
        return
    subject = Subject(type=SubjectType.GROUP, id=group.id, name=group.name)
    evidence = {
        "licenseProcessingState": group.processing_state,
        "hasMembersWithLicenseErrors": group.has_errors,
        "assignedLicenses": [_part_number(plan, sku_id) for sku_id in group.sku_ids],
    }
    if group.has_errors:
        yield ObjectFinding(policy=place, check="group.license-errors", subject=subject, evidence=evidence)
    if not processed:
        detail = group.processing_state
        yield ObjectFinding(policy=place, check="group.processing", subject=subject, detail=detail, evidence=evidence)


def judge_budget(plan: BoundPolicies, place: int, block: Budget) -> AggregateOutcome:
    """Hold the monthly cost of all usable seats against the limit; unknown prices make it a lower bound."""
    facts, prices = plan.facts, plan.facts.policies.prices
    doubt = NotEvaluated.of(unread(facts, Source.SUBSCRIBED_SKUS))
    if facts.status(Source.SUBSCRIBED_SKUS) not in _READABLE:
        return doubt.judged()
    total = Decimal(0)
    unpriced: list[str] = []
    paid = plan.masks.of(PAID_PRODUCTS)
    if prices is None:
        if any(paid.maybe[number] and sku.owned and sku.usable != 0 for number, sku in enumerate(facts.skus)):
            doubt.add("prices", Message("no file gives prices; add `prices:` to the policies"))
        return doubt.judged()
    for number, sku in enumerate(facts.skus):
        if not sku.owned or sku.usable == 0:
            continue
        price = prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
        if price is not None and sku.usable is not None:
            total += price * sku.usable
        elif not (price is None and not paid.true[number] and not paid.unknown[number]):
            unpriced.append(sku.part_number or sku.sku_id)
    if total <= block.limit:
        if unpriced:
            sums = {"total": total, "currency": prices.currency, "limit": block.limit, "unpriced": ", ".join(unpriced)}
            doubt.add("prices", Message("at least {total} {currency} of {limit}; no price for {unpriced}", **sums))
        return doubt.judged()
    evidence = {
        "total": _number(total),
        "limit": _number(block.limit),
        "lowerBound": bool(unpriced),
        "unpriced": unpriced,
    }
    manifest = facts.manifest
    subject = Subject(
        type=SubjectType.TENANT, id=manifest.tenant_id or manifest.tenant, name=manifest.display_name or manifest.tenant
    )
    finding = ObjectFinding(
        policy=place,
        check="budget.exceeded",
        subject=subject,
        detail=prices.currency,
        evidence=evidence,
        money=Money(currency=prices.currency, per_month=total - block.limit),
    )
    return doubt.judged([finding])


def _reference(sku: SkuFact) -> ProductReference:
    return ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number)


def _part_number(plan: BoundPolicies, sku_id: str) -> str:
    place = plan.facts.index.get(sku_id)
    product = plan.facts.catalogue.product(sku_id)
    known = plan.facts.skus[place].part_number if place is not None else product.part_number if product else None
    return known or sku_id


def _priced(plan: BoundPolicies, sku: SkuFact, seats: int) -> Money | None:
    prices = plan.facts.policies.prices
    price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
    return None if prices is None or price is None else Money(currency=prices.currency, per_month=price * seats)


def _number(amount: Decimal) -> float:
    return float(round(amount, 2))


_TRIAL_UNKNOWN = NotEvaluated(
    missing=["subscriptions"], reasons=[Message("whether every subscription of a SKU is a trial is not known")]
)
