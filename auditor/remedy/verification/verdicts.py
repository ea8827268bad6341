"""Judges the requests of a plan by the state of a tenant, and by the log of changes."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from auditor.domain.result.saved_plan import Expectation, Fact, HoldingChange, SavedTenantPlan, SeatPrice
from auditor.domain.result.verification import Cause, SeatChange, StepVerdict, Verdict
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.verification.expectations import expectations_of
from auditor.remedy.verification.observation import PROCESSING, Observation, TenantObservation

Step = tuple[int, int]
"""The number of an action and of a request in it."""
Steps = Mapping[Step, StepVerdict]


def step_verdicts(plan: SavedTenantPlan, facts: TenantFacts | None, logged: Collection[Step]) -> Steps:
    """Return what became of every request; `logged` are the steps that the log says were done.

    Without `facts` the tenant was not audited and nothing is known.
    """
    expectations = expectations_of(action.requests for action in plan.actions)
    before: dict[tuple[int, int, Fact, str], list[Expectation]] = defaultdict(list)
    for saved in plan.expected or ():
        before[saved.action, saved.step, saved.fact, saved.subject].append(saved)
    expectations = tuple(
        own
        for each in expectations
        for own in _with_before(each, before[each.action, each.step, each.fact, each.subject])
    )
    later: dict[tuple[Fact, str, str], list[Any]] = defaultdict(list)
    for each in expectations:
        later[each.fact, each.subject, each.key].append(each.after)
    people = (each.subject for each in expectations if each.fact is not Fact.GROUP_LICENCE)
    properties = (each.key for each in expectations if each.fact is Fact.PROPERTY)
    tenant = None if facts is None else TenantObservation(facts, people, properties)
    parts: dict[Step, list[tuple[Expectation, StepVerdict]]] = defaultdict(list)
    for each in expectations:
        values = later[each.fact, each.subject, each.key]
        now = Observation(cause=Cause.TENANT) if tenant is None else tenant.fact(each)
        parts[each.action, each.step].append((each, _part(each, now, values)))
        values.pop(0)
    return {step: _undone(_whole([each for _, each in own]), done=step in logged) for step, own in parts.items()}


def seat_changes(plan: SavedTenantPlan, facts: TenantFacts | None) -> Mapping[int, tuple[SeatChange, ...]]:
    """Return the seats that each action frees, by its number; empty for plans of earlier versions."""
    changes: dict[int, list[HoldingChange]] = defaultdict(list)
    for change in plan.holdings or ():
        changes[change.action].append(change)
    users = {change.user for change in plan.holdings or ()}
    tenant = None if facts is None else TenantObservation(facts, users)
    held = {user: None if tenant is None else tenant.held(user) for user in users}
    prices = {price.sku_id: price for price in plan.prices or ()}
    return {number: tuple(_seats(own, held, prices)) for number, own in changes.items()}


def _seats(
    changes: Iterable[HoldingChange], held: Mapping[str, frozenset[str] | None], prices: Mapping[str, SeatPrice]
) -> Iterable[SeatChange]:
    by_sku: dict[str, SeatChange] = {}
    for change in changes:
        now = held[change.user]
        for sku_id in (*change.lost, *change.gained):
            freed = 1 if sku_id in change.lost else -1
            actual = 0 if now is None or (sku_id in now) is (freed > 0) else freed
            price = prices.get(sku_id)
            first = SeatChange(
                sku_id=sku_id,
                planned=0,
                actual=0,
                currency=None if price is None else price.currency,
                per_month=None if price is None else price.per_month,
            )
            seat = by_sku.get(sku_id, first)
            by_sku[sku_id] = replace(
                seat, planned=seat.planned + freed, actual=seat.actual + actual, unknown=seat.unknown + (now is None)
            )
    return (by_sku[sku_id] for sku_id in sorted(by_sku))


def _with_before(each: Expectation, saved: Sequence[Expectation]) -> Sequence[Expectation]:
    """Return the facts that a plan names for one fact of a request, which names no product if it tries all again."""
    return [
        replace(each, key=own.key, before=own.before, known=own.known) for own in saved if each.key in ("", own.key)
    ] or [each]


def _part(each: Expectation, now: Observation, accepted: Sequence[Any]) -> StepVerdict:
    """Judge one fact; `accepted` are the value that the request leads to, and those of later requests."""
    verdict = StepVerdict(step=each.step, verdict=Verdict.DONE, subject=each.subject)
    match now.cause:
        case Cause.NONE:
            pass
        case Cause.NO_PERSON:
            return replace(verdict, verdict=Verdict.CHANGED, cause=now.cause)
        case _:
            return replace(verdict, verdict=Verdict.UNKNOWN, cause=now.cause, detail=now.detail)
    if any(now.value == value and type(now.value) is type(value) for value in accepted):
        return verdict
    if now.value == PROCESSING:
        return replace(verdict, verdict=Verdict.PARTLY, cause=Cause.PENDING)
    simple = each.after is None or now.value is None or isinstance(now.value, bool)
    if now.value == each.before if each.known else simple:
        return replace(verdict, verdict=Verdict.NOT)
    return replace(verdict, verdict=Verdict.CHANGED, cause=Cause.VALUE, detail=each.key)


def _whole(parts: Sequence[StepVerdict]) -> StepVerdict:
    """Judge a request by its facts: an unknown one makes it unknown, and only if all are done it is done."""
    for verdict in (Verdict.UNKNOWN, Verdict.CHANGED, Verdict.PARTLY):
        for part in parts:
            if part.verdict is verdict:
                return part
    first = next((part for part in parts if part.verdict is Verdict.NOT), parts[0])
    done = any(part.verdict is Verdict.DONE for part in parts)
    return replace(first, verdict=Verdict.PARTLY) if done and first.verdict is Verdict.NOT else first


def _undone(step: StepVerdict, *, done: bool) -> StepVerdict:
    if done and step.verdict in {Verdict.NOT, Verdict.PARTLY} and step.cause is Cause.NONE:
        return replace(step, cause=Cause.UNDONE)
    return step
