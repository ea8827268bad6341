"""People who each have several ways out, and seats that they share, into one way for each: the best over all of them.

The order of goals is fixed: mend the most and the worst, lose the fewest services, cost the least, change the least. A
walk over the seat balances is exact while there are few of them, as there are nearly always; beyond that scipy's HiGHS
solver decides where it is installed, and where it is not the plan says that it may miss the best
(docs/decisions/0007-plan-solver.md).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from auditor.remedy.ways import Goals, Limit, Way

STATES = 20_000
"""The most seat balances that the walk keeps; beyond it the best are kept, and the best of all may be missed."""


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


def choose_ways(people: Sequence[Sequence[Way]], limits: Mapping[str, Limit], *, solver: str | None = None) -> Choice:
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
        from auditor.remedy.solving import solve  # noqa: PLC0415 - scipy is optional

        taken, optimal, name = solve(people, {sku: limits[sku] for sku in binding}), True, "milp"
    return Choice(ways=taken, solver=name, optimal=optimal, goals=_total(people, taken), bound=bound)


def _total(people: Sequence[Sequence[Way]], taken: Sequence[int]) -> Goals:
    chosen = [ways[place].goals for ways, place in zip(people, taken, strict=True)]
    first, second, third, fourth = (sum(goals[number] for goals in chosen) for number in range(4))
    return first, second, third, fourth


def _within(people: Sequence[Sequence[Way]], taken: Sequence[int], limits: Mapping[str, Limit]) -> bool:
    used: Counter[str] = Counter()
    for ways, place in zip(people, taken, strict=True):
        used.update(ways[place].seats)
    return all(_fits(used[sku], limit) for sku, limit in limits.items())


def _fits(change: int, limit: Limit) -> bool:
    return (limit.least is None or change >= limit.least) and (limit.most is None or change <= limit.most)


def _walk(
    people: Sequence[Sequence[Way]], binding: Sequence[str], limits: Mapping[str, Limit]
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


def _circles(people: Sequence[Sequence[Way]], binding: frozenset[str]) -> list[tuple[list[int], frozenset[str]]]:
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


def _walk_circle(
    people: Sequence[Sequence[Way]], binding: Sequence[str], limits: Mapping[str, Limit]
) -> tuple[tuple[int, ...], bool]:
    """Go from person to person and keep, for each balance of the seats that bind, the best that leads there."""
    reached: dict[tuple[int, ...], tuple[Goals, tuple[int, ...]]] = {(0,) * len(binding): ((0, 0, 0, 0), ())}
    optimal = True
    for ways in people:
        following: dict[tuple[int, ...], tuple[Goals, tuple[int, ...]]] = {}
        for balance, (goals, taken) in reached.items():
            for place, way in enumerate(ways):
                change = tuple(old + way.seats.get(sku, 0) for old, sku in zip(balance, binding, strict=True))
                a, b, c, d = (one + other for one, other in zip(goals, way.goals, strict=True))
                made = ((a, b, c, d), (*taken, place))
                known = following.get(change)
                if known is None or made < known:
                    following[change] = made
        if len(following) > STATES:
            optimal = False
            # The balances within the limits go first, then the best; doing nothing from here on stays possible.
            kept = sorted(following.items(), key=lambda item: (_distance(item[0], binding, limits), item[1]))[:STATES]
            following = dict(kept)
        reached = following
    ends = [found for balance, found in reached.items() if _distance(balance, binding, limits) == 0]
    return (min(ends)[1] if ends else (0,) * len(people)), optimal


def _binding(people: Sequence[Sequence[Way]], limits: Mapping[str, Limit]) -> list[str]:
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
