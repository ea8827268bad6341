"""The kinds of action that correct findings, as `kind` of an action in result.json."""

from enum import StrEnum
from typing import Final

from auditor.domain.enums import Agreement


class ActionKind(StrEnum):
    """What an action does."""

    UNASSIGN = "unassign"
    MOVE = "move"
    ASSIGN = "assign"
    OVERLAP = "overlap"
    SEPARATE = "separate-account"
    DOWNGRADE = "downgrade"
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
    COVER = "cover"
    CAP = "cap"
    PURCHASE = "purchase"
    TRIAL = "trial"
    UNKNOWN_PRODUCT = "unknown-product"
    EXPIRING = "expiring"
    STATE = "subscription-state"
    GROUP_ERRORS = "group-errors"
    GROUP_PROCESSING = "group-processing"
    GROUP_NESTED = "group-nested"
    GROUP_PAUSED = "group-paused"
    GROUP_EMPTY = "group-empty"
    BUDGET = "budget"
    CONTRACT_SEATS = "contract-seats"
    CONTRACT_NOTICE = "contract-notice"
    CONTRACT_ENDING = "contract-ending"
    CONTRACT_MISSING = "contract-missing"
    BUY_HERE = "buy-in-tenant"
    GIVE_UP_HERE = "give-up-in-tenant"


REMOVING: Final = frozenset({ActionKind.REMOVE_NOW, ActionKind.REMOVE_AT_RENEWAL, ActionKind.REMOVE_BY_SELLER})
"""Kinds that remove seats of a product."""
NUMBERED: Final = REMOVING | {ActionKind.BUY}
"""Kinds that name a number of seats of a product to buy or to remove."""
RENEWED: Final = frozenset({ActionKind.EXPIRING, ActionKind.TRIAL, ActionKind.STATE})
"""Kinds that decide whether a subscription goes on."""


def removal_kind(agreement: Agreement) -> ActionKind:
    """Return the kind of action that removes seats under an agreement; the default is removal at the renewal."""
    return _REMOVAL_KINDS.get(agreement, ActionKind.REMOVE_AT_RENEWAL)


_REMOVAL_KINDS: Final = {
    Agreement.MOSA: ActionKind.REMOVE_NOW,
    Agreement.VOLUME: ActionKind.REMOVE_BY_SELLER,
    Agreement.CSP: ActionKind.REMOVE_BY_SELLER,
}
