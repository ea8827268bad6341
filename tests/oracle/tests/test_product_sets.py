"""Oracle and engine agree with the specification of product sets, and with its examples."""

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
    outcome,
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
    policy, holder = {"assignments": {"deny": "trial"}}, user(held=(E3,))
    assert outcome(policy, tenant(holder, sources={"subscriptions": "partial"})) == "not-evaluated"
    silent = [{"id": "1", "skuId": E3, "isTrial": None, "status": "Enabled"}]
    assert outcome(policy, tenant(holder, subscriptions=silent)) == "not-evaluated"


def test_unknown_product_names_raise_notices_but_globs_do_not() -> None:
    verdict = contoso_verdict(
        {"assignments": {"deny": ["SPE_E3", "TYPO", "NOTHING*", "office", "paid"], "require": [["Typo2", STRAY]]}},
        tenant(), products={"office": ["typo3"]},
    )  # fmt: skip
    unknown = {notice for notice in verdict.notices if notice[0] != "policy.no-match"}
    assert unknown == {("policy.unknown-product", name) for name in ("TYPO", "Typo2", STRAY, "typo3")}


def test_stray_sku_has_no_part_number_if_subscribed_skus_were_read() -> None:
    bare = tenant(user(held=(STRAY,)))
    assert outcome({"assignments": {"deny": ["SPE_*", "SPE_E3"]}}, bare) == "pass"
    assert finding_keys(contoso_verdict({"assignments": {"deny": ["paid"]}}, bare)) == {
        ("assignment.denied", "ann", STRAY, None)
    }
    assert outcome({"assignments": {"deny": {"withService": "TEAMS1"}}}, bare) == "not-evaluated"


@pytest.mark.parametrize("status", ["denied", "partial"])
def test_names_are_looked_up_in_the_catalogue_if_subscribed_skus_were_not_read(status: str) -> None:
    gap = tenant(user(held=(E3, STRAY)), subscribedSkus=[], sources={"subscribedSkus": status})
    verdict = contoso_verdict({"assignments": {"deny": "spe_e3"}}, gap)
    assert finding_keys(verdict) == {("assignment.denied", "ann", E3, None)}
    assert verdict.outcomes["p"] == "not-evaluated"
    assert outcome({"assignments": {"deny": F1}}, gap) == "pass"
    assert outcome({"assignments": {"deny": STRAY}}, gap) == "fail"


def test_ids_of_products_are_compared_without_regard_to_case() -> None:
    shouted = Catalogue(skus={sku.upper(): entry for sku, entry in CATALOGUE.skus.items()})
    blind = tenant(user(held=(E3.upper(),)), subscribedSkus=[], sources={"subscribedSkus": "denied"})
    assert finding_keys(contoso_verdict({"assignments": {"deny": "SPE_E3"}}, blind, catalogue=shouted)) == {
        ("assignment.denied", "ann", E3, None)
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
