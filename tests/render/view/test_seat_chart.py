"""Tests the bounds that the bar of a product shows."""

import pytest
from msgspec.structs import replace

from auditor.domain.result.model import SeatBounds
from auditor.render.view.seat_chart import effective_bounds, seat_bar
from tests.builders.result.results import contoso


@pytest.mark.parametrize(("usable", "zone"), [(4, (0, 240)), (20, (180, 240))])
def test_maximum_is_that_of_the_policy_also_if_there_are_fewer_seats(usable: int, zone: tuple[int, int]) -> None:
    bounds = (
        SeatBounds(policy="share", usable=usable, minimum=None, maximum=5),
        SeatBounds(policy="seats", usable=usable, minimum=None, maximum=30),
    )
    facts = effective_bounds(replace(contoso().seats[0], usable=usable, bounds=bounds))
    assert facts == {"maximum": "5"}
    bar = seat_bar(usable=usable, consumed=3, warning=0, facts=facts)
    assert bar is not None
    assert bar.zone == zone
