"""Tests for properties of tenant data that other tools handle wrongly."""

import json
from collections.abc import Sequence
from decimal import Decimal

import pytest

from auditor.catalogue import builtin
from auditor.domain.result.finding import Finding
from auditor.snapshot.manifest import format_instant
from tests.builders.tenant.tenants import (
    NOW,
    bought,
    euros,
    finding_keys,
    judged,
    one,
    outcome,
    path,
    sku_id,
    tenant,
    user,
)
from tests.e2e.peers.everyday import everyday, rendered


@pytest.mark.parametrize("units", [10_000, 1_000_000])
def test_trap_free_products_are_excluded_from_seat_usage(units: int) -> None:
    """Another tool reports 0.13 % utilisation, because it counts three million free seats."""
    state = tenant(
        subscribedSkus=[bought("FLOW_FREE", units, 4), bought("POWER_BI_STANDARD", units, 9), bought("SPE_E3", 50, 48)]
    )
    for block in ("seats: {spare: {max: 10%}}", "seats: {spare: {max: 10%}, pool: true}", "budget: {limit: 2000}"):
        assert outcome(judged(block, state, prices="{SPE_E3: 35.70}")) == "pass", block


def test_trap_products_of_the_company_have_no_user_seats() -> None:
    state = tenant(subscribedSkus=[bought("WIN_DEF_ATP", 100, 0, appliesTo="Company")])
    assert outcome(judged("seats: {of: '*', spare: {max: 0}}", state)) == "pass"


def test_trap_service_is_found_in_every_suite_that_contains_it() -> None:
    """P1 is part of many suites, so rules about it must check service plans."""
    holders = [
        user(name, part)
        for name, part in (
            ("ann", "SPE_E3"),
            ("bob", "SPB"),
            ("cas", "EMS"),
            ("dee", "AAD_PREMIUM"),
            ("eve", "EXCHANGESTANDARD"),
        )
    ]
    result = judged("assignments: {require: [{withService: AAD_PREMIUM}]}", tenant(*holders))
    assert [row[1] for row in finding_keys(result)] == ["eve"]


def test_trap_suites_without_teams_have_separate_ids() -> None:
    parts = [
        part
        for part in {item.part_number for item in builtin().products.values()}
        if "no_Teams" in part and "E5" in part
    ]
    assert parts
    with_teams = {sku_id("SPE_E5"), sku_id("ENTERPRISEPREMIUM")}
    assert not with_teams & {sku_id(part) for part in parts}
    assert all(
        "TEAMS1" not in {plan.name for plan in item.plans} for part in parts for item in builtin().by_part_number(part)
    )


def test_trap_policy_decides_if_grace_seats_count() -> None:
    """Whether seats in `warning` may still be assigned is disputed."""
    state = tenant(subscribedSkus=[bought("SPE_E3", 5, 8, warning=5)])
    assert outcome(judged("seats: {spare: {min: 0}}", state)) == "pass"
    assert outcome(judged("seats: {spare: {min: 0}, graceUnits: ignore}", state)) == "fail"


def test_trap_money_is_reported_only_if_a_price_is_known() -> None:
    def costs(findings: Sequence[Finding]) -> list[Decimal | None]:
        return [euros(finding) for finding in findings]

    state = tenant(user("ann", "SPE_E3", "FLOW_FREE", "VISIOCLIENT"))
    result = judged("assignments: {deny: ['*']}", state, prices="{SPE_E3: 35.70}")
    assert [row[2] for row in finding_keys(result)] == ["FLOW_FREE", "SPE_E3", "VISIOCLIENT"]
    assert costs(result.findings) == [None, Decimal("35.7"), None]


def test_trap_a_second_path_costs_nothing() -> None:
    ann = user("ann", "SPE_E3", paths=[path("SPE_E3", "g1"), path("SPE_E3")])
    assert euros(one(judged("assignments: {duplicates: deny}", tenant(ann), prices="{SPE_E3: 35.70}"))) is None


def test_trap_report_has_the_date_of_the_data() -> None:
    """Usage data lags by days: something that was fixed may still be listed, because it was not collected again."""
    result = everyday()
    assert result.tenants[0].as_of == NOW
    assert json.loads(rendered(result, "json"))["tenants"][0]["asOf"] == format_instant(NOW)
