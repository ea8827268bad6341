"""The names of products in trends for people, and their order."""

from datetime import UTC, datetime

from auditor.catalogue.store import builtin
from auditor.domain.trends import SeatTrend, Trends
from auditor.history.display_names import titled
from auditor.history.forecast import forecast

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def seats(part_number: str) -> SeatTrend:
    (product, *_) = builtin().by_part_number(part_number)
    return SeatTrend(
        sku_id=product.sku_id, sku=part_number, instants=(NOW,), usable=(9,), consumed=(1,), spare=(8,), cohorts=None,
        forecast=forecast((NOW,), (1,), (9,), NOW),
    )  # fmt: skip


def test_products_are_in_the_order_of_their_names() -> None:
    trend = Trends(
        tenant="contoso", nights=1, results=0, since=NOW, until=NOW, policies=(), people=(), open=(), money={},
        seats=tuple(map(seats, ("AAD_PREMIUM", "EMS", "SPE_E3", "VISIOCLIENT", "ENTERPRISEPACK"))),
    )  # fmt: skip
    (shown,) = titled([trend], {"contoso": "Contoso"}, builtin())
    assert [seat.sku for seat in shown.seats] == [
        "Enterprise Mobility + Security E3",
        "Microsoft 365 E3",
        "Microsoft Entra ID P1",
        "Office 365 E3",
        "Visio Plan 2",
    ]
