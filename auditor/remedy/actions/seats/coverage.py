"""Counts the seats that actions remove from products of which people need a seat in number."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from auditor.checks.seats.not_covered import NOT_COVERED, missing_product
from auditor.domain.actions.kind import REMOVING, ActionKind
from auditor.domain.enums import Status
from auditor.domain.policy.model import Seats
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.groups import ActionGroup

Removal = tuple[ActionGroup, Collection[str]]
"""A group that removes seats, and the skuIds of its products."""


def settle_coverage(groups: Iterable[ActionGroup], removals: Sequence[Removal], context: RemediationContext) -> None:
    """Make purchases for people who need a seat also replace the seats that `removals` take from the same products.

    If seats of a product are both missing and to be removed, no number of them satisfies both policies: unless somebody
    decided the removal, its group becomes one about the limits. Removals get the policies that count their seats.
    """
    findings = [finding for finding in context.findings if finding.check == NOT_COVERED]
    short = [finding for finding in findings if finding.status is Status.OPEN]
    missing = {sku_id for sku_id, _ in map(missing_product, short)}
    for group, _ in removals:
        if group.first.old in missing and not group.first.answered:
            group.set_kind(ActionKind.BOUNDS, group.first.article)
            group.seats, group.moved = 0, None
    removals = [(group, skus) for group, skus in removals if group.first.kind in REMOVING and skus]
    purchases = [group for group in groups if group.first.kind is ActionKind.COVER]
    waived = {finding.policy for finding in findings if finding.status is Status.WAIVED}
    counted = {name: skus for name, skus in _counted_products(context) if name not in waived}
    for finding in short:
        products = counted.get(finding.policy, frozenset())
        removed = sum(group.seats for group, skus in removals if products.issuperset(skus))
        _replace(finding, removed, purchases)
    lacking = {finding.policy for finding in short}
    for group, skus in removals:
        group.counted_for = {name: name in lacking for name, members in counted.items() if not members.isdisjoint(skus)}


def _replace(finding: Finding, removed: int, purchases: Iterable[ActionGroup]) -> None:
    """Add the seats that removals take from the products of a policy to those to buy for its missing seats."""
    missing, (sku_id, _) = finding.evidence.get("adjust"), missing_product(finding)
    for group in purchases:
        if isinstance(missing, int) and group.first.old == sku_id and finding.policy in group.policies:
            added = max(0, missing + removed - group.seats)
            group.seats += added
            group.replacing += added


def _counted_products(context: RemediationContext) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each policy with `covers`, and the skuIds of the products that it counts."""
    for policy in context.policies.values():
        block = policy.constraint
        if isinstance(block, Seats) and block.covers:
            yield policy.id, frozenset(context.members.get(block.of.written, ()))
