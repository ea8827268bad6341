"""Compares the people who need a seat by policies with `covers: users` with the usable seats."""

from auditor.checks.seats.stock import narrowest_product, pool_of
from auditor.domain.enums import Outcome
from auditor.domain.policy.model import Seats
from auditor.domain.result.seat_usage import SeatCoverage
from auditor.engine.outcome import Evaluation
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import price_of


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
