"""Cached results of one tenant are reused for another only if the relevant facts are equal; fingerprints, bounds."""

import hashlib
from fractions import Fraction
from typing import Any

import pytest

from auditor.domain.policy.model import Bound
from auditor.engine.outcome import fingerprint
from auditor.engine.skus.seat_bounds import Breach, broken_bounds
from tests.builders.tenant.tenants import (
    audited,
    bought,
    finding_keys,
    judged,
    policy_file,
    sku_id,
    subscription,
    tenant,
    user,
)


def _with_plan(name: str) -> dict[str, Any]:
    return bought("SPE_E3") | {"servicePlans": [{"servicePlanId": "0" * 8, "servicePlanName": name}]}


def test_product_has_the_service_plans_of_its_own_tenant() -> None:
    policy = policy_file("assignments: {deny: [{withService: TEAMS_ODD}]}")
    states = [
        tenant(user("ann", "SPE_E3"), name=name, subscribedSkus=[_with_plan(plan)])
        for name, plan in (("one", "TEAMS_ODD"), ("two", "OTHER"), ("three", "teams_odd"), ("two-more", "OTHER"))
    ]
    counts = {state.name: len(state.findings) for state in audited(policy, *states).tenants}
    assert counts == {"one": 1, "two": 0, "three": 1, "two-more": 0}


def test_trial_in_one_tenant_is_not_a_trial_in_another() -> None:
    policy = policy_file("assignments: {deny: [trial]}")
    states = [
        tenant(
            user("ann", "SPE_E3"),
            name=name,
            subscribedSkus=[bought("SPE_E3")],
            subscriptions=[subscription("s", isTrial=trial)],
        )
        for name, trial in (("one", True), ("two", False), ("three", True))
    ]
    counts = {state.name: len(state.findings) for state in audited(policy, *states).tenants}
    assert counts == {"one": 1, "two": 0, "three": 1}


def test_different_policies_on_the_same_products_have_their_own_findings() -> None:
    state = tenant(user("ann", "SPE_E3", "SPE_E5"), subscribedSkus=[bought("SPE_E3"), bought("SPE_E5")])
    for part in ("SPE_E3", "SPE_E5", "SPE_E3"):
        assert [row[2] for row in finding_keys(judged(f"assignments: {{deny: [{part}]}}", state))] == [part]


def test_finding_that_two_lists_of_a_policy_raise_is_reported_once() -> None:
    state = tenant(user("ann", "SPE_E3", "SPE_E5"), subscribedSkus=[bought("SPE_E3"), bought("SPE_E5")])
    result = judged("assignments: {exclusive: [[SPE_E3, SPE_E5], ['SPE_E5', spe_e3]]}", state)
    assert [row[1::2] for row in finding_keys(result)] == [("ann", "SPE_E3+SPE_E5")]


def test_overlap_is_evaluated_for_each_tenant() -> None:
    policy = policy_file("assignments: {exclusive: [[SPE_E3, SPE_E5]]}")
    held = [bought("SPE_E3"), bought("SPE_E5")]
    states = [
        tenant(user("ann", "SPE_E3", "SPE_E5"), name="one", subscribedSkus=held),
        tenant(user("ann", "SPE_E3"), user("bob", "SPE_E5", "SPE_E3"), name="two", subscribedSkus=held),
        tenant(user("ann", "SPE_E3", "SPE_E5"), name="three", subscribedSkus=[*held, bought("VISIOCLIENT")]),
    ]
    keys_by_tenant = {state.name: finding_keys(state) for state in audited(policy, *states).tenants}
    assert {name: [row[1::2] for row in rows] for name, rows in keys_by_tenant.items()} == {
        "one": [("ann", "SPE_E3+SPE_E5")],
        "two": [("bob", "SPE_E3+SPE_E5")],
        "three": [("ann", "SPE_E3+SPE_E5")],
    }


def test_fingerprint_does_not_depend_on_names_titles_or_order() -> None:
    """The fingerprint hashes the ids of tenant, policy, check and subject: not names, severity, title, time or order."""
    deny = "assignments: {deny: [SPE_E3]}"
    ann, bob = user("ann", "SPE_E3"), user("bob", "SPE_E3")
    first = audited(policy_file(deny), tenant(ann, bob)).tenants[0]
    renamed = tenant(bob, ann | {"displayName": "Other", "userPrincipalName": "new@contoso.example"}, name="other")
    text = policy_file(deny).replace("severity: high", "severity: low\n  title: Anything else")
    second = audited(text, renamed).tenants[0]
    assert [item.fingerprint for item in first.findings] == [item.fingerprint for item in second.findings]
    elsewhere = audited(policy_file(deny), tenant(ann, bob, tenant_id="elsewhere")).tenants[0]
    assert not {item.fingerprint for item in first.findings} & {item.fingerprint for item in elsewhere.findings}


@pytest.mark.parametrize(
    ("product", "detail"), [(None, None), ("written:x|y", None), (None, "\ud800"), ("é", "a\x1fb")]
)
def test_fingerprint_is_a_hash_of_all_its_parts(product: str | None, detail: str | None) -> None:
    parts = ["t", "p", "c", "user", "id", "\0" if product is None else product, "\0" if detail is None else detail]
    expected = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    assert fingerprint("t", "p", "c", ("user", "id"), product, detail) == expected
    assert fingerprint("t", "p", "c", ("user", "other"), None, None) != expected


@pytest.mark.parametrize("usable", [0, 1, 7, 10, 99, 100, 101])
def test_bounds_are_compared_without_rounding(usable: int) -> None:
    minimum, maximum = (
        Bound(seats=3, percent=Fraction(25, 2), written="min"),
        Bound(percent=Fraction(33), written="max"),
    )
    for consumed in range(usable + 2):
        spare = usable - consumed
        raised = [breach for breach, _ in broken_bounds(usable, consumed, minimum, maximum)]
        expected = [Breach.OVER_ASSIGNED] if spare < 0 else []
        if spare >= 0 and spare < minimum.seats_of(usable):
            expected.append(Breach.BELOW_MINIMUM)
        if spare > maximum.seats_of(usable):
            expected.append(Breach.ABOVE_MAXIMUM)
        assert raised == expected


def test_findings_about_the_same_user_have_equal_evidence() -> None:
    state = tenant(
        user("ann", "SPE_E3", "SPE_E5", createdDateTime="2020-01-01T00:00:00.25Z"),
        subscribedSkus=[bought("SPE_E3"), bought("SPE_E5")],
    )
    first, second = judged("assignments: {deny: ['*']}", state).findings
    assert first.evidence["createdDateTime"] == second.evidence["createdDateTime"] == "2020-01-01T00:00:00.250000Z"
    assert first.evidence["assignedLicenses"] == ["SPE_E3", "SPE_E5"]
    assert first.evidence["paths"] == [{"assignedByGroup": None, "state": "Active", "error": "None"}]
    assert {first.product and first.product.sku_id, second.product and second.product.sku_id} == {
        sku_id("SPE_E3"),
        sku_id("SPE_E5"),
    }
