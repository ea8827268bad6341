"""Ways and limits into an integer programme for scipy's HiGHS: people who are alike are one variable per way."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped,unused-ignore]
from scipy.sparse import csr_array  # type: ignore[import-untyped,unused-ignore]

from auditor.remedy.planner.options import Limit, Option

_Signature = tuple[tuple[tuple[int, int, int, int], tuple[tuple[str, int], ...]], ...]


def solve(people: Sequence[Sequence[Option]], limits: Mapping[str, Limit]) -> tuple[int, ...]:
    """Return the place of the way that each person takes; goals are met one after the other, each to the optimum.

    RuntimeError where the solver finds no answer, which the way of doing nothing rules out.
    """
    if not people:
        return ()
    alike: dict[_Signature, list[int]] = {}
    for number, ways in enumerate(people):
        signature = tuple((way.goals, tuple(sorted(way.seats.items()))) for way in ways)
        alike.setdefault(signature, []).append(number)
    classes = list(alike.items())
    columns = [(place, way) for place, (signature, _) in enumerate(classes) for way in range(len(signature))]
    rows, low, high = _rows(classes, columns, limits)
    counts = _lexicographic(classes, columns, rows, low, high)
    taken = [0] * len(people)
    for place, (signature, members) in enumerate(classes):
        waiting = iter(members)
        for way in range(len(signature)):
            for _ in range(counts[columns.index((place, way))]):
                taken[next(waiting)] = way
    return tuple(taken)


def _rows(
    classes: Sequence[tuple[_Signature, list[int]]], columns: Sequence[tuple[int, int]], limits: Mapping[str, Limit]
) -> tuple[list[list[float]], list[float], list[float]]:
    rows: list[list[float]] = []
    low: list[float] = []
    high: list[float] = []
    for place, (_, members) in enumerate(classes):
        rows.append([1.0 if owner == place else 0.0 for owner, _ in columns])
        low.append(len(members))
        high.append(len(members))
    for sku, limit in limits.items():
        rows.append([float(dict(classes[place][0][way][1]).get(sku, 0)) for place, way in columns])
        low.append(-np.inf if limit.least is None else limit.least)
        high.append(np.inf if limit.most is None else limit.most)
    return rows, low, high


def _lexicographic(
    classes: Sequence[tuple[_Signature, list[int]]],
    columns: Sequence[tuple[int, int]],
    rows: list[list[float]],
    low: list[float],
    high: list[float],
) -> list[int]:
    """Minimize one goal after the other, each held at its optimum while the next is sought."""
    goals = [[float(classes[place][0][way][0][number]) for place, way in columns] for number in range(4)]
    # Of equals the earlier way is taken, so that the answer does not depend on the solver's version.
    goals.append([float(way) for _, way in columns])
    most = np.array([len(classes[place][1]) for place, _ in columns], dtype=float)
    counts: list[int] = []
    for goal in goals:
        found = milp(
            c=np.array(goal),
            integrality=np.ones(len(columns)),
            bounds=Bounds(0, most),
            constraints=LinearConstraint(csr_array(np.array(rows)), np.array(low), np.array(high)),
        )
        if found.x is None:
            raise RuntimeError(f"the solver found no plan: {found.message}")
        counts = [round(value) for value in found.x]
        reached = sum(count * weight for count, weight in zip(counts, goal, strict=True))
        rows.append(goal)
        low.append(-np.inf)
        high.append(reached)
    return counts
