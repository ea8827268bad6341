"""The outcome of sending a mail or a message to a channel."""

from enum import StrEnum

from msgspec import Struct

from auditor.domain.message import NOTHING, Message


class SendStatus(StrEnum):
    """The outcome of sending a message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """The message was certainly not sent."""
    UNKNOWN = "unknown"
    """It may have been sent; it is only sent again if a person decides so."""


class SendAttempt(Struct, frozen=True, kw_only=True):
    """The outcome of one attempt to send a message, and what to do about it."""

    status: SendStatus
    message: Message = NOTHING
    hint: Message | None = None
    missing_secret: str = ""
    """The unset variable whose secret would have signed the message; empty if it was signed or has no signature."""
