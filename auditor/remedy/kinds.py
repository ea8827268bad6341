"""The kinds of action that fix findings, and the order in which they are safe."""

from auditor.domain.actions.kind import ActionKind
from auditor.guidance import Order

_ORDERS: dict[Order, tuple[ActionKind, ...]] = {
    # A usage location comes before every assignment, for Graph refuses those without.
    Order.CHECK: (
        ActionKind.ATTRIBUTE_SET,
        ActionKind.ATTRIBUTE_CORRECT,
        ActionKind.UNKNOWN_PRODUCT,
        ActionKind.GROUP_PROCESSING,
        ActionKind.GROUP_EMPTY,
        ActionKind.SEPARATE,
        ActionKind.BOUNDS,
        ActionKind.CONTRACT_SEATS,
        ActionKind.CONTRACT_NOTICE,
        ActionKind.CONTRACT_ENDING,
        ActionKind.CONTRACT_MISSING,
    ),
    Order.REASSIGN: (
        ActionKind.UNASSIGN,
        ActionKind.LEAVE_GROUP,
        ActionKind.GROUP_LICENCE,
        ActionKind.OVERLAP,
        ActionKind.QUOTA,
    ),
    Order.BUY: (
        ActionKind.STATE,
        ActionKind.EXPIRING,
        ActionKind.TRIAL,
        ActionKind.BUY,
        ActionKind.COVER,
        ActionKind.BUY_HERE,
    ),
    Order.MOVE: (
        ActionKind.DOWNGRADE,
        ActionKind.MOVE,
        ActionKind.MOVE_GROUP,
        ActionKind.GROUP_SWAP,
        ActionKind.ASSIGN,
        ActionKind.WAIT,
        ActionKind.ERROR,
        ActionKind.REPROCESS,
        ActionKind.GROUP_ERRORS,
        ActionKind.GROUP_NESTED,
        ActionKind.GROUP_PAUSED,
        ActionKind.SERVICE_ON,
        ActionKind.SERVICE_OFF,
        ActionKind.TO_GROUP,
        ActionKind.TO_DIRECT,
        ActionKind.COPY,
        ActionKind.COPIES,
    ),
    Order.REMOVE: (
        ActionKind.SETTLED,
        ActionKind.REMOVE_NOW,
        ActionKind.REMOVE_AT_RENEWAL,
        ActionKind.REMOVE_BY_SELLER,
        ActionKind.CAP,
        ActionKind.GIVE_UP_HERE,
        ActionKind.BUDGET,
    ),
    Order.CANCEL: (ActionKind.PURCHASE,),
}

ORDER: dict[ActionKind, Order] = {kind: order for order, kinds in _ORDERS.items() for kind in kinds}
"""Seats are freed before others are bought, bought before people move, and removed or cancelled last."""

ABOUT_GROUPS = frozenset(
    {
        ActionKind.GROUP_ERRORS,
        ActionKind.GROUP_PROCESSING,
        ActionKind.GROUP_NESTED,
        ActionKind.GROUP_PAUSED,
        ActionKind.GROUP_EMPTY,
    }
)
"""Kinds that fix a group, which the title names."""

REVIEWED = frozenset(
    {
        ActionKind.BOUNDS,
        ActionKind.OVERLAP,
        ActionKind.SEPARATE,
        ActionKind.DOWNGRADE,
        ActionKind.QUOTA,
        ActionKind.COVER,
        ActionKind.CAP,
        ActionKind.PURCHASE,
        ActionKind.TRIAL,
        ActionKind.UNKNOWN_PRODUCT,
        ActionKind.GROUP_NESTED,
        ActionKind.GROUP_PAUSED,
        ActionKind.GROUP_EMPTY,
        ActionKind.EXPIRING,
        ActionKind.STATE,
        ActionKind.BUDGET,
        ActionKind.ATTRIBUTE_SET,
        ActionKind.ATTRIBUTE_CORRECT,
        ActionKind.COPIES,
        ActionKind.REMOVE_AT_RENEWAL,
        ActionKind.REMOVE_NOW,
        ActionKind.REMOVE_BY_SELLER,
        ActionKind.BUY_HERE,
        ActionKind.GIVE_UP_HERE,
        ActionKind.CONTRACT_SEATS,
        ActionKind.CONTRACT_NOTICE,
        ActionKind.CONTRACT_ENDING,
        ActionKind.CONTRACT_MISSING,
    }
)
"""Kinds about which somebody has to decide before anything is done."""

JUDGED_ARTICLES = frozenset({"former-employee", "guests", "inactive-users", "shared-mailbox", "self-service-purchases"})
"""Articles that begin with finding out whether the person or mailbox still needs the licence."""
