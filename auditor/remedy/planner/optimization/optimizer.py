"""Chooses one option for each person so that the total is the best for all people who share seats.

Scores are compared in a fixed order: fix the most and worst findings, lose the fewest services, cost the least, change
the least. Dynamic programming over seat balances is exact and fast as long as there are few balances, which is nearly
always the case; otherwise SciPy's HiGHS solver is used, which takes seconds to load
(docs/decisions/0007-plan-solver.md).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from math import comb
from operator import mul

from msgspec import Struct

from auditor.remedy.planner.optimization.options import NO_CHANGE, Limit, Option, People, Score, best_by_change

MAX_BALANCES = 20_000
"""Number of seat balances after which HiGHS is used."""
MAX_TRANSITIONS = 2_000_000
"""Number of transitions between balances after which HiGHS is used."""
MAX_COMPOSITIONS = 2_000
"""Maximum number of ways to distribute one class of people over its options at once."""


class Choice(Struct, frozen=True, kw_only=True):
    """The index of each person's option; no choice within the limits is better."""

    chosen: tuple[int, ...]
    solver: str
    """`none` if no seat limit matters, else `walk` or `milp`."""
    score: Score


def choose_options(people: People, limits: Mapping[str, Limit], *, solver: str | None = None) -> Choice:
    """Choose one option for each person within the limits; changing nothing must be within them.

    The result is deterministic. `solver` forces `milp` or `walk`, the search over balances, however long it takes.
    """
    best = people.best()
    used = people.seats_used(best)
    if solver is None and all(limit.allows(used[sku]) for sku, limit in limits.items()):
        return Choice(chosen=tuple(best), solver="none", score=_total(people, best))
    binding, name = _binding(people, limits), "walk"
    choices = None if solver == "milp" else _walked(people, binding, limits, bounded=solver is None)
    if choices is None:
        from auditor.remedy.planner.optimization.milp import solve  # noqa: PLC0415 - few plans need it; scipy is slow

        choices, name = solve(people, {sku: limits[sku] for sku in binding}), "milp"
    return Choice(chosen=choices, solver=name, score=_total(people, choices))


def _total(people: People, choices: Sequence[int]) -> Score:
    return reduce(lambda total, item: total.plus(item[0].score, item[1]), people.counted(choices), NO_CHANGE)


def _walked(
    people: People, binding: Sequence[str], limits: Mapping[str, Limit], *, bounded: bool
) -> tuple[int, ...] | None:
    """Solve each component of people who compete for the same seats; people without competition get the best option.

    With `bounded`, return None if a component has too many balances or transitions.
    """
    choices = people.best()
    for members, skus in _components(people, frozenset(binding)):
        competitors = People([people.kinds[number] for number in members], people.options)
        chosen = _solve_component(competitors, sorted(skus), limits, bounded=bounded)
        if chosen is None:
            return None
        for number, index in zip(members, chosen, strict=True):
            choices[number] = index
    return tuple(choices)


def _components(people: People, binding: frozenset[str]) -> list[tuple[list[int], frozenset[str]]]:
    """Divide people into components that share no product with a binding limit."""
    competing_of = [
        frozenset(sku for option in options for sku in option.seats) & binding for options in people.options
    ]
    people_by_skus: dict[frozenset[str], list[int]] = {}
    for number, kind in enumerate(people.kinds):
        if competing_of[kind]:
            people_by_skus.setdefault(competing_of[kind], []).append(number)
    components: list[tuple[list[int], frozenset[str]]] = []
    for competing, competitors in people_by_skus.items():
        skus = competing.union(*(component_skus for _, component_skus in components if component_skus & competing))
        members = [number for numbers, component_skus in components if component_skus & competing for number in numbers]
        apart = [component for component in components if not component[1] & competing]
        components = [*apart, ([*members, *competitors], skus)]
    return [(sorted(members), skus) for members, skus in components]


_Step = tuple[Score, tuple[int, ...]]
"""The score of an option, and its change of the seats with a binding limit."""
_Trail = tuple["_Trail", tuple[int, ...]] | None
"""How many people of each class take each option, the last class first."""


class _Packing(Struct, frozen=True):
    """Packs the numbers of a vector into one: sums of packed vectors are packed sums, in the same order.

    Adding integers takes a fraction of the time of adding tuples element by element.
    """

    maxima: tuple[int, ...]
    """The highest absolute value of each number in a sum."""

    @classmethod
    def of(cls, vectors: Iterable[tuple[Sequence[Sequence[int]], int]]) -> "_Packing":
        """Return the packing for sums with at most one vector of each person; `vectors` are for numbers of people."""
        highest = [
            [count * max(map(abs, numbers)) for numbers in zip(*alternatives, strict=True)]
            for alternatives, count in vectors
        ]
        return cls(tuple(map(sum, zip(*highest, strict=True))))

    def packed(self, vector: Sequence[int]) -> int:
        return reduce(lambda total, item: total * (2 * item[1] + 1) + item[0], zip(vector, self.maxima, strict=True), 0)

    def unpacked(self, number: int) -> list[int]:
        vector = []
        for highest in reversed(self.maxima):
            number, rest = divmod(number + highest, 2 * highest + 1)
            vector.append(rest - highest)
        return vector[::-1]


def _solve_component(
    people: People, binding: Sequence[str], limits: Mapping[str, Limit], *, bounded: bool
) -> tuple[int, ...] | None:
    """Process class by class, and keep the best score for each balance of the seats with a binding limit.

    People with the same options are one class: only how many of them take each option matters. With `bounded`, return
    None if there are too many balances or transitions.
    """
    steps_of_kind = {kind: _steps(people.options[kind], binding) for kind in dict.fromkeys(people.kinds)}
    steps_of = [steps_of_kind[kind] for kind in people.kinds]
    people_by_steps: dict[tuple[_Step, ...], list[int]] = {}
    for number, (steps, _) in enumerate(steps_of):
        people_by_steps.setdefault(steps, []).append(number)
    classes = list(_split(people_by_steps))
    scores = _Packing.of(([score for score, _ in steps], len(members)) for steps, members in classes)
    balances = _Packing.of(([change for _, change in steps], len(members)) for steps, members in classes)
    best: dict[int, tuple[int, _Trail]] = {0: (0, None)}
    transitions = 0
    for steps, members in classes:
        transitions += len(best) * comb(len(members) + len(steps) - 1, len(steps) - 1)
        if bounded and transitions > MAX_TRANSITIONS:
            return None
        worths = [scores.packed(score) for score, _ in steps]
        changes = [balances.packed(change) for _, change in steps]
        next_best: dict[int, tuple[int, _Trail]] = {}
        for counts in _compositions(len(members), len(steps)):
            worth, change = sum(map(mul, counts, worths)), sum(map(mul, counts, changes))
            for balance, (previous, trail) in best.items():
                score, end = previous + worth, balance + change
                current = next_best.get(end)
                if current is None or score < current[0]:
                    next_best[end] = (score, (trail, counts))
        if bounded and len(next_best) > MAX_BALANCES:
            return None
        best = next_best
    ends = [
        end
        for balance, end in best.items()
        if all(limits[sku].allows(change) for sku, change in zip(binding, balances.unpacked(balance), strict=True))
    ]
    return _unrolled(min(ends, key=lambda end: end[0])[1], classes, steps_of)


def _steps(options: Sequence[Option], binding: Sequence[str]) -> tuple[tuple[_Step, ...], tuple[int, ...]]:
    """Return the relevant options and their indices: of options that change the same seats only the best."""
    best = best_by_change(options, binding)
    ordered = sorted((score, change, index) for change, (score, index) in best.items())
    return tuple((score, change) for score, change, _ in ordered), tuple(index for *_, index in ordered)


def _split(people_by_steps: Mapping[tuple[_Step, ...], list[int]]) -> Iterator[tuple[tuple[_Step, ...], list[int]]]:
    """Split classes with too many compositions into smaller ones."""
    for steps, members in people_by_steps.items():
        size = len(members)
        while size > 1 and comb(size + len(steps) - 1, len(steps) - 1) > MAX_COMPOSITIONS:
            size //= 2
        for start in range(0, len(members), size):
            yield steps, members[start : start + size]


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield every distribution of a total of people over a number of options."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def _unrolled(
    trail: _Trail,
    classes: Sequence[tuple[tuple[_Step, ...], list[int]]],
    steps_of: Sequence[tuple[tuple[_Step, ...], tuple[int, ...]]],
) -> tuple[int, ...]:
    """Follow the trail backwards; the first members of each class take its first option, and so on."""
    choices = [0] * len(steps_of)
    for _, members in reversed(classes):
        assert trail is not None
        trail, counts = trail
        spread = [step for step, count in enumerate(counts) for _ in range(count)]
        for number, step in zip(members, spread, strict=True):
            choices[number] = steps_of[number][1][step]
    return tuple(choices)


def _binding(people: People, limits: Mapping[str, Limit]) -> list[str]:
    """Return the products whose limit could be exceeded; the others need not be tracked."""
    highest: Counter[str] = Counter()
    lowest: Counter[str] = Counter()
    for kind, count in Counter(people.kinds).items():
        options = people.options[kind]
        for sku in {sku for option in options for sku in option.seats}:
            changes = [option.seats.get(sku, 0) for option in options]
            highest[sku] += count * max(changes)
            lowest[sku] += count * min(changes)
    return sorted(
        sku
        for sku, limit in limits.items()
        if (limit.maximum is not None and highest[sku] > limit.maximum)
        or (limit.minimum is not None and lowest[sku] < limit.minimum)
    )
