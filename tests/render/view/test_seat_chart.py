"""Tests the bounds that the bar of a product shows."""

import re

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Status
from auditor.domain.result.model import FleetResult, SeatBounds
from auditor.findings.table import FindingTable
from auditor.render.text.labels import Labels
from auditor.render.view.page import page
from auditor.render.view.seat_chart import effective_bounds, seat_bar
from auditor.result.aggregate import summarise
from tests.builders.result.audited_demo import demo_result
from tests.builders.result.rendered import rendered_text
from tests.builders.result.results import contoso, result

EN = Labels("en")


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


def caption(**changes: object) -> str:
    """Return the caption of the table of seats of a tenant with one product."""
    (first, *_) = result().tenants
    seats = replace(first.seats[0], **{"usable": 10, "consumed": 8, "warning": 0, "bounds": ()} | changes)
    tenant = replace(first, seats=(seats,), findings=FindingTable.of(()), actions=())
    page = rendered_text(replace(result(), tenants=(tenant,), fleet=FleetResult()), "html")
    text, *_ = re.findall("<caption>(The bar shows .*?)</caption>", page)
    return str(text)


def test_caption_explains_only_what_the_bars_show() -> None:
    plain = "The bar shows the usable seats; the filled part is assigned."
    assert caption() == plain
    assert caption(consumed=11) == f"{plain} The thin, red part is assigned beyond the usable seats."
    assert caption(warning=2) == f"{plain} Dashes are seats in their grace period."
    assert caption(bounds=(SeatBounds(policy="p", usable=10, minimum=1, maximum=5),)).startswith(
        f"{plain} The bracket below the bar is "
    )


def test_products_without_seats_are_last() -> None:
    (first, *_) = result().tenants
    seats = [
        replace(first.seats[0], sku_id=name, sku_part_number=name, name=name, usable=number, consumed=number)
        for name, number in (("a", 0), ("b", None), ("c", 3))
    ]
    tenant = replace(first, seats=tuple(seats), findings=FindingTable.of(()), actions=())
    section, *_ = page(replace(result(), tenants=(tenant,)), EN).sections
    assert [row.name for row in section.seats] == ["b", "c", "a"]


def test_page_without_findings_does_not_ask_for_prices() -> None:
    (first, *_) = result().tenants
    clean = replace(first, findings=FindingTable.of(()), actions=())
    audit = replace(result(), tenants=(clean,), fleet=FleetResult(), summary=summarise((clean,), FleetResult()))
    assert "Monthly cost" not in rendered_text(audit, "html")


def test_idle_and_missing_seats_are_thinner_than_the_others() -> None:
    """Without colours, the parts of a bar differ in their height."""
    page = rendered_text(demo_result(), "html")
    for part, height in (("used", 10), ("idle", 6), ("over", 6)):
        found = re.findall(rf'<rect class="{part}" [^>]*height="(\d+)"', page)
        assert set(found) == {str(height)}


def test_product_with_a_waived_finding_is_not_without_a_finding() -> None:
    (first, *_) = result().tenants
    finding = next(entry for entry in first.findings if entry.check.startswith("seats.") and entry.product is not None)
    waived = replace(first, findings=FindingTable.of([replace(finding, status=Status.WAIVED, waiver="W")]), actions=())
    audit = replace(result(), tenants=(waived,))
    section, *_ = page(audit, EN).sections
    assert finding.product is not None
    (row,) = (row for row in section.seats if row.part_number == finding.product.sku_part_number)
    assert (row.severity, row.state) == (None, f"{EN.check(finding.check)}, waived")
    assert f'<span class="quiet">{row.state}' in rendered_text(audit, "html")
