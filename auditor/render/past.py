"""What an earlier run came to, as far as curves tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from auditor.domain.words import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What an earlier run came to."""

    as_of: datetime
    open: Mapping[Severity, int]
    money: Mapping[str, Decimal]
    """What open findings stood for a month, per currency."""
