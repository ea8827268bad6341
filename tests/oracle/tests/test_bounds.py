"""The seat bounds in a result agree with the seat findings: with their evidence, and with their absence."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import HealthCheck, given, settings

from auditor.domain.result.finding import Finding
from auditor.domain.result.model import SeatBounds, SeatCount
from auditor.render.view.seat_chart import bound_in_seats, effective_bounds
from tests.oracle.adapter import run
from tests.oracle.strategies import Scenario, scenarios

_SPARE = {"seats.over-assigned", "seats.below-minimum", "seats.above-maximum"}


@pytest.mark.slow
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios(blocks=("seats",)))
def test_seat_bounds_agree_with_findings_and_their_absence(scenario: Scenario) -> None:
    for tenant in run(scenario).tenants:
        findings = {
            (finding.product.sku_id, finding.policy, finding.check): finding
            for finding in tenant.findings
            if finding.product is not None and finding.product.sku_id is not None and finding.check in _SPARE
        }
        bounds = {(seats.sku_id, bound_row.policy): bound_row for seats in tenant.seats for bound_row in seats.bounds}
        for (sku, policy, check), finding in findings.items():
            _assert_bounds_match_evidence(finding, bounds.get((sku, policy)), check)
        for seats in tenant.seats:
            for bound_row in seats.bounds:
                checks = {check for sku, policy, check in findings if (sku, policy) == (seats.sku_id, bound_row.policy)}
                _assert_checks_follow_from_bounds(seats, bound_row, checks)
            _assert_tightest_bounds(seats)


def _assert_bounds_match_evidence(finding: Finding, bounds: SeatBounds | None, check: str) -> None:
    facts = finding.evidence
    if facts["minimum"] is None and facts["maximum"] is None:
        assert bounds is None
        assert check == "seats.over-assigned"
        return
    assert bounds is not None
    assert bounds.usable == facts["usable"]
    for written, seats, rounded in (
        (facts["minimum"], bounds.minimum, ceil),
        (facts["maximum"], bounds.maximum, floor),
    ):
        evidence = None if written is None else bound_in_seats(written, bounds.usable)
        assert seats == (None if evidence is None else rounded(Fraction(evidence)))


def _assert_checks_follow_from_bounds(seats: SeatCount, bounds: SeatBounds, checks: set[str]) -> None:
    """Bounds rounded to whole seats lead to the same checks as the engine's fractions."""
    if seats.consumed is None:
        assert not checks
        return
    spare = bounds.usable - seats.consumed
    expected = {"seats.over-assigned"} if spare < 0 else set()
    if spare >= 0 and bounds.minimum is not None and spare < bounds.minimum:
        expected.add("seats.below-minimum")
    if bounds.maximum is not None and spare > bounds.maximum:
        expected.add("seats.above-maximum")
    assert checks == expected


def _assert_tightest_bounds(seats: SeatCount) -> None:
    """Spare seats keep the tightest bounds if and only if they keep all; {} if all always hold, or never together."""
    if seats.usable is None:
        assert effective_bounds(seats) == {}
        return
    bound_of_all = effective_bounds(seats)
    least, most = int(bound_of_all.get("minimum", 0)), int(bound_of_all.get("maximum", seats.usable))
    kept = {
        spare
        for spare in range(min(seats.usable, 400) + 1)
        if all(
            (bounds.minimum or 0) <= bounds.usable - (seats.usable - spare)
            and (bounds.maximum is None or bounds.usable - (seats.usable - spare) <= bounds.maximum)
            for bounds in seats.bounds
        )
    }
    inside = {spare for spare in range(min(seats.usable, 400) + 1) if least <= spare <= most}
    assert kept == inside or (bound_of_all == {} and not kept)
