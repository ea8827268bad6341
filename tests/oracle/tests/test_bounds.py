"""Bounds that the result carries for each product, against the evidence of findings and against their absence."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import HealthCheck, given, settings

from auditor.domain.result.finding import Finding
from auditor.domain.result.model import SeatBounds, SeatCount
from auditor.render.html.charts.seat_chart import bound, tightest
from tests.oracle.adapter import run
from tests.oracle.strategies import Scenario, scenarios

_SPARE = {"seats.over-assigned", "seats.below-minimum", "seats.above-maximum"}


@pytest.mark.slow
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(blocks=("seats",)))
def test_bounds_agree_with_what_findings_say_and_with_what_none_says(scenario: Scenario) -> None:
    for tenant in run(scenario).tenants:
        found = {
            (finding.product.sku_id, finding.policy, finding.check): finding
            for finding in tenant.findings
            if finding.product is not None and finding.product.sku_id is not None and finding.check in _SPARE
        }
        carried = {(seats.sku_id, each.policy): each for seats in tenant.seats for each in seats.bounds}
        for (sku, policy, check), finding in found.items():
            _as_evidence(finding, carried.get((sku, policy)), check)
        for seats in tenant.seats:
            for each in seats.bounds:
                checks = {check for sku, policy, check in found if (sku, policy) == (seats.sku_id, each.policy)}
                _broken_as_found(seats, each, checks)
            _together(seats)


def _as_evidence(finding: Finding, carried: SeatBounds | None, check: str) -> None:
    facts = finding.evidence
    if facts["minimum"] is None and facts["maximum"] is None:
        assert carried is None
        assert check == "seats.over-assigned"
        return
    assert carried is not None
    assert carried.usable == facts["usable"]
    for written, seats, rounded in (
        (facts["minimum"], carried.minimum, ceil),
        (facts["maximum"], carried.maximum, floor),
    ):
        evidence = None if written is None else bound(written, carried.usable)
        assert seats == (None if evidence is None else rounded(Fraction(evidence)))


def _broken_as_found(seats: SeatCount, each: SeatBounds, checks: set[str]) -> None:
    """Whole seats decide as the engine's fractions do."""
    if seats.consumed is None:
        assert not checks
        return
    spare = each.usable - seats.consumed
    expected = {"seats.over-assigned"} if spare < 0 else set()
    if spare >= 0 and each.minimum is not None and spare < each.minimum:
        expected.add("seats.below-minimum")
    if each.maximum is not None and spare > each.maximum:
        expected.add("seats.above-maximum")
    assert checks == expected


def _together(seats: SeatCount) -> None:
    """The tightest bounds hold exactly where all do; none are told where all hold anyway, or never together."""
    if seats.usable is None:
        assert tightest(seats) == {}
        return
    bound_of_all = tightest(seats)
    least, most = int(bound_of_all.get("minimum", 0)), int(bound_of_all.get("maximum", seats.usable))
    kept = {
        spare
        for spare in range(min(seats.usable, 400) + 1)
        if all(
            (each.minimum or 0) <= each.usable - (seats.usable - spare)
            and (each.maximum is None or each.usable - (seats.usable - spare) <= each.maximum)
            for each in seats.bounds
        )
    }
    inside = {spare for spare in range(min(seats.usable, 400) + 1) if least <= spare <= most}
    assert kept == inside or (bound_of_all == {} and not kept)
