"""The checks of `contracts`, and prices that contracts and dates decide, by hand."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from auditor.app.audit.remediation import remedied
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from tests.builders.tenant.tenants import (
    audited,
    bought,
    euros,
    finding_keys,
    one,
    outcome,
    policy_set,
    sku_id,
    subscription,
    tenant,
)

AS_OF = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
E3 = bought("SPE_E3", 100, 90, warning=5, suspended=3)


def judged(block: str, *contracts: str, state: Any = None, more: str = "", as_of: datetime = AS_OF) -> TenantResult:
    listed = "".join(f"- {contract}\n" for contract in contracts)
    text = f"policies: [{{id: p, severity: high, {block}}}]\ncontracts:\n{listed or '  []'}\n{more}"
    return audited(text, state or tenant(subscribedSkus=[E3]), as_of=as_of).tenants[0]


def contract(id_: str = "c", ends: str = "2027-03-31", **keys: Any) -> str:
    facts = {"products": "[SPE_E3]", "term": "P1Y", "renews": "automatically", **keys}
    return f"{{id: {id_}, ends: {ends}, {', '.join(f'{key}: {value}' for key, value in facts.items())}}}"


@pytest.mark.parametrize(
    ("contracts", "agreed"),
    [
        ([contract(seats=108)], None),
        ([contract(seats=107)], 107),
        ([contract("a", seats=100), contract("b", seats=8)], None),
        ([contract("a", seats=100), contract("b", products=f"[{sku_id('SPE_E3')}]", seats=9)], 109),
        # Without a number a contract leaves its set unjudged, and one that does not hold says nothing.
        ([contract("a", seats=1), contract("b")], None),
        ([contract("a", seats=1, ends="2026-11-19")], None),
        ([contract("a", seats=1, ends="2026-11-20")], 1),
        ([contract("a", seats=1, ends="2027-11-20")], None),
        ([contract("a", seats=1, ends="2027-11-19")], 1),
        ([contract("a", seats=1, tenants="[fabrikam]")], None),
    ],
)
def test_units_bought_are_held_against_contracts_that_hold(contracts: list[str], agreed: int | None) -> None:
    result = judged("contracts: {match: true}", *contracts)
    if agreed is None:
        assert (finding_keys(result), outcome(result)) == ([], "pass")
        return
    finding = one(result)
    assert (finding.check, finding.subject.id, finding.product and finding.product.sku_id) == (
        "contract.seats-differ",
        sku_id("SPE_E3"),
        sku_id("SPE_E3"),
    )
    assert (finding.evidence["purchased"], finding.evidence["contractSeats"]) == (108, agreed)


def test_a_set_is_judged_as_it_is_written() -> None:
    state = tenant(subscribedSkus=[E3, bought("SPE_E5", 10)])
    result = judged("contracts: {match: true}", contract(products="[SPE_E3, SPE_E5]", seats=10), state=state)
    finding = one(result)
    assert (finding.subject.id, finding.evidence["purchased"]) == ("SPE_E3|SPE_E5", 118)
    assert finding.product is not None
    assert (finding.product.sku_id, finding.product.sku_part_number) == (None, "SPE_E3|SPE_E5")


def test_a_product_that_the_tenant_does_not_have_has_no_units() -> None:
    assert one(judged("contracts: {match: true}", contract(products="[SPE_E5]", seats=2))).evidence["purchased"] == 0


@pytest.mark.parametrize(
    ("status", "products", "expected"),
    [("partial", "[SPE_E3]", "fail"), ("partial", "[SPE_E3, SPE_E5]", ""), ("denied", "[SPE_E3]", "")],
)
def test_products_that_were_not_read_are_no_difference(status: str, products: str, expected: str) -> None:
    state = tenant(subscribedSkus=[E3], unread={Source.SUBSCRIBED_SKUS: SourceStatus(status)})
    result = judged("contracts: {match: true}", contract(products=products, seats=1), state=state)
    assert outcome(result) == "not-evaluated"
    assert bool(finding_keys(result)) is bool(expected)


@pytest.mark.parametrize(
    ("block", "ends", "found"),
    [
        # The last day to give notice is 30 days before the end.
        ("notice: {within: 45d}", "2026-12-20", True),
        ("notice: {within: 45d}", "2026-12-19", False),
        ("notice: {within: 45d}", "2027-02-03", True),
        ("notice: {within: 45d}", "2027-02-04", False),
        ("notice: {within: 0d}", "2026-12-20", True),
        ("ending: {within: 60d}", "2027-01-19", True),
        ("ending: {within: 60d}", "2027-01-20", False),
        ("ending: {within: 60d}", "2026-11-20", True),
        ("ending: {within: 60d}", "2026-10-21", True),
        ("ending: {within: 60d}", "2026-10-20", False),
    ],
)
def test_days_count_whole_and_both_ends_are_included(block: str, ends: str, found: object) -> None:
    result = judged(f"contracts: {{{block}}}", contract("EA-1", ends, notice="30d"))
    if not found:
        assert (finding_keys(result), outcome(result)) == ([], "pass")
        return
    finding = one(result)
    kind = block.partition(":")[0]
    assert (finding.check, finding.detail, finding.evidence["ends"]) == (f"contract.{kind}", "EA-1", ends)


def test_without_a_notice_period_there_is_nothing_to_give_notice_of() -> None:
    assert finding_keys(judged("contracts: {notice: {within: 999d}}", contract())) == []


@pytest.mark.parametrize(
    ("contracts", "found"),
    [
        ([], ["SPE_E3", "SPE_E5"]),
        ([contract(products="[SPE_*]")], []),
        ([contract()], ["SPE_E5"]),
        ([contract(ends="2026-11-19")], ["SPE_E3", "SPE_E5"]),
    ],
)
def test_paid_products_without_a_contract(contracts: list[str], found: list[str]) -> None:
    rows = [E3, bought("SPE_E5", 1), bought("SPE_F1", 0), bought("FLOW_FREE", 9)]
    result = judged("contracts: {missing: deny}", *contracts, state=tenant(subscribedSkus=rows))
    assert sorted(str(finding.product and finding.product.sku_part_number) for finding in result.findings) == found
    assert {finding.check for finding in result.findings} <= {"contract.missing"}


PRICES = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: [{amount: 30}, {amount: 40, from: 2026-12-01}]}}"
SPARE = "seats: {of: [SPE_E3], spare: {max: 5}}"


@pytest.mark.parametrize(
    ("contracts", "as_of", "price"),
    [
        ([], "2026-11-30", 30),
        ([], "2026-12-01", 40),
        ([contract(perSeatPerMonth="{amount: 25, currency: EUR}")], "2026-12-01", 25),
        # A contract that does not hold, has no price yet or is another tenant's leaves the price list.
        ([contract(perSeatPerMonth="{amount: 25}", ends="2026-11-30")], "2026-12-01", 40),
        ([contract(perSeatPerMonth="{amount: 25, from: 2027-01-01}")], "2026-12-01", 40),
        ([contract(perSeatPerMonth="{amount: 25}", tenants="[fabrikam]")], "2026-12-01", 40),
        ([contract(perSeatPerMonth="[{amount: 25}, {amount: 26, from: 2026-12-01}]")], "2026-12-01", 26),
        (
            [
                contract("a", seats=30, perSeatPerMonth="{amount: 20}"),
                contract("b", seats=10, perSeatPerMonth="{amount: 40}"),
            ],
            "2026-12-01",
            25,
        ),
        # Who knows no weights knows no price; equal prices need none.
        (
            [contract("a", seats=30, perSeatPerMonth="{amount: 20}"), contract("b", perSeatPerMonth="{amount: 40}")],
            "2026-12-01",
            None,
        ),
        (
            [contract("a", seats=30, perSeatPerMonth="{amount: 20}"), contract("b", perSeatPerMonth="{amount: 20}")],
            "2026-12-01",
            20,
        ),
    ],
)
def test_a_contract_decides_the_price_on_its_days(contracts: list[str], as_of: str, price: int | None) -> None:
    day = datetime.fromisoformat(f"{as_of}T12:00:00Z")
    (finding,) = judged(SPARE, *contracts, more=PRICES, as_of=day).findings
    assert finding.evidence["adjust"] == -10
    assert (None if finding.money is None else finding.money.per_month) == (None if price is None else 10 * price)


def test_a_contract_prices_a_product_without_a_price_list() -> None:
    assert euros(one(judged(SPARE, contract(perSeatPerMonth="{amount: 25, currency: EUR}")))) == 250


def test_actions_cost_what_the_contract_says() -> None:
    text = f"policies: [{{id: p, severity: high, {SPARE}}}]\ncontracts:\n- {contract(perSeatPerMonth='{amount: 25}')}\n{PRICES}"
    result = remedied(audited(text, tenant(subscribedSkus=[E3]), as_of=AS_OF), policy_set(text))
    (action,) = result.tenants[0].actions
    assert action.money is not None
    assert action.money.per_month == 250


@pytest.mark.parametrize(
    ("ends", "contracts", "saves"),
    [
        (5, [], 300),
        (30, [], 400),
        (30, [contract(perSeatPerMonth="[{amount: 25}, {amount: 26, from: 2026-12-10}]")], 260),
        (30, [contract(perSeatPerMonth="{amount: 25}")], 250),
    ],
)
def test_seats_that_go_at_a_renewal_save_the_price_from_then_on(ends: int, contracts: list[str], saves: int) -> None:
    listed = "".join(f"- {each}\n" for each in contracts) or "  []\n"
    text = f"policies: [{{id: p, severity: high, {SPARE}}}]\ncontracts:\n{listed}{PRICES}"
    state = tenant(subscribedSkus=[E3], subscriptions=[subscription("s", ends=ends)])
    (found,) = remedied(audited(text, state, as_of=AS_OF), policy_set(text)).tenants
    (action,) = found.actions
    assert (action.kind, action.count) == ("remove-seats-at-renewal", 10)
    assert action.saves is not None
    assert action.saves.per_month == saves
    assert (found.renewal_prices is None) == (saves in {300, 250})


def renewals(
    *subscriptions: dict[str, Any], spare: int = 10, block: str = "", contracts: tuple[str, ...] = (), **state: Any
) -> TenantResult:
    row = state.pop("row", bought("SPE_E3", 100, 100 - spare))
    rows = tenant(subscribedSkus=[row], subscriptions=subscriptions, **state)
    expiring = f"subscriptions: {{expiring: {{within: 60d, {block or 'idle: {min: 5}'}}}}}"
    return judged(expiring, *contracts, state=rows, more=PRICES)


def idle(result: TenantResult) -> dict[str, int]:
    assert {finding.check for finding in result.findings} <= {"subscription.renewal-idle"}
    return {finding.subject.id: finding.evidence["adjust"] for finding in result.findings}


@pytest.mark.parametrize(
    ("spare", "block", "found"),
    [
        (5, "", {"s": -5}),
        (4, "", {}),
        (30, "", {"s": -10}),
        (10, "idle: {min: 10%}", {"s": -10}),
        (9, "idle: {min: 10%}", {}),
        (0, "idle: {min: 0}", {}),
        (-3, "idle: {min: 0}", {}),
    ],
)
def test_idle_seats_of_a_renewal(spare: int, block: str, found: dict[str, int]) -> None:
    assert idle(renewals(subscription("s", ends=30), spare=spare, block=block)) == found


def test_idle_seats_go_to_the_earliest_first() -> None:
    result = renewals(
        subscription("late", ends=59),
        subscription("b", ends=20, totalLicenses=8),
        subscription("a", ends=20, totalLicenses=4),
        subscription("beyond", ends=61),
        subscription("gone", ends=1, status="Deleted"),
        spare=15,
    )
    assert idle(result) == {"a": -4, "b": -8, "late": -3}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"row": bought("SPE_E3", None, 5)}, "not-evaluated"),
        ({"row": bought("SPE_E3", 100, 50, appliesTo="Company")}, "pass"),
        ({"unread": {Source.SUBSCRIPTIONS: SourceStatus.PARTIAL}}, "not-evaluated"),
        ({"unread": {Source.SUBSCRIPTIONS: SourceStatus.DENIED}}, "not-evaluated"),
    ],
)
def test_what_is_not_known_is_no_idle_seat(facts: dict[str, Any], expected: str) -> None:
    result = renewals(subscription("s", ends=30), **facts)
    assert (finding_keys(result), outcome(result)) == ([], expected)


def test_a_subscription_without_a_number_keeps_later_ones_open() -> None:
    rows = subscription("a", ends=1, totalLicenses=3), subscription("b", ends=2, totalLicenses=None)
    result = renewals(*rows, subscription("c", ends=3))
    assert (idle(result), outcome(result)) == ({"a": -3}, "not-evaluated")


@pytest.mark.parametrize(
    ("contracts", "monthly", "term"),
    [
        ((), False, "unknown"),
        ((contract(term="P1M", ends="2026-11-30"),), True, ""),
        ((contract(term="P1Y"),), False, "P1Y"),
        ((contract("a", term="P1M", ends="2026-11-30"), contract("b", term="P1Y")), False, "unknown"),
        ((contract(term="P1M", ends="2026-10-30"),), False, "unknown"),
    ],
)
@pytest.mark.parametrize("block", ["exceptTerm: monthly", "exceptTerm: monthly, idle: {min: 5}"])
def test_monthly_subscriptions_are_left_out(contracts: tuple[str, ...], monthly: object, term: str, block: str) -> None:
    result = renewals(subscription("s", ends=30), block=block, contracts=contracts)
    assert [finding.evidence["term"] for finding in result.findings] == ([] if monthly else [term])


def test_the_price_of_the_renewal_counts() -> None:
    finding = one(renewals(subscription("s", ends=30)))
    assert euros(finding) == 400
    assert (finding.evidence["pricePerSeat"], finding.evidence["priceFrom"]) == (40.0, "2026-12-01")
    finding = one(renewals(subscription("s", ends=5)))
    assert euros(finding) == 300
    assert "priceFrom" not in finding.evidence


def ending(prices: str, **keys: Any) -> Finding:
    return one(judged("contracts: {ending: {within: 200d}}", contract(perSeatPerMonth=prices, **keys), more=PRICES))


def test_the_price_of_the_renewed_contract_counts() -> None:
    finding = ending("[{amount: 20}, {amount: 22.5, from: 2027-04-01}]", seats=10)
    assert euros(finding) == Decimal(225)
    assert (finding.evidence["pricePerSeat"], finding.evidence["priceFrom"]) == (22.5, "2027-04-01")
    assert ending("{amount: 20}").money is None
    assert "priceFrom" not in ending("{amount: 20}", seats=1).evidence
