"""Findings, seats and a plan into money a month: what is exposed, what is free to reuse, what can go at renewal."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

from auditor.checks.check import Cost
from auditor.checks.registry import check_of
from auditor.checks.seats.above_maximum import CHECK as ABOVE_MAXIMUM
from auditor.domain.enums import Status
from auditor.domain.result import Finding, TenantResult
from auditor.engine.binding import BoundPolicies
from auditor.remedy.planner.evaluation import Weighed
from auditor.remedy.planner.model import Figures


def figures(
    before: TenantResult, after: TenantResult, taken: Mapping[str, Weighed], plan: BoundPolicies, *, done: bool
) -> tuple[Figures, ...]:
    """Return the three figures in the one currency of the price list, before the plan or once it is `done`.

    A seat that several findings speak about counts once. Seats that can go at the renewal are those that are idle above
    what policies allow once the plan is carried out; those in use today are not among them.
    """
    prices = plan.prices
    if prices is None:
        return ()
    tenant = after if done else before
    open_ = [finding for finding in tenant.findings if finding.status is Status.OPEN]
    exposed = Counter(sku for sku, _ in {(_sku(f), f.subject.id) for f in open_ if check_of(f.check).cost is Cost.SEAT})
    exposed.update(_idle(open_))
    freed: Counter[str] = Counter()
    for weighed in taken.values():
        freed.update(weighed.option.seats)
    reusable = Counter({sku: -change for sku, change in freed.items() if change < 0})
    idle = _idle([finding for finding in after.findings if finding.status is Status.OPEN])
    spare = {seat.sku_id: seat.spare or 0 for seat in after.seats}
    reducible = Counter(
        {sku: max(0, min(spare.get(sku, 0), max(idle[sku], reusable[sku]))) for sku in {*idle, *reusable}}
    )
    # Idle seats above a maximum include those that were freed; they are not counted twice.
    amounts = [_priced(plan, counts) for counts in (exposed, Counter() if done else reusable, reducible)]
    return (
        Figures(
            currency=prices.currency,
            exposure=amounts[0][0],
            reassignable_now=amounts[1][0],
            reducible_at_renewal=amounts[2][0],
            lower_bound=not all(known for _, known in amounts),
        ),
    )


def _sku(finding: Finding) -> str:
    return (finding.product.sku_id or "") if finding.product is not None else ""


def _idle(findings: list[Finding]) -> Counter[str]:
    """Count the seats to remove per product; of several findings about one product the largest number counts."""
    idle: Counter[str] = Counter()
    for finding in findings:
        adjust = finding.evidence.get("adjust")
        if finding.check == ABOVE_MAXIMUM.id and isinstance(adjust, int) and adjust < 0 and _sku(finding):
            idle[_sku(finding)] = max(idle[_sku(finding)], -adjust)
    return idle


def _priced(plan: BoundPolicies, counts: Counter[str]) -> tuple[Decimal, bool]:
    """Return what so many seats cost, and whether every price was known."""
    prices, total, known = plan.prices, Decimal(0), True
    for sku_id, count in counts.items():
        place = plan.facts.index.get(sku_id)
        part = None if place is None else plan.facts.skus[place].part_number
        price = None if prices is None else prices.of(sku_id=sku_id, part_number=part)
        if price is None:
            known = known and count == 0
        else:
            total += price * count
    return total, known
