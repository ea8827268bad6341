"""More people of the population hold a product than the policy allows."""

from collections.abc import Iterator
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np

from auditor.checks.check import Cost, ObjectAction, SeatBalance
from auditor.checks.seats.spare_seats import breaches
from auditor.checks.seats.stock import (
    SeatCheck,
    SelectedSkus,
    Stock,
    pool_of,
    same_sum,
    seat_finding,
    selected_skus,
    stock_of,
    with_unknown_seats,
)
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source
from auditor.domain.message import Message
from auditor.domain.policy.model import Bound, Seats
from auditor.domain.result.finding import Finding
from auditor.domain.translation import N_
from auditor.engine.columns.bitsets import intersects, pairs
from auditor.engine.not_evaluated import unread_source
from auditor.engine.outcome import HolderCount, ObjectFinding
from auditor.engine.policy.binding import assignable
from auditor.engine.policy.unknowns import missing_facts
from auditor.engine.scope import Scope, TenantScope
from auditor.engine.skus.seat_bounds import beyond_quota
from auditor.guidance.routing import Situation, licence_removal, self_service


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    assigned, maximum, consumed = (int(finding.evidence.get(name) or 0) for name in ("assigned", "maximum", "consumed"))
    written = str(finding.evidence.get("bound") or "")
    quota = Bound(percent=Fraction(written.removesuffix("%"))) if written.endswith("%") else Bound(seats=maximum)
    return ObjectAction(ActionKind.QUOTA, beyond_quota(assigned, consumed, quota))


def _count(scope: Scope, block: Seats) -> HolderCount:
    """Count the holders of each SKU in the population; for a pool, count the distinct holders of the set."""
    bound, population, unread = scope.bound, scope.population, scope.unread
    held = scope.people.assignments.assigned_skus
    holdings_unread = scope.people.nobody if unread is None else unread & population.maybe
    mask = bound.masks.of(block.of)
    owned = assignable(bound)
    certain, possible = mask.true & owned, mask.maybe & owned
    readable = population.maybe if unread is None else population.maybe & ~unread
    if block.pool:
        certain_holders = intersects(held, certain) & scope.readable
        possible_holders = (intersects(held, possible) & population.maybe) | (holdings_unread & possible.any())
        return HolderCount(
            certain=np.array([np.count_nonzero(certain_holders)]),
            possible=np.array([np.count_nonzero(possible_holders)]),
        )
    certain_counts = np.bincount(pairs(held, certain, scope.readable)[1], minlength=bound.size)
    if mask.sure and population.sure:
        possible_counts = certain_counts
    else:
        possible_counts = np.bincount(pairs(held, possible, readable)[1], minlength=bound.size)
    return HolderCount(
        certain=certain_counts, possible=possible_counts + np.where(possible, np.count_nonzero(holdings_unread), 0)
    )


def _evaluate(scope: TenantScope, block: Seats) -> Iterator[ObjectFinding]:
    skus, holders = selected_skus(scope, block), scope.holders
    if skus is None:
        return
    count = len(skus.certain) + len(skus.possible)
    if block.pool:
        findings, count = list(_evaluate_pool(scope, block, skus)), min(count, 1)
    else:
        facts = scope.facts
        # A share of an unknown number of consumed units counts as 0.
        if holders is not None and any(
            holders.at(index)[1] > (_limit(block, facts.skus[index].consumed) or 0) for index in skus.possible
        ):
            scope.membership_unknown()
        findings = [found for index in skus.certain for found in _compare(scope, block, stock_of(facts, index))]
    yield from findings
    # Users who were not read change nothing where those who were read are already too many.
    if len(findings) < count:
        scope.unknown.add_all(unread_source(scope.facts, Source.USERS))


def _limit(block: Seats, consumed: int | None) -> int | None:
    """Return the quota in whole people; None for a share if Graph did not give the consumed units."""
    quota = block.quota
    if quota is None or (quota.percent and consumed is None):
        return None
    return floor(quota.seats_of(consumed or 0))


def _evaluate_pool(scope: TenantScope, block: Seats, skus: SelectedSkus) -> Iterator[ObjectFinding]:
    if not (skus.certain or skus.possible):
        return
    stock = pool_of(scope.facts, block.of, skus.certain)
    findings = list(_compare(scope, block, stock if same_sum(scope.facts, skus) else with_unknown_seats(stock)))
    yield from findings
    counted = 0 if scope.holders is None else scope.holders.at(0)[1]
    if skus.possible and not findings and not breaches(scope, block) and counted > (_limit(block, stock.consumed) or 0):
        scope.membership_unknown()


def _compare(scope: TenantScope, block: Seats, stock: Stock) -> Iterator[ObjectFinding]:
    if scope.holders is None:
        return
    certain, possible = scope.holders.at(0 if block.pool or not stock.skus else stock.skus[0])
    quota = _limit(block, stock.consumed)
    if quota is None:
        if possible:
            scope.seats_unknown(stock.label)
    elif certain > quota:
        evidence: dict[str, Any] = {"assigned": certain, "maximum": quota}
        if block.quota is not None and block.quota.written.endswith("%"):
            evidence["bound"] = block.quota.written
        # The seats of trials are assigned beyond the paid ones.
        paid = (stock.enabled or 0) + (stock.warning or 0) - stock.trial
        free = min(stock.trial, max(0, (stock.consumed or 0) - paid))
        over = certain - quota if block.quota is None else beyond_quota(certain, stock.consumed or 0, block.quota)
        yield seat_finding(scope, block, stock, evidence, max(0, over - free))
    elif possible > quota:
        reason = Message("for some users, it is not known whether they belong to the population, or have the product")
        scope.unknown.add_all(missing_facts(scope.bound, scope.policy, otherwise=reason))


CHECK = SeatCheck(
    id="seats.quota-exceeded",
    name=N_("quota exceeded"),
    explanation=N_("More people have a product than the policy allows."),
    key="seats: {assigned: {max}}",
    is_enabled=lambda block: block.quota is not None,
    properties=lambda _: ("assignedLicenses",),
    count_holders=_count,
    evaluate_tenant=_evaluate,
    cost=Cost.ASSIGNED_SEATS,
    seat_balance=SeatBalance.TOO_FEW_SPARE,
    routes=lambda situation: (*self_service(situation), *licence_removal(situation)),
    action=_action,
)
