"""The totals of an earlier run, and sparklines."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec import Struct

from auditor.domain.enums import Severity


class EarlierRun(Struct, frozen=True, kw_only=True):
    """The totals of an earlier run that charts show."""

    as_of: datetime
    open: Mapping[Severity, int]
    money: Mapping[str, Decimal]
    """Monthly cost of open findings, by currency."""
    spare: int | None = None
    """Spare seats of paid products for people; None if the number of one product is not known."""
    includes_fleet: bool = True
    """Whether findings across tenants are counted; a store contains only those of single tenants."""


class Sparkline(Struct, frozen=True, kw_only=True):
    """A number over the runs so far, for a line of text or a row of a mail."""

    label: str
    text: str
    """Block characters, one per run; if there are many runs, one per group of runs, for the last of them."""
    bars: tuple[int, ...]
    """The same values as heights from 1 to `BAR_HEIGHT`."""
    summary: str


BAR_HEIGHT: Final = 20
"""Height of the highest bar in a mail, in pixels."""
