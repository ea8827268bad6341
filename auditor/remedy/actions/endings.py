"""Adjusts actions about contracts and subscriptions that end to what is known about them."""

from collections import Counter
from datetime import date
from typing import Final

from auditor.domain.actions.kind import RENEWED, ActionKind
from auditor.guidance.routing import STOPPED
from auditor.remedy.actions.action_groups import ActionGroup, ActionGroups

_KEPT: Final = RENEWED | {ActionKind.CONTRACT_NOTICE, ActionKind.CONTRACT_ENDING, ActionKind.CONTRACT_MISSING}
"""Kinds that ask whether a product is kept."""


def settle_endings(action_groups: ActionGroups, today: date) -> None:
    """Mark groups about contracts that have ended, unneeded subscriptions, and products that several groups ask about.

    Must be called once, after the seats were settled and decisions were applied. A product whose contract has ended has
    no contract: the group follows that article, and takes over the group about the missing contract.
    """
    groups = action_groups.groups
    missing = {group.first.old: key for key, group in groups.items() if group.first.kind is ActionKind.CONTRACT_MISSING}
    for group in list(groups.values()):
        if _is_unneeded(group):
            group.unneeded = True
            if not group.first.answered:
                group.set_kind(group.first.kind, "subscription-end")
        elif _has_ended(group, today):
            group.ended = True
            group.set_kind(group.first.kind, "contract-missing")
            if group.first.old in missing:
                group.merge(groups.pop(missing.pop(group.first.old)))
    asking = [group for group in groups.values() if group.first.kind in _KEPT and not group.first.answered]
    counts = Counter(group.first.old.casefold() for group in asking)
    for group in asking:
        group.asked_elsewhere = counts[group.first.old.casefold()] > 1


def _is_unneeded(group: ActionGroup) -> bool:
    """Return whether a product certainly has enough seats without a subscription that has stopped.

    No seat of a stopped subscription is usable. The group has a number of seats if it also resolves a finding that
    seats are missing.
    """
    if group.first.kind is not ActionKind.STATE or group.seats or group.moved is None:
        return False
    needed = group.moved.assigned_after + (group.moved.undecided or 0)
    return not STOPPED.isdisjoint(map(str.casefold, group.first.extra)) and needed <= group.moved.usable


def _has_ended(group: ActionGroup, today: date) -> bool:
    days = map(date.fromisoformat, group.dates)
    return group.first.kind is ActionKind.CONTRACT_ENDING and max(days, default=today) < today
