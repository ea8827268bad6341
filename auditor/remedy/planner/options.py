"""What one person's way out means for the others: what it is worth, and whose seats it takes or frees."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Goals = tuple[int, int, int, int]
"""(weight of what is mended, negative; services lost; monthly cost in hundredths; changes): less is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way out for somebody, as far as the others are concerned."""

    goals: Goals
    seats: Mapping[str, int] = field(default_factory=dict)
    """SkuId → seats taken (+) or freed (−)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """By how much the seats in use of a product may change; None for no bound."""

    least: int | None = None
    most: int | None = None
