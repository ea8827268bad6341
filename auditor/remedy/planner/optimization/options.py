"""The options of one person as input of the optimizer: their scores, and the seats that they take or free."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, field


class Score(NamedTuple):
    """The score of an option; scores are compared field by field, and lower is better."""

    corrected: int
    """The negated weight of the findings that it fixes."""
    lost_services: int
    cents: int
    """The change of the monthly cost, in hundredths of the currency."""
    changes: int

    def plus(self, other: "Score", times: int = 1) -> "Score":
        """Return the sum of this score and `times` the other one."""
        return Score(
            self.corrected + times * other.corrected,
            self.lost_services + times * other.lost_services,
            self.cents + times * other.cents,
            self.changes + times * other.changes,
        )


NO_CHANGE = Score(0, 0, 0, 0)


class Option(Struct, frozen=True, kw_only=True):
    """A possible change of one person."""

    score: Score
    seats: Mapping[str, int] = field(default_factory=dict)
    """SkuId → seats taken (+) or freed (−)."""


def best_by_change(options: Sequence[Option], skus: Iterable[str]) -> dict[tuple[int, ...], tuple[Score, int]]:
    """Return the score and index of the best option for each change of the seats of `skus`."""
    keys = tuple(skus)
    best: dict[tuple[int, ...], tuple[Score, int]] = {}
    for index, option in enumerate(options):
        change = tuple(option.seats.get(sku, 0) for sku in keys)
        if change not in best or option.score < best[change][0]:
            best[change] = (option.score, index)
    return best


class Limit(Struct, frozen=True, kw_only=True):
    """The range in which the number of a product's seats in use may change; None for no bound."""

    minimum: int | None = None
    maximum: int | None = None

    def allows(self, change: int) -> bool:
        """Return whether a change of the seats in use is within the limit."""
        return (self.minimum is None or change >= self.minimum) and (self.maximum is None or change <= self.maximum)
