"""The totals of an earlier run."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

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
