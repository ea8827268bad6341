"""Corners of the policy language that random policies over random tenants found, and what was settled on others."""

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
    """What is said about waivers."""
    return [(notice.code, notice.subject) for notice in result.notices if notice.code.startswith("waiver.")]


# ---- waivers for products that the tenant no longer shows


@pytest.mark.parametrize("part", ["SPE_E3", None])
@pytest.mark.parametrize("products", ["[SPE_E3]", "[paid]", "['SPE_*']", "[{withService: EXCHANGE_S_ENTERPRISE}]"])
def test_a_waiver_is_for_the_subscription_of_a_product_that_is_gone(products: str, part: str | None) -> None:
    """Section 4: a finding is waived when a waiver's policies, users, products and tenants all match."""
    gone = tenant(subscriptions=[subscription("s", status="Deleted", skuPartNumber=part)])
    result = judged(
        "subscriptions: {states: {deny: [Deleted]}}", gone, waivers=f"[{waiver(f', products: {products}')}]"
    )
    assert (outcome(result), notices(result)) == ("waived", [])


def test_a_waiver_for_another_product_is_unused_there() -> None:
    gone = tenant(subscriptions=[subscription("s", status="Deleted")])
    result = judged("subscriptions: {states: {deny: [Deleted]}}", gone, waivers=f"[{waiver(', products: [SPE_E5]')}]")
    assert (outcome(result), notices(result)) == ("fail", [("waiver.unused", "W-1")])


# ---- pools with a possible trial


@pytest.mark.parametrize(
    ("spare", "e3", "e5", "expected"),
    [
        # E5 may be a trial or not: with it the pool is short, without it there are too many.
        ("{max: 5}", (20, 10), (10, 20), "not-evaluated"),
        ("{min: 5}", (20, 10), (10, 20), "not-evaluated"),
        ("{max: 5}", (20, 10), (5, 5), "not-evaluated"),
        # Neither answer breaks a bound.
        ("{min: 5, max: 20}", (20, 10), (10, 5), "pass"),
        ("{max: {percent: 50, seats: 12}}", (20, 10), (10, 8), "pass"),
        ("{max: {percent: 10, seats: 4}}", (20, 16), (10, 9), "not-evaluated"),
        ("{max: {percent: 10, seats: 6}}", (20, 16), (10, 9), "pass"),
        ("{min: 0}", (20, 10), (10, 20), "pass"),
        ("{min: 0}", (20, 10), (10, 21), "not-evaluated"),
        # Both answers come to the same numbers.
        ("{max: 5}", (20, 10), (0, 0), "fail"),
    ],
)
def test_a_pool_is_decided_where_either_answer_gives_the_same(
    spare: str, e3: tuple[int, int], e5: tuple[int, int], expected: str
) -> None:
    """Section 2: unknown is never a finding; what can be decided without the unknown fact is decided."""
    state = tenant(subscribedSkus=[bought("SPE_E3", *e3), bought("SPE_E5", *e5)], unread=REFUSED)
    result = judged(f"seats: {{of: [SPE_E3, trial], pool: true, spare: {spare}}}", state)
    assert outcome(result) == expected
    assert [finding.evidence["spare"] for finding in result.findings] == ([10] if expected == "fail" else [])


def test_a_pool_of_nothing_but_possible_trials_is_decided_where_none_of_them_breaks_a_bound() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 20, 10), bought("SPE_E5", 9, 0)], unread=REFUSED)
    for spare, expected in (
        ("{min: 9}", "pass"),
        ("{min: 10}", "not-evaluated"),
        ("{max: 19}", "pass"),
        ("{max: 18}", "not-evaluated"),
    ):
        assert outcome(judged(f"seats: {{of: trial, pool: true, spare: {spare}}}", state)) == expected


def test_a_pool_with_many_possible_trials_is_judged_at_once() -> None:
    parts = [f"CONTOSO_{number}" for number in range(200)]
    state = tenant(
        subscribedSkus=[bought(part, number + 10, number) for number, part in enumerate(parts)], unread=REFUSED
    )
    assert outcome(judged("seats: {of: trial, pool: true, spare: {min: 1, max: 2000}}", state)) == "pass"
    assert (
        outcome(judged("seats: {of: trial, pool: true, spare: {max: {percent: 10, seats: 50}}}", state))
        == "not-evaluated"
    )


def test_a_certain_quota_over_a_doubtful_pool_quotes_no_numbers_that_are_not_certain() -> None:
    people = [user(name, "SPE_E3") for name in ("ann", "bob", "cid")]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3", 20, 3), bought("SPE_E5", 10, 0)], unread=REFUSED)
    (finding,) = judged("seats: {of: [SPE_E3, trial], pool: true, assigned: {max: 2}}", state).findings
    assert (finding.evidence["assigned"], finding.evidence["enabled"], finding.evidence["spare"]) == (3, None, None)


# ---- mailboxes


def test_one_refused_mailbox_makes_only_its_own_person_unknown() -> None:
    people = [
        user("ann", "SPE_E3", mailboxType="shared"),
        user("bob", "SPE_E3"),
        user("cid", "SPE_E3", notCollected=["mailboxType"]),
    ]
    for rows in (1, 1 << 30):
        state = tenant(*people, unread={Source.MAILBOXES: SourceStatus.PARTIAL}, rows=rows)
        result = judged("assignments: {deny: [SPE_E3]}", state, users="{mailboxType: null}")
        assert [key[1] for key in finding_keys(result)] == ["bob"]
        assert outcome(result) == "not-evaluated"
        licensed = judged("assignments: {deny: [SPE_E3]}", state, users="{mailboxType: shared, displayName: Ann}")
        assert ([key[1] for key in finding_keys(licensed)], outcome(licensed)) == (["ann"], "fail")


def test_where_nobody_is_marked_a_partial_list_of_mailboxes_leaves_those_without_one_unknown() -> None:
    state = tenant(user("bob", "SPE_E3"), unread={Source.MAILBOXES: SourceStatus.PARTIAL})
    result = judged("assignments: {deny: [SPE_E3]}", state, users="{mailboxType: null}")
    assert (list(result.findings), outcome(result)) == ([], "not-evaluated")


# ---- waivers of the fleet

BALANCE = "balance: {of: [CONTOSO_X], spare: {min: 2, max: 10%}}"
PLAN = {"servicePlanId": "aaaaaaaa-0000-4000-8000-000000000001", "servicePlanName": "CONTOSO_PLAN"}


def fleet(waivers: str, *, trials: tuple[bool, bool] = (True, True), plans: tuple[bool, bool] = (True, True)) -> Any:
    def state(name: str, number: int, consumed: int) -> Any:
        row = bought("CONTOSO_X", 100, consumed) | {"servicePlans": [PLAN] if plans[number] else []}
        bill = [subscription("s", "CONTOSO_X", isTrial=trials[number])]
        return tenant(name=name, tenant_id=f"id-{name}", subscribedSkus=[row], subscriptions=bill)

    return audited(policy_file(BALANCE, waivers=f"[{waivers}]"), state("a", 0, 100), state("b", 1, 10))


@pytest.mark.parametrize("products", ["[{withService: CONTOSO_PLAN}]", "[trial]"])
def test_a_waiver_of_the_fleet_asks_what_each_tenant_owns(products: str) -> None:
    result = fleet(waiver(f", products: {products}"))
    assert [finding.waiver for finding in result.fleet.findings] == ["W-1"]
    assert [notices(one) for one in result.tenants] == [[], []]
    only_one = fleet(waiver(f", products: {products}"), trials=(True, False), plans=(True, False))
    assert [finding.waiver for finding in only_one.fleet.findings] == [None]
    assert all(("waiver.unused", "W-1") in notices(one) for one in only_one.tenants)


def test_of_two_waivers_that_match_one_imbalance_neither_is_unused() -> None:
    result = fleet(f"{waiver()}, {waiver(', products: [CONTOSO_X]', 2)}")
    assert [finding.waiver for finding in result.fleet.findings] == ["W-1"]
    assert [notices(one) for one in result.tenants] == [[], []]


def test_a_waiver_with_tenants_matches_no_finding_of_the_fleet() -> None:
    result = fleet(waiver(", tenants: [a, b]"))
    assert [finding.waiver for finding in result.fleet.findings] == [None]


def test_a_balance_policy_for_no_tenant_of_the_run_does_not_appear() -> None:
    text = policy_file(BALANCE).replace("severity: high", "severity: high\n  tenants: [elsewhere]")
    result = audited(text, tenant(name="a", tenant_id="id-a"), tenant(name="b", tenant_id="id-b"))
    assert (result.fleet.policies, result.fleet.notices) == ((), ())


# ---- what nothing could be raised of


def test_a_quota_over_what_nobody_owns_passes_whoever_the_users_are() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E5")], unread={Source.USERS: SourceStatus.DENIED})
    assert outcome(judged("seats: {of: [SPE_E3], assigned: {max: 0}}", state)) == "pass"
    assert outcome(judged("seats: {of: [SPE_E3], pool: true, assigned: {max: 0}}", state)) == "pass"
    assert outcome(judged("seats: {of: [SPE_E5], assigned: {max: 0}}", state)) == "not-evaluated"


def test_a_budget_without_prices_passes_where_nothing_paid_is_owned() -> None:
    free = tenant(subscribedSkus=[bought("FLOW_FREE"), bought("SPE_E3", 0, 0)])
    assert outcome(judged("budget: {limit: 10}", free)) == "pass"
    assert outcome(judged("budget: {limit: 10}", tenant(subscribedSkus=[bought("SPE_E3")]))) == "not-evaluated"
    assert outcome(judged("budget: {limit: 10}", tenant(subscribedSkus=[bought("SPE_E3", None)]))) == "not-evaluated"


# ---- settled


def test_an_unused_waiver_is_reported_under_each_tenant_that_it_is_for_and_used_anywhere_is_used() -> None:
    states = [
        tenant(user("ann", "SPE_E3"), name="a", tenant_id="id-a"),
        tenant(name="b", tenant_id="id-b"),
        tenant(name="c", tenant_id="id-c"),
    ]
    block = "assignments: {deny: [SPE_E3]}"
    used = audited(policy_file(block, waivers=f"[{waiver()}]"), *states)
    assert [notices(one) for one in used.tenants] == [[], [], []]
    unused = audited(policy_file(block, waivers=f"[{waiver(', tenants: [b, c]')}]"), *states)
    assert [notices(one) for one in unused.tenants] == [[], [("waiver.unused", "W-1")], [("waiver.unused", "W-1")]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("department", "''"), ("department", "['']"), ("department", "{is: ''}"), ("department", "{in: ['']}"),
        ("createdDateTime", "''"), ("createdDateTime", "['']"), ("createdDateTime", "{is: ''}"),
    ],
)  # fmt: skip
def test_an_empty_string_in_a_policy_means_null(name: str, value: str) -> None:
    people = [user("ann", "SPE_E3"), user("bob", "SPE_E3"), user("cid", "SPE_E3")]
    people[0][name], people[2][name] = "2026-01-01T00:00:00Z", None
    result = judged("assignments: {deny: [SPE_E3]}", tenant(*people), users=f"{{{name}: {value}}}")
    assert [key[1] for key in finding_keys(result)] == ["bob", "cid"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-01", ["ann", "bob"]), ("2026-01-01T00:00:00Z", ["ann", "bob"]),
        ("2026-01-01T05:30:00+05:30", ["ann", "bob"]), ("2026-01-01T00:00:00.000Z", ["ann", "bob"]),
        ("{not: 2026-01-01}", ["cid"]), ("[2026-01-02, 2026-01-01T00:00:01Z]", ["cid"]),
    ],
)  # fmt: skip
def test_creation_dates_are_equal_by_instant_and_a_date_is_midnight_utc(value: str, expected: list[str]) -> None:
    dates = {"ann": "2026-01-01T00:00:00Z", "bob": "2026-01-01T01:00:00+01:00", "cid": "2026-01-01T00:00:01Z"}
    people = [user(name, "SPE_E3", createdDateTime=date) for name, date in dates.items()]
    result = judged("assignments: {deny: [SPE_E3]}", tenant(*people), users=f"{{createdDateTime: {value}}}")
    assert [key[1] for key in finding_keys(result)] == expected


def test_two_groups_whose_names_are_equal_by_case_folding_make_the_name_unknown() -> None:
    groups = [
        {"id": f"g{number}", "displayName": name, "members": ["id-ann"], "membersStatus": "complete"}
        for number, name in enumerate(("Straße", "STRASSE"))
    ]
    result = judged(
        "assignments: {deny: [SPE_E3]}", tenant(user("ann", "SPE_E3"), groups=groups), users="{memberOf: strasse}"
    )
    assert (list(result.findings), outcome(result)) == ([], "not-evaluated")
    assert "2 groups have the name" in (result.policies[0].reason or "")
    by_id = judged(
        "assignments: {deny: [SPE_E3]}", tenant(user("ann", "SPE_E3"), groups=groups), users="{memberOf: g0}"
    )
    assert outcome(by_id) == "fail"


# ---- what was not collected


REQUIRE = "assignments: {require: [SPE_F1]}"
"""Everyone of the population lacks it."""
ANN = user("ann", department="Store", userType=None)
GROUPS = [
    {"id": "g2", "displayName": "Twins", "members": ["id-cas"], "transitiveMembers": []},
    {"id": "g3", "displayName": "twins", "members": [], "transitiveMembers": []},
    {"id": "g4", "displayName": "Hidden", "members": [], "membersStatus": "denied"},
]


@pytest.mark.parametrize(
    ("facts", "selectors", "missing"),
    [
        # A premium licence is missing: everybody would be inactive to a careless reader, and nobody to another.
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
def test_a_fact_that_was_not_collected_is_named(
    facts: dict[str, Any], selectors: tuple[str, ...], missing: str
) -> None:
    for selector in selectors:
        result = judged(REQUIRE, tenant(ANN, user("bob", accountEnabled=False), **facts), users=selector)
        assert (finding_keys(result), outcome(result)) == ([], "not-evaluated")
        assert result.policies[0].missing == (missing,)


@pytest.mark.parametrize("name", ["Gone", "Twins", "Hidden"])
def test_a_group_that_is_missing_ambiguous_or_unread_is_unknown_with_the_reason(name: str) -> None:
    result = judged(REQUIRE, tenant(ANN, groups=GROUPS), users=f"{{memberOf: {name}}}")
    assert (finding_keys(result), outcome(result)) == ([], "not-evaluated")
    assert name in (result.policies[0].reason or "")


def test_blanks_are_a_value_and_everyone_may_be_asked() -> None:
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
