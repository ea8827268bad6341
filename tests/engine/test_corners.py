"""Corner cases of the policy language: regressions found by property tests, and decisions on ambiguous cases."""

from typing import Any

import pytest

from auditor.domain.enums import Source, SourceStatus
from tests.builders.tenant.tenants import (
    audited,
    bought,
    finding_keys,
    judged,
    outcome,
    policy_file,
    subscription,
    tenant,
    user,
)

REFUSED = {Source.SUBSCRIPTIONS: SourceStatus.DENIED}


def waiver(more: str = "", number: int = 1, policies: str = "[p]") -> str:
    return f"{{id: W-{number}, policies: {policies}, reason: r, owner: o@contoso.example, expires: 2027-01-31{more}}}"


def notices(result: Any) -> list[tuple[str, str]]:
    """The notices about waivers."""
    return [(notice.code, notice.subject) for notice in result.notices if notice.code.startswith("waiver.")]


# ---- waivers for products that are no longer in subscribedSkus


@pytest.mark.parametrize("part", ["SPE_E3", None])
@pytest.mark.parametrize("products", ["[SPE_E3]", "[paid]", "['SPE_*']", "[{withService: EXCHANGE_S_ENTERPRISE}]"])
def test_waiver_covers_the_subscription_of_a_product_that_is_not_owned_any_more(
    products: str, part: str | None
) -> None:
    """Section 4: a finding is waived when a waiver's policies, users, products and tenants all match."""
    without_product = tenant(subscriptions=[subscription("s", status="Deleted", skuPartNumber=part)])
    result = judged(
        "subscriptions: {states: {deny: [Deleted]}}", without_product, waivers=f"[{waiver(f', products: {products}')}]"
    )
    assert (outcome(result), notices(result)) == ("waived", [])


def test_waiver_for_another_product_does_not_cover_the_subscription() -> None:
    without_product = tenant(subscriptions=[subscription("s", status="Deleted")])
    result = judged(
        "subscriptions: {states: {deny: [Deleted]}}", without_product, waivers=f"[{waiver(', products: [SPE_E5]')}]"
    )
    assert (outcome(result), notices(result)) == ("fail", [("waiver.unused", "W-1")])


# ---- pools with a possible trial


def test_pool_of_only_possible_trials_passes_if_no_choice_violates_a_bound() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 20, 10), bought("SPE_E5", 9, 0)], unread=REFUSED)
    for spare, expected in (
        ("{min: 9}", "pass"),
        ("{min: 10}", "not-evaluated"),
        ("{max: 19}", "pass"),
        ("{max: 18}", "not-evaluated"),
    ):
        assert outcome(judged(f"seats: {{of: trial, pool: true, spare: {spare}}}", state)) == expected


@pytest.mark.slow
def test_pool_with_many_possible_trials_is_evaluated() -> None:
    parts = [f"CONTOSO_{number}" for number in range(200)]
    state = tenant(
        subscribedSkus=[bought(part, number + 10, number) for number, part in enumerate(parts)], unread=REFUSED
    )
    assert outcome(judged("seats: {of: trial, pool: true, spare: {min: 1, max: 2000}}", state)) == "pass"
    assert (
        outcome(judged("seats: {of: trial, pool: true, spare: {max: {percent: 10, seats: 50}}}", state))
        == "not-evaluated"
    )


def test_certain_quota_finding_over_an_uncertain_pool_quotes_only_certain_numbers() -> None:
    people = [user(name, "SPE_E3") for name in ("ann", "bob", "cid")]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3", 20, 3), bought("SPE_E5", 10, 0)], unread=REFUSED)
    (finding,) = judged("seats: {of: [SPE_E3, trial], pool: true, assigned: {max: 2}}", state).findings
    assert (finding.evidence["assigned"], finding.evidence["enabled"], finding.evidence["spare"]) == (3, None, None)


# ---- waivers of the fleet

BALANCE = "balance: {of: [CONTOSO_X], spare: {min: 2, max: 10%}}"
PLAN = {"servicePlanId": "aaaaaaaa-0000-4000-8000-000000000001", "servicePlanName": "CONTOSO_PLAN"}
OTHER_PLAN = {"servicePlanId": "aaaaaaaa-0000-4000-8000-000000000002", "servicePlanName": "CONTOSO_OTHER"}


def fleet(waivers: str, *, trials: tuple[bool, bool] = (True, True), plans: tuple[bool, bool] = (True, True)) -> Any:
    def state(name: str, number: int, consumed: int) -> Any:
        row = bought("CONTOSO_X", 100, consumed) | {"servicePlans": [PLAN if plans[number] else OTHER_PLAN]}
        subscriptions = [subscription("s", "CONTOSO_X", isTrial=trials[number])]
        return tenant(name=name, tenant_id=f"id-{name}", subscribedSkus=[row], subscriptions=subscriptions)

    return audited(policy_file(BALANCE, waivers=f"[{waivers}]"), state("a", 0, 100), state("b", 1, 10))


@pytest.mark.parametrize("products", ["[{withService: CONTOSO_PLAN}]", "[trial]"])
def test_waiver_of_a_fleet_finding_must_match_the_product_in_every_tenant(products: str) -> None:
    result = fleet(waiver(f", products: {products}"))
    assert [finding.waiver for finding in result.fleet.findings] == ["W-1"]
    assert [notices(tenant_result) for tenant_result in result.tenants] == [[], []]
    one_tenant_matches = fleet(waiver(f", products: {products}"), trials=(True, False), plans=(True, False))
    assert [finding.waiver for finding in one_tenant_matches.fleet.findings] == [None]
    assert all(("waiver.unused", "W-1") in notices(tenant_result) for tenant_result in one_tenant_matches.tenants)


def test_two_waivers_that_match_the_same_imbalance_are_both_used() -> None:
    result = fleet(f"{waiver()}, {waiver(', products: [CONTOSO_X]', 2)}")
    assert [finding.waiver for finding in result.fleet.findings] == ["W-1"]
    assert [notices(tenant_result) for tenant_result in result.tenants] == [[], []]


# ---- policies that cannot raise a finding


def test_quota_on_products_that_are_not_owned_passes_without_users() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E5")], unread={Source.USERS: SourceStatus.DENIED})
    assert outcome(judged("seats: {of: [SPE_E3], assigned: {max: 0}}", state)) == "pass"
    assert outcome(judged("seats: {of: [SPE_E3], pool: true, assigned: {max: 0}}", state)) == "pass"
    assert outcome(judged("seats: {of: [SPE_E5], assigned: {max: 0}}", state)) == "not-evaluated"


def test_budget_without_prices_passes_if_no_paid_product_is_owned() -> None:
    free = tenant(subscribedSkus=[bought("FLOW_FREE"), bought("SPE_E3", 0, 0)])
    assert outcome(judged("budget: {limit: 10}", free)) == "pass"
    assert outcome(judged("budget: {limit: 10}", tenant(subscribedSkus=[bought("SPE_E3")]))) == "not-evaluated"
    assert outcome(judged("budget: {limit: 10}", tenant(subscribedSkus=[bought("SPE_E3", None)]))) == "not-evaluated"


# ---- decisions on ambiguous cases


def test_unused_waiver_is_reported_in_each_of_its_tenants_unless_used_in_any() -> None:
    states = [
        tenant(user("ann", "SPE_E3"), name="a", tenant_id="id-a"),
        tenant(name="b", tenant_id="id-b"),
        tenant(name="c", tenant_id="id-c"),
    ]
    block = "assignments: {deny: [SPE_E3]}"
    used = audited(policy_file(block, waivers=f"[{waiver()}]"), *states)
    assert [notices(tenant_result) for tenant_result in used.tenants] == [[], [], []]
    unused = audited(policy_file(block, waivers=f"[{waiver(', tenants: [b, c]')}]"), *states)
    assert [notices(tenant_result) for tenant_result in unused.tenants] == [
        [],
        [("waiver.unused", "W-1")],
        [("waiver.unused", "W-1")],
    ]


# ---- facts that were not collected


REQUIRE = "assignments: {require: [SPE_F1]}"
"""Everyone in the population has a finding."""
ANN = user("ann", department="Store", userType=None)
GROUPS = [
    {"id": "g2", "displayName": "Twins", "members": ["id-cas"], "transitiveMembers": []},
    {"id": "g3", "displayName": "twins", "members": [], "transitiveMembers": []},
    {"id": "g4", "displayName": "Hidden", "members": [], "membersStatus": "denied"},
]


@pytest.mark.parametrize(
    ("facts", "selectors", "missing"),
    [
        # Without a premium licence, a naive implementation would report everybody or nobody as inactive.
        (
            {"unread": {Source.SIGN_IN_ACTIVITY: SourceStatus.UNAVAILABLE}},
            ("{any: [{inactiveFor: 90d}, {neverSignedIn: 30d}]}",),
            "signInActivity",
        ),
        (
            {"unasked": ["department"]},
            ("{department: Store}", "{department: {not: Store}}", "{department: null}"),
            "users.department",
        ),
    ],
)
def test_outcome_names_the_fact_that_was_not_collected(
    facts: dict[str, Any], selectors: tuple[str, ...], missing: str
) -> None:
    for selector in selectors:
        result = judged(REQUIRE, tenant(ANN, user("bob", accountEnabled=False), **facts), users=selector)
        assert (finding_keys(result), outcome(result)) == ([], "not-evaluated")
        assert result.policies[0].missing == (missing,)


@pytest.mark.parametrize("name", ["Gone", "Twins", "Hidden"])
def test_missing_ambiguous_or_unread_group_is_unknown_with_a_reason(name: str) -> None:
    result = judged(REQUIRE, tenant(ANN, groups=GROUPS), users=f"{{memberOf: {name}}}")
    assert (finding_keys(result), outcome(result)) == ([], "not-evaluated")
    assert name in (result.policies[0].reason or "")


def test_blank_text_counts_as_a_value_and_users_selects_everyone() -> None:
    people = [
        user("ann", "SPE_E3", usageLocation="DE", city="  "),
        user("bob", "SPE_E3", usageLocation="", city="Oslo"),
        user("cas", usageLocation=None),
    ]
    result = judged("attributes: {require: [usageLocation, city], allow: {usageLocation: [NL, BE]}}", tenant(*people))
    assert finding_keys(result) == [
        ("attribute.missing", "bob", None, "usageLocation"),
        ("attribute.not-allowed", "ann", None, "usageLocation"),
    ]
    everyone = judged("attributes: {require: [usageLocation]}", tenant(*people), users="{}")
    assert [row[1] for row in finding_keys(everyone)] == ["bob", "cas"]
