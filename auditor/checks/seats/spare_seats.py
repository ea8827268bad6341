"""Compares spare seats with the bounds of a policy, once for all checks that use them."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from auditor.checks.seats.stock import Chosen, Stock, chosen, pool_of, same_sum, seat_finding, stock_of
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy.model import Seats
from auditor.domain.result.model import SeatBounds
from auditor.engine.coverage import TRIAL_UNKNOWN
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import TenantScope
from auditor.engine.skus.seat_bounds import Breach, adjustment, breached, whole_seats
from auditor.engine.skus.seat_pools import possible_breach
from auditor.engine.tenant_facts import SkuFact


class Breached(Struct, frozen=True, kw_only=True):
    """A SKU or a pool whose spare seats break a bound."""

    stock: Stock
    breach: Breach
    bound: str | None
    """The bound as the policy writes it; None where more is assigned than there is."""
    adjust: int | None
    """The seats to buy (+) or to remove (−); None where no number of seats keeps the minimum."""
    conflict: bool
    """Whether no number of seats keeps both bounds."""


def spare_findings(scope: TenantScope, block: Seats, breach: Breach) -> Iterator[ObjectFinding]:
    """Report what breaks a bound in one manner."""
    for each in breaches(scope, block):
        if each.breach is breach:
            evidence = {
                "bound": each.bound,
                "minimum": block.minimum.written if block.minimum else None,
                "maximum": block.maximum.written if block.maximum else None,
                "adjust": each.adjust,
            }
            if each.conflict:
                evidence["boundsConflict"] = True
            removable = breach is Breach.ABOVE_MAXIMUM and each.adjust is not None and each.adjust < 0
            yield seat_finding(
                scope, block, each.stock, evidence, -each.adjust if removable and each.adjust is not None else None
            )


def breaches(scope: TenantScope, block: Seats) -> Sequence[Breached]:
    """Return everything whose spare seats break a bound; none for a policy that sets no bound."""
    return scope.once("breaches", lambda: tuple(_breaches(scope, block)))


def _breaches(scope: TenantScope, block: Seats) -> Iterator[Breached]:
    skus = chosen(scope, block) if block.judges_spare else None
    if skus is None:
        return
    if block.pool:
        yield from _pool_breaches(scope, block, skus)
        return
    facts = scope.facts
    if any(_stands_out(block, facts.skus[number]) for number in skus.possible):
        scope.unknown.add("subscriptions", TRIAL_UNKNOWN)
    for number in skus.certain:
        if _stands_out(block, facts.skus[number]):
            yield from _of_stock(scope, block, stock_of(facts, number))


def _pool_breaches(scope: TenantScope, block: Seats, skus: Chosen) -> Iterator[Breached]:
    """Judge the sum where every answer about the possible SKUs comes to the same findings with the same numbers."""
    facts = scope.facts
    # The sum over a list that was read in part is nobody's number.
    if facts.status(Source.SUBSCRIBED_SKUS) is not SourceStatus.COMPLETE:
        return
    if same_sum(facts, skus):
        yield from _of_stock(scope, block, pool_of(facts, block.of, skus.certain))
    elif skus.possible and possible_breach(
        block, [facts.skus[number] for number in skus.certain], [facts.skus[number] for number in skus.possible]
    ):
        scope.unknown.add("subscriptions", TRIAL_UNKNOWN)


def _stands_out(block: Seats, sku: SkuFact) -> bool:
    """Whether the seats of a SKU break a bound, or are not known."""
    usable = block.usable(sku.enabled, sku.warning)
    return usable is None or sku.consumed is None or bool(breached(usable, sku.consumed, block.minimum, block.maximum))


def _of_stock(scope: TenantScope, block: Seats, stock: Stock) -> Iterator[Breached]:
    usable = stock.usable(block)
    if usable is None or stock.consumed is None:
        scope.seats_unknown(stock.label)
        return
    breaches = breached(usable, stock.consumed, block.minimum, block.maximum)
    if breaches:
        adjust, both_hold = adjustment(usable, stock.consumed, block.minimum, block.maximum)
        for breach, bound in breaches:
            yield Breached(stock=stock, breach=breach, bound=bound, adjust=adjust, conflict=not both_hold)


def bounds_of(bound: BoundPolicies) -> Mapping[int, tuple[SeatBounds, ...]]:
    """Return the bounds that policies set on the spare seats of single SKUs, by the index of the SKU.

    A pool's bounds are of the sum and a quota's of people: neither is here. A SKU of which it is not known whether a
    policy looks at it, or how many seats it has, is not there for that policy. Policies that are report-only set none.
    """
    facts = bound.facts
    if not facts.status(Source.SUBSCRIBED_SKUS).is_read:
        return {}
    by_sku: dict[int, list[SeatBounds]] = {}
    for policy in bound.policies:
        block = policy.constraint
        if policy.report_only or not isinstance(block, Seats) or block.pool:
            continue
        if block.minimum is None and block.maximum is None:
            continue
        looked_at = bound.masks.of(block.of).true.tolist()
        for number in facts.assignable:
            bounds = _bounds(policy.id, block, facts.skus[number]) if looked_at[number] else None
            if bounds is not None:
                by_sku.setdefault(number, []).append(bounds)
    return {number: tuple(bounds) for number, bounds in by_sku.items()}


def _bounds(policy: str, block: Seats, sku: SkuFact) -> SeatBounds | None:
    """Tell bounds in whole seats: spare ones are whole, so that rounding towards the stricter side decides alike."""
    usable = block.usable(sku.enabled, sku.warning)
    if usable is None:
        return None
    return SeatBounds(
        policy=policy,
        usable=usable,
        minimum=None if block.minimum is None else whole_seats(block.minimum, usable, up=True),
        maximum=None if block.maximum is None else whole_seats(block.maximum, usable, up=False),
    )
