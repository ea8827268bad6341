"""What an earlier run came to, as far as curves show it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct

from auditor.domain.enums import Severity


class EarlierRun(Struct, frozen=True, kw_only=True):
    """What an earlier run came to."""

    as_of: datetime
    open: Mapping[Severity, int]
    money: Mapping[str, Decimal]
    """What open findings stood for a month, per currency."""
    spare: int | None = None
    """Spare seats of products for people that cost something; None where the number of one is not known."""
    whole: bool = True
    """Whether findings over all tenants together are counted; a store keeps those of single tenants alone."""


class Sparkline(Struct, frozen=True, kw_only=True):
    """A number over the runs so far, small enough for a line of text or a row of a mail."""

    label: str
    text: str
    """Block characters, one a run; where there are many runs the last of each stretch."""
    bars: tuple[int, ...]
    """The same as heights from 1 to `TALL`."""
    summary: str


TALL: Final = 20
"""Pixels of the highest bar of a mail."""
