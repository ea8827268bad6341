"""The checks of `seats`: spare seats against bounds, people against quotas, and how many seats to buy or remove."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

from auditor.domain.enums import Source, SourceStatus, SubjectType
from auditor.domain.message import Message
from auditor.domain.policy import Bound, Seats
from auditor.domain.result import Money, ProductReference, SeatBounds, Subject
from auditor.engine.binding import BoundPolicies
from auditor.engine.checks.seat_pools import possible_breach
from auditor.engine.coverage import NotEvaluated, unread
from auditor.engine.outcome import AggregateOutcome, HolderCount, ObjectFinding
from auditor.engine.tenant_facts import SkuFact, TenantFacts
from auditor.engine.unknowns import doubts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The seats of one SKU, or of a pool of them; a number that Graph did not give is None."""

    subject: Subject
    product: ProductReference
    skus: tuple[int, ...]
    enabled: int | None
    warning: int | None
    suspended: int | None
    locked_out: int | None
    consumed: int | None


def judge_seats(plan: BoundPolicies, place: int, block: Seats, tally: HolderCount | None) -> AggregateOutcome:
    """Judge every SKU of the set that people can hold, or their sum."""
    facts = plan.facts
    source = unread(facts, Source.SUBSCRIBED_SKUS)
    if source is not None and facts.status(Source.SUBSCRIBED_SKUS) is not SourceStatus.PARTIAL:
        return source.judged()
    mask = plan.masks.of(block.of)
    doubt = NotEvaluated.of(source)
    chosen = [number for number in facts.assignable if mask.true[number]]
    doubtful = () if mask.sure else [number for number in facts.assignable if mask.unknown[number]]
    if block.pool:
        return _judge_pool(plan, place, block, (chosen, doubtful), tally, doubt)
    if any(_may_raise(block, _stock(facts, number), tally) for number in doubtful):
        doubt.add("subscriptions", _TRIAL_UNKNOWN)
    stocks = [
        _stock(facts, number) for number in chosen if block.quota is not None or _stands_out(facts, number, block)
    ]
    findings: list[ObjectFinding] = []
    for stock in stocks:
        if block.judges_spare:
            findings.extend(_spare(plan, place, block, stock, doubt))
        if block.quota is not None:
            findings.extend(_quota(plan, place, block, stock, tally, doubt))
    if block.quota is not None and any(mask.maybe[number] for number in facts.assignable):
        doubt.take(unread(facts, Source.USERS) or NotEvaluated())
    return doubt.judged(findings)


def _judge_pool(
    plan: BoundPolicies,
    place: int,
    block: Seats,
    numbers: tuple[list[int], Sequence[int]],
    tally: HolderCount | None,
    doubt: NotEvaluated,
) -> AggregateOutcome:
    """Judge the sum of the SKUs that are certainly in the pool, with those that may be.

    The sum is judged where every answer about the doubtful ones comes to the same findings with the same numbers.
    """
    facts, (chosen, doubtful) = plan.facts, numbers
    findings: list[ObjectFinding] = []
    stock = _pool(facts, block, chosen)
    same = bool(chosen) and all(_adds_nothing(facts.skus[number]) for number in doubtful)
    # The sum over a list that was read in part is nobody's number.
    if block.judges_spare and facts.status(Source.SUBSCRIBED_SKUS) is SourceStatus.COMPLETE:
        if same:
            findings.extend(_spare(plan, place, block, stock, doubt))
        elif doubtful and possible_breach(block, *([facts.skus[number] for number in each] for each in numbers)):
            doubt.add("subscriptions", _TRIAL_UNKNOWN)
    if block.quota is not None and (chosen or doubtful):
        stock = stock if same else _unnumbered(stock)
        findings.extend(_quota(plan, place, block, stock, tally, doubt))
        if doubtful and not findings and tally is not None and int(tally.possible[0]) > block.quota:
            doubt.add("subscriptions", _TRIAL_UNKNOWN)
        doubt.take(unread(facts, Source.USERS) or NotEvaluated())
    return doubt.judged(findings)


_TRIAL_UNKNOWN = Message("whether every subscription of a SKU is a trial is not known")


def _adds_nothing(sku: SkuFact) -> bool:
    """Whether a SKU leaves every sum as it is."""
    return all(number == 0 for number in (sku.enabled, sku.warning, sku.suspended, sku.locked_out, sku.consumed))


def _unnumbered(stock: Stock) -> Stock:
    """Return a pool of which it is not known what it sums up to."""
    return replace(stock, enabled=None, warning=None, suspended=None, locked_out=None, consumed=None)


def _stands_out(facts: TenantFacts, number: int, block: Seats) -> bool:
    """Whether the seats of a SKU break a bound, or are not known."""
    sku = facts.skus[number]
    if sku.enabled is None or sku.warning is None or sku.consumed is None:
        return True
    usable = sku.enabled + (sku.warning if block.count_grace_units else 0)
    return bool(breached(usable, sku.consumed, block.minimum, block.maximum))


def _may_raise(block: Seats, stock: Stock, tally: HolderCount | None) -> bool:
    """Whether a SKU that may or may not be in the set could raise a finding if it were."""
    if block.quota is not None and tally is not None and _holders(block, stock, tally)[1] > block.quota:
        return True
    if not block.judges_spare:
        return False
    if stock.enabled is None or stock.warning is None or stock.consumed is None:
        return True
    usable = stock.enabled + (stock.warning if block.count_grace_units else 0)
    return bool(breached(usable, stock.consumed, block.minimum, block.maximum))


def _stock(facts: TenantFacts, number: int) -> Stock:
    sku = facts.skus[number]
    return Stock(
        subject=Subject(type=SubjectType.PRODUCT, id=sku.sku_id, name=facts.title(sku)),
        product=ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number),
        skus=(number,),
        enabled=sku.enabled,
        warning=sku.warning,
        suspended=sku.suspended,
        locked_out=sku.locked_out,
        consumed=sku.consumed,
    )


def _pool(facts: TenantFacts, block: Seats, numbers: list[int]) -> Stock:
    skus = [facts.skus[number] for number in numbers]
    return Stock(
        subject=Subject(type=SubjectType.PRODUCT, id=block.of.written, name=block.of.written),
        product=ProductReference(sku_id=None, sku_part_number=block.of.written),
        skus=tuple(numbers),
        enabled=_sum(skus, "enabled"),
        warning=_sum(skus, "warning"),
        suspended=_sum(skus, "suspended"),
        locked_out=_sum(skus, "locked_out"),
        consumed=_sum(skus, "consumed"),
    )


def _sum(skus: list[SkuFact], name: str) -> int | None:
    numbers = [getattr(sku, name) for sku in skus]
    return None if None in numbers else sum(numbers)


def _spare(plan: BoundPolicies, place: int, block: Seats, stock: Stock, doubt: NotEvaluated) -> Iterator[ObjectFinding]:
    if stock.enabled is None or stock.warning is None or stock.consumed is None:
        product = stock.product.sku_part_number or stock.subject.id
        doubt.add("subscribedSkus", Message("Graph gave no seat numbers for {product}", product=product))
        return
    usable = stock.enabled + (stock.warning if block.count_grace_units else 0)
    breaches = breached(usable, stock.consumed, block.minimum, block.maximum)
    if not breaches:
        return
    adjust, both_hold = adjustment(usable, stock.consumed, block.minimum, block.maximum)
    for check, bound in breaches:
        evidence = _evidence(stock, block, usable) | {
            "bound": bound,
            "minimum": block.minimum.written if block.minimum else None,
            "maximum": block.maximum.written if block.maximum else None,
            "adjust": adjust,
        }
        if not both_hold:
            evidence["boundsConflict"] = True
        removable = check == "seats.above-maximum" and adjust is not None and adjust < 0
        yield ObjectFinding(
            policy=place,
            check=check,
            subject=stock.subject,
            product=stock.product,
            evidence=evidence,
            money=_money(plan, stock, -adjust) if removable and adjust is not None else None,
        )


def breached(usable: int, consumed: int, minimum: Bound | None, maximum: Bound | None) -> list[tuple[str, str | None]]:
    """Return the checks that these seats raise, each with the bound they break as written.

    Where the bounds contradict each other, seats can be too few and too many at once.
    """
    spare = usable - consumed
    found: list[tuple[str, str | None]] = []
    if spare < 0:
        found.append(("seats.over-assigned", None))
    elif minimum is not None and (spare < minimum.seats or _compared(spare, usable, minimum) < 0):
        found.append(("seats.below-minimum", minimum.written))
    if maximum is not None and spare > maximum.seats and _compared(spare, usable, maximum) > 0:
        found.append(("seats.above-maximum", maximum.written))
    return found


def _compared(spare: int, usable: int, bound: Bound) -> int:
    """Hold spare seats against a bound's share of the usable ones: below 0, 0 or above, without a rounding."""
    return spare * 100 * bound.percent.denominator - bound.percent.numerator * usable


def adjustment(usable: int, consumed: int, minimum: Bound | None, maximum: Bound | None) -> tuple[int | None, bool]:
    """Return the smallest number of seats to buy (+) or remove (−) that keeps both bounds, and whether both can hold.

    Percentages are of the usable seats after the change, and no seat that is in use is removed. Where both bounds
    cannot hold, the change leads to the fewest seats that keep the minimum; None where no number of seats does.
    """
    least = _least(consumed, minimum)
    if least is None:
        return None, False
    most = _most(consumed, maximum)
    if most is not None and least > most:
        return least - usable, False
    if usable < least:
        return least - usable, True
    if most is not None and usable > most:
        return most - usable, True
    return 0, True


def usable_range(consumed: int, minimum: Bound | None, maximum: Bound | None) -> tuple[int | None, int | None]:
    """Return the fewest and the most usable seats that keep both bounds while so many are in use.

    The fewest is None where no number keeps the minimum, the most where any number keeps the maximum.
    """
    return _least(consumed, minimum), _most(consumed, maximum)


def bounds_of(plan: BoundPolicies) -> Mapping[int, tuple[SeatBounds, ...]]:
    """Return the bounds that policies set on the spare seats of single SKUs, by the place of the SKU.

    A pool's bounds are of the sum and a quota's of people: neither is here. A SKU of which it is not known whether a
    policy looks at it, or how many seats it has, is not there for that policy.
    """
    facts = plan.facts
    if facts.status(Source.SUBSCRIBED_SKUS) not in {SourceStatus.COMPLETE, SourceStatus.PARTIAL}:
        return {}
    found: dict[int, list[SeatBounds]] = {}
    for policy in plan.policies:
        block = policy.constraint
        if not isinstance(block, Seats) or block.pool or (block.minimum is None and block.maximum is None):
            continue
        looked_at = plan.masks.of(block.of).true.tolist()
        for number in facts.assignable:
            bounds = _bounds(policy.id, block, facts.skus[number]) if looked_at[number] else None
            if bounds is not None:
                found.setdefault(number, []).append(bounds)
    return {number: tuple(bounds) for number, bounds in found.items()}


def _bounds(policy: str, block: Seats, sku: SkuFact) -> SeatBounds | None:
    """Tell bounds in whole seats: spare ones are whole, so that rounding towards the stricter side decides alike."""
    if sku.enabled is None or sku.warning is None:
        return None
    usable = sku.enabled + (sku.warning if block.count_grace_units else 0)
    return SeatBounds(
        policy=policy,
        usable=usable,
        minimum=None if block.minimum is None else _whole(block.minimum, usable, up=True),
        maximum=None if block.maximum is None else _whole(block.maximum, usable, up=False),
    )


def _whole(bound: Bound, usable: int, *, up: bool) -> int:
    """Return a bound in whole seats, its share rounded; in whole numbers throughout, as every tenant asks for many."""
    seats, hundred = bound.percent.numerator * usable, bound.percent.denominator * 100
    return max(bound.seats, -(-seats // hundred) if up else seats // hundred)


def _least(consumed: int, minimum: Bound | None) -> int | None:
    """Return the fewest usable seats that leave the minimum spare."""
    if minimum is None:
        return max(consumed, 0)
    share = 1 - minimum.percent / 100
    if share == 0 and consumed > 0:
        return None
    by_share = 0 if share == 0 else ceil(consumed / share)
    return max(consumed + minimum.seats, by_share, 0)


def _most(consumed: int, maximum: Bound | None) -> int | None:
    """Return the most usable seats that leave no more than the maximum spare; None where any number does."""
    if maximum is None or maximum.percent == 100:
        return None
    share: Fraction = 1 - maximum.percent / 100
    return max(consumed + maximum.seats, floor(consumed / share))


def _quota(
    plan: BoundPolicies, place: int, block: Seats, stock: Stock, tally: HolderCount | None, doubt: NotEvaluated
) -> Iterator[ObjectFinding]:
    if block.quota is None or tally is None:
        return
    holders, possible = _holders(block, stock, tally)
    if holders > block.quota:
        evidence = _evidence(stock, block, None) | {"assigned": holders, "maximum": block.quota}
        yield ObjectFinding(
            policy=place,
            check="seats.quota-exceeded",
            subject=stock.subject,
            product=stock.product,
            evidence=evidence,
            money=_money(plan, stock, holders - block.quota),
        )
    elif possible > block.quota:
        why = Message("who belongs to the population, or holds the product, is not known for some users")
        doubt.take(doubts_of(plan, plan.policies[place], otherwise=why))


def _holders(block: Seats, stock: Stock, tally: HolderCount) -> tuple[int, int]:
    if block.pool:
        return int(tally.certain[0]), int(tally.possible[0])
    return int(tally.certain[stock.skus[0]]), int(tally.possible[stock.skus[0]])


def _evidence(stock: Stock, block: Seats, usable: int | None) -> dict[str, Any]:
    if usable is None and stock.enabled is not None and stock.warning is not None:
        usable = stock.enabled + (stock.warning if block.count_grace_units else 0)
    facts: Mapping[str, Any] = {
        "enabled": stock.enabled,
        "warning": stock.warning,
        "suspended": stock.suspended,
        "lockedOut": stock.locked_out,
        "consumed": stock.consumed,
        "usable": usable,
        "spare": None if usable is None or stock.consumed is None else usable - stock.consumed,
    }
    return dict(facts)


def _money(plan: BoundPolicies, stock: Stock, seats: int) -> Money | None:
    """Price seats of a single SKU; the SKUs of a pool cost differently, so that no one price is right."""
    prices = plan.facts.policies.prices
    if prices is None or len(stock.skus) != 1 or stock.product.sku_id is None:
        return None
    price = prices.of(sku_id=stock.product.sku_id, part_number=stock.product.sku_part_number)
    return None if price is None else Money(currency=prices.currency, per_month=price * seats)
