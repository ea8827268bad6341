"""Oracle and engine agree with the specification of waivers and outcomes."""

from datetime import datetime
from typing import Any

import pytest

from tests.oracle import TenantVerdict
from tests.oracle.cases import E3, E5, F1, NOW, VISIO, contoso_verdict, product, run, tenant, user

# ---- 4. waivers


def waived(
    *waivers: dict[str, Any], policy: dict[str, Any] | None = None, as_of: datetime = NOW, **more: Any
) -> TenantVerdict:
    people = [user("ann", (E5,)), user("bob", (VISIO,), accountEnabled=False)]
    rows = [
        {"id": f"W-{number}", "policies": ["p"], "expires": "2027-12-31", **row} for number, row in enumerate(waivers)
    ]
    return contoso_verdict(policy or {"assignments": {"deny": "*"}}, tenant(*people, **more), waivers=rows, as_of=as_of)


def by_user(verdict: TenantVerdict) -> dict[str, str | None]:
    return {key.subject_id: judged.waiver for key, judged in verdict.findings.items()}


@pytest.mark.slow
def test_a_waiver_matches_policies_users_products_and_tenants() -> None:
    assert by_user(waived({"users": {"accountEnabled": False}})) == {"ann": None, "bob": "W-0"}
    assert by_user(waived({"products": ["SPE_E5"], "policies": "*"})) == {"ann": "W-0", "bob": None}
    assert by_user(waived({"products": ["SPE_E5"], "users": {"accountEnabled": False}})) == {"ann": None, "bob": None}
    assert by_user(waived({"tenants": ["fabrikam"]})) == {"ann": None, "bob": None}
    verdict = waived({"tenants": ["contoso"]}, {})
    assert (by_user(verdict), verdict.outcomes["p"], verdict.notices) == (
        {"ann": "W-0", "bob": "W-0"},
        "waived",
        frozenset(),
    )


@pytest.mark.parametrize(
    ("as_of", "expires", "notices"),
    [
        ("2026-11-20T02:17:00Z", "2026-11-19", {("waiver.expired", "W-0")}),
        ("2026-11-20T23:59:59.999999Z", "2026-11-20", {("waiver.expiring", "W-0")}),
        ("2026-11-21T00:00:00Z", "2026-11-20", {("waiver.expired", "W-0")}),
        # A waiver expires soon if its last day ends within 15 days.
        ("2026-11-20T00:00:00Z", "2026-12-04", set()),
        ("2026-11-20T00:00:01Z", "2026-12-04", {("waiver.expiring", "W-0")}),
        ("2026-11-20T23:59:59Z", "2026-12-05", set()),
    ],
)
def test_waiver_expiry(as_of: str, expires: str, notices: set[tuple[str, str]]) -> None:
    verdict = waived({"expires": expires}, as_of=datetime.fromisoformat(as_of))
    assert verdict.notices == notices
    assert verdict.outcomes["p"] == ("fail" if notices == {("waiver.expired", "W-0")} else "waived")


def test_a_waiver_with_users_or_products_needs_a_user_or_a_product() -> None:
    health = {"health": {"groups": "deny"}}
    groups = [
        {
            "id": "g",
            "assignedLicenses": [{"skuId": E3}],
            "hasMembersWithLicenseErrors": True,
            "licenseProcessingState": {"state": "ProcessingComplete"},
        }
    ]
    assert by_user(waived({"users": {"accountEnabled": True}}, {"products": "*"}, policy=health, groups=groups)) == {
        "g": None
    }
    assert by_user(waived({}, policy=health, groups=groups)) == {"g": "W-0"}


def test_waiver_products_cover_missing_and_pooled_products() -> None:
    missing = {"users": {"accountEnabled": True}, "assignments": {"require": [["SPE_E3", "SPE_F1"]]}}
    assert by_user(waived({"products": "spe_f*"}, policy=missing)) == {"ann": "W-0"}
    assert by_user(waived({"products": "SPE_E5"}, policy=missing)) == {"ann": None}
    pool = {"seats": {"of": ["SPE_E3", "SPE_F1"], "pool": True, "spare": {"min": 99}}}
    assert by_user(waived({"products": [F1]}, policy=pool)) == {"SPE_E3|SPE_F1": "W-0"}
    assert by_user(waived({"products": "SPE_E5"}, policy=pool)) == {"SPE_E3|SPE_F1": None}


@pytest.mark.slow
def test_unknown_and_unused_waivers() -> None:
    unknown = waived({"users": {"department": "Store"}}, notCollected=["department"])
    assert (by_user(unknown), unknown.notices) == ({"ann": None, "bob": None}, frozenset({("waiver.unknown", "W-0")}))
    assert waived({"products": "SPE_F1"}).notices == {("waiver.unused", "W-0")}
    assert waived({"products": "SPE_F1", "tenants": ["contoso", "elsewhere"]}).notices == set()
    assert waived({"products": "SPE_F1"}, sources={"users": "partial"}).notices == set()
    assert waived({"products": "SPE_F1", "expires": "2020-01-01"}).notices == {("waiver.expired", "W-0")}


def test_not_evaluated_outranks_fail_and_waived() -> None:
    assert waived({}, sources={"users": "partial"}).outcomes["p"] == "not-evaluated"


def test_waiver_for_every_tenant_of_the_run_can_be_unused() -> None:
    assert waived({"products": "SPE_F1", "tenants": ["contoso"]}).notices == {("waiver.unused", "W-0")}


@pytest.mark.parametrize(
    ("limits", "expected", "notices"),
    [
        ({}, "waived", set()),
        ({"products": "SPE_E*"}, "waived", set()),
        ({"products": "SPE_F1"}, "fail", {("waiver.unused", "W")}),
        ({"tenants": ["contoso", "fabrikam"]}, "fail", {("waiver.unused", "W")}),
        ({"users": {}}, "fail", {("waiver.unused", "W")}),
    ],
)
def test_only_a_waiver_without_tenants_and_users_covers_a_fleet_finding(
    limits: dict[str, Any], expected: str, notices: set[tuple[str, str]]
) -> None:
    policy = {"balance": {"spare": {"min": 2, "max": 5}}}
    sides = tenant(subscribedSkus=[product(E3, 10, 9)]), tenant(name="fabrikam", subscribedSkus=[product(E3, 20, 10)])
    verdict = run(policy, *sides, waivers=[{"id": "W", "policies": ["p"], "expires": "2027-12-31", **limits}])
    assert verdict.fleet.outcomes == {"p": expected}
    assert verdict.tenants["contoso"].notices == notices
