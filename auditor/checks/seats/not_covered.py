"""More people of the population need a seat than the products of the set have usable seats."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import numpy as np
from msgspec.structs import replace

from auditor.checks.check import Cost, ObjectAction, SeatBalance, seats_to_adjust
from auditor.checks.seats.stock import (
    SeatCheck,
    Stock,
    narrowest_product,
    pool_of,
    seat_finding,
    selected_skus,
    with_unknown_seats,
)
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Outcome, Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.policy.model import Policy, Seats
from auditor.domain.result.finding import Finding
from auditor.domain.result.seat_usage import SeatCoverage
from auditor.domain.translation import N_
from auditor.engine.not_evaluated import unread_source
from auditor.engine.outcome import Evaluation, HolderCount, ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.unknowns import missing_facts
from auditor.engine.scope import Scope, TenantScope, price_of
from auditor.engine.tenant_facts import SkuFact
from auditor.guidance.routing import Situation, purchase_channel

NOT_COVERED: Final = "seats.not-covered"
MISSING_PRODUCT: Final = "missingProduct"
"""The key of the evidence about the product of which seats are missing."""


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    sku_id, _ = missing_product(finding)
    return ObjectAction(ActionKind.COVER, abs(seats_to_adjust(finding) or 0), product=sku_id)


def missing_product(finding: Finding) -> tuple[str, Collection[str]]:
    """Return the skuId of the product to buy, and the ids of the other policies for which its seats count too."""
    product = finding.evidence.get(MISSING_PRODUCT)
    if not isinstance(product, Mapping):
        return "", ()
    policies = product.get("countsFor")
    return str(product.get("skuId") or ""), policies if isinstance(policies, list | tuple) else ()


def _count(scope: Scope, _block: Seats) -> HolderCount:
    """Count the people of the population, regardless of what they hold."""
    population = scope.population
    return HolderCount(
        certain=np.array([np.count_nonzero(population.true)]), possible=np.array([np.count_nonzero(population.maybe)])
    )


def _evaluate(scope: TenantScope, block: Seats) -> Iterator[ObjectFinding]:
    skus = selected_skus(scope, block)
    if skus is None or scope.facts.status(Source.SUBSCRIBED_SKUS) is not SourceStatus.COMPLETE:
        return  # the seats that were not read may be sufficient
    users_unread = unread_source(scope.facts, Source.USERS)
    certain, possible = (0, 0) if scope.holders is None else scope.holders.at(0)
    certain_pool = pool_of(scope.facts, block.of, skus.certain)
    lowest = certain_pool.usable(block)
    highest = pool_of(scope.facts, block.of, [*skus.certain, *skus.possible]).usable(block)
    stock = certain_pool if lowest == highest else with_unknown_seats(certain_pool)
    if highest is not None and certain > highest:
        yield _finding(scope, block, stock, certain)
    elif users_unread is not None:
        scope.unknown.add_all(users_unread)
    elif possible > (lowest or 0):
        if lowest is None:
            scope.seats_unknown(stock.label)
        elif lowest != highest:
            scope.membership_unknown()
        if certain != possible:
            reason = Message("for some users, it is not known whether they belong to the population")
            scope.unknown.add_all(missing_facts(scope.bound, scope.policy, otherwise=reason))


def _finding(scope: TenantScope, block: Seats, stock: Stock, needed: int) -> ObjectFinding:
    """Return the finding with the product to buy and the price of the missing seats, if they are known."""
    usable = stock.usable(block)
    missing = None if usable is None else needed - usable
    evidence: dict[str, Any] = {"needed": needed, "adjust": missing}
    product = narrowest_product(scope.bound, block.of)
    if product is None:
        return seat_finding(scope, block, stock, evidence, None)
    name = scope.facts.title(product)
    evidence[MISSING_PRODUCT] = {"skuId": product.sku_id, "skuPartNumber": product.part_number, "name": name}
    if others := [policy.id for policy in scope.bound.policies if _counts(scope, policy, product)]:
        evidence[MISSING_PRODUCT]["countsFor"] = others
    money = None if missing is None else price_of(scope.bound, product, missing)
    if money is not None:
        evidence[MISSING_PRODUCT] |= {"costPerMonth": float(money.per_month), "currency": money.currency}
    finding = seat_finding(scope, block, stock, evidence, None)
    return replace(finding, subject=replace(finding.subject, name=name), money=money)


def _counts(scope: TenantScope, policy: Policy, product: SkuFact) -> bool:
    """Return whether seats of a product certainly count for another policy with `covers`."""
    block = policy.constraint
    if policy is scope.policy or not isinstance(block, Seats) or not block.covers:
        return False
    return bool(scope.bound.contains(block.of, product).true[0])


def seat_coverage(bound: BoundPolicies, evaluation: Evaluation) -> tuple[SeatCoverage, ...] | None:
    """Return a row for each `covers` policy that was evaluated, matches people and is not report-only; None if none."""
    rows: list[SeatCoverage] = []
    evaluated = {outcome.id for outcome in evaluation.outcomes if outcome.status is not Outcome.NOT_EVALUATED}
    for index, policy in enumerate(bound.policies):
        if policy.report_only:
            continue
        block, count = policy.constraint, evaluation.tallies.get(index)
        if not isinstance(block, Seats) or not block.covers or policy.id not in evaluated or count is None:
            continue
        mask = bound.masks.of(block.of)
        pool = pool_of(bound.facts, block.of, [sku for sku in bound.facts.assignable if mask.true[sku]])
        (people, possible), usable = count.at(0), pool.usable(block)
        if people and usable is not None:
            missing = max(people - usable, 0)
            product = narrowest_product(bound, block.of) if missing else None
            row = SeatCoverage(
                policy=policy.id,
                people=people,
                unknown=possible - people,
                usable=usable,
                missing=missing,
                missing_cost=None if product is None else price_of(bound, product, missing),
            )
            rows.append(row)
    return tuple(rows) or None


CHECK = SeatCheck(
    id=NOT_COVERED,
    name=N_("more people than seats"),
    explanation=N_("More people need a licence than there are usable seats."),
    key="seats: {covers}",
    once_per=N_("pool of products"),
    is_enabled=lambda block: block.covers,
    count_holders=_count,
    evaluate_tenant=_evaluate,
    cost=Cost.MISSING,
    seat_balance=SeatBalance.TOO_FEW_SPARE,
    routes=lambda situation: ("licences-in-number", "buy-licenses", *purchase_channel(situation)),
    action=_action,
)
