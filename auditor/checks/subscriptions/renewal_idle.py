"""A subscription renews soon although its product has spare seats."""

from collections.abc import Iterator
from datetime import datetime

from auditor.checks.check import Cost, give_back
from auditor.checks.subscriptions.subscriptions import (
    Row,
    SubscriptionCheck,
    includes,
    renews_within,
    state_of,
    state_unknown,
    subscription_finding,
    term_of,
)
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.policy.model import Bound, Subscriptions
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope, price_of
from auditor.engine.tenant_facts import SkuFact
from auditor.guidance.routing import purchase_channel, trial


def _evaluate(scope: TenantScope, block: Subscriptions) -> Iterator[ObjectFinding]:
    time, minimum = block.expiring, block.idle
    if time is None or minimum is None or not scope.readable(Source.SUBSCRIBED_SKUS):
        return
    # The idle seats may belong to a subscription that was not read.
    if not scope.readable(Source.SUBSCRIPTIONS) or scope.facts.status(Source.SUBSCRIPTIONS) is SourceStatus.PARTIAL:
        return
    ending: dict[str, list[tuple[datetime, str, Row]]] = {}
    for row in scope.facts.subscriptions:
        if renews_within(scope, block, row, time) is not False:
            ending.setdefault(row["skuId"] or "", []).append((row["nextLifecycleDateTime"], row["id"], row))
    for rows in ending.values():
        yield from _of_product(scope, block, minimum, [row for _, _, row in sorted(rows, key=lambda item: item[:2])])


def _of_product(scope: TenantScope, block: Subscriptions, minimum: Bound, rows: list[Row]) -> Iterator[ObjectFinding]:
    """Attribute the idle seats of a SKU to its subscriptions, earliest first, each up to its number of seats."""
    members = [includes(scope.bound, row, block.of) for row in rows]
    if not any(included or unknown for included, unknown in members):
        return
    if not rows[0]["skuId"]:
        reason = Message(
            "it is not known to which product the subscription {row} belongs; collect again later", row=rows[0]["id"]
        )
        scope.unknown.add("subscriptions.skuId", reason)
        return
    sku = scope.facts.subscription_sku(rows[0])
    idle = _idle(scope, sku, minimum)
    idle_paid = max(0, idle - sku.trial)
    for row, (included, unknown) in zip(rows, members, strict=True):
        if idle <= 0:
            return
        seats = row["totalLicenses"]
        if state_of(row) is None:
            state_unknown(scope, row)
            return
        if seats is None:
            reason = Message("it is not known how many seats the subscription {row} has", row=row["id"])
            scope.unknown.add("subscriptions.totalLicenses", reason)
            return
        count, idle = min(idle, seats), idle - min(idle, seats)
        paid, idle_paid = (0, idle_paid) if row["isTrial"] else (min(idle_paid, count), max(0, idle_paid - count))
        if count and unknown:
            scope.unknown.add("subscribedSkus", Message("it is not known whether a subscription's SKU is in the set"))
        elif count and included:
            yield _finding(scope, block, row, count, paid)


def _idle(scope: TenantScope, sku: SkuFact, minimum: Bound) -> int:
    """Return the spare seats of a SKU; 0 if fewer than the minimum, or if unknown, with the reason recorded."""
    if not sku.is_for_people or (not sku.owned and scope.facts.status(Source.SUBSCRIBED_SKUS) is SourceStatus.COMPLETE):
        return 0
    if sku.usable is None or sku.spare is None:
        scope.seats_unknown(sku.label)
        return 0
    return sku.spare if sku.spare >= minimum.seats_of(sku.usable) else 0


def _finding(scope: TenantScope, block: Subscriptions, row: Row, count: int, paid: int) -> ObjectFinding:
    """Return a finding about idle seats of a subscription; `paid` of them are paid and also idle without trials."""
    sku = scope.facts.subscription_sku(row)
    day = max(row["nextLifecycleDateTime"].date(), scope.facts.as_of.date())
    prices = scope.bound.prices_on(day)
    price = None if prices is None else prices.dated(sku_id=sku.sku_id, part_number=sku.part_number)
    evidence = {"adjust": -count, **({} if price is None else scope.price_change(price))}
    if paid < count and not row["isTrial"]:
        evidence["neededAfterTrials"] = count - paid
    if block.except_monthly:
        evidence["term"] = term_of(scope, row)
    return subscription_finding(scope, row, evidence=evidence, money=price_of(scope.bound, sku, paid, day))


CHECK = SubscriptionCheck(
    id="subscription.renewal-idle",
    name=N_("renews with spare seats"),
    explanation=N_("A subscription reaches its next lifecycle date soon, and its product has spare seats."),
    key="subscriptions: {expiring: {idle}}",
    is_enabled=lambda block: block.expiring is not None and block.idle is not None,
    evaluate_tenant=_evaluate,
    cost=Cost.SEATS,
    routes=lambda situation: (*trial(situation), "remove-licenses", "recurring-billing", *purchase_channel(situation)),
    action=give_back,
)
