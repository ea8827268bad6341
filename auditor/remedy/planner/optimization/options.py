"""The options of one person as input of the optimizer: their scores, and the seats that they take or free."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

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


class Option(Struct, frozen=True, kw_only=True, gc=False):
    """A possible change of one person."""

    score: Score
    seats: Mapping[str, int] = field(default_factory=dict)
    """SkuId → seats taken (+) or freed (−)."""


UNCHANGED: Final = Option(score=NO_CHANGE)
"""The option to change nothing."""


class People(Struct, frozen=True):
    """The options of people; those with equal options are one kind, because most people share their options."""

    kinds: Sequence[int]
    """The kind of each person."""
    options: Sequence[Sequence[Option]]
    """The options of each kind; kinds are numbered in the order of their first person."""

    @classmethod
    def of(cls, alternatives: Iterable[Sequence[Option]]) -> "People":
        """Return people with these options."""
        numbers: dict[object, int] = {}
        kinds: list[int] = []
        distinct: list[Sequence[Option]] = []
        for options in alternatives:
            key = tuple([(option.score, *option.seats.items()) for option in options])
            kinds.append(numbers.setdefault(key, len(distinct)))
            if kinds[-1] == len(distinct):
                distinct.append(options)
        return cls(kinds, distinct)

    def best(self) -> list[int]:
        """Return the index of each person's best option, regardless of other people."""
        best = [min(range(len(options)), key=lambda index: (options[index].score, index)) for options in self.options]
        return [best[kind] for kind in self.kinds]

    def counted(self, choices: Iterable[int]) -> Iterator[tuple[Option, int]]:
        """Yield each chosen option of a kind, and the number of people who take it."""
        for (kind, index), count in Counter(zip(self.kinds, choices, strict=True)).items():
            yield self.options[kind][index], count

    def seats_used(self, choices: Iterable[int]) -> Counter[str]:
        """Return the change of the seats in use by skuId, if each person takes the chosen option."""
        used: Counter[str] = Counter()
        for option, count in self.counted(choices):
            for sku_id, change in option.seats.items():
                used[sku_id] += count * change
        return used


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
