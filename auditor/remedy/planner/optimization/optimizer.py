"""Choose one option for each person, the best over all of them, where people share seats.

Scores compare in a fixed order: correct the most and the worst, lose the fewest services, cost the least, change the
least. Dynamic programming over the seat balances is exact while there are few of them, which is nearly always; beyond
that scipy's HiGHS solver decides where it is installed, and where it is not the plan says that it may miss the best
(docs/decisions/0007-plan-solver.md).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from importlib.util import find_spec
from math import comb
from operator import add

from msgspec import Struct

from auditor.remedy.planner.optimization.options import NO_CHANGE, Limit, Option, Score

MAX_BALANCES = 20_000
"""The most seat balances that are kept; beyond it the best are kept, and the best of all may be missed."""
MAX_BALANCES_LATE = 100
"""The same once MAX_WORK is passed."""
MAX_WORK = 20_000_000
"""How many transitions between balances are tried before fewer balances are kept."""
MAX_WORK_WHOLE = 2_000_000
"""How many are tried before the solver decides, where there is one."""
MAX_COMPOSITIONS = 2_000
"""The most compositions in which one class is spread over its options at once."""


class Choice(Struct, frozen=True, kw_only=True):
    """For each person the index of the chosen option, and whether anything better may exist."""

    chosen: tuple[int, ...]
    solver: str
    """`none` where seats bind nobody, else `walk` or `milp`."""
    optimal: bool
    score: Score
    bound: Score
    """What would be reached if seats were no limit: nothing can be better."""


def choose_options(
    people: Sequence[Sequence[Option]], limits: Mapping[str, Limit], *, solver: str | None = None
) -> Choice:
    """Choose one option for each person, within the limits; nobody changing anything must be within them.

    Equal input gives equal output. `solver` forces `milp` or `walk`.
    """
    best = [best_option(options) for options in people]
    bound = _total(people, best)
    if solver is None and _within(people, best, limits):
        return Choice(chosen=tuple(best), solver="none", optimal=True, score=bound, bound=bound)
    binding = _binding(people, limits)
    choices, optimal, name = (0,) * len(people), False, "walk"
    exact = solver is None and find_spec("scipy") is not None
    if solver != "milp":
        choices, optimal = _solve(people, binding, limits, whole=exact)
    if solver == "milp" or (exact and not optimal):
        from auditor.remedy.planner.optimization.milp import solve  # noqa: PLC0415 - scipy is optional

        choices, optimal, name = solve(people, {sku: limits[sku] for sku in binding}), True, "milp"
    return Choice(chosen=choices, solver=name, optimal=optimal, score=_total(people, choices), bound=bound)


def best_option(options: Sequence[Option]) -> int:
    """Return the index of the best option, whatever the others take."""
    return min(range(len(options)), key=lambda index: (options[index].score, index))


def _total(people: Sequence[Sequence[Option]], choices: Sequence[int]) -> Score:
    chosen = (options[index].score for options, index in zip(people, choices, strict=True))
    return reduce(Score.plus, chosen, NO_CHANGE)


def _within(people: Sequence[Sequence[Option]], choices: Sequence[int], limits: Mapping[str, Limit]) -> bool:
    used: Counter[str] = Counter()
    for options, index in zip(people, choices, strict=True):
        used.update(options[index].seats)
    return all(limit.allows(used[sku]) for sku, limit in limits.items())


def _solve(
    people: Sequence[Sequence[Option]], binding: Sequence[str], limits: Mapping[str, Limit], *, whole: bool
) -> tuple[tuple[int, ...], bool]:
    """Solve each component of people who compete for the same seats; who competes with nobody takes the best.

    Where only the `whole` best counts, it ends as soon as that may be missed.
    """
    choices = [best_option(options) for options in people]
    optimal = True
    for members, skus in _components(people, frozenset(binding)):
        chosen, exact = _solve_component([people[number] for number in members], sorted(skus), limits, whole=whole)
        optimal = optimal and exact
        if whole and not optimal:
            break
        for number, index in zip(members, chosen, strict=True):
            choices[number] = index
    return tuple(choices), optimal


def _components(people: Sequence[Sequence[Option]], binding: frozenset[str]) -> list[tuple[list[int], frozenset[str]]]:
    """Divide people into components that share no product whose limit binds."""
    alike: dict[frozenset[str], list[int]] = {}
    for number, options in enumerate(people):
        own = frozenset(sku for option in options for sku in option.seats) & binding
        if own:
            alike.setdefault(own, []).append(number)
    components: list[tuple[list[int], frozenset[str]]] = []
    for own, joined in alike.items():
        skus = own.union(*(other for _, other in components if other & own))
        members = [number for numbers, other in components if other & own for number in numbers]
        apart = [component for component in components if not component[1] & own]
        components = [*apart, ([*members, *joined], skus)]
    return [(sorted(members), skus) for members, skus in components]


_Sum = tuple[int, int, int, int]
"""The fields of a Score."""
_Step = tuple[Score, tuple[int, ...]]
"""The score of an option, and how it moves the seats that bind."""
_Trail = tuple["_Trail", tuple[int, ...]] | None
"""How many of each class took which option, the last class first."""


def _solve_component(
    people: Sequence[Sequence[Option]], binding: Sequence[str], limits: Mapping[str, Limit], *, whole: bool
) -> tuple[tuple[int, ...], bool]:
    """Go from class to class and keep, for each balance of the seats that bind, the best that reaches it.

    People who have the same options are one class: only how many of them take each option matters.
    """
    steps_of = [_steps(options, binding) for options in people]
    alike: dict[tuple[_Step, ...], list[int]] = {}
    for number, (steps, _) in enumerate(steps_of):
        alike.setdefault(steps, []).append(number)
    classes = list(_divided(alike))
    reached: dict[tuple[int, ...], tuple[_Sum, _Trail]] = {(0,) * len(binding): (NO_CHANGE, None)}
    optimal, work, width = True, 0, MAX_BALANCES
    tried = 0
    for steps, members in classes:
        tried += len(reached) * comb(len(members) + len(steps) - 1, len(steps) - 1)
        if whole and tried > MAX_WORK_WHOLE:
            return (0,) * len(people), False
        following: dict[tuple[int, ...], tuple[_Sum, _Trail]] = {}
        for counts in _compositions(len(members), len(steps)):
            (a, b, c, d), moved = _summed(steps, counts, len(binding))
            for balance, ((e, f, g, h), trail) in reached.items():
                change = tuple(map(add, balance, moved))
                score = (a + e, b + f, c + g, d + h)  # a Score would take twice the time here
                earlier = following.get(change)
                if earlier is None or score < earlier[0]:
                    following[change] = (score, (trail, counts))
        work += len(reached) * len(following)
        width = MAX_BALANCES if work < MAX_WORK else MAX_BALANCES_LATE
        if whole and len(following) > width:
            return (0,) * len(people), False
        if len(following) > width:
            optimal = False
            # The balances within the limits go first, then the best; doing nothing from here on stays possible.
            ranked = sorted(following.items(), key=lambda item: (_distance(item[0], binding, limits), item[1][0]))
            following = dict(ranked[:width])
        reached = following
    ends = [end for balance, end in reached.items() if _distance(balance, binding, limits) == 0]
    if not ends:
        return (0,) * len(people), False
    return _unrolled(min(ends, key=lambda end: end[0])[1], classes, steps_of), optimal


def _steps(options: Sequence[Option], binding: Sequence[str]) -> tuple[tuple[_Step, ...], tuple[int, ...]]:
    """Return the options that count, and their indices: of those that move the same seats only the best does."""
    best: dict[tuple[int, ...], tuple[Score, int]] = {}
    for index, option in enumerate(options):
        moved = tuple(option.seats.get(sku, 0) for sku in binding)
        if moved not in best or option.score < best[moved][0]:
            best[moved] = (option.score, index)
    ordered = sorted((score, moved, index) for moved, (score, index) in best.items())
    return tuple((score, moved) for score, moved, _ in ordered), tuple(index for *_, index in ordered)


def _divided(alike: Mapping[tuple[_Step, ...], list[int]]) -> Iterator[tuple[tuple[_Step, ...], list[int]]]:
    """Divide classes that have too many compositions into smaller ones."""
    for steps, members in alike.items():
        size = len(members)
        while size > 1 and comb(size + len(steps) - 1, len(steps) - 1) > MAX_COMPOSITIONS:
            size //= 2
        for start in range(0, len(members), size):
            yield steps, members[start : start + size]


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield every composition of so many people over so many options."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def _summed(steps: Sequence[_Step], counts: Sequence[int], width: int) -> _Step:
    score, moved = NO_CHANGE, [0] * width
    for (worth, change), count in zip(steps, counts, strict=True):
        score = score.plus(worth, count)
        moved = [old + count * new for old, new in zip(moved, change, strict=True)]
    return score, tuple(moved)


def _unrolled(
    trail: _Trail,
    classes: Sequence[tuple[tuple[_Step, ...], list[int]]],
    steps_of: Sequence[tuple[tuple[_Step, ...], tuple[int, ...]]],
) -> tuple[int, ...]:
    """Follow the trail back: the first members of each class take its first option, and so on."""
    choices = [0] * len(steps_of)
    for _, members in reversed(classes):
        assert trail is not None
        trail, counts = trail
        spread = [step for step, count in enumerate(counts) for _ in range(count)]
        for number, step in zip(members, spread, strict=True):
            choices[number] = steps_of[number][1][step]
    return tuple(choices)


def _binding(people: Sequence[Sequence[Option]], limits: Mapping[str, Limit]) -> list[str]:
    """Return the products whose limit somebody could break: the others need no watching."""
    most: Counter[str] = Counter()
    least: Counter[str] = Counter()
    for options in people:
        for sku in {sku for option in options for sku in option.seats}:
            changes = [option.seats.get(sku, 0) for option in options]
            most[sku] += max(changes)
            least[sku] += min(changes)
    return sorted(
        sku
        for sku, limit in limits.items()
        if (limit.most is not None and most[sku] > limit.most) or (limit.least is not None and least[sku] < limit.least)
    )


def _distance(balance: tuple[int, ...], binding: Sequence[str], limits: Mapping[str, Limit]) -> int:
    far = 0
    for change, sku in zip(balance, binding, strict=True):
        limit = limits[sku]
        if limit.most is not None:
            far += max(0, change - limit.most)
        if limit.least is not None:
            far += max(0, limit.least - change)
    return far
