"""People who each have several ways out, and seats that they share, into one way for each: the best over all of them.

The order of goals is fixed: mend the most and the worst, lose the fewest services, cost the least, change the least. A
walk over the seat balances is exact while there are few of them, as there are nearly always; beyond that scipy's HiGHS
solver decides where it is installed, and where it is not the plan says that it may miss the best
(docs/decisions/0007-plan-solver.md).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import comb
from operator import add

from auditor.remedy.planner.options import Goals, Limit, Option

STATES = 20_000
"""The most seat balances that the walk keeps; beyond it the best are kept, and the best of all may be missed."""
NARROW = 100
"""The same once the walk has worked for long."""
WORK = 20_000_000
"""How many balances may be reached from how many before the walk narrows."""
MANNERS = 2_000
"""The most manners in which one class is spread over its ways at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """For each person the place of the way taken, and how sure it is that nothing better exists."""

    ways: tuple[int, ...]
    solver: str
    """`none` where seats bind nobody, else `walk` or `milp`."""
    optimal: bool
    goals: Goals
    bound: Goals
    """What would be reached if seats were no limit: nothing can be better."""


def choose_ways(
    people: Sequence[Sequence[Option]], limits: Mapping[str, Limit], *, solver: str | None = None
) -> Choice:
    """Take one way for each person, within the limits; the first way of everyone, to do nothing, must be within them.

    Equal input gives equal output. `solver` forces `milp` or `walk`.
    """
    best = [min(range(len(ways)), key=lambda place, ways=ways: (ways[place].goals, place)) for ways in people]  # type: ignore[misc]
    bound = _total(people, best)
    if solver is None and _within(people, best, limits):
        return Choice(ways=tuple(best), solver="none", optimal=True, goals=bound, bound=bound)
    binding = _binding(people, limits)
    taken, optimal, name = (0,) * len(people), False, "walk"
    if solver != "milp":
        taken, optimal = _walk(people, binding, limits)
    if solver == "milp" or (solver is None and not optimal and find_spec("scipy") is not None):
        from auditor.remedy.planner.milp import solve  # noqa: PLC0415 - scipy is optional

        taken, optimal, name = solve(people, {sku: limits[sku] for sku in binding}), True, "milp"
    return Choice(ways=taken, solver=name, optimal=optimal, goals=_total(people, taken), bound=bound)


def _total(people: Sequence[Sequence[Option]], taken: Sequence[int]) -> Goals:
    chosen = [ways[place].goals for ways, place in zip(people, taken, strict=True)]
    first, second, third, fourth = (sum(goals[number] for goals in chosen) for number in range(4))
    return first, second, third, fourth


def _within(people: Sequence[Sequence[Option]], taken: Sequence[int], limits: Mapping[str, Limit]) -> bool:
    used: Counter[str] = Counter()
    for ways, place in zip(people, taken, strict=True):
        used.update(ways[place].seats)
    return all(_fits(used[sku], limit) for sku, limit in limits.items())


def _fits(change: int, limit: Limit) -> bool:
    return (limit.least is None or change >= limit.least) and (limit.most is None or change <= limit.most)


def _walk(
    people: Sequence[Sequence[Option]], binding: Sequence[str], limits: Mapping[str, Limit]
) -> tuple[tuple[int, ...], bool]:
    """Walk through each circle of people who compete for the same seats; who competes with nobody takes the best."""
    taken = [min(range(len(ways)), key=lambda place, ways=ways: (ways[place].goals, place)) for ways in people]  # type: ignore[misc]
    optimal = True
    for members, skus in _circles(people, frozenset(binding)):
        chosen, exact = _walk_circle([people[number] for number in members], sorted(skus), limits)
        optimal = optimal and exact
        for number, place in zip(members, chosen, strict=True):
            taken[number] = place
    return tuple(taken), optimal


def _circles(people: Sequence[Sequence[Option]], binding: frozenset[str]) -> list[tuple[list[int], frozenset[str]]]:
    """Part people into circles that share no seat that binds."""
    circles: list[tuple[list[int], frozenset[str]]] = []
    for number, ways in enumerate(people):
        own = frozenset(sku for way in ways for sku in way.seats) & binding
        if not own:
            continue
        joined, apart = [number], []
        for members, skus in circles:
            if skus & own:
                joined, own = [*members, *joined], own | skus
            else:
                apart.append((members, skus))
        circles = [*apart, (sorted(joined), own)]
    return circles


_Step = tuple[Goals, tuple[int, ...]]
"""What a way is worth, and how it moves the seats that bind."""
_Trail = tuple["_Trail", tuple[int, ...]] | None
"""How many of each class went which way, the last class first."""


def _walk_circle(
    people: Sequence[Sequence[Option]], binding: Sequence[str], limits: Mapping[str, Limit]
) -> tuple[tuple[int, ...], bool]:
    """Go from class to class and keep, for each balance of the seats that bind, the best that leads there.

    People who have the same ways are one class: only how many of them go each way matters.
    """
    told = [_steps(ways, binding) for ways in people]
    alike: dict[tuple[_Step, ...], list[int]] = {}
    for number, (steps, _) in enumerate(told):
        alike.setdefault(steps, []).append(number)
    classes = list(_parted(alike))
    reached: dict[tuple[int, ...], tuple[Goals, _Trail]] = {(0,) * len(binding): ((0, 0, 0, 0), None)}
    optimal, work, width = True, 0, STATES
    for steps, members in classes:
        following: dict[tuple[int, ...], tuple[Goals, _Trail]] = {}
        for counts in _compositions(len(members), len(steps)):
            (a, b, c, d), moved = _summed(steps, counts, len(binding))
            for balance, ((e, f, g, h), trail) in reached.items():
                change = tuple(map(add, balance, moved))
                goals = (a + e, b + f, c + g, d + h)
                known = following.get(change)
                if known is None or goals < known[0]:
                    following[change] = (goals, (trail, counts))
        work += len(reached) * len(following)
        width = STATES if work < WORK else NARROW
        if len(following) > width:
            optimal = False
            # The balances within the limits go first, then the best; doing nothing from here on stays possible.
            ranked = sorted(following.items(), key=lambda item: (_distance(item[0], binding, limits), item[1][0]))
            following = dict(ranked[:width])
        reached = following
    ends = [found for balance, found in reached.items() if _distance(balance, binding, limits) == 0]
    if not ends:
        return (0,) * len(people), False
    return _unrolled(min(ends, key=lambda found: found[0])[1], classes, told), optimal


def _steps(ways: Sequence[Option], binding: Sequence[str]) -> tuple[tuple[_Step, ...], tuple[int, ...]]:
    """Return the ways that count, and their places: of those that move the same seats only the best does."""
    best: dict[tuple[int, ...], tuple[Goals, int]] = {}
    for place, way in enumerate(ways):
        moved = tuple(way.seats.get(sku, 0) for sku in binding)
        if moved not in best or way.goals < best[moved][0]:
            best[moved] = (way.goals, place)
    found = sorted((goals, moved, place) for moved, (goals, place) in best.items())
    return tuple((goals, moved) for goals, moved, _ in found), tuple(place for *_, place in found)


def _parted(alike: Mapping[tuple[_Step, ...], list[int]]) -> Iterator[tuple[tuple[_Step, ...], list[int]]]:
    """Part classes that can be spread over their ways in too many manners into smaller ones."""
    for steps, members in alike.items():
        size = len(members)
        while size > 1 and comb(size + len(steps) - 1, len(steps) - 1) > MANNERS:
            size //= 2
        for start in range(0, len(members), size):
            yield steps, members[start : start + size]


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield every manner in which so many people are spread over so many ways."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)


def _summed(steps: Sequence[_Step], counts: Sequence[int], width: int) -> _Step:
    goals, moved = [0, 0, 0, 0], [0] * width
    for (worth, change), count in zip(steps, counts, strict=True):
        goals = [old + count * new for old, new in zip(goals, worth, strict=True)]
        moved = [old + count * new for old, new in zip(moved, change, strict=True)]
    return (goals[0], goals[1], goals[2], goals[3]), tuple(moved)


def _unrolled(
    trail: _Trail,
    classes: Sequence[tuple[tuple[_Step, ...], list[int]]],
    told: Sequence[tuple[tuple[_Step, ...], tuple[int, ...]]],
) -> tuple[int, ...]:
    """Follow the trail back: the first members of each class take its first way, and so on."""
    taken = [0] * len(told)
    for _, members in reversed(classes):
        assert trail is not None
        trail, counts = trail
        spread = [step for step, count in enumerate(counts) for _ in range(count)]
        for number, step in zip(members, spread, strict=True):
            taken[number] = told[number][1][step]
    return tuple(taken)


def _binding(people: Sequence[Sequence[Option]], limits: Mapping[str, Limit]) -> list[str]:
    """Return the products whose limit somebody could break: the others need no watching."""
    most: Counter[str] = Counter()
    least: Counter[str] = Counter()
    for ways in people:
        for sku in {sku for way in ways for sku in way.seats}:
            changes = [way.seats.get(sku, 0) for way in ways]
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
