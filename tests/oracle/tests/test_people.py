"""Oracle and engine agree with the specification of the blocks `assignments`, `attributes` and `health`."""

import pytest

from tests.oracle.cases import (
    E3,
    E5,
    EXCHANGE,
    F1,
    FREE,
    PLAN_ADDON,
    STRAY,
    TEAMS,
    VISIO,
    contoso_verdict,
    finding_keys,
    outcome,
    path,
    tenant,
    user,
)

# ---- 3. assignments


def test_of_limits_allow_and_deny_but_not_require() -> None:
    policy = {"assignments": {"of": "SPE_E*", "allow": "SPE_E3", "deny": ["SPE_E3", "SPE_F1"], "require": ["SPE_F1"]}}
    assert finding_keys(contoso_verdict(policy, tenant(user(held=(E3, E5, F1))))) == {
        ("assignment.not-allowed", "ann", E5, None),
        ("assignment.denied", "ann", E3, None),
    }


def test_missing_product_is_written_as_in_the_policy() -> None:
    policy = {"assignments": {"require": ["spe_e3", ["SPE_E5", {"withService": "TEAMS1"}], {"withService": "x"}]}}
    assert {key.product for key in contoso_verdict(policy, tenant(user(held=(F1,)))).findings} == {
        ("written", "spe_e3"),
        ("written", "withService:x"),
    }
    assert ("written", "SPE_E5|withService:TEAMS1") in {
        key.product for key in contoso_verdict(policy, tenant(user())).findings
    }


def test_exclusive_needs_two_skus_in_two_elements() -> None:
    policy = {"assignments": {"exclusive": [["SPE_E3", ["SPE_E5", "SPE_E3"], "VISIO*"]]}}
    assert finding_keys(contoso_verdict(policy, tenant(user(held=(E3,))))) == set()
    assert finding_keys(contoso_verdict(policy, tenant(user(held=(E5, F1))))) == set()
    assert finding_keys(contoso_verdict(policy, tenant(user(held=(VISIO, E3, F1))))) == {
        ("assignment.overlap", "ann", None, "SPE_E3+VISIOCLIENT")
    }


def test_redundant_products() -> None:
    policy = {"assignments": {"redundant": "deny"}}
    held = user(held=(E3, E5, F1, FREE, VISIO))
    assert finding_keys(contoso_verdict(policy, tenant(held))) == {
        ("assignment.redundant", "ann", E3, "SPE_E5"),
        ("assignment.redundant", "ann", F1, "SPE_E5"),
        ("assignment.redundant", "ann", VISIO, "SPE_E5"),
    }
    # Of two products with equal plans, the one with the greater skuId is redundant. Filler plans are ignored.
    # A product with unknown plans is never redundant.
    assert finding_keys(contoso_verdict(policy, tenant(user(held=(E3, PLAN_ADDON, F1, STRAY))))) == {
        ("assignment.redundant", "ann", PLAN_ADDON, "SPE_E3"),
        ("assignment.redundant", "ann", F1, "SPE_E3"),
    }
    only = {"assignments": {"of": "SPE_F1", "redundant": "deny"}}
    assert finding_keys(contoso_verdict(only, tenant(held))) == {("assignment.redundant", "ann", F1, "SPE_E5")}


@pytest.mark.slow
def test_assignment_path_and_duplicate() -> None:
    paths = [
        path(E3),
        path(E3, "g1", state="ActiveWithError"),
        path(E5, "g1"),
        path(E5, state="Error"),
        path(F1),
        path(VISIO),
    ]
    holder = user(held=(E3, E5, F1), licenseAssignmentStates=paths)
    assert finding_keys(contoso_verdict({"assignments": {"via": "group"}}, tenant(holder))) == {
        ("assignment.path", "ann", E3, None),
        ("assignment.path", "ann", F1, None),
    }
    assert finding_keys(contoso_verdict({"assignments": {"via": "direct"}}, tenant(holder))) == {
        ("assignment.path", "ann", E3, None),
        ("assignment.path", "ann", E5, None),
    }
    assert finding_keys(contoso_verdict({"assignments": {"duplicates": "deny"}}, tenant(holder))) == {
        ("assignment.duplicate", "ann", E3, None)
    }
    blind = tenant(holder, user("bob"), notCollected=["licenseAssignmentStates"])
    assert outcome({"assignments": {"via": "group"}}, blind) == "not-evaluated"
    assert outcome({"assignments": {"of": "VISIO*", "via": "group"}}, blind) == "pass"


@pytest.mark.slow
def test_required_and_denied_services() -> None:
    policy = {"assignments": {"services": {"require": ["teams1"], "deny": [EXCHANGE.upper()]}}}
    off = user(held=(E3,), licenseAssignmentStates=[path(E3, off=(TEAMS,)), path(E3, "g1", off=(EXCHANGE, TEAMS))])
    assert finding_keys(contoso_verdict(policy, tenant(off))) == {
        ("service.missing", "ann", None, "teams1"),
        ("service.denied", "ann", None, EXCHANGE.upper()),
    }
    idle = user(held=(E3,), licenseAssignmentStates=[path(E3, state="Disabled")])
    assert finding_keys(contoso_verdict(policy, tenant(idle))) == {("service.missing", "ann", None, "teams1")}
    stray = contoso_verdict(policy, tenant(user(held=(F1, STRAY))))
    assert (finding_keys(stray), stray.outcomes["p"]) == (set(), "not-evaluated")
    switched = user(
        held=(E3,), assignedLicenses=[{"skuId": E3, "disabledPlans": [EXCHANGE]}], unknown=["licenseAssignmentStates"]
    )
    assert outcome(policy, tenant(switched)) == "pass"


# ---- 3. attributes, health


def test_attributes_judge_licensed_users_by_default() -> None:
    policy = {"attributes": {"require": ["usageLocation"], "allow": {"usageLocation": ["nl", "BE"]}}}
    people = [
        user("a", (E3,), usageLocation="NL"),
        user("b", (E3,), usageLocation="NO"),
        user("c", (E3,), usageLocation=""),
        user("d"),
    ]
    assert finding_keys(contoso_verdict(policy, tenant(*people))) == {
        ("attribute.not-allowed", "b", None, "usageLocation"),
        ("attribute.missing", "c", None, "usageLocation"),
    }


def test_health() -> None:
    errors = [
        path(E3.upper(), error="None"),
        path(E5.upper(), "g1", error="CountViolation"),
        path(E5, "g2", state="Error", error="CountViolation"),
        path(E5, state="ActiveWithError", error="DependencyViolation"),
        path(F1, error="Odd", state="Error"),
    ]
    groups = [
        {"id": "g1", "assignedLicenses": [{"skuId": E3}], "hasMembersWithLicenseErrors": True, "licenseProcessingState": {"state": "ProcessingInProgress"}},
        {"id": "g2", "assignedLicenses": [{"skuId": E3}], "hasMembersWithLicenseErrors": False, "licenseProcessingState": {"state": None}},
        {"id": "g3", "assignedLicenses": [], "hasMembersWithLicenseErrors": True, "licenseProcessingState": {"state": "ProcessingInProgress"}},
    ]  # fmt: skip
    sick = tenant(user(licenseAssignmentStates=errors), groups=groups)
    assert finding_keys(contoso_verdict({"health": {"errors": "deny", "groups": "deny"}}, sick)) == {
        ("assignment.error", "ann", E5, "CountViolation@g1"),
        ("assignment.error", "ann", E5, "CountViolation@g2"),
        ("assignment.error", "ann", E5, "DependencyViolation"),
        ("assignment.error", "ann", F1, "Odd"),
        ("group.license-errors", "g1", None, None),
        ("group.processing", "g1", None, "ProcessingInProgress"),
    }
    assert outcome({"health": {"groups": "deny"}}, tenant(sources={"groups": "unavailable"})) == "not-evaluated"


def test_two_groups_are_two_paths_and_ids_are_compared_ignoring_case() -> None:
    twice = user(held=(E3.upper(),), licenseAssignmentStates=[path(E3.upper(), "g1"), path(E3, "g2")])
    assert finding_keys(contoso_verdict({"assignments": {"duplicates": "deny"}}, tenant(twice))) == {
        ("assignment.duplicate", "ann", E3, None)
    }
    off = user(held=(E3,), licenseAssignmentStates=[path(E3, off=(TEAMS.upper(),))])
    assert outcome({"assignments": {"services": {"deny": ["TEAMS1"]}}}, tenant(off)) == "pass"
    direct = off | {
        "assignedLicenses": [{"skuId": E3, "disabledPlans": [TEAMS.upper()]}],
        "unknown": ["licenseAssignmentStates"],
    }
    assert outcome({"assignments": {"services": {"deny": ["TEAMS1"]}}}, tenant(direct)) == "pass"


def test_product_with_unknown_plans_does_not_enable_a_disabled_plan() -> None:
    deny = {"assignments": {"services": {"deny": [TEAMS]}}}
    off = user(held=(STRAY,), licenseAssignmentStates=[path(STRAY, off=(TEAMS,))])
    assert outcome(deny, tenant(off)) == "pass"
    assert outcome(deny, tenant(off | {"licenseAssignmentStates": []})) == "pass"
    assert outcome(deny, tenant(off | {"licenseAssignmentStates": [path(STRAY)]})) == "not-evaluated"
