"""Verifies the requests of a plan against the state of a tenant and the log of changes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from auditor.domain.result.saved_plan import Expectation, Fact, HoldingChange, SavedTenantPlan, SeatPrice
from auditor.domain.result.verification import Cause, SeatChange, StepVerdict, Verdict
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.verification.facts import PROCESSING, Observation, TenantObservation, expectations_of

Step = tuple[int, int]
"""The number of an action, and of a request in it."""
Steps = Mapping[Step, StepVerdict]


def step_verdicts(plan: SavedTenantPlan, facts: TenantFacts | None, logged: Collection[Step]) -> Steps:
    """Return the verdict on every request; `logged` are the steps that were done according to the log.

    If `facts` is None, the tenant was not audited, and every verdict is unknown.
    """
    expectations = expectations_of(action.requests for action in plan.actions)
    before: dict[tuple[int, int, Fact, str], list[Expectation]] = defaultdict(list)
    for saved in plan.expected or ():
        before[saved.action, saved.step, saved.fact, saved.subject].append(saved)
    expectations = tuple(
        expected
        for requested in expectations
        for expected in _with_before(
            requested, before[requested.action, requested.step, requested.fact, requested.subject]
        )
    )
    accepted: dict[tuple[Fact, str, str], list[Any]] = defaultdict(list)
    for expected in expectations:
        accepted[expected.fact, expected.subject, expected.key].append(expected.after)
    tenant = None if facts is None else TenantObservation.of(facts, expectations)
    parts: dict[Step, list[StepVerdict]] = defaultdict(list)
    for expected in expectations:
        accepted_values = accepted[expected.fact, expected.subject, expected.key]
        observation = Observation(cause=Cause.TENANT) if tenant is None else tenant.fact(expected)
        parts[expected.action, expected.step].append(_fact_verdict(expected, observation, accepted_values))
        accepted_values.pop(0)
    return {step: _combined(verdicts, logged=step in logged) for step, verdicts in parts.items()}


def seat_changes(plan: SavedTenantPlan, facts: TenantFacts | None) -> Mapping[int, tuple[SeatChange, ...]]:
    """Return the seats that each action frees, by its number; empty for plans of earlier versions, which lack them."""
    changes: dict[int, list[HoldingChange]] = defaultdict(list)
    for change in plan.holdings or ():
        changes[change.action].append(change)
    users = {change.user for change in plan.holdings or ()}
    tenant = None if facts is None else TenantObservation(facts, users)
    products_of = {user: None if tenant is None else tenant.held(user) for user in users}
    prices = {price.sku_id: price for price in plan.prices or ()}
    return {number: tuple(_seats(action_changes, products_of, prices)) for number, action_changes in changes.items()}


def _seats(
    changes: Iterable[HoldingChange], products_of: Mapping[str, frozenset[str] | None], prices: Mapping[str, SeatPrice]
) -> Iterable[SeatChange]:
    by_sku: dict[str, SeatChange] = {}
    for change in changes:
        now = products_of[change.user]
        for sku_id in (*change.lost, *change.gained):
            freed = 1 if sku_id in change.lost else -1
            actual = 0 if now is None or (sku_id in now) is (freed > 0) else freed
            price = prices.get(sku_id)
            unchanged = SeatChange(
                sku_id=sku_id,
                planned=0,
                actual=0,
                currency=None if price is None else price.currency,
                per_month=None if price is None else price.per_month,
                over_assigned=None if price is None else price.over_assigned,
            )
            seat = by_sku.get(sku_id, unchanged)
            by_sku[sku_id] = replace(
                seat, planned=seat.planned + freed, actual=seat.actual + actual, unknown=seat.unknown + (now is None)
            )
    return (by_sku[sku_id] for sku_id in sorted(by_sku))


def _with_before(expected: Expectation, saved: Sequence[Expectation]) -> Sequence[Expectation]:
    """Return an expectation with the saved values before the plan.

    A request to reprocess a person names no product: its expectation is expanded to one per saved product.
    """
    return [
        replace(expected, key=row.key, before=row.before, known=row.known)
        for row in saved
        if expected.key in ("", row.key)
    ] or [expected]


def _fact_verdict(expected: Expectation, observation: Observation, accepted: Sequence[Any]) -> StepVerdict:
    """Return the verdict on one fact; `accepted` are the new values of this request and of later ones."""
    verdict = StepVerdict(step=expected.step, verdict=Verdict.DONE, subject=expected.subject)
    match observation.cause:
        case Cause.NONE:
            pass
        case Cause.NO_PERSON:
            return replace(verdict, verdict=Verdict.CHANGED, cause=observation.cause)
        case _:
            return replace(verdict, verdict=Verdict.UNKNOWN, cause=observation.cause, detail=observation.detail)
    if any(observation.value == value and type(observation.value) is type(value) for value in accepted):
        return verdict
    if observation.value == PROCESSING:
        return replace(verdict, verdict=Verdict.PARTLY, cause=Cause.PENDING)
    simple = expected.after is None or observation.value is None or isinstance(observation.value, bool)
    if observation.value == expected.before if expected.known else simple:
        return replace(verdict, verdict=Verdict.NOT)
    return replace(verdict, verdict=Verdict.CHANGED, cause=Cause.VALUE, detail=expected.key)


def _combined(parts: Sequence[StepVerdict], *, logged: bool) -> StepVerdict:
    """Return the verdict on a request from those on its facts: unknown if one is unknown, done if all are done."""
    order = (Verdict.UNKNOWN, Verdict.CHANGED, Verdict.PARTLY, Verdict.NOT, Verdict.DONE)
    step = min(parts, key=lambda part: order.index(part.verdict))
    if step.verdict is Verdict.NOT and any(part.verdict is Verdict.DONE for part in parts):
        step = replace(step, verdict=Verdict.PARTLY)
    if logged and step.verdict in {Verdict.NOT, Verdict.PARTLY} and step.cause is Cause.NONE:
        step = replace(step, cause=Cause.UNDONE)
    return step
