"""The options of one person as the optimizer sees them: their scores, and the seats that they take or free."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, field


class Score(NamedTuple):
    """What an option is worth; scores compare field by field, and less is better."""

    corrected: int
    """The weight of the findings that it corrects, negative."""
    lost_services: int
    cents: int
    """What it adds to the monthly cost, in hundredths of the currency."""
    changes: int

    def plus(self, other: "Score", times: int = 1) -> "Score":
        """Return the sum of this score and another, that one taken some times."""
        return Score(
            self.corrected + times * other.corrected,
            self.lost_services + times * other.lost_services,
            self.cents + times * other.cents,
            self.changes + times * other.changes,
        )


NO_CHANGE = Score(0, 0, 0, 0)


class Option(Struct, frozen=True, kw_only=True):
    """One of the things that can be done for somebody."""

    score: Score
    seats: Mapping[str, int] = field(default_factory=dict)
    """SkuId → seats taken (+) or freed (−)."""


class Limit(Struct, frozen=True, kw_only=True):
    """By how much the seats in use of a product may change; None for no bound."""

    least: int | None = None
    most: int | None = None

    def allows(self, change: int) -> bool:
        """Return whether so many more seats in use are within it."""
        return (self.least is None or change >= self.least) and (self.most is None or change <= self.most)
