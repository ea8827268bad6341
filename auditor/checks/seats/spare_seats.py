"""Compares spare seats with the bounds of a policy, once for all checks that use the result."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from auditor.checks.seats.stock import (
    SelectedSkus,
    Stock,
    pool_of,
    same_sum,
    seat_finding,
    selected_skus,
    stock_of,
    with_unknown_seats,
)
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy.model import Seats
from auditor.domain.result.model import SeatBounds, SeatCount
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import TenantScope
from auditor.engine.skus.seat_bounds import Breach, adjustment, broken_bounds, whole_seats
from auditor.engine.skus.seat_pools import pool_breaches
from auditor.engine.tenant_facts import SkuFact


class SeatBreach(Struct, frozen=True, kw_only=True):
    """A SKU or a pool whose spare seats break a bound."""

    stock: Stock
    breach: Breach
    bound: str | None
    """The bound as the policy writes it; None if more seats are assigned than usable."""
    adjust: int | None
    """The seats to buy (+) or to remove (−); None if no number keeps the minimum, or the pool's seats are unknown."""
    conflict: bool
    """Whether no number of seats keeps both bounds."""


def spare_findings(scope: TenantScope, block: Seats, breach: Breach) -> Iterator[ObjectFinding]:
    """Report all breaches of one kind."""
    for item in breaches(scope, block):
        if item.breach is breach:
            evidence = {
                "bound": item.bound,
                "minimum": block.minimum.written if block.minimum else None,
                "maximum": block.maximum.written if block.maximum else None,
                "adjust": item.adjust,
            }
            if item.conflict:
                evidence["boundsConflict"] = True
            superfluous = None
            if breach is Breach.ABOVE_MAXIMUM and item.adjust is not None and item.adjust < 0:
                superfluous = max(0, -item.adjust - item.stock.trial)
            yield seat_finding(scope, block, item.stock, evidence, superfluous)


def breaches(scope: TenantScope, block: Seats) -> Sequence[SeatBreach]:
    """Return all SKUs or pools whose spare seats break a bound; empty for a policy without bounds."""
    return scope.cached("breaches", lambda: tuple(_breaches(scope, block)))


def _breaches(scope: TenantScope, block: Seats) -> Iterator[SeatBreach]:
    skus = selected_skus(scope, block) if block.limits_spare else None
    if skus is None:
        return
    if block.pool:
        yield from _pool_breaches(scope, block, skus)
        return
    facts = scope.facts
    if any(_may_break(block, facts.skus[index]) for index in skus.possible):
        scope.membership_unknown()
    for index in skus.certain:
        if _may_break(block, facts.skus[index]):
            yield from _of_stock(scope, block, stock_of(facts, index))


def _pool_breaches(scope: TenantScope, block: Seats, skus: SelectedSkus) -> Iterator[SeatBreach]:
    """Evaluate the sum of a pool; report what is broken whichever of the possible SKUs belong to it."""
    facts = scope.facts
    # The sum over a partly read list is meaningless.
    if facts.status(Source.SUBSCRIBED_SKUS) is not SourceStatus.COMPLETE:
        return
    pool = pool_of(facts, block.of, skus.certain)
    if same_sum(facts, skus):
        yield from _of_stock(scope, block, pool)
    elif skus.possible:
        broken = pool_breaches(
            block, [facts.skus[index] for index in skus.certain], [facts.skus[index] for index in skus.possible]
        )
        if broken.undecided:
            scope.membership_unknown()
        bounds = {Breach.BELOW_MINIMUM: block.minimum, Breach.ABOVE_MAXIMUM: block.maximum}
        for breach in Breach:
            if breach in broken.certain:
                bound = bounds.get(breach)
                yield SeatBreach(
                    stock=with_unknown_seats(pool),
                    breach=breach,
                    bound=None if bound is None else bound.written,
                    adjust=None,
                    conflict=False,
                )


def _may_break(block: Seats, sku: SkuFact) -> bool:
    """Return whether the seats of a SKU break a bound, or are not known."""
    usable = block.usable(sku.enabled, sku.warning)
    return (
        usable is None
        or sku.consumed is None
        or bool(broken_bounds(usable, sku.consumed, block.minimum, block.maximum))
    )


def _of_stock(scope: TenantScope, block: Seats, stock: Stock) -> Iterator[SeatBreach]:
    usable = stock.usable(block)
    if usable is None or stock.consumed is None:
        scope.seats_unknown(stock.label)
        return
    breaches = broken_bounds(usable, stock.consumed, block.minimum, block.maximum)
    if breaches:
        adjust, both_hold = adjustment(usable, stock.consumed, block.minimum, block.maximum)
        for breach, bound in breaches:
            yield SeatBreach(stock=stock, breach=breach, bound=bound, adjust=adjust, conflict=not both_hold)


def _bounds_of(bound: BoundPolicies) -> Mapping[int, tuple[SeatBounds, ...]]:
    """Return the bounds that policies set on the spare seats of single SKUs, by the index of the SKU.

    Bounds of pools, which apply to a sum, and quotas, which apply to people, are not included. A SKU is left out for a
    policy if it is not known whether the policy applies to it, or how many seats it has. Report-only policies are
    ignored.
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
        in_set = bound.masks.of(block.of).true.tolist()
        for index in facts.assignable:
            usable = block.usable(facts.skus[index].enabled, facts.skus[index].warning) if in_set[index] else None
            if usable is not None:
                # Spare seats are whole too, so that rounding to the stricter side changes nothing.
                low = None if block.minimum is None else whole_seats(block.minimum, usable, up=True)
                high = None if block.maximum is None else whole_seats(block.maximum, usable, up=False)
                bounds = SeatBounds(policy=policy.id, usable=usable, minimum=low, maximum=high)
                by_sku.setdefault(index, []).append(bounds)
    return {index: tuple(bounds) for index, bounds in by_sku.items()}


def seat_counts(bound: BoundPolicies) -> tuple[SeatCount, ...]:
    """Return the seats of each product that the tenant owns, with the bounds that policies set on them."""
    facts, bounds = bound.facts, _bounds_of(bound)
    return tuple(
        SeatCount(
            sku_id=sku.sku_id,
            sku_part_number=sku.part_number or "",
            name=facts.title(sku),
            applies_to=sku.applies_to,
            capability_status=sku.capability_status,
            enabled=sku.enabled,
            warning=sku.warning,
            suspended=sku.suspended,
            locked_out=sku.locked_out,
            consumed=sku.consumed,
            usable=sku.usable,
            spare=sku.spare,
            trial=sku.trial or None,
            bounds=bounds.get(index, ()),
        )
        for index, sku in enumerate(facts.skus)
        if sku.owned
    )
