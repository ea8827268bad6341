"""Chooses options by integer programming with SciPy's HiGHS; a variable counts people with equal options per option."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp  # type: ignore[import-untyped,unused-ignore]
from scipy.sparse import csr_array, vstack  # type: ignore[import-untyped,unused-ignore]

from auditor.files.native_output import discard_native_output
from auditor.remedy.planner.optimization.options import Limit, Option, People, Score, best_by_change

_Signature = tuple[tuple[Score, tuple[int, ...], int], ...]
"""The relevant options: score, change of the seats of each limited product, and the option's index."""


def solve(people: People, limits: Mapping[str, Limit]) -> tuple[int, ...]:
    """Return the index of the option of each person; the fields of the score are minimised one after the other.

    Raises RuntimeError if the solver finds no solution, which cannot happen as long as no change is an option.
    """
    if not people.kinds:
        return ()
    signatures = [_signature(options, limits) for options in people.options]
    by_signature: dict[_Signature, list[int]] = {}
    for person, kind in enumerate(people.kinds):
        by_signature.setdefault(signatures[kind], []).append(person)
    classes = list(by_signature.items())
    columns = [(index, option) for index, (signature, _) in enumerate(classes) for option in range(len(signature))]
    counts = _lexicographic(classes, columns, *_rows(classes, columns, limits))
    choices = [0] * len(people.kinds)
    unassigned = [iter(members) for _, members in classes]
    for (index, option), count in zip(columns, counts, strict=True):
        for _ in range(count):
            choices[next(unassigned[index])] = classes[index][0][option][2]
    return tuple(choices)


def _signature(options: Sequence[Option], limits: Mapping[str, Limit]) -> _Signature:
    """Return the relevant options: of options with the same change of limited seats only the best."""
    ordered = sorted((index, score, change) for change, (score, index) in best_by_change(options, limits).items())
    return tuple((score, change, index) for index, score, change in ordered)


def _rows(
    classes: Sequence[tuple[_Signature, list[int]]], columns: Sequence[tuple[int, int]], limits: Mapping[str, Limit]
) -> tuple[Any, list[float], list[float]]:
    """Return the constraints: everybody in a class takes one option, and seat limits are respected."""
    sizes = [float(len(members)) for _, members in classes]
    entries = [(index, column, 1.0) for column, (index, _) in enumerate(columns)]
    entries += [
        (row, column, float(change))
        for column, (index, option) in enumerate(columns)
        for row, change in enumerate(classes[index][0][option][1], start=len(classes))
        if change
    ]
    row_indices, column_indices, values = (np.array(part) for part in zip(*entries, strict=True))
    matrix = csr_array((values, (row_indices, column_indices)), shape=(len(classes) + len(limits), len(columns)))
    low = [-np.inf if limit.minimum is None else float(limit.minimum) for limit in limits.values()]
    high = [np.inf if limit.maximum is None else float(limit.maximum) for limit in limits.values()]
    return matrix, sizes + low, sizes + high


def _lexicographic(
    classes: Sequence[tuple[_Signature, list[int]]],
    columns: Sequence[tuple[int, int]],
    matrix: Any,
    low: list[float],
    high: list[float],
) -> list[int]:
    """Minimise the fields of the score one after the other; each optimum is a constraint for the next field."""
    variables = [classes[index][0][option] for index, option in columns]
    goals = [[float(score[number]) for score, _, _ in variables] for number in range(len(Score._fields))]
    # Among equal solutions the earlier options are chosen, so that the result does not depend on the solver's version.
    goals.append([float(option) for _, _, option in variables])
    sizes = np.array([len(classes[index][1]) for index, _ in columns], dtype=float)
    counts: list[int] = []
    for goal in goals:
        # HiGHS prints some lines although its output is off, and they would be inside a document on standard output.
        # Nothing else is printed meanwhile: plans are made in the main thread, one tenant after the other.
        with discard_native_output():
            solution = milp(
                c=np.array(goal),
                integrality=np.ones(len(columns)),
                bounds=Bounds(0, sizes),
                constraints=LinearConstraint(matrix, np.array(low), np.array(high)),
                # By default, HiGHS stops at a solution that is at most 0.01 % worse than the best.
                options={"mip_rel_gap": 0},
            )
        if solution.x is None:
            raise RuntimeError(f"the solver found no plan: {solution.message}")
        counts = [round(value) for value in solution.x]
        optimum = sum(count * weight for count, weight in zip(counts, goal, strict=True))
        matrix = csr_array(vstack([matrix, csr_array(np.array([goal]))]))
        low.append(-np.inf)
        high.append(optimum)
    return counts
