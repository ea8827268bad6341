"""Oracle and engine agree with the specification of product sets and selectors, and with its examples."""

from typing import Any

import pytest

from tests.oracle import Catalogue, FindingKey
from tests.oracle.cases import (
    CATALOGUE,
    E3,
    E5,
    F1,
    FREE,
    PARTS,
    PLAN_ADDON,
    STRAY,
    TEAMS,
    VISIO,
    contoso_verdict,
    finding_keys,
    population_of,
    tenant,
    user,
)

# ---- examples of the specification


def test_example_of_section_five() -> None:
    verdict = contoso_verdict(
        {"users": "frontline", "assignments": {"allow": ["SPE_F1", "free"], "require": ["SPE_F1"]}},
        tenant(user("ann", (E5,), department="Store"), user("bob", (E5,), department="Board")),
        populations={"frontline": {"department": ["Store", "Warehouse"], "userType": "Member"}},
    )
    assert set(verdict.findings) == {
        FindingKey("p", "assignment.not-allowed", "user", "ann", E5, None),
        FindingKey("p", "assignment.missing", "user", "ann", ("written", "SPE_F1"), None),
    }
    assert verdict.outcomes == {"p": "fail"}


def test_blocked_accounts_hold_no_paid_licence() -> None:
    policy = {"users": {"accountEnabled": False}, "assignments": {"of": "paid", "allow": []}}
    verdict = contoso_verdict(policy, tenant(user("ann", (E3, FREE), accountEnabled=False), user("bob", (E3,))))
    assert finding_keys(verdict) == {("assignment.not-allowed", "ann", E3, None)}


# ---- 1. product sets


@pytest.mark.parametrize(
    ("wanted", "members"),
    [
        ("*", {E3, E5, F1, FREE, VISIO, PLAN_ADDON}),
        ("free", {FREE, VISIO}),
        ("paid", {E3, E5, F1, PLAN_ADDON}),
        ("spe_e3", {E3}),
        (E3.upper(), {E3}),
        ("SPE_E*", {E3, E5}),
        ("spe_?[!1]", {E3, E5}),
        ("strasse_addon", {PLAN_ADDON}),
        ("office", {E3, F1}),
        (["SPE_E5", {"withService": "officesubscription"}], {E5, VISIO}),
        ({"withService": TEAMS.upper()}, {E3, E5, F1, PLAN_ADDON}),
        ("trial", {E5}),
        ("Office", set()),
        ([], set()),
    ],
)
def test_product_sets(wanted: Any, members: set[str]) -> None:
    subscriptions = [
        {"id": "1", "skuId": E5.upper(), "isTrial": True, "status": "Enabled"},
        {"id": "2", "skuId": E3, "isTrial": True, "status": "Enabled"},
        {"id": "3", "skuId": E3, "isTrial": False, "status": "Enabled"},
    ]
    verdict = contoso_verdict(
        {"assignments": {"deny": wanted}},
        tenant(user(held=tuple(PARTS)), subscriptions=subscriptions),
        products={"office": ["spe_e3", "SPE_F1"], "free": ["VISIO*"]},
    )
    assert {key.product for key in verdict.findings} == members


def test_trial_is_unknown_if_subscriptions_or_is_trial_are_missing() -> None:
    holder = user(held=(E3,))
    assert (
        contoso_verdict(
            {"assignments": {"deny": "trial"}}, tenant(holder, sources={"subscriptions": "partial"})
        ).outcomes["p"]
        == "not-evaluated"
    )
    silent = [{"id": "1", "skuId": E3, "isTrial": None, "status": "Enabled"}]
    assert (
        contoso_verdict({"assignments": {"deny": "trial"}}, tenant(holder, subscriptions=silent)).outcomes["p"]
        == "not-evaluated"
    )


def test_unknown_product_names_raise_notices_but_globs_do_not() -> None:
    verdict = contoso_verdict(
        {"assignments": {"deny": ["SPE_E3", "TYPO", "NOTHING*", "office", "paid"], "require": [["Typo2", STRAY]]}},
        tenant(), products={"office": ["typo3"]},
    )  # fmt: skip
    unknown = {notice for notice in verdict.notices if notice[0] != "policy.no-match"}
    assert unknown == {("policy.unknown-product", name) for name in ("TYPO", "Typo2", STRAY, "typo3")}


def test_stray_sku_has_no_part_number_if_subscribed_skus_were_read() -> None:
    bare = tenant(user(held=(STRAY,)))
    assert contoso_verdict({"assignments": {"deny": ["SPE_*", "SPE_E3"]}}, bare).outcomes["p"] == "pass"
    assert finding_keys(contoso_verdict({"assignments": {"deny": ["paid"]}}, bare)) == {
        ("assignment.denied", "ann", STRAY, None)
    }
    assert contoso_verdict({"assignments": {"deny": {"withService": "TEAMS1"}}}, bare).outcomes["p"] == "not-evaluated"


@pytest.mark.parametrize("status", ["denied", "partial"])
def test_names_are_looked_up_in_the_catalogue_if_subscribed_skus_were_not_read(status: str) -> None:
    gap = tenant(user(held=(E3, STRAY)), subscribedSkus=[], sources={"subscribedSkus": status})
    verdict = contoso_verdict({"assignments": {"deny": "spe_e3"}}, gap)
    assert finding_keys(verdict) == {("assignment.denied", "ann", E3, None)}
    assert verdict.outcomes["p"] == "not-evaluated"
    assert contoso_verdict({"assignments": {"deny": F1}}, gap).outcomes["p"] == "pass"
    assert contoso_verdict({"assignments": {"deny": STRAY}}, gap).outcomes["p"] == "fail"


# ---- 2. selectors


def test_case_folding_keeps_the_dotted_i() -> None:
    assert population_of({"department": "i̇zmir"}, user("a", department="İzmir"), user("b", department="izmir"))[0] == {
        "a"
    }


def test_defaults_of_user_type_and_on_premises_sync() -> None:
    people = [
        user("a"),
        user("b", userType="Guest", onPremisesSyncEnabled=True),
        user("c", userType=None, onPremisesSyncEnabled=None),
    ]
    assert population_of({"userType": "member"}, *people)[0] == {"a", "c"}
    assert population_of({"userType": None}, *people)[0] == set()
    assert population_of({"onPremisesSyncEnabled": False}, *people)[0] == {"a", "c"}


@pytest.mark.slow
def test_before_and_after_exclude_the_instant_itself() -> None:
    people = [
        user("at", createdDateTime="2026-10-21T02:17:00Z"),
        user("before", createdDateTime="2026-10-21T02:16:59.9999999Z"),
        user("after", createdDateTime="2026-10-21T04:17:01+02:00"),
        user("never"),
    ]
    assert population_of({"createdDateTime": {"before": "30d"}}, *people)[0] == {"before"}
    assert population_of({"createdDateTime": {"after": "2026-10-21T02:17:00Z"}}, *people)[0] == {"after"}
    assert population_of({"createdDateTime": {"after": "2026-10-21"}}, *people)[0] == {"at", "before", "after"}
    assert population_of({"createdWithin": "30d"}, *people)[0] == {"at", "after"}


def test_inactive_for() -> None:
    on = {"lastSignInDateTime": "2026-08-22T02:17:00Z"}
    people = [
        user("at", signInActivity=on),
        user("past", signInActivity={"lastSignInDateTime": "2026-08-22T02:16:59Z"}),
        user("quiet", signInActivity={**on, "lastSuccessfulSignInDateTime": "2026-01-01T00:00:00Z"}),
        user("bot", signInActivity={"lastNonInteractiveSignInDateTime": "2026-11-19T00:00:00Z", "lastSignInDateTime": "2025-01-01T00:00:00Z"}),
        user("never", signInActivity={"lastSignInDateTime": "0001-01-01T00:00:00Z", "lastSuccessfulSignInDateTime": ""}),
        user("absent"),
    ]  # fmt: skip
    assert population_of({"inactiveFor": "90d"}, *people)[0] == {"past"}
    assert population_of({"inactiveFor": "90d", "signal": "successful"}, *people)[0] == {"quiet"}
    assert population_of({"inactiveFor": "90d", "signal": "interactive"}, *people)[0] == {"past", "bot"}


def test_never_signed_in() -> None:
    people = [
        user(
            "old", createdDateTime="2026-10-21T02:17:00Z", signInActivity={"lastSignInDateTime": "0001-01-01T00:00:00Z"}
        ),
        user("new", createdDateTime="2026-10-21T02:17:01Z"),
        user("undated"),
        user("seen", signInActivity={"lastNonInteractiveSignInDateTime": "2020-01-01T00:00:00Z"}),
    ]
    assert population_of({"neverSignedIn": "30d"}, *people) == ({"old", "undated"}, "fail")
    assert population_of({"neverSignedIn": "30d"}, *people, sources={"signInActivity": "partial"}) == (
        set(),
        "not-evaluated",
    )
    assert population_of({"neverSignedIn": "30d"}, people[3], sources={"signInActivity": "partial"}) == (set(), "pass")
    assert population_of({"neverSignedIn": "30d"}, people[3], sources={"signInActivity": "denied"}) == (
        set(),
        "not-evaluated",
    )
    assert population_of({"inactiveFor": "30d"}, people[3] | {"unknown": ["signInActivity"]}) == (
        set(),
        "not-evaluated",
    )


@pytest.mark.parametrize("status", ["partial", "denied", "unavailable"])
def test_account_that_was_created_later_needs_no_sign_in_data(status: str) -> None:
    young = user("young", createdDateTime="2026-11-19T00:00:00Z")
    assert population_of({"neverSignedIn": "30d"}, young, sources={"signInActivity": status}) == (set(), "pass")
    assert population_of({"not": {"neverSignedIn": "30d"}}, young, sources={"signInActivity": status}) == (
        {"young"},
        "fail",
    )


@pytest.mark.slow
def test_mailbox_type() -> None:
    people = [user("a", mailboxType="shared"), user("b")]
    assert population_of({"mailboxType": "Shared"}, *people) == ({"a"}, "fail")
    assert population_of({"mailboxType": "shared"}, *people, sources={"mailboxes": "partial"}) == (
        {"a"},
        "not-evaluated",
    )
    refused = user("c", unknown=["mailboxType"])
    assert population_of({"mailboxType": None}, *people, refused) == ({"b"}, "not-evaluated")
    assert population_of({"mailboxType": None}, *people, sources={"mailboxes": "partial"}) == (set(), "not-evaluated")
    assert population_of({"mailboxType": "shared"}, *people, sources={"mailboxes": "unavailable"}) == (
        set(),
        "not-evaluated",
    )


def test_holds_and_licensed() -> None:
    people = [user("a", (E3,)), user("b"), user("c", (FREE,))]
    assert population_of({"holds": "paid"}, *people)[0] == {"a"}
    assert population_of({"licensed": False}, *people)[0] == {"b"}
    assert population_of({"licensed": True}, *people, notCollected=["assignedLicenses"]) == (set(), "not-evaluated")


@pytest.mark.slow
def test_member_of() -> None:
    groups = [
        {"id": "g1", "displayName": "Straße", "members": ["A"], "transitiveMembers": ["a", "b"]},
        {"id": "g2", "displayName": "Sales", "members": ["a"]},
        {"id": "g3", "displayName": "SALES", "members": ["b"]},
        {"id": "g4", "displayName": "Half", "members": ["a"], "membersStatus": "partial"},
    ]
    people = [user("a"), user("b")]
    assert population_of({"memberOf": "STRASSE"}, *people, groups=groups) == ({"a"}, "fail")
    assert population_of({"memberOf": {"group": "G1", "transitive": True}}, *people, groups=groups) == (
        {"a", "b"},
        "fail",
    )
    assert population_of({"memberOf": "sales"}, *people, groups=groups) == (set(), "not-evaluated")
    assert population_of({"memberOf": ["g3", "Straße"]}, *people, groups=groups) == ({"a", "b"}, "fail")
    assert population_of({"memberOf": ["g3", "gone"]}, *people, groups=groups) == ({"b"}, "not-evaluated")
    assert population_of({"memberOf": "half"}, *people, groups=groups) == ({"a"}, "not-evaluated")
    assert population_of({"memberOf": "g1"}, *people, groups=groups, sources={"members": "denied"}) == (
        set(),
        "not-evaluated",
    )


def test_any_all_not_and_populations() -> None:
    people = [user("a", department="Store"), user("b", department="Board", accountEnabled=False), user("c")]
    assert population_of({"any": [{"department": "Store"}, {"accountEnabled": False}]}, *people)[0] == {"a", "b"}
    assert population_of({"all": [{"department": {"exists": True}}, {"not": {"department": "Store"}}]}, *people)[0] == {
        "b"
    }
    verdict = contoso_verdict({"users": {"not": "shop"}, "assignments": {"require": ["SPE_E3"]}}, tenant(*people),
                  populations={"shop": {"population": "floor"}, "floor": {"department": "Store"}})  # fmt: skip
    assert {key.subject_id for key in verdict.findings} == {"b", "c"}


def test_three_valued_logic_decides_without_the_unknown_fact() -> None:
    blind = {"notCollected": ["department"]}
    people = [user("a", accountEnabled=False), user("b")]
    assert population_of({"any": [{"accountEnabled": False}, {"department": "x"}]}, *people, **blind) == (
        {"a"},
        "not-evaluated",
    )
    assert population_of({"accountEnabled": None, "department": "x"}, *people, **blind) == (set(), "pass")
    # A user who holds the product raises no finding either way.
    assert population_of({"department": "x"}, user("a", (VISIO,)), **blind) == (set(), "pass")
    assert population_of({"department": "x"}, user("a", unknown=["department"]), user("b", department="x")) == (
        {"b"},
        "not-evaluated",
    )


@pytest.mark.parametrize(("status", "findings"), [("partial", 1), ("denied", 0), ("unavailable", 0), ("not-needed", 0)])
def test_policy_is_not_evaluated_if_users_were_not_read_completely(status: str, findings: int) -> None:
    people, outcome = population_of({"accountEnabled": True}, user(), sources={"users": status})
    assert (len(people), outcome) == (findings, "not-evaluated")


def test_identifiers_are_compared_without_regard_to_case() -> None:
    shouted = Catalogue(skus={sku.upper(): entry for sku, entry in CATALOGUE.skus.items()})
    blind = tenant(user(held=(E3.upper(),)), subscribedSkus=[], sources={"subscribedSkus": "denied"})
    assert finding_keys(contoso_verdict({"assignments": {"deny": "SPE_E3"}}, blind, catalogue=shouted)) == {
        ("assignment.denied", "ann", E3, None)
    }
    groups = [{"id": "G1", "displayName": "x", "members": ["ANN"]}]
    assert population_of({"memberOf": "g1"}, user("Ann"), groups=groups)[0] == {"Ann"}


def test_a_creation_date_that_was_not_collected_leaves_never_signed_in_unknown() -> None:
    blind = user("a", unknown=["createdDateTime"])
    assert population_of({"neverSignedIn": "30d"}, blind) == (set(), "not-evaluated")
    assert population_of({"createdWithin": "30d"}, blind) == (set(), "not-evaluated")
    seen = blind | {"signInActivity": {"lastSignInDateTime": "2020-01-01T00:00:00Z"}}
    assert population_of({"neverSignedIn": "30d"}, seen) == (set(), "pass")


def test_values_of_different_types_are_not_equal() -> None:
    assert population_of({"accountEnabled": {"in": [None, False]}}, user("a"), user("b", accountEnabled=None))[0] == {
        "b"
    }


def test_unknown_product_names_are_found_in_selectors_prices_and_waivers() -> None:
    selector = {"any": [{"not": {"holds": "T1"}}, {"all": [{"holds": ["T2", "SPE_E3"]}]}]}
    waiver = {"id": "W", "policies": ["p"], "expires": "2027-12-31", "products": "T3", "users": {"holds": "T4"}}
    verdict = contoso_verdict(
        {"users": selector, "assignments": {"deny": ["STRASSE_ADDON", PLAN_ADDON.upper()]}},
        tenant(user()),
        prices={"currency": "EUR", "perSeatPerMonth": {"T5": 1}},
        waivers=[waiver],
    )
    names = {subject for code, subject in verdict.notices if code == "policy.unknown-product"}
    assert names == {"T1", "T2", "T3", "T4", "T5"}
