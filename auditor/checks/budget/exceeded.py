"""The usable seats of a tenant cost more a month than the policy allows."""

from collections.abc import Iterator
from decimal import Decimal

from auditor.checks.check import Check, Cost, Detail, ObjectAction
from auditor.checks.owned_products import owned_product_extent
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.message import Message
from auditor.domain.money import Money, rounded
from auditor.domain.policy.model import Budget
from auditor.domain.policy.product_set import PAID_PRODUCTS
from auditor.domain.result.finding import Finding, Subject
from auditor.domain.translation import N_
from auditor.engine.not_evaluated import unread_source
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope
from auditor.engine.tenant_facts import SkuFact
from auditor.guidance.routing import Situation


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    money = finding.money
    return ObjectAction(ActionKind.BUDGET, text="" if money is None else str(money))


def _evaluate(scope: TenantScope, block: Budget) -> Iterator[ObjectFinding]:
    """Compare the monthly cost of all usable seats with the limit.

    With unknown prices, or products that were not read, the cost is a lower bound.
    """
    facts, prices = scope.facts, scope.bound.prices
    unread = unread_source(facts, Source.SUBSCRIBED_SKUS)
    total = Decimal(0)
    unpriced: list[SkuFact] = []
    unnumbered: list[str] = []
    may_be_paid = scope.bound.masks.of(PAID_PRODUCTS).maybe
    owned = [(sku, may_be_paid[index]) for index, sku in enumerate(facts.skus) if sku.owned and sku.usable != 0]
    if prices is None:
        scope.unknown.add_all(unread)
        if any(paid for _, paid in owned):
            scope.unknown.add("prices", Message("no file has prices; add `prices:` to the policies"))
        return
    for sku, paid in owned:
        price = prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
        if price is None:
            unpriced += [sku] if paid else []
        elif sku.usable is None:
            unnumbered.append(sku.label)
        else:
            total += price * sku.usable
    if total <= block.limit:
        scope.unknown.add_all(unread)
        for label in unnumbered:
            scope.seats_unknown(label)
        if unpriced:
            reason = Message(
                "the seats cost at least {total} a month, the limit is {limit}; no price for {unpriced}",
                total=Money(currency=prices.currency, per_month=total),
                limit=Money(currency=prices.currency, per_month=block.limit),
                unpriced=", ".join(sorted(map(facts.title, unpriced), key=str.casefold)),
            )
            scope.unknown.add("prices", reason)
        return
    evidence = {
        "total": float(rounded(total)),
        "limit": float(rounded(block.limit)),
        "lowerBound": bool(unpriced or unnumbered) or unread is not None,
        "unpriced": [sku.label for sku in unpriced],
    }
    yield scope.finding(
        _subject(scope),
        detail=prices.currency,
        evidence=evidence,
        money=Money(currency=prices.currency, per_month=total - block.limit),
    )


def _subject(scope: TenantScope) -> Subject:
    manifest = scope.facts.manifest
    return Subject(
        type=SubjectType.TENANT,
        id=manifest.tenant_id or manifest.tenant,
        name=manifest.display_name or manifest.tenant,
    )


CHECK = Check(
    id="budget.exceeded",
    name=N_("budget exceeded"),
    explanation=N_("The seats of a tenant cost more a month than the policy allows."),
    block=Budget,
    key="budget: {limit}",
    subject=SubjectType.TENANT,
    once_per=N_("tenant"),
    is_enabled=lambda _: True,
    evaluate_tenant=_evaluate,
    extent=owned_product_extent,
    detail=Detail.CURRENCY,
    cost=Cost.TOTAL,
    routes=lambda _: ("reduce-cost", "remove-licenses"),
    action=_action,
)
