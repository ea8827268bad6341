"""Counts the seats that actions remove from products of which people need a seat in number."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from auditor.checks.seats.not_covered import NOT_COVERED, missing_product
from auditor.domain.actions.kind import REMOVING, ActionKind
from auditor.domain.enums import Status
from auditor.domain.policy.model import Seats
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.groups import ActionGroup, SeatsLeft

Removal = tuple[ActionGroup, Collection[str]]
"""A group that removes seats, and the skuIds of its products."""


def settle_coverage(groups: Collection[ActionGroup], removals: Sequence[Removal], context: RemediationContext) -> None:
    """Make purchases for people who need a seat also replace the seats that `removals` take from the same products.

    If seats of a product are both missing and to be removed, no number of them satisfies both policies: unless somebody
    decided the removal, its group becomes one about the limits. Removals get the policies that count their seats and
    for which too few of them may be left.
    """
    findings = [finding for finding in context.findings if finding.check == NOT_COVERED]
    short = {finding.policy: finding for finding in findings if finding.status is Status.OPEN}
    missing = {sku_id for sku_id, _ in map(missing_product, short.values())}
    for group, _ in removals:
        if group.first.old in missing and not group.first.answered:
            group.set_kind(ActionKind.BOUNDS, group.first.article)
            group.moved = None
    removals = [(group, skus) for group, skus in removals if group.first.kind in REMOVING and skus]
    waived = {finding.policy for finding in findings if finding.status is Status.WAIVED}
    for policy, products in _counted_products(context):
        counted = [group for group, skus in removals if not products.isdisjoint(skus)]
        if policy in waived or not counted:
            continue
        removed = sum(group.seats for group, skus in removals if products.issuperset(skus))
        removed -= sum(
            group.seats for group in groups if group.first.kind is ActionKind.BUY and group.first.old in products
        )
        left = (
            SeatsLeft(replaced=_replace(short[policy], removed, groups))
            if policy in short
            else _seats_left(context, policy, removed)
        )
        if left is not None:
            for group in counted:
                group.counted_for[policy] = left


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


def _seats_left(context: RemediationContext, policy: str, removed: int) -> SeatsLeft | None:
    """Return the seats that removals leave to a policy without missing seats; None if they are certainly enough."""
    coverage = next((entry for entry in context.tenant.coverage or () if entry.policy == policy), None)
    if coverage is None:
        return SeatsLeft()  # not evaluated, or it is not certain of anybody whether they need a seat
    left = coverage.usable - removed
    if left >= coverage.people + coverage.unknown:
        return None
    return SeatsLeft(usable=left, people=coverage.people) if left < coverage.people else SeatsLeft()


def _counted_products(context: RemediationContext) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each policy with `covers` that does not only report, and the skuIds of the products that it counts."""
    for policy in context.policies.values():
        block = policy.constraint
        if isinstance(block, Seats) and block.covers and not policy.report_only:
            yield policy.id, frozenset(context.members.get(block.of.written, ()))
