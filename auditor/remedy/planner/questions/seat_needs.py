"""Computes how many seats of a product to buy or to give back so that everybody can take the best option."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from auditor.domain.policy.decision import AnswerKind
from auditor.domain.result.finding import Finding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.product_tables import is_active
from auditor.engine.skus.seat_bounds import usable_range
from auditor.engine.tenant_facts import SkuFact, TenantFacts
from auditor.remedy.planner.optimization.optimizer import choose_options
from auditor.remedy.planner.optimization.options import People
from auditor.remedy.planner.optimization.seat_limits import blocks_of, limits_of
from auditor.remedy.planner.proposals.evaluation import EvaluatedProposal
from auditor.remedy.planner.simulation.seat_answers import subscriptions_of


class SeatNeed(Struct, frozen=True, kw_only=True):
    """The seats that changes of people need: more of a product than there are, or fewer."""

    kind: AnswerKind
    subject: str
    """The id of the product's only subscription, or its skuId if there is not exactly one."""
    sku_id: str
    name: str
    product: str
    """The part number."""
    answer: Mapping[str, Any]
    """The answer with the smallest change of seats that lets everybody change."""
    findings: tuple[Finding, ...]
    """Findings that are fixed only then; empty if too many seats are idle already, so that nobody waits for it."""


def seat_needs(bound: BoundPolicies, evaluated: Mapping[str, Sequence[EvaluatedProposal]]) -> Iterator[SeatNeed]:
    """Yield the number of seats needed for each product whose seats prevent people from taking their best option.

    If more seats are idle than allowed, yield how many are enough after everybody has changed, as far as the limits
    without a question allow.
    """
    facts, limits = bound.facts, limits_of(bound, {}, {})
    people = People.of([proposal.option for proposal in proposals] for proposals in evaluated.values())
    best = people.best()
    used = people.seats_used(best)
    exceeded = {sku_id for sku_id, limit in limits.items() if not limit.allows(used[sku_id])}
    chosen = choose_options(people, limits).chosen if exceeded else best
    waiting = {
        sku_id: tuple(
            finding
            for proposals, index_best, index_chosen in zip(evaluated.values(), best, chosen, strict=True)
            if proposals[index_best].option.seats.get(sku_id, 0) * used[sku_id] > 0
            for finding in proposals[index_best].fixed
            if finding not in proposals[index_chosen].fixed
        )
        for sku_id in limits
        if sku_id in exceeded
    }
    other_limits = {sku_id: limit for sku_id, limit in limits.items() if not waiting.get(sku_id)}
    if len(other_limits) < len(limits):
        chosen = choose_options(people, other_limits).chosen
    used = people.seats_used(chosen)
    for sku_id in limits:
        findings = waiting.get(sku_id, ())
        sku = facts.skus[facts.index[sku_id]]
        need = _need(bound, sku, used[sku_id]) if used[sku_id] and (findings or sku_id not in exceeded) else None
        if need is not None:
            kind, subject, answer = need
            product, name = sku.part_number or sku_id, facts.title(sku)
            yield SeatNeed(
                kind=kind, subject=subject, sku_id=sku_id, name=name, product=product, answer=answer, findings=findings
            )


def _need(bound: BoundPolicies, sku: SkuFact, used: int) -> tuple[AnswerKind, str, Mapping[str, Any]] | None:
    """Return the question about the seats of a product and its answer, if `used` more seats are in use."""
    if sku.enabled is None or sku.warning is None or sku.consumed is None:
        return None
    changes: list[int] = [sku.consumed + used - (sku.enabled + sku.warning)] if used > 0 else []
    for block in blocks_of(bound, sku):
        usable = sku.enabled + (sku.warning if block.count_grace_units else 0)
        least, most = usable_range(sku.consumed + used, block.minimum, block.maximum)
        target = least if used > 0 else most
        if target is not None:
            changes.append(target - usable)
    change = max(changes, default=0) if used > 0 else min(0, min(changes, default=0) + sku.trial)
    if used > 0:
        return (AnswerKind.PURCHASE, sku.sku_id, {"purchase": {"seats": change}}) if change > 0 else None
    subject, seats = renewed_seats(bound.facts, sku)
    if change >= 0 or not seats:
        return None
    return AnswerKind.RENEWAL, subject, renewal_answer(seats + change, seats)


def renewal_answer(seats: int, today: int) -> Mapping[str, Any]:
    """Return the answer to renew a number of seats; if none is left, the answer not to renew those of today."""
    return {"renewal": {"seats": seats if seats > 0 else today, "renew": seats > 0}}


def renewed_seats(facts: TenantFacts, sku: SkuFact) -> tuple[str, int]:
    """Return the id and the number of the seats to renew: of the only paid subscription, or of the product."""
    rows = [row for row in subscriptions_of(sku.sku_id, facts.subscriptions) if is_active(row["status"])]
    subscriptions = rows if sku.costs_nothing else [row for row in rows if not row["isTrial"]]
    paid = sku.enabled if sku.enabled is None or sku.costs_nothing else sku.enabled - sku.trial
    if paid is not None and [row["totalLicenses"] for row in subscriptions] == [paid]:
        return subscriptions[0]["id"], paid
    return sku.sku_id, sku.enabled or 0
