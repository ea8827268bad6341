"""The checks of `contracts`, idle renewals, and prices that depend on contracts and dates."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from tests.builders.result.actions import with_actions
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
    lines = "".join(f"- {contract}\n" for contract in contracts)
    text = f"policies: [{{id: p, severity: high, {block}}}]\ncontracts:\n{lines or '  []'}\n{more}"
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
        # A contract without seats leaves its product set unevaluated; a contract that is not in force is ignored.
        ([contract("a", seats=1), contract("b")], None),
        ([contract("a", seats=1, ends="2026-11-19")], None),
        ([contract("a", seats=1, ends="2026-11-20")], 1),
        ([contract("a", seats=1, ends="2027-11-20")], None),
        ([contract("a", seats=1, ends="2027-11-19")], 1),
        ([contract("a", seats=1, tenants="[fabrikam]")], None),
    ],
)
def test_purchased_units_are_compared_with_contracts_in_force(contracts: list[str], agreed: int | None) -> None:
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


def test_product_set_of_a_contract_is_one_subject() -> None:
    state = tenant(subscribedSkus=[E3, bought("SPE_E5", 10)])
    result = judged("contracts: {match: true}", contract(products="[SPE_E3, SPE_E5]", seats=10), state=state)
    finding = one(result)
    assert (finding.subject.id, finding.evidence["purchased"]) == ("SPE_E3|SPE_E5", 118)
    assert finding.product is not None
    assert (finding.product.sku_id, finding.product.sku_part_number) == (None, "SPE_E3|SPE_E5")


def test_product_that_the_tenant_does_not_own_has_0_purchased_units() -> None:
    assert one(judged("contracts: {match: true}", contract(products="[SPE_E5]", seats=2))).evidence["purchased"] == 0


@pytest.mark.parametrize(
    ("status", "products", "expected"),
    [("partial", "[SPE_E3]", "fail"), ("partial", "[SPE_E3, SPE_E5]", ""), ("denied", "[SPE_E3]", "")],
)
def test_products_that_were_not_read_raise_no_difference(status: str, products: str, expected: str) -> None:
    state = tenant(subscribedSkus=[E3], unread={Source.SUBSCRIBED_SKUS: SourceStatus(status)})
    result = judged("contracts: {match: true}", contract(products=products, seats=1), state=state)
    assert outcome(result) == "not-evaluated"
    assert bool(finding_keys(result)) is bool(expected)


@pytest.mark.parametrize(
    ("block", "ends", "raised"),
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
def test_notice_and_ending_count_whole_days_including_both_ends(block: str, ends: str, raised: object) -> None:
    result = judged(f"contracts: {{{block}}}", contract("EA-1", ends, notice="30d"))
    if not raised:
        assert (finding_keys(result), outcome(result)) == ([], "pass")
        return
    finding = one(result)
    kind = block.partition(":")[0]
    assert (finding.check, finding.detail, finding.evidence["ends"]) == (f"contract.{kind}", "EA-1", ends)


def test_contract_without_a_notice_period_raises_no_notice_finding() -> None:
    assert finding_keys(judged("contracts: {notice: {within: 999d}}", contract())) == []


@pytest.mark.parametrize(
    ("contracts", "parts"),
    [
        ([], ["SPE_E3", "SPE_E5"]),
        ([contract(products="[SPE_*]")], []),
        ([contract()], ["SPE_E5"]),
        ([contract(ends="2026-11-19")], ["SPE_E3", "SPE_E5"]),
    ],
)
def test_paid_products_without_a_contract(contracts: list[str], parts: list[str]) -> None:
    rows = [E3, bought("SPE_E5", 1), bought("SPE_F1", 0), bought("FLOW_FREE", 9)]
    result = judged("contracts: {missing: deny}", *contracts, state=tenant(subscribedSkus=rows))
    assert sorted(str(finding.product and finding.product.sku_part_number) for finding in result.findings) == parts
    assert {finding.check for finding in result.findings} <= {"contract.missing"}


PRICES = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: [{amount: 30}, {amount: 40, from: 2026-12-01}]}}"
SPARE = "seats: {of: [SPE_E3], spare: {max: 5}}"


@pytest.mark.parametrize(
    ("contracts", "as_of", "price"),
    [
        ([], "2026-11-30", 30),
        ([], "2026-12-01", 40),
        ([contract(perSeatPerMonth="{amount: 25, currency: EUR}")], "2026-12-01", 25),
        # The price list applies if a contract is not in force, has no price yet or belongs to another tenant.
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
        # Without seats as weights the price is unknown, unless the prices are equal.
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
def test_contract_in_force_decides_the_price(contracts: list[str], as_of: str, price: int | None) -> None:
    day = datetime.fromisoformat(f"{as_of}T12:00:00Z")
    (finding,) = judged(SPARE, *contracts, more=PRICES, as_of=day).findings
    assert finding.evidence["adjust"] == -10
    assert (None if finding.money is None else finding.money.per_month) == (None if price is None else 10 * price)


def test_contract_price_applies_without_a_price_list() -> None:
    assert euros(one(judged(SPARE, contract(perSeatPerMonth="{amount: 25, currency: EUR}")))) == 250


def test_money_of_actions_uses_the_contract_price() -> None:
    text = f"policies: [{{id: p, severity: high, {SPARE}}}]\ncontracts:\n- {contract(perSeatPerMonth='{amount: 25}')}\n{PRICES}"
    result = with_actions(audited(text, tenant(subscribedSkus=[E3]), as_of=AS_OF), policy_set(text))
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
def test_seats_removed_at_a_renewal_save_the_price_of_that_date(ends: int, contracts: list[str], saves: int) -> None:
    lines = "".join(f"- {entry}\n" for entry in contracts) or "  []\n"
    text = f"policies: [{{id: p, severity: high, {SPARE}}}]\ncontracts:\n{lines}{PRICES}"
    state = tenant(subscribedSkus=[E3], subscriptions=[subscription("s", ends=ends)])
    (result,) = with_actions(audited(text, state, as_of=AS_OF), policy_set(text)).tenants
    (action,) = result.actions
    assert (action.kind, action.count) == ("remove-seats-at-renewal", 10)
    assert action.saves is not None
    assert action.saves.per_month == saves
    assert (result.renewal_prices is None) == (saves in {300, 250})
    prices = [text for text in action.prerequisites if text.startswith("The saving counts the price from")]
    assert len(prices) == (result.renewal_prices is not None)
    assert all(text.endswith(f": €{saves / 10:.2f} a month per seat.") for text in prices)


@pytest.mark.parametrize(
    ("contracts", "due"),
    [
        ([], date(2026, 12, 20)),
        ([contract(notice="10d", ends="2026-12-20")], date(2026, 12, 10)),
        ([contract(notice="60d", ends="2026-12-20")], date(2026, 12, 20)),  # the last day to give notice is over
        ([contract(notice="10d", ends="2026-12-20", renews="by-decision")], date(2026, 12, 20)),
    ],
)
def test_seats_are_given_back_before_the_last_day_to_give_notice(contracts: list[str], due: date) -> None:
    lines = "".join(f"- {entry}\n" for entry in contracts) or "  []\n"
    text = f"policies: [{{id: p, severity: high, {SPARE}}}]\ncontracts:\n{lines}{PRICES}"
    state = tenant(subscribedSkus=[E3], subscriptions=[subscription("s", ends=30)])
    (result,) = with_actions(audited(text, state, as_of=AS_OF), policy_set(text)).tenants
    (action,) = (action for action in result.actions if action.kind == "remove-seats-at-renewal")
    assert action.due == due
    assert action.saves is not None
    assert action.saves.per_month == 400, "the price on the day of the renewal"


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
    ("spare", "block", "expected"),
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
def test_idle_seats_of_a_renewal(spare: int, block: str, expected: dict[str, int]) -> None:
    result = renewals(subscription("s", ends=30), spare=spare, block=block)
    assert idle(result) == expected
    assert not any("term" in finding.evidence for finding in result.findings)


def test_idle_seats_are_assigned_to_the_earliest_renewal_first() -> None:
    result = renewals(
        subscription("0-late", ends=59),
        subscription("b", ends=20, totalLicenses=8),
        subscription("a", ends=20, totalLicenses=4),
        subscription("beyond", ends=61),
        subscription("gone", ends=1, status="Deleted"),
        spare=15,
    )
    assert idle(result) == {"a": -4, "b": -8, "0-late": -3}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"row": bought("SPE_E3", None, 5)}, "not-evaluated"),
        ({"row": bought("SPE_E3", 100, 50, appliesTo="Company")}, "pass"),
        ({"unread": {Source.SUBSCRIPTIONS: SourceStatus.PARTIAL}}, "not-evaluated"),
        ({"unread": {Source.SUBSCRIPTIONS: SourceStatus.DENIED}}, "not-evaluated"),
    ],
)
def test_unknown_seats_or_subscriptions_raise_no_idle_finding(facts: dict[str, Any], expected: str) -> None:
    result = renewals(subscription("s", ends=30), **facts)
    assert (finding_keys(result), outcome(result)) == ([], expected)


def test_subscription_without_a_seat_count_makes_later_ones_unknown() -> None:
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
        ((contract(term="P1M", products="[VISIOCLIENT]", ends="2026-11-30"),), False, "unknown"),
        ((contract("a"), contract("b", term="P1M", products="[VISIOCLIENT]", ends="2026-11-30")), False, "P1Y"),
    ],
)
@pytest.mark.parametrize("block", ["exceptTerm: monthly", "exceptTerm: monthly, idle: {min: 5}"])
def test_except_term_excludes_monthly_subscriptions(
    contracts: tuple[str, ...], monthly: object, term: str, block: str
) -> None:
    result = renewals(subscription("s", ends=30), block=block, contracts=contracts)
    assert [finding.evidence["term"] for finding in result.findings] == ([] if monthly else [term])


def test_idle_renewal_uses_the_price_on_the_renewal_date() -> None:
    finding = one(renewals(subscription("s", ends=30)))
    assert euros(finding) == 400
    assert (finding.evidence["pricePerSeat"], finding.evidence["priceFrom"]) == (40.0, "2026-12-01")
    finding = one(renewals(subscription("s", ends=5)))
    assert euros(finding) == 300
    assert "priceFrom" not in finding.evidence


def ending_finding(prices: str, **keys: Any) -> Finding:
    return one(judged("contracts: {ending: {within: 200d}}", contract(perSeatPerMonth=prices, **keys), more=PRICES))


def test_ending_contract_uses_the_price_after_its_end() -> None:
    finding = ending_finding("[{amount: 20}, {amount: 22.5, from: 2027-04-01}]", seats=10)
    assert euros(finding) == Decimal(225)
    assert (finding.evidence["pricePerSeat"], finding.evidence["priceFrom"]) == (22.5, "2027-04-01")
    assert ending_finding("{amount: 20}").money is None
    assert "priceFrom" not in ending_finding("{amount: 20}", seats=1).evidence
