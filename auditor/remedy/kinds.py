"""Properties of each kind of action: its order, whether it needs a decision, and why a plan leaves its findings."""

from typing import Final, NamedTuple

from auditor.domain.actions.kind import ActionKind
from auditor.guidance import Order


class _Kind(NamedTuple):
    order: Order
    remains: str = "person"
    """Reason code, as in `planner.remaining`, of findings that a plan leaves because they need this kind of action."""
    reviewed: bool = False
    """Whether somebody has to decide before anything is done."""
    fixes_group: bool = False
    """Whether it fixes a group, which the title names."""


_KINDS: Final = {
    # The usage location is set before every assignment, because Graph refuses assignments without one.
    ActionKind.ATTRIBUTE_SET: _Kind(Order.CHECK, reviewed=True),
    ActionKind.ATTRIBUTE_CORRECT: _Kind(Order.CHECK, reviewed=True),
    ActionKind.UNKNOWN_PRODUCT: _Kind(Order.CHECK, reviewed=True),
    ActionKind.GROUP_PROCESSING: _Kind(Order.CHECK, "cause", fixes_group=True),
    ActionKind.GROUP_EMPTY: _Kind(Order.CHECK, reviewed=True, fixes_group=True),
    ActionKind.SEPARATE: _Kind(Order.CHECK, reviewed=True),
    ActionKind.BOUNDS: _Kind(Order.CHECK, reviewed=True),
    ActionKind.CONTRACT_SEATS: _Kind(Order.CHECK, reviewed=True),
    ActionKind.CONTRACT_NOTICE: _Kind(Order.CHECK, reviewed=True),
    ActionKind.CONTRACT_ENDING: _Kind(Order.CHECK, reviewed=True),
    ActionKind.CONTRACT_MISSING: _Kind(Order.CHECK, reviewed=True),
    ActionKind.UNASSIGN: _Kind(Order.REASSIGN),
    ActionKind.LEAVE_GROUP: _Kind(Order.REASSIGN, "group"),
    ActionKind.GROUP_LICENCE: _Kind(Order.REASSIGN, "group"),
    ActionKind.OVERLAP: _Kind(Order.REASSIGN, reviewed=True),
    ActionKind.QUOTA: _Kind(Order.REASSIGN, reviewed=True),
    ActionKind.STATE: _Kind(Order.BUY, "billing", reviewed=True),
    ActionKind.EXPIRING: _Kind(Order.BUY, "billing", reviewed=True),
    ActionKind.TRIAL: _Kind(Order.BUY, "billing", reviewed=True),
    ActionKind.BUY: _Kind(Order.BUY, "billing"),
    ActionKind.COVER: _Kind(Order.BUY, reviewed=True),
    ActionKind.BUY_HERE: _Kind(Order.BUY, reviewed=True),
    ActionKind.DOWNGRADE: _Kind(Order.MOVE, reviewed=True),
    ActionKind.MOVE: _Kind(Order.MOVE, "seats"),
    ActionKind.MOVE_GROUP: _Kind(Order.MOVE, "group"),
    ActionKind.GROUP_SWAP: _Kind(Order.MOVE, "group"),
    ActionKind.ASSIGN: _Kind(Order.MOVE, "seats"),
    ActionKind.ERROR: _Kind(Order.MOVE, "cause"),
    ActionKind.REPROCESS: _Kind(Order.MOVE, "seats"),
    ActionKind.GROUP_ERRORS: _Kind(Order.MOVE, "cause", fixes_group=True),
    ActionKind.GROUP_NESTED: _Kind(Order.MOVE, reviewed=True, fixes_group=True),
    ActionKind.GROUP_PAUSED: _Kind(Order.MOVE, reviewed=True, fixes_group=True),
    ActionKind.SERVICE_ON: _Kind(Order.MOVE, "services"),
    ActionKind.SERVICE_OFF: _Kind(Order.MOVE, "services"),
    ActionKind.TO_GROUP: _Kind(Order.MOVE, "group"),
    ActionKind.TO_DIRECT: _Kind(Order.MOVE, "group"),
    ActionKind.COPY: _Kind(Order.MOVE),
    ActionKind.COPIES: _Kind(Order.MOVE, "group", reviewed=True),
    ActionKind.SETTLED: _Kind(Order.REMOVE, "billing"),
    ActionKind.REMOVE_NOW: _Kind(Order.REMOVE, "billing", reviewed=True),
    ActionKind.REMOVE_AT_RENEWAL: _Kind(Order.REMOVE, "renewal", reviewed=True),
    ActionKind.REMOVE_BY_SELLER: _Kind(Order.REMOVE, "renewal", reviewed=True),
    ActionKind.CAP: _Kind(Order.REMOVE, reviewed=True),
    ActionKind.GIVE_UP_HERE: _Kind(Order.REMOVE, reviewed=True),
    ActionKind.BUDGET: _Kind(Order.REMOVE, "billing", reviewed=True),
    ActionKind.PURCHASE: _Kind(Order.CANCEL, "billing", reviewed=True),
}
ORDER: Final = {kind: facts.order for kind, facts in _KINDS.items()}
"""Seats are freed before others are bought, bought before people move, and removed or cancelled last."""
REMAINS: Final = {kind: facts.remains for kind, facts in _KINDS.items()}
"""Reason code of findings that a plan leaves because they need an action of the kind."""
REVIEWED: Final = frozenset(kind for kind, facts in _KINDS.items() if facts.reviewed)
"""Kinds about which somebody has to decide before anything is done."""
ABOUT_GROUPS: Final = frozenset(kind for kind, facts in _KINDS.items() if facts.fixes_group)
"""Kinds that fix a group; the title names the group."""
GENERAL_ARTICLES: Final = frozenset({"group-licenses", "unassign-licenses"})
"""Articles whose titles only repeat those of the actions that they describe."""
REVIEW_ARTICLES: Final = frozenset(
    {"former-employee", "guests", "inactive-users", "shared-mailbox", "self-service-purchases"}
)
"""Articles that begin with finding out whether the person or mailbox still needs the licence."""
