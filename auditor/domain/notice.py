"""What readers of a result should know beside its findings."""

from dataclasses import dataclass

from auditor.domain.saved_field import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the reader should know that is not a finding: a waiver that lapses, a name nobody knows."""

    code: str
    message: str
    subject: Label
