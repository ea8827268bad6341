"""Adds findings about seats that the requests of a plan fix to the action that fixes most of each."""

from collections.abc import Iterable

from auditor.domain.actions.kind import NUMBERED, REMOVING
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.groups import UNSORTED, ActionGroups
from auditor.remedy.actions.remedies.model import Remedy
from auditor.remedy.actions.seats.projection import TAKING, SeatProjection, products_of, resolving_group


def add_fixed(action_groups: ActionGroups, context: RemediationContext, fixed: Iterable[Remedy]) -> None:
    """Add findings about missing seats to the action whose requests free most of these seats.

    `fixed` are the remedies of findings that the requests of a plan fix without any seats being bought. Only actions
    that remove licences and assign none get such findings: their order does not matter; that of others was simulated.
    """
    seats = ActionGroups(context.owners)
    seats.add((UNSORTED, remedy) for remedy in fixed if remedy.kind in NUMBERED - REMOVING)
    acting = [
        group for group in action_groups if group.first.proven and group.has_requests and group.first.kind in TAKING
    ]
    projection = SeatProjection.of(action_groups, context)
    for group in seats:
        skus = products_of(group, projection)
        resolving = resolving_group(acting, projection, skus, is_removal=False)
        if resolving is not None:
            group.moved = projection.movement(skus)
            resolving.resolve(group)
