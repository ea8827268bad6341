"""Actions about mailboxes that are nobody's own, and those at several groups, into the forms of their titles."""

from collections.abc import Callable
from typing import Final

from auditor.domain.actions.kind import ActionKind

ARTICLE: Final = "shared-mailbox"
"""The article that such actions follow."""


def of_groups(ngettext: Callable[[str, str, int], str], count: int) -> str:
    """Return the form of a title about people who leave several groups."""
    return ngettext(
        "Take {count} person out of the groups that assign {old} ({extra})",
        "Take {count} people out of the groups that assign {old} ({extra})",
        count,
    )


def titled(ngettext: Callable[[str, str, int], str], kind: ActionKind, count: int, groups: int) -> str | None:
    """Return the form of a title; None for what is done to a mailbox as it is to a person."""
    match kind:
        case ActionKind.UNASSIGN:
            return ngettext("Unassign {old} from {count} mailbox", "Unassign {old} from {count} mailboxes", count)
        case ActionKind.LEAVE_GROUP if groups > 1:
            return ngettext(
                "Take {count} mailbox out of the groups that assign {old} ({extra})",
                "Take {count} mailboxes out of the groups that assign {old} ({extra})",
                count,
            )
        case ActionKind.LEAVE_GROUP:
            return ngettext(
                "Take {count} mailbox out of the group that assigns {old} ({extra})",
                "Take {count} mailboxes out of the group that assigns {old} ({extra})",
                count,
            )
        case ActionKind.GROUP_LICENCE:
            return ngettext(
                "Stop the group {extra} from assigning {old} to {count} mailbox",
                "Stop the group {extra} from assigning {old} to {count} mailboxes",
                count,
            )
        case _:
            return None
