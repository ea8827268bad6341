"""The checks of `seats`: evidence, seats to buy or remove, and money."""

from decimal import Decimal
from typing import Any

import pytest

from auditor.domain.enums import Source, SourceStatus
from tests.builders.tenant.tenants import (
    audited,
    bought,
    euros,
    finding_keys,
    judged,
    one,
    outcome,
    sku_id,
    tenant,
    user,
)


def test_seats_above_maximum_with_conflicting_bounds() -> None:
    """100 bought, 93 used, at least 5 and at most 5 % spare: two seats too many, 71.40 euros a month."""
    state = tenant(subscribedSkus=[bought("SPE_E3", 100, 93)])
    result = judged("seats: {of: [SPE_E3], spare: {min: 5, max: 5%}}", state, prices="{SPE_E3: 35.70, SPE_E5: 54.75}")
    finding = one(result)
    assert finding.check == "seats.above-maximum"
    assert finding.evidence == {
        "enabled": 100, "warning": 0, "suspended": 0, "lockedOut": 0, "consumed": 93, "usable": 100, "spare": 7,
        "bound": "5%", "minimum": "5", "maximum": "5%", "adjust": -2,
        "boundsConflict": True,  # 5 of 98 is a little more than 5 %, and fewer seats would break the minimum
    }  # fmt: skip
    assert euros(finding) == Decimal("71.40")
    assert (finding.subject.type.value, finding.subject.id) == ("product", sku_id("SPE_E3"))


def test_pool_is_evaluated_as_a_sum_and_named_as_in_the_policy() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 10, 12), bought("SPE_E5", 10, 5)])
    result = judged("seats: {of: [SPE_E3, SPE_E5], pool: true, spare: {min: 5}}", state, prices="{SPE_E3: 35.70}")
    finding = one(result)
    assert finding.check == "seats.below-minimum"
    assert finding.product is not None
    assert (finding.subject.id, finding.product.sku_id, finding.product.sku_part_number) == (
        "SPE_E3|SPE_E5", None, "SPE_E3|SPE_E5"
    )  # fmt: skip
    assert (finding.evidence["usable"], finding.evidence["consumed"], finding.evidence["adjust"]) == (20, 17, 2)
    assert finding.money is None  # the products have different prices


def test_quota_counts_distinct_people_of_the_population() -> None:
    people = [user(name, "SPE_E5", department="Sales") for name in ("ann", "bob", "cas")]
    state = tenant(*people, user("dee", "SPE_E5"), subscribedSkus=[bought("SPE_E5", 1, 4)])
    finding = one(
        judged("seats: {of: [SPE_E5], assigned: {max: 2}}", state, users="{department: Sales}", prices="{SPE_E5: 10}")
    )
    assert (finding.check, finding.evidence["assigned"], finding.evidence["maximum"]) == ("seats.quota-exceeded", 3, 2)
    assert "adjust" not in finding.evidence
    assert euros(finding) == 10
    assert outcome(judged("seats: {of: [SPE_E5], assigned: {max: 3}}", state, users="{department: Sales}")) == "pass"


def test_product_without_seat_counts_is_unknown() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", None, 5), bought("SPE_E5", 1, 5)])
    result = judged("seats: {spare: {min: 1}}", state)
    assert [row[2] for row in finding_keys(result)] == ["SPE_E5"]  # certain findings are still reported
    assert outcome(result) == "not-evaluated"
    assert "SPE_E3" in (result.policies[0].reason or "")


def test_quota_over_unknown_people_names_what_was_not_collected() -> None:
    people = [user(name, "SPE_E5", department="Sales") for name in ("ann", "bob")]
    block, seats = "seats: {of: [SPE_E5], assigned: {max: 1}}", [bought("SPE_E5", 5, 2)]
    state = tenant(*people, unread={Source.SIGN_IN_ACTIVITY: SourceStatus.DENIED}, subscribedSkus=seats)
    (policy,) = judged(block, state, users="{inactiveFor: 90d}").policies
    assert (policy.missing, "not allowed" in (policy.reason or "")) == (("signInActivity",), True)
    state = tenant(*people, unasked=["department"], subscribedSkus=seats)
    (policy,) = judged(block, state, users="{department: Sales}").policies
    assert policy.missing == ("users.department",)
    state = tenant(*(person | {"notCollected": ["department"]} for person in people), subscribedSkus=seats)
    (policy,) = judged(block, state, users="{department: Sales}").policies
    assert policy.missing == ("users.department",)
    assert policy.reason == "the property department was not read for some users (2); collect the snapshot again"


@pytest.mark.parametrize(
    ("block", "outcome_"),
    [
        ("{of: [SPE_E5], assigned: {max: 1}}", "fail"),
        ("{of: [SPE_E5, SPE_E3], pool: true, assigned: {max: 1}}", "fail"),
        ("{of: [SPE_E5, SPE_E3], assigned: {max: 1}}", "not-evaluated"),
        ("{of: [SPE_E5], assigned: {max: 2}}", "not-evaluated"),
    ],
)
def test_quota_is_decided_if_the_users_that_were_read_exceed_it(block: str, outcome_: str) -> None:
    people, seats = [user("ann", "SPE_E5"), user("bob", "SPE_E5")], [bought("SPE_E5", 5, 2), bought("SPE_E3", 5, 2)]
    state = tenant(*people, unread={Source.USERS: SourceStatus.PARTIAL}, subscribedSkus=seats)
    assert outcome(judged(f"seats: {block}", state)) == outcome_
    state = tenant(unread={Source.USERS: SourceStatus.DENIED}, subscribedSkus=seats)
    assert outcome(judged(f"seats: {block}", state)) == "not-evaluated"


@pytest.mark.parametrize(
    ("percent", "consumed", "outcome_", "maximum"),
    [("10%", 30, "fail", 3), ("14%", 30, "pass", 4), ("13.3%", 30, "fail", 3), ("0%", 30, "fail", 0), ("10%", None, "not-evaluated", 0)],
)  # fmt: skip
def test_quota_can_be_a_percentage_of_consumed_units(
    percent: str, consumed: int | None, outcome_: str, maximum: int
) -> None:
    people = [user(f"u{number}", "SPE_E3") for number in range(4)]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3", 40, consumed)])
    result = judged(f"seats: {{of: [SPE_E3], assigned: {{max: {percent}}}}}", state)
    assert outcome(result) == outcome_
    if outcome_ == "fail":
        evidence = one(result).evidence
        assert (evidence["assigned"], evidence["maximum"], evidence["bound"]) == (4, maximum, percent)


@pytest.mark.parametrize(
    ("units", "adjust"), [((300, 0, 0), None), ((290, 5, 6), -1), ((250, 0, 100), -50), ((None, 0, 0), ...)]
)
def test_cap_counts_enabled_warning_and_suspended_units(units: tuple[int | None, int, int], adjust: Any) -> None:
    enabled, warning, suspended = units
    row = bought("SPB", enabled, 500, warning=warning, suspended=suspended, lockedOut=900)
    result = judged("seats: {of: [SPB], purchased: {max: 300}}", tenant(subscribedSkus=[row]), prices="{SPB: 20}")
    if adjust is None or adjust is ...:
        assert (finding_keys(result), outcome(result)) == ([], "pass" if adjust is None else "not-evaluated")
        return
    finding = one(result)
    assert (finding.check, finding.evidence["adjust"], finding.evidence["maximum"]) == (
        "seats.purchased-exceeded",
        adjust,
        300,
    )
    assert euros(finding) == -20 * adjust


NO_SEAT_NUMBERS = "Graph returned no seat numbers for SPB|O365_BUSINESS_PREMIUM"


@pytest.mark.parametrize(
    ("small", "large", "found"),
    [(200, 150, (350, -50)), (200, 100, "pass"), (200, None, "not-evaluated"), (301, None, (301, -1))],
)
def test_cap_of_a_pool_applies_to_the_known_sum(small: int, large: int | None, found: tuple[int, int] | str) -> None:
    rows = [bought("SPB", small, 0), bought("O365_BUSINESS_PREMIUM", large, 0)]
    block = "seats: {of: [SPB, O365_BUSINESS_PREMIUM], purchased: {max: 300}, pool: true}"
    result = judged(block, tenant(subscribedSkus=rows))
    if isinstance(found, str):
        assert (finding_keys(result), outcome(result)) == ([], found)
        assert result.policies[0].reason == (None if found == "pass" else NO_SEAT_NUMBERS)
        return
    finding = one(result)
    assert (finding.subject.id, finding.evidence["purchased"], finding.evidence["adjust"]) == (
        "SPB|O365_BUSINESS_PREMIUM",
        *found,
    )


@pytest.mark.parametrize("pool", ["", ", pool: true"])
@pytest.mark.parametrize(("units", "expected"), [(300, "pass"), (301, "not-evaluated")])
def test_cap_of_trials_is_not_evaluated_if_a_product_may_be_one(units: int, expected: str, pool: str) -> None:
    state = tenant(subscribedSkus=[bought("SPB", units, 0)], unread={Source.SUBSCRIPTIONS: SourceStatus.DENIED})
    result = judged(f"seats: {{of: trial, purchased: {{max: 300}}{pool}}}", state)
    assert (finding_keys(result), outcome(result)) == ([], expected)
    assert result.policies[0].missing == (() if expected == "pass" else ("subscriptions",))


@pytest.mark.parametrize("pool", ["", ", pool: true"])
@pytest.mark.parametrize(
    ("rows", "people", "adjust"),
    [
        ([("AAD_PREMIUM", 2, 0)], 2, None),
        ([("AAD_PREMIUM", 2, 0)], 3, 1),
        ([("AAD_PREMIUM", 1, 9), ("SPE_E3", 1, 9)], 3, 1),
        ([("AAD_PREMIUM", 1, 0), ("SPE_E3", 2, 0)], 3, None),
        ([], 1, 1),
        ([], 0, None),
    ],
)
def test_covers_compares_people_with_usable_seats(
    rows: list[tuple[str, int, int]], people: int, adjust: int | None, pool: str
) -> None:
    state = tenant(*[user(f"u{n}") for n in range(people)], subscribedSkus=[bought(*row) for row in rows])
    result = judged(f"seats: {{of: [AAD_PREMIUM, SPE_E3], covers: users{pool}}}", state, users="{accountEnabled: true}")
    if adjust is None:
        assert (finding_keys(result), outcome(result)) == ([], "pass")
        return
    finding = one(result)
    assert (finding.check, finding.subject.id) == ("seats.not-covered", "AAD_PREMIUM|SPE_E3")
    assert (finding.evidence["needed"], finding.evidence["usable"]) == (people, people - adjust)
    assert finding.evidence["adjust"] == adjust


@pytest.mark.parametrize(("seats", "outcome_"), [(0, "fail"), (1, "not-evaluated"), (2, "not-evaluated"), (3, "pass")])
def test_covers_passes_if_there_are_seats_for_unknown_people_too(seats: int, outcome_: str) -> None:
    people = [user("ann", department="Store"), user("bob", notCollected=["department"]), user("cyd", notCollected=["department"])]  # fmt: skip
    state = tenant(*people, subscribedSkus=[bought("AAD_PREMIUM", seats)])
    result = judged("seats: {of: [AAD_PREMIUM], covers: users}", state, users="{department: Store}")
    assert outcome(result) == outcome_


def test_covers_does_not_pass_if_users_were_not_read_completely() -> None:
    for status in (SourceStatus.PARTIAL, SourceStatus.DENIED):
        state = tenant(user("ann"), subscribedSkus=[bought("AAD_PREMIUM", 5)], unread={Source.USERS: status})
        assert outcome(judged("seats: {of: [AAD_PREMIUM], covers: users}", state)) == "not-evaluated"
    state = tenant(user("ann"), subscribedSkus=[bought("AAD_PREMIUM", 0)], unread={Source.USERS: SourceStatus.PARTIAL})
    assert outcome(judged("seats: {of: [AAD_PREMIUM], covers: users}", state)) == "fail"


@pytest.mark.parametrize(
    ("product_set", "owned", "product", "money"),
    [
        ("[{withService: AAD_PREMIUM}, {withService: AAD_PREMIUM_P2}]", ["SPE_E3"], "AAD_PREMIUM", "16.80"),
        ("[{withService: AAD_PREMIUM}]", ["AAD_PREMIUM_FACULTY"], "AAD_PREMIUM_FACULTY", None),
        ("[{withService: AAD_PREMIUM_P2}]", [], "AAD_PREMIUM_P2", None),
        ("[SPE_E5]", [], "SPE_E5", None),
        ("[SPE_E3, AAD_PREMIUM]", ["AAD_PREMIUM"], "SPE_E3", "107.10"),
        ("[CONTOSO_OWN]", [], None, None),
        ("['ENTRA*']", [], None, None),
    ],
)
def test_missing_seats_are_priced_as_the_smallest_product_of_the_set(
    product_set: str, owned: list[str], product: str | None, money: str | None
) -> None:
    state = tenant(user("ann"), user("bob"), user("cyd"), subscribedSkus=[bought(part, 0) for part in owned])
    prices = "{AAD_PREMIUM: 5.60, SPE_E3: 35.70}"
    result = judged(f"seats: {{of: {product_set}, covers: users}}", state, prices=prices)
    finding = one(result)
    missing_product = finding.evidence.get("missingProduct", {})
    assert missing_product.get("skuPartNumber") == product
    assert finding.subject.name == missing_product.get("name", finding.subject.id)
    assert euros(finding) == (None if money is None else Decimal(money))
    assert missing_product.get("costPerMonth") == (None if money is None else float(money))
    assert result.findings.stats.money == {}, "seats to buy are not part of the money of findings"
    assert result.coverage is not None
    assert result.coverage[0].missing_cost == finding.money


def test_missing_product_lists_the_other_policies_for_which_it_counts() -> None:
    text = """policies:
- {id: large, severity: low, seats: {of: [{withService: AAD_PREMIUM_P2}], covers: users}}
- {id: paid, severity: low, seats: {of: paid, covers: users}}
- {id: plain, severity: low, seats: {of: paid, spare: {min: 0}}}
- {id: small, severity: low, seats: {of: [{withService: AAD_PREMIUM}, {withService: AAD_PREMIUM_P2}], covers: users}}
- {id: other, severity: low, seats: {of: [VISIOCLIENT], covers: users}}
"""
    (result,) = audited(text, tenant(user("ann"), subscribedSkus=[])).tenants
    counts = {
        finding.policy: finding.evidence.get("missingProduct", {}).get("countsFor") for finding in result.findings
    }
    assert counts == {"large": ["paid", "small"], "other": ["paid"], "paid": None, "small": ["paid"]}


def test_pool_names_its_products_with_seats() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 1, 1), bought("SPE_E5", 0)])
    assert one(judged("seats: {of: paid, pool: true, spare: {min: 1}}", state)).subject.name == "Microsoft 365 E3"
    state = tenant(subscribedSkus=[bought("SPE_E3", 0), bought("SPE_E5", 0)])
    finding = one(judged("seats: {of: paid, pool: true, spare: {min: 1}}", state))
    assert finding.subject.name == "Microsoft 365 E3 + Microsoft 365 E5"


def test_pool_has_the_names_of_its_products_and_the_id_as_in_the_policy() -> None:
    state = tenant(subscribedSkus=[bought(part, 9, 0) for part in ("SPE_E3", "SPE_E5", "SPE_F1", "VISIOCLIENT")])
    finding = one(judged("seats: {of: ['SPE_*', VISIOCLIENT], pool: true, spare: {max: 1}}", state))
    assert finding.subject.name == "Microsoft 365 E3 + Microsoft 365 E5 + Microsoft 365 F3 + …"
    assert finding.subject.id == "SPE_*|VISIOCLIENT"
