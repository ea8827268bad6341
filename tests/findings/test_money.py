"""Monthly money of open findings: each seat is counted once, even if several findings are about it."""

from decimal import Decimal

import pytest

from auditor.arrays.texts import values_of
from tests.builders.tenant.tenants import audited, bought, subscription, tenant, user

RULES = """policies:
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: all-leavers, severity: low, users: {accountEnabled: false}, assignments: {deny: paid}}
  - {id: spare, severity: low, seats: {of: [SPE_E3], spare: {max: 5}}}
  - {id: renewing, severity: low, subscriptions: {of: paid, expiring: {within: 60d, idle: {min: 1}}}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 10}}
"""
"""Twelve seats are bought and one is assigned to a leaver: 11 are spare, of which `spare` reports 6."""


@pytest.mark.parametrize(
    ("rows", "idle"),
    [
        ([], 6),
        ([subscription("whole", ends=20, totalLicenses=12)], 11),
        ([subscription("a", ends=20, totalLicenses=4), subscription("b", ends=30, totalLicenses=8)], 11),
        ([subscription("a", ends=20, totalLicenses=4), subscription("later", ends=300, totalLicenses=8)], 6),
    ],
)
def test_idle_seats_of_product_and_subscription_findings_are_counted_once(
    rows: list[dict[str, object]], idle: int
) -> None:
    leaver = user("ann", "SPE_E3", accountEnabled=False)
    state = tenant(leaver, subscribedSkus=[bought("SPE_E3", 12, 1)], subscriptions=rows)
    [tenant_result] = audited(RULES, state).tenants
    assert tenant_result.findings.stats.money == {"EUR": Decimal(10 * (1 + idle))}
    batches = list(tenant_result.findings.batches())
    columns = (
        [value for batch in batches for value in values_of(batch.column(name))] for name in ("perMonth", "counted")
    )
    counted = [Decimal(amount) for amount, is_counted in zip(*columns, strict=True) if is_counted]
    assert sum(counted) == Decimal(10 * (1 + idle))
    money_by_policy = {name: stats.money.get("EUR") for name, stats in tenant_result.findings.stats.policies.items()}
    assert {name: money_by_policy[name] for name in ("leavers", "all-leavers", "spare")} == {
        "leavers": Decimal(10),
        "all-leavers": Decimal(10),
        "spare": Decimal(60),
    }


@pytest.mark.parametrize(
    ("policies", "blocked", "seats"),
    [
        pytest.param("{assigned: {max: 1}}", 2, 2, id="the quota is exceeded by people with findings"),
        pytest.param("{assigned: {max: 1}}", 1, 2, id="the quota is exceeded by one more person"),
        pytest.param("{assigned: {max: 1}, spare: {max: 4}}", 2, 5, id="spare seats are others"),
        pytest.param("{purchased: {max: 9}}", 2, 2, id="one seat too many was purchased"),
        pytest.param("{purchased: {max: 5}}", 2, 5, id="more seats than those of people with findings"),
        pytest.param("{purchased: {max: 5}, spare: {max: 2}}", 2, 7, id="fewer seats than people have and are spare"),
    ],
)
def test_seats_beyond_a_limit_include_those_of_people_with_findings(policies: str, blocked: int, seats: int) -> None:
    """Of ten purchased seats, three are assigned, to two people who left or to one, and seven are spare."""
    rules = f"""policies:
  - {{id: leavers, severity: high, users: {{accountEnabled: false}}, assignments: {{deny: paid}}}}
  - {{id: limit, severity: low, seats: {policies[:1]}of: [SPE_E3], {policies[1:]}}}
prices: {{currency: EUR, perSeatPerMonth: {{SPE_E3: 10}}}}
"""
    people = [user(name, "SPE_E3", accountEnabled=index >= blocked) for index, name in enumerate(("ann", "bo", "cy"))]
    [tenant_result] = audited(rules, tenant(*people, subscribedSkus=[bought("SPE_E3", 10, 3)])).tenants
    assert tenant_result.findings.stats.money == {"EUR": Decimal(10 * seats)}


def test_idle_seats_of_a_pool_add_nothing_to_those_of_its_products() -> None:
    """The products of a pool have different prices, so its seats have no amount, and the cost is a lower bound."""
    rules = """policies:
  - {id: spare, severity: low, seats: {of: [SPE_E3], spare: {max: 4}}}
  - {id: together, severity: low, seats: {of: [SPE_E3, SPE_E5], spare: {max: 2}, pool: true}}
  - {id: people, severity: low, seats: {of: [SPE_E3, SPE_E5], assigned: {max: 1}, pool: true}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 10, SPE_E5: 20}}
"""
    people = [user("ann", "SPE_E3"), user("bo", "SPE_E5")]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3", 9, 1), bought("SPE_E5", 5, 1)])
    [result] = audited(rules, state).tenants
    assert {(finding.policy, finding.money is None) for finding in result.findings} == {
        ("spare", False),
        ("together", True),
        ("people", True),
    }
    assert result.findings.stats.money == {"EUR": Decimal(40)}
    assert result.findings.stats.unpriced
