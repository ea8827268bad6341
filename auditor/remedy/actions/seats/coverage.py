"""Limits and replaces the seats that actions remove from products of which people need a seat in number."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal

from msgspec.structs import replace

from auditor.checks.seats.not_covered import NOT_COVERED, missing_product
from auditor.domain.actions.kind import REMOVING, ActionKind
from auditor.domain.enums import Status
from auditor.domain.policy.model import Seats
from auditor.domain.result.finding import Finding
from auditor.domain.result.seat_usage import SeatCoverage
from auditor.remedy.actions.action_groups import ActionGroup
from auditor.remedy.actions.context import RemediationContext

Removal = tuple[ActionGroup, Collection[str]]
"""A group that removes seats, and the skuIds of its products."""


def settle_coverage(groups: Collection[ActionGroup], removals: Sequence[Removal], context: RemediationContext) -> None:
    """Make removals leave enough seats to people who need one, or purchases for these people replace the seats.

    If seats of a product are both missing and to be removed, no number of them satisfies both policies: unless somebody
    decided the removal, its group becomes one about the limits. So does a removal of which no seat is left. Removals
    get the policies that count their seats and for which the seats are replaced or may be too few.
    """
    findings = [finding for finding in context.findings if finding.check == NOT_COVERED]
    short = {finding.policy: finding for finding in findings if finding.status is Status.OPEN}
    missing = {sku_id for sku_id, _ in map(missing_product, short.values())}
    for group, _ in removals:
        if group.first.old in missing and not group.first.answered:
            _set_limits(group)
    waived = {finding.policy for finding in findings if finding.status is Status.WAIVED}
    counted = [(policy, products) for policy, products in _counted_products(context) if policy not in waived]
    coverage = {entry.policy: entry for entry in context.tenant.coverage or ()}
    for policy, products in counted:
        if policy not in short and policy in coverage:
            _keep_needed(policy, coverage[policy], products, groups, removals, context)
    for policy, products in counted:
        concerned = [
            group for group, skus in removals if group.first.kind in REMOVING and not products.isdisjoint(skus)
        ]
        if not concerned:
            continue
        removed = _removed(products, groups, removals)
        replaced = policy in short and _replace(short[policy], removed, groups)
        if policy in short or not _is_enough(coverage.get(policy), removed):
            for group in concerned:
                group.counted_for[policy] = replaced


def _set_limits(group: ActionGroup) -> None:
    """Turn a removal into an action about limits that no number of seats satisfies."""
    group.set_kind(ActionKind.BOUNDS, group.first.article)
    group.moved = None


def _whole(products: frozenset[str], removals: Iterable[Removal]) -> list[ActionGroup]:
    """Return the groups that remove seats of these products only."""
    return [group for group, skus in removals if group.first.kind in REMOVING and skus and products.issuperset(skus)]


def _removed(products: frozenset[str], groups: Iterable[ActionGroup], removals: Iterable[Removal]) -> int:
    """Return the seats of products that actions remove, less those that others buy."""
    bought = (group.seats for group in groups if group.first.kind is ActionKind.BUY and group.first.old in products)
    return sum(group.seats for group in _whole(products, removals)) - sum(bought)


def _keep_needed(
    policy: str,
    coverage: SeatCoverage,
    products: frozenset[str],
    groups: Collection[ActionGroup],
    removals: Sequence[Removal],
    context: RemediationContext,
) -> None:
    """Limit removals that nobody decided, so that they leave enough seats to the people who certainly need one.

    The cheapest seats are kept. Nothing is limited if it is not known whether there are enough today.
    """
    trial = sum(context.seats[sku_id].trial or 0 for sku_id in products)
    spare = coverage.usable - coverage.people
    spare = max(0, spare - trial) if spare >= 0 else spare
    excess = _removed(products, groups, removals) - spare
    undecided = [group for group in _whole(products, removals) if not group.first.answered]
    for group in sorted(undecided, key=lambda group: (context.price(group.first.old) or Decimal(0), group.first.old)):
        kept = min(excess, group.seats)
        if spare < 0 or kept <= 0:
            return
        excess -= kept
        group.seats -= kept
        group.kept[policy] = kept
        if group.moved is not None:
            group.moved = replace(group.moved, added=group.moved.added + kept)
        if not group.seats:
            _set_limits(group)


def _replace(finding: Finding, removed: int, groups: Iterable[ActionGroup]) -> bool:
    """Add the seats that removals take from a policy to those to buy for its missing ones; return whether it did."""
    missing, (sku_id, _) = finding.evidence.get("adjust"), missing_product(finding)
    if not isinstance(missing, int):
        return False
    purchases = [
        group
        for group in groups
        if group.first.kind is ActionKind.COVER and group.first.old == sku_id and finding.policy in group.policies
    ]
    for group in purchases:
        added = max(0, missing + removed - group.seats)
        group.seats += added
        group.replacing += added
    return bool(purchases)


def _is_enough(coverage: SeatCoverage | None, removed: int) -> bool:
    """Return whether enough seats are certainly left to a policy without missing seats.

    Without coverage, the policy was not evaluated, or it is not certain of anybody whether they need a seat.
    """
    return coverage is not None and coverage.usable - removed >= coverage.people + coverage.unknown


def _counted_products(context: RemediationContext) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each policy with `covers` that does not only report, and the skuIds of the products that it counts."""
    for policy in context.policies.values():
        block = policy.constraint
        if isinstance(block, Seats) and block.covers and not policy.report_only:
            yield policy.id, frozenset(context.members.get(block.of.written, ()))
