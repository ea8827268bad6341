"""Shows the course of a number as a line of block characters."""

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")
_BARS: Final = "▁▂▃▄▅▆▇█"
_MAX_SAMPLES: Final = 24


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
