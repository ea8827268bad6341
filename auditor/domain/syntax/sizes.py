"""Sizes of storage as written in files: `50GB`, `0.5TB`."""

from fractions import Fraction
from typing import Final

_UNITS: Final = ("kB", "MB", "GB", "TB")


def bytes_of(text: str) -> int:
    """Return a size in bytes, rounded down; a kB has 1024 bytes, and each unit is 1024 times the previous one."""
    return int(Fraction(text[:-2]) * 1024 ** (_UNITS.index(text[-2:]) + 1))
