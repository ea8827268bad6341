"""The money of the seats that a plan frees, as a verification sums it up."""

from decimal import Decimal

import pytest

from auditor.domain.result.verification import ActionVerdict, Cause, SeatChange, Verdict, freed_by


@pytest.mark.parametrize(
    ("over_assigned", "actual", "money"), [(None, 2, (30, 20)), (1, 2, (20, 10)), (1, 1, (20, 0)), (4, 3, (0, 0))]
)
def test_the_first_freed_seats_end_an_over_assignment_and_are_worth_nothing(
    over_assigned: int | None, actual: int, money: tuple[int, int]
) -> None:
    seats = SeatChange(
        sku_id="e3", planned=3, actual=actual, currency="EUR", per_month=Decimal(10), over_assigned=over_assigned
    )
    freed = freed_by([verdict(seats)])
    (amounts,) = freed.money
    assert (freed.planned, freed.actual) == (3, actual)
    assert (amounts.planned, amounts.actual) == tuple(map(Decimal, money))


def verdict(*seats: SeatChange) -> ActionVerdict:
    return ActionVerdict(
        number=1, id="a", title="Unassign", kind="unassign", owner="", verdict=Verdict.PARTLY, cause=Cause.NONE,
        detail="", requests=1, done=0, steps=(), findings=(), seats=seats,
    )  # fmt: skip
