"""Sizes of storage as files write them: `50GB`, `0.5TB`."""

from fractions import Fraction
from typing import Final

_UNITS: Final = ("kB", "MB", "GB", "TB")


def bytes_of(text: str) -> int:
    """Return the bytes of a size, rounded down; a unit is 1024 times the one before it, and a kB has 1024 bytes."""
    return int(Fraction(text[:-2]) * 1024 ** (_UNITS.index(text[-2:]) + 1))
