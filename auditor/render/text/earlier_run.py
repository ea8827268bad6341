"""The totals of an earlier run, and lines of block characters for the course of a number."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

from msgspec import Struct

from auditor.domain.enums import Severity

T = TypeVar("T")
_BARS: Final = "▁▂▃▄▅▆▇█"
_MAX_SAMPLES: Final = 24


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


def sparkline(values: Sequence[float | None]) -> str:
    """Return a line of block characters; an unknown value is a blank, a group of values is reduced to the last one."""
    samples = last_of_groups(values)
    numbers = [value for value in samples if value is not None]
    if not numbers:
        return ""
    low, high = min(numbers), max(numbers)
    return "".join(
        " "
        if value is None
        else _BARS[round((value - low) / (high - low) * (len(_BARS) - 1))]
        if high > low
        else _BARS[0]
        for value in samples
    )


def last_of_groups(values: Sequence[T]) -> list[T]:
    """Return at most 24 values: the last of each group of consecutive values."""
    step = max(1, -(-len(values) // _MAX_SAMPLES))
    return [values[min(start + step, len(values)) - 1] for start in range(0, len(values), step)]
