"""Defines the options for sending a result, and the outcome of each message."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from auditor.domain.errors import Warn
from auditor.domain.message import NOTHING, Message
from auditor.domain.settings import Settings
from auditor.result.redaction.pseudonyms import RedactionKey


class DeliveryStatus(StrEnum):
    """The outcome of a reader's mail or message."""

    ACCEPTED = "accepted"
    WRITTEN = "written"
    """A file was written instead of sending."""
    ALREADY = "already"
    """It was already sent."""
    NOT_DUE = "not-due"
    """There is no reason to send it."""
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """It may have been sent."""

    @property
    def is_fine(self) -> bool:
        """Whether nothing needs attention."""
        return self not in {DeliveryStatus.REFUSED, DeliveryStatus.UNKNOWN}


class DeliveryReport(Struct, frozen=True, kw_only=True):
    """A reader and the outcome of their mail or message."""

    address: str
    end: DeliveryStatus
    message: Message = NOTHING
    hint: Message | None = None
    file: Path | None = None
    missing_secret: str = ""
    """The unset variable whose secret would have signed the message; empty if it was signed or has no signature."""


class MailJob(Struct, frozen=True, kw_only=True):
    """The options for sending a result."""

    settings: Settings
    now: datetime
    environ: Mapping[str, str]
    log: Path
    dry_run: Path | None = None
    """The folder to which messages are written instead of sending them."""
    resend: bool = False
    only: tuple[str, ...] = ()
    """Addresses, and `mail` for all mail addresses; empty for every recipient."""
    link: str = ""
    report_link: bool = False
    """Whether `link` is the address of the HTML report."""
    fallback: str = "en"
    approvals: tuple[Path, ...] = ()
    """Folders that `auditor plan --by owner` wrote; each owner receives their files."""
    history: Path | str | None = None
    """Earlier results, for trend charts: a folder of them, or a store."""
    pseudonyms: RedactionKey | None = None
    """The key of the pseudonyms in messages to channels; None to use names."""
    notice: Callable[[Message], None] = lambda _: None
    warn: Warn = lambda _: None
