"""The kinds of action that mend findings, and the order in which they are safe."""

from dataclasses import dataclass
from enum import StrEnum

from auditor.guidance import Order


class Kind(StrEnum):
    """What an action does."""

    UNASSIGN = "unassign"
    MOVE = "move"
    ASSIGN = "assign"
    WAIT = "assign-when-free"
    OVERLAP = "overlap"
    COPY = "direct-copy"
    COPIES = "copies"
    TO_GROUP = "to-group"
    TO_DIRECT = "to-direct"
    LEAVE_GROUP = "leave-group"
    MOVE_GROUP = "change-group"
    GROUP_LICENCE = "group-license"
    GROUP_SWAP = "group-swap"
    SERVICE_ON = "service-on"
    SERVICE_OFF = "service-off"
    ERROR = "assignment-error"
    REPROCESS = "reprocess"
    ATTRIBUTE_SET = "attribute-set"
    ATTRIBUTE_CORRECT = "attribute-correct"
    BUY = "buy"
    REMOVE_NOW = "remove-seats"
    REMOVE_AT_RENEWAL = "remove-seats-at-renewal"
    SETTLED = "seats-settled"
    REMOVE_BY_SELLER = "remove-seats-by-seller"
    BOUNDS = "bounds"
    QUOTA = "quota"
    PURCHASE = "purchase"
    TRIAL = "trial"
    UNKNOWN_PRODUCT = "unknown-product"
    EXPIRING = "expiring"
    STATE = "subscription-state"
    GROUP_ERRORS = "group-errors"
    GROUP_PROCESSING = "group-processing"
    BUDGET = "budget"
    BUY_HERE = "buy-in-tenant"
    GIVE_UP_HERE = "give-up-in-tenant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """When the seats of a product can be given back."""

    just_bought: bool
    """Whether a subscription of it is at most seven days old: so long Microsoft's own agreement takes seats back."""
    ends: str | None
    """The next date of its subscriptions, as a day; None where none is known."""


_ORDERS: dict[Order, tuple[Kind, ...]] = {
    # A usage location comes before every assignment, for Graph refuses those without.
    Order.CHECK: (Kind.ATTRIBUTE_SET, Kind.ATTRIBUTE_CORRECT, Kind.UNKNOWN_PRODUCT, Kind.GROUP_PROCESSING, Kind.BOUNDS),
    Order.REASSIGN: (Kind.UNASSIGN, Kind.LEAVE_GROUP, Kind.GROUP_LICENCE, Kind.OVERLAP, Kind.QUOTA),
    Order.BUY: (Kind.STATE, Kind.EXPIRING, Kind.TRIAL, Kind.BUY, Kind.BUY_HERE),
    Order.MOVE: (
        Kind.MOVE, Kind.MOVE_GROUP, Kind.GROUP_SWAP, Kind.ASSIGN, Kind.WAIT, Kind.ERROR, Kind.REPROCESS,
        Kind.GROUP_ERRORS, Kind.SERVICE_ON, Kind.SERVICE_OFF, Kind.TO_GROUP, Kind.TO_DIRECT, Kind.COPY, Kind.COPIES,
    ),
    Order.REMOVE: (
        Kind.SETTLED, Kind.REMOVE_NOW, Kind.REMOVE_AT_RENEWAL, Kind.REMOVE_BY_SELLER, Kind.GIVE_UP_HERE, Kind.BUDGET,
    ),
    Order.CANCEL: (Kind.PURCHASE,),
}  # fmt: skip

ORDER: dict[Kind, Order] = {kind: order for order, kinds in _ORDERS.items() for kind in kinds}
"""Seats are freed before others are bought, bought before people move, and removed or cancelled last."""

REVIEWED = frozenset(
    {Kind.BOUNDS, Kind.OVERLAP, Kind.QUOTA, Kind.PURCHASE, Kind.TRIAL, Kind.UNKNOWN_PRODUCT, Kind.EXPIRING,
     Kind.STATE, Kind.BUDGET, Kind.ATTRIBUTE_SET, Kind.ATTRIBUTE_CORRECT, Kind.COPIES, Kind.REMOVE_AT_RENEWAL,
     Kind.REMOVE_NOW, Kind.REMOVE_BY_SELLER, Kind.BUY_HERE, Kind.GIVE_UP_HERE}
)  # fmt: skip
"""Kinds about which somebody has to decide before anything is done."""

JUDGED_ARTICLES = frozenset({"former-employee", "guests", "inactive-users", "shared-mailbox", "self-service-purchases"})
"""Articles that begin with finding out whether the person or mailbox still needs the licence."""
