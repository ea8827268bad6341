"""Computes the monthly money of a plan: cost of open findings, seats to reassign, seats to give back at the renewal."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from msgspec.structs import replace

from auditor.checks.check import removable_seats
from auditor.checks.seats.above_maximum import CHECK as ABOVE_MAXIMUM
from auditor.domain.enums import Status
from auditor.domain.policy.model import Seats
from auditor.domain.result.finding import Findings
from auditor.domain.result.model import TenantResult
from auditor.engine.policy.binding import BoundPolicies
from auditor.remedy.actions.money import over_assigned
from auditor.remedy.actions.remedies.targets import sku_of
from auditor.remedy.actions.subscription_terms import renewal_days
from auditor.remedy.planner.model import Figures
from auditor.remedy.planner.proposals.evaluation import EvaluatedProposal
from auditor.remedy.planner.proposals.product_options import seat_price


def compared_costs(
    before: TenantResult,
    after: TenantResult,
    proposals: Mapping[str, EvaluatedProposal],
    bound: BoundPolicies,
) -> tuple[tuple[Figures, ...], tuple[Figures, ...]]:
    """Return the figures before and after the plan, in the currency of the price list.

    The cost of open findings is the sum that all reports show. Seats to give back at the renewal are those that the
    plan frees, or that are idle beyond what policies allow after the plan.
    """
    prices = bound.prices
    if prices is None:
        return (), ()
    freed: Counter[str] = Counter()
    for evaluated in proposals.values():
        freed.update(evaluated.option.seats)
    reusable = Counter({sku: -change for sku, change in freed.items()})
    idle = _idle(after.findings)
    spare = {seat.sku_id: (seat.spare or 0) - (seat.trial or 0) for seat in after.seats}
    # Idle seats above a maximum include those that were freed; they are not counted twice.
    reducible = Counter(
        {sku: max(0, min(spare.get(sku, 0), max(idle[sku], reusable[sku]))) for sku in {*idle, *reusable}}
    )
    _keep_needed(reducible, after, bound)
    # Nothing is paid for seats that are assigned beyond the usable ones.
    now, now_priced = _priced(bound, reusable - over_assigned(before.seats))
    at_renewal, renewal_priced = _priced(bound, reducible, renewal_days(before, bound.facts.as_of.date()))
    (old, new), zero = (before.findings.stats, after.findings.stats), Decimal(0)
    figures_before = Figures(
        currency=prices.currency,
        exposure=old.money.get(prices.currency, zero),
        reassignable_now=now,
        reducible_at_renewal=at_renewal,
        lower_bound=old.unpriced or not (now_priced and renewal_priced),
    )
    figures_after = replace(
        figures_before,
        exposure=new.money.get(prices.currency, zero),
        reassignable_now=zero,
        lower_bound=new.unpriced or not renewal_priced,
    )
    return (figures_before,), (figures_after,)


def _idle(findings: Findings) -> Counter[str]:
    """Return the seats to remove per product; if there are several open findings about one, the largest number."""
    idle: Counter[str] = Counter()
    for finding in findings.of_checks(ABOVE_MAXIMUM.id):
        if finding.status is Status.OPEN and sku_of(finding):
            idle[sku_of(finding)] = max(idle[sku_of(finding)], removable_seats(finding))
    return idle


def _keep_needed(reducible: Counter[str], after: TenantResult, bound: BoundPolicies) -> None:
    """Leave enough seats to people who need one in number, also once trials have ended; the cheapest seats are kept.

    Policies that lack seats limit nothing: the seats to buy for them replace those that are given back.
    """
    policies = {policy.id: policy.constraint for policy in bound.policies}
    for row in after.coverage or ():
        block = policies[row.policy]
        if row.missing or not isinstance(block, Seats):
            continue
        included = bound.masks.of(block.of).true
        skus = [bound.facts.skus[index] for index in bound.facts.assignable if included[index]]
        spare = max(0, row.usable - row.people - sum(sku.trial for sku in skus))
        excess = sum(reducible[sku.sku_id] for sku in skus) - spare
        prices = {sku.sku_id: seat_price(bound.facts, bound.prices, sku.sku_id) or Decimal(0) for sku in skus}
        for sku_id in sorted(prices, key=lambda sku_id: (prices[sku_id], sku_id)):
            kept = max(0, min(excess, reducible[sku_id]))
            reducible[sku_id] -= kept
            excess -= kept


def _priced(
    bound: BoundPolicies, counts: Counter[str], days: Mapping[str, date] = MappingProxyType({})
) -> tuple[Decimal, bool]:
    """Return the cost of seats, by the prices of the given days or of today, and whether every price is known."""
    total, all_priced = Decimal(0), True
    for sku_id, count in counts.items():
        price = seat_price(bound.facts, bound.prices_on(days[sku_id]) if sku_id in days else bound.prices, sku_id)
        if price is None:
            all_priced = all_priced and count == 0
        else:
            total += price * count
    return total, all_priced
