"""Integer programming: the exact optimum, and nothing on standard output."""

from random import Random

import pytest

from auditor.remedy.planner.optimization.milp import solve
from auditor.remedy.planner.optimization.optimizer import choose_options
from auditor.remedy.planner.optimization.options import NO_CHANGE, Limit, Option, Score

_WEIGHTS = (1, 10, 100, 1_000, 10_000)


def people_and_limits(seed: int, sizes: tuple[int, int], options: int) -> tuple[list[list[Option]], dict[str, Limit]]:
    """Return people with at most that many random options, and limits of the seats that they share."""
    random = Random(seed)
    size, skus = random.randint(*sizes), "abcdef"[: random.randint(2, 6)]

    def option() -> Option:
        score = Score(
            -random.choice(_WEIGHTS) * random.randint(1, 3),
            random.randint(0, 2),
            random.randint(-6_000, 6_000),
            random.randint(1, 3),
        )
        changed = random.sample(skus, random.randint(1, 2))
        return Option(score=score, seats={sku: random.choice([-1, 1]) for sku in changed})

    people = [[Option(score=NO_CHANGE), *(option() for _ in range(random.randint(1, options)))] for _ in range(size)]
    return people, {sku: Limit(minimum=-random.randint(0, 5), maximum=random.randint(0, 6)) for sku in skus}


def test_a_slightly_worse_solution_is_not_taken_for_the_optimum() -> None:
    """The best solution is 0.002 % better than the first that HiGHS finds, which is within its default tolerance."""
    people, limits = people_and_limits(165, (9, 9), 3)
    walked, solved = (choose_options(people, limits, solver=name) for name in ("walk", "milp"))
    assert solved.score == walked.score


@pytest.mark.slow
def test_solver_prints_nothing_into_a_document_on_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    """HiGHS 1.12 reports with `printf` that it solves this problem a second time."""
    people, limits = people_and_limits(2579, (20, 150), 5)
    assert len(solve(people, limits)) == len(people)
    assert capfd.readouterr().out == ""
