"""Notices: information for readers of a result apart from findings."""

from dataclasses import dataclass

from auditor.domain.message import Message
from auditor.domain.saved_field import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Information that is not a finding, such as an expiring waiver or an unknown name."""

    code: str
    message: Message
    subject: Label
