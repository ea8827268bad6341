"""Choose options by an integer programme for scipy's HiGHS: people with equal options are one variable per option."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped,unused-ignore]
from scipy.sparse import csr_array, vstack  # type: ignore[import-untyped,unused-ignore]

from auditor.remedy.planner.optimization.options import Limit, Option, Score

_Signature = tuple[tuple[Score, tuple[tuple[str, int], ...], int], ...]
"""The options that count: score, seats that are limited, and the option's index."""


def solve(people: Sequence[Sequence[Option]], limits: Mapping[str, Limit]) -> tuple[int, ...]:
    """Return the index of the option that each person takes; the fields of the score are minimised one after the other.

    RuntimeError where the solver finds no answer, which the option of no change rules out.
    """
    if not people:
        return ()
    alike: dict[_Signature, list[int]] = {}
    for number, options in enumerate(people):
        alike.setdefault(_signature(options, limits), []).append(number)
    classes = list(alike.items())
    columns = [(index, option) for index, (signature, _) in enumerate(classes) for option in range(len(signature))]
    counts = _lexicographic(classes, columns, *_rows(classes, columns, limits))
    choices = [0] * len(people)
    waiting = [iter(members) for _, members in classes]
    for (index, option), count in zip(columns, counts, strict=True):
        for _ in range(count):
            choices[next(waiting[index])] = classes[index][0][option][2]
    return tuple(choices)


def _signature(options: Sequence[Option], limits: Mapping[str, Limit]) -> _Signature:
    """Return the options that count: of those that move the same limited seats only the best does."""
    best: dict[tuple[tuple[str, int], ...], tuple[Score, int]] = {}
    for index, option in enumerate(options):
        moved = tuple(sorted((sku, change) for sku, change in option.seats.items() if sku in limits))
        if moved not in best or option.score < best[moved][0]:
            best[moved] = (option.score, index)
    ordered = sorted((index, score, moved) for moved, (score, index) in best.items())
    return tuple((score, moved, index) for index, score, moved in ordered)


def _rows(
    classes: Sequence[tuple[_Signature, list[int]]], columns: Sequence[tuple[int, int]], limits: Mapping[str, Limit]
) -> tuple[Any, list[float], list[float]]:
    """Return the constraints: everybody of a class takes one option, and limits of seats hold."""
    sizes = [float(len(members)) for _, members in classes]
    row_of = {sku: len(classes) + number for number, sku in enumerate(limits)}
    entries = [(index, column, 1.0) for column, (index, _) in enumerate(columns)]
    entries += [
        (row_of[sku], column, float(change))
        for column, (index, option) in enumerate(columns)
        for sku, change in classes[index][0][option][1]
    ]
    rows, places_of, values = (np.array(part) for part in zip(*entries, strict=True))
    matrix = csr_array((values, (rows, places_of)), shape=(len(classes) + len(limits), len(columns)))
    low = [-np.inf if limit.least is None else float(limit.least) for limit in limits.values()]
    high = [np.inf if limit.most is None else float(limit.most) for limit in limits.values()]
    return matrix, sizes + low, sizes + high


def _lexicographic(
    classes: Sequence[tuple[_Signature, list[int]]],
    columns: Sequence[tuple[int, int]],
    matrix: Any,
    low: list[float],
    high: list[float],
) -> list[int]:
    """Minimise one field of the score after the other, each held at its optimum while the next is sought."""
    chosen = [classes[index][0][option] for index, option in columns]
    goals = [[float(score[number]) for score, _, _ in chosen] for number in range(len(Score._fields))]
    # Of equals the earlier option is taken, so that the answer does not depend on the solver's version.
    goals.append([float(option) for _, _, option in chosen])
    most = np.array([len(classes[index][1]) for index, _ in columns], dtype=float)
    counts: list[int] = []
    for goal in goals:
        solution = milp(
            c=np.array(goal),
            integrality=np.ones(len(columns)),
            bounds=Bounds(0, most),
            constraints=LinearConstraint(matrix, np.array(low), np.array(high)),
        )
        if solution.x is None:
            raise RuntimeError(f"the solver found no plan: {solution.message}")
        counts = [round(value) for value in solution.x]
        reached = sum(count * weight for count, weight in zip(counts, goal, strict=True))
        matrix = csr_array(vstack([matrix, csr_array(np.array([goal]))]))
        low.append(-np.inf)
        high.append(reached)
    return counts
