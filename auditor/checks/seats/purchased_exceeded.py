"""More units of a product were purchased than the policy allows."""

from collections.abc import Iterator

from auditor.checks.check import Cost, ObjectAction, removable_seats
from auditor.checks.seats.stock import SeatCheck, SelectedSkus, Stock, pool_of, seat_finding, selected_skus, stock_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy.model import Seats
from auditor.domain.result.finding import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import Situation, purchase_channel, trial_purchase


def _action(finding: Finding, situation: Situation) -> ObjectAction:
    if seats := removable_seats(finding):
        return ObjectAction(ActionKind.CAP, seats)
    return ObjectAction(ActionKind.TRIAL, article=trial_purchase(situation)[0])  # enough seats end with the trial


def _evaluate(scope: TenantScope, block: Seats) -> Iterator[ObjectFinding]:
    skus, maximum = selected_skus(scope, block), block.purchased
    if skus is None or maximum is None:
        return
    facts = scope.facts
    if not block.pool:
        if any(_exceeds(stock_of(facts, index), maximum) for index in skus.possible):
            scope.membership_unknown()
        for index in skus.certain:
            yield from _compare(scope, block, stock_of(facts, index), maximum)
        return
    yield from _compare_pool(scope, block, skus, maximum)


def _compare_pool(scope: TenantScope, block: Seats, skus: SelectedSkus, maximum: int) -> Iterator[ObjectFinding]:
    """Report a pool whose known part exceeds the cap: units that are unknown, or were not read, can only add to it."""
    facts = scope.facts
    known = [index for index in skus.certain if stock_of(facts, index).purchased is not None]
    pool = pool_of(facts, block.of, known)
    if known and _exceeds(pool, maximum):
        yield from _compare(scope, block, pool, maximum)
    elif facts.status(Source.SUBSCRIBED_SKUS) is not SourceStatus.COMPLETE:
        return  # `selected_skus` has recorded the reason
    elif len(known) < len(skus.certain):
        scope.seats_unknown(block.of.written)
    elif _exceeds(pool_of(facts, block.of, [*skus.certain, *skus.possible]), maximum):
        scope.membership_unknown()


def _exceeds(stock: Stock, maximum: int) -> bool:
    """Return whether the purchased units exceed the cap, or are not known."""
    return stock.purchased is None or stock.purchased > maximum


def _compare(scope: TenantScope, block: Seats, stock: Stock, maximum: int) -> Iterator[ObjectFinding]:
    purchased = stock.purchased
    if purchased is None:
        scope.seats_unknown(stock.label)
    elif purchased > maximum:
        evidence = {"purchased": purchased, "maximum": maximum, "adjust": maximum - purchased}
        yield seat_finding(scope, block, stock, evidence, max(0, purchased - maximum - stock.trial))


CHECK = SeatCheck(
    id="seats.purchased-exceeded",
    name=N_("too many purchased"),
    explanation=N_("More units of a product were purchased than the policy allows."),
    key="seats: {purchased: {max}}",
    is_enabled=lambda block: block.purchased is not None,
    evaluate_tenant=_evaluate,
    cost=Cost.ALL_SEATS,
    routes=lambda situation: ("remove-licenses", "change-plan", *purchase_channel(situation)),
    action=_action,
)
