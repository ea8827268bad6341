"""Evaluates decided purchases, reductions and renewals by the seats and subscriptions of a tenant."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.saved_plan import DecidedSeats, SavedTenantPlan, SubscriptionSeats
from auditor.domain.result.verification import Cause, SeatDecisionVerdict, Verdict
from auditor.engine.tenant_facts import TenantFacts


def seat_decision_verdicts(plan: SavedTenantPlan, facts: TenantFacts | None) -> Mapping[int, SeatDecisionVerdict]:
    """Return a verdict on each decided number of seats of a plan, by the number of the action that carries it out.

    If `facts` is None, the tenant was not audited, and every verdict is unknown.
    """
    prices = {price.sku_id: price for price in plan.prices or ()}
    verdicts: dict[int, SeatDecisionVerdict] = {}
    for decided in plan.decided_seats or ():
        if decided.action is None:
            continue
        rows = () if facts is None else facts.subscriptions
        verdict, actual, cause, detail = _verdict(decided, facts, rows)
        price = prices.get(decided.sku_id)
        verdicts[decided.action] = SeatDecisionVerdict(
            sku_id=decided.sku_id,
            enabled_before=decided.enabled_before,
            enabled=decided.enabled,
            actual=actual,
            verdict=verdict,
            cause=cause,
            detail=detail,
            due=_due(decided, facts, rows) if verdict in {Verdict.NOT, Verdict.PARTLY} else None,
            decisions=decided.decisions,
            currency=None if price is None else price.currency,
            per_month=None if price is None else price.per_month,
        )
    return verdicts


def _verdict(
    decided: DecidedSeats, facts: TenantFacts | None, rows: Sequence[Mapping[str, Any]]
) -> tuple[Verdict, int | None, Cause, str]:
    """Return the verdict, the seats that are enabled today, and the cause of an unknown verdict with its detail."""
    if facts is None:
        return Verdict.UNKNOWN, None, Cause.TENANT, ""
    now = _enabled(decided.sku_id, facts)
    if now is None:
        return Verdict.UNKNOWN, None, Cause.SOURCE, Source.SUBSCRIBED_SKUS.value
    before, target = decided.enabled_before, decided.enabled
    if now != target:
        between = min(before, target) < now < max(before, target)
        incomplete = Verdict.PARTLY if between else Verdict.CHANGED
        return (Verdict.NOT if now == before else incomplete), now, Cause.NONE, ""
    if before != target:
        return Verdict.DONE, now, Cause.NONE, ""
    # The number does not change: only the dates of the subscriptions show whether they were renewed.
    if facts.status(Source.SUBSCRIPTIONS) is not SourceStatus.COMPLETE:
        return Verdict.UNKNOWN, now, Cause.SOURCE, Source.SUBSCRIPTIONS.value
    renewed = [_renewed(subscription, rows) for subscription in decided.subscriptions]
    incomplete = Verdict.PARTLY if any(renewed) else Verdict.NOT
    return (Verdict.DONE if all(renewed) else incomplete), now, Cause.NONE, ""


def _enabled(sku_id: str, facts: TenantFacts) -> int | None:
    """Return the enabled seats of a product: 0 if the tenant does not have it, None if that is not known."""
    index = facts.index.get(sku_id)
    if index is not None and facts.skus[index].owned:
        return facts.skus[index].enabled
    return 0 if facts.status(Source.SUBSCRIBED_SKUS) is SourceStatus.COMPLETE else None


def _renewed(planned: SubscriptionSeats, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a subscription has its planned date, or is gone because it was replaced by one with another id."""
    days = [row["nextLifecycleDateTime"] for row in rows if row["id"] == planned.id]
    target = planned.next_lifecycle_date_time
    return target is None or all(day is not None and day >= target for day in days)


def _due(decided: DecidedSeats, facts: TenantFacts | None, rows: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Return the date of the renewal at which seats are given back or kept; None if there is none in the future."""
    if facts is None or decided.enabled > decided.enabled_before:
        return None
    ids = {subscription.id for subscription in decided.subscriptions}
    days = [row["nextLifecycleDateTime"] for row in rows if row["id"] in ids]
    return min((day for day in days if day is not None and day > facts.as_of), default=None)
