"""Merges actions about the seats of a product into the action that buys or removes enough seats."""

from auditor.checks.seats.not_covered import NOT_COVERED, missing_product
from auditor.domain.actions.kind import REMOVING, ActionKind
from auditor.remedy.actions.action_groups import ActionGroup
from auditor.remedy.actions.context import RemediationContext


def merge_caps(remaining: dict[object, ActionGroup]) -> None:
    """Merge an action about a limit on purchased seats into the action that removes enough seats of the product."""
    removals = {group.first.old: group for group in remaining.values() if group.first.kind in REMOVING}
    for key, group in list(remaining.items()):
        removal = removals.get(group.first.old) if group.first.kind is ActionKind.CAP else None
        if removal is not None and removal.seats >= group.seats:
            removal.merge(remaining.pop(key))


def merge_covered(remaining: dict[object, ActionGroup], context: RemediationContext) -> None:
    """Count missing seats that buying a product which contains the missing one covers too: P2 contains P1.

    Only seats that are bought count, and only if they count for every policy behind the action. An action whose seats
    they cover is merged into a purchase that covers it alone, if there is one.
    """
    policies = dict(missing_product(finding) for finding in context.findings if finding.check == NOT_COVERED)

    def counts_for(larger_group: ActionGroup, group: ActionGroup) -> bool:
        return group.policies.keys() <= set(policies.get(larger_group.first.old, ()))

    groups = {key: group for key, group in remaining.items() if group.first.kind is ActionKind.COVER}
    larger_keys = {
        key: [other for other, larger in groups.items() if counts_for(larger, group) and not counts_for(group, larger)]
        for key, group in groups.items()
    }
    bought: dict[object, ActionGroup] = {}
    while groups:  # P2 before P1: what it buys itself is known then, and a merged group absorbs no other
        key = min(groups, key=lambda key: sum(larger in groups for larger in larger_keys[key]))
        group, counted = groups.pop(key), [bought[larger] for larger in larger_keys[key] if larger in bought]
        group.covered = min(group.seats, sum(larger.bought_seats for larger in counted))
        largest = max(counted, key=lambda larger: larger.seats, default=None)
        if largest is not None and largest.seats >= group.seats == group.covered:
            largest.merge(remaining.pop(key))
        else:
            bought[key] = group


def merge_purchases(remaining: dict[object, ActionGroup]) -> None:
    """Merge actions that buy seats of the same product, for people who need one in number and for other reasons.

    The larger purchase is enough for both. A purchase that somebody decided is not merged into a larger one.
    """
    purchases = {group.first.old: key for key, group in remaining.items() if group.first.kind is ActionKind.BUY}
    for key, group in list(remaining.items()):
        if group.first.kind is not ActionKind.COVER or group.first.old not in purchases:
            continue
        purchase = remaining[purchases[group.first.old]]
        if purchase.seats >= group.bought_seats:
            group.seats = group.bought_seats  # the others come with larger products
            purchase.merge(remaining.pop(key))
        elif not purchase.first.answered:
            group.merge(remaining.pop(purchases[group.first.old]))
