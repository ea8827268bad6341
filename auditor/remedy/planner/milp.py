"""Choose options by an integer programme for scipy's HiGHS: people with equal options are one variable per option."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped,unused-ignore]
from scipy.sparse import csr_array  # type: ignore[import-untyped,unused-ignore]

from auditor.remedy.planner.options import Limit, Option, Score

_Signature = tuple[tuple[Score, tuple[tuple[str, int], ...]], ...]


def solve(people: Sequence[Sequence[Option]], limits: Mapping[str, Limit]) -> tuple[int, ...]:
    """Return the index of the option that each person takes; the fields of the score are minimised one after the other.

    RuntimeError where the solver finds no answer, which the option of no change rules out.
    """
    if not people:
        return ()
    alike: dict[_Signature, list[int]] = {}
    for number, options in enumerate(people):
        signature = tuple((option.score, tuple(sorted(option.seats.items()))) for option in options)
        alike.setdefault(signature, []).append(number)
    classes = list(alike.items())
    columns = [(index, option) for index, (signature, _) in enumerate(classes) for option in range(len(signature))]
    rows, low, high = _rows(classes, columns, limits)
    counts = _lexicographic(classes, columns, rows, low, high)
    taken = [0] * len(people)
    for index, (signature, members) in enumerate(classes):
        waiting = iter(members)
        for option in range(len(signature)):
            for _ in range(counts[columns.index((index, option))]):
                taken[next(waiting)] = option
    return tuple(taken)


def _rows(
    classes: Sequence[tuple[_Signature, list[int]]], columns: Sequence[tuple[int, int]], limits: Mapping[str, Limit]
) -> tuple[list[list[float]], list[float], list[float]]:
    rows: list[list[float]] = []
    low: list[float] = []
    high: list[float] = []
    for index, (_, members) in enumerate(classes):
        rows.append([1.0 if owner == index else 0.0 for owner, _ in columns])
        low.append(len(members))
        high.append(len(members))
    for sku, limit in limits.items():
        rows.append([float(dict(classes[index][0][option][1]).get(sku, 0)) for index, option in columns])
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
    """Minimise one field of the score after the other, each held at its optimum while the next is sought."""
    goals = [
        [float(classes[index][0][option][0][number]) for index, option in columns]
        for number in range(len(Score._fields))
    ]
    # Of equals the earlier option is taken, so that the answer does not depend on the solver's version.
    goals.append([float(option) for _, option in columns])
    most = np.array([len(classes[index][1]) for index, _ in columns], dtype=float)
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
