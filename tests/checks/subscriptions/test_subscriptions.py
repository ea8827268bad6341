"""Recent purchases of subscriptions, and findings about subscriptions whose facts are not all known."""

from datetime import date, timedelta
from typing import Any

import pytest

from auditor.domain.enums import Agreement
from auditor.snapshot.manifest import format_instant
from tests.builders.tenant.tenants import (
    NOW,
    audited,
    bought,
    finding_keys,
    judged,
    outcome,
    policy_file,
    sku_id,
    subscription,
    tenant,
)


def created(name: str, days: float, seats: int | None = 10, **more: Any) -> dict[str, Any]:
    """Return a subscription that was created a number of days before the audit."""
    instant = format_instant(NOW - timedelta(days=days))
    return subscription(name, ends=100, **{"createdDateTime": instant, "totalLicenses": seats, **more})


OLD, NEW = created("old", 8), created("new", 3, 4)
LAST = date(2026, 11, 23)
"""The day before 2026-11-24 02:17, seven days after the new subscription was created."""


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([OLD], None),
        ([NEW], (None, LAST)),
        ([OLD, NEW], (4, LAST)),
        ([OLD, NEW, created("newer", 1, 2)], (6, LAST)),
        ([NEW, created("newer", 1, 2)], (None, LAST)),
        ([NEW, created("trial", 300, 25, isTrial=True)], (4, LAST)),
        ([OLD, created("trial", 1, 25, isTrial=True)], None),
        ([NEW, created("gone", 300, status="Deleted")], (None, LAST)),
        ([OLD, created("gone", 1, status="Suspended")], None),
        ([OLD, created("new", 3, None)], None),
        ([created("new", 3, None)], (None, LAST)),
        ([NEW, created("undated", 3, createdDateTime=None)], (4, LAST)),
        ([created("edge", 7)], (None, NOW.date())),
        ([created("past", 7.001)], None),
        ([created("today", 0)], (None, date(2026, 11, 26))),
        ([created("later", -0.001)], None),
        ([OLD, created("grace", 3, 4, status="warning", isTrial=None)], (4, LAST)),
    ],
)
def test_seats_bought_within_seven_days(rows: list[dict[str, Any]], expected: tuple[int | None, date] | None) -> None:
    block = "subscriptions: {expiring: {within: 60d}}"
    state: dict[str, Any] = {"subscribedSkus": [bought("SPE_E3", 40)], "subscriptions": rows}
    purchases = judged(block, tenant(**state)).recent_purchases or ()
    assert [(item.sku_id, (item.seats, item.until)) for item in purchases] == [(sku_id("SPE_E3"), expected)] * bool(
        expected
    )
    for agreement in (Agreement.CSP, Agreement.MOSA, Agreement.VOLUME, Agreement.UNKNOWN):
        assert judged(block, tenant(**state, agreement=agreement)).recent_purchases is None


@pytest.mark.parametrize(
    ("block", "facts", "expected"),
    [
        ("expiring: {within: 60d}", {"ends": 59.99}, "fail"),
        ("expiring: {within: 60d}", {"ends": 60}, "pass"),
        ("expiring: {within: 60d}", {"ends": -9}, "fail"),
        ("expiring: {within: 60d}", {"ends": None}, "pass"),
        ("expiring: {within: 60d}", {"ends": 1, "status": "Suspended"}, "pass"),
        ("expiring: {within: 60d}", {"ends": 1, "status": "WARNING"}, "fail"),
        ("expiring: {within: 60d}", {"ends": 1, "status": None}, "not-evaluated"),
        ("expiring: {within: 60d}", {"ends": 99, "status": None}, "pass"),
        ("expiring: {within: 60d, idle: {min: 3}}", {"ends": 59}, "fail"),
        ("expiring: {within: 60d, idle: {min: 4}}", {"ends": 59}, "pass"),
        ("expiring: {within: 60d, idle: {min: 3}}", {"ends": 59, "status": None}, "not-evaluated"),
        ("expiring: {within: 60d, idle: {min: 4}}", {"ends": 59, "status": None}, "pass"),
        ("trials: {endingWithin: 14d}", {"ends": 13, "isTrial": True}, "fail"),
        ("trials: {endingWithin: 14d}", {"ends": 14, "isTrial": True}, "pass"),
        ("trials: {endingWithin: 14d}", {"ends": 13, "isTrial": False}, "pass"),
        ("trials: {endingWithin: 14d}", {"ends": 13, "isTrial": None}, "not-evaluated"),
        ("trials: {endingWithin: 14d}", {"ends": 15, "isTrial": None}, "pass"),
        ("trials: {endingWithin: 14d}", {"ends": 13, "isTrial": True, "status": None}, "not-evaluated"),
        ("trials: {endingWithin: 14d}", {"ends": 13, "isTrial": False, "status": None}, "pass"),
        ("trials: {endingWithin: 14d}", {"ends": 13, "isTrial": True, "status": "Deleted"}, "pass"),
        ("states: {deny: [Suspended]}", {"status": "suspended"}, "fail"),
        ("states: {deny: [Suspended]}", {"status": "Deleted"}, "pass"),
        ("states: {deny: [Suspended]}", {"status": None}, "not-evaluated"),
    ],
)
def test_unknown_facts_decide_only_if_they_matter(block: str, facts: dict[str, Any], expected: str) -> None:
    rows = [subscription("s", **facts)]
    state: dict[str, Any] = {"subscribedSkus": [bought("SPE_E3", 10, 7)], "subscriptions": rows}
    result = judged(f"subscriptions: {{of: [SPE_E3], {block}}}", tenant(**state))
    assert (outcome(result), len(finding_keys(result))) == (expected, int(expected == "fail"))
    others = judged(f"subscriptions: {{of: [SPE_E5], {block}}}", tenant(**state))
    assert outcome(others) == "pass", "the policy is about other products"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"status": None, "isTrial": True}, "Graph returned no state of the subscription s"),
        ({"isTrial": None}, "it is not known whether the subscription s is a trial"),
    ],
)
def test_reason_names_the_unknown_fact_of_the_subscription(facts: dict[str, Any], reason: str) -> None:
    block = "subscriptions: {of: [SPE_E3], trials: {endingWithin: 14d}}"
    (policy,) = judged(
        block, tenant(subscribedSkus=[bought("SPE_E3")], subscriptions=[subscription("s", ends=5, **facts)])
    ).policies
    assert str(policy.reason) == reason


@pytest.mark.parametrize(
    "block", ["expiring: {within: 60d}", "expiring: {within: 60d, idle: {min: 1}}", "states: {deny: [Enabled]}"]
)
def test_subscription_of_a_product_that_may_be_in_the_set_is_unknown(block: str) -> None:
    rows = [subscription("s", ends=5, isTrial=None)]
    result = judged(
        f"subscriptions: {{of: [trial], {block}}}", tenant(subscribedSkus=[bought("SPE_E3")], subscriptions=rows)
    )
    (policy,) = result.policies
    assert (policy.status.value, len(result.findings)) == ("not-evaluated", 0)
    assert "it is not known whether a subscription's SKU is in the set" in str(policy.reason)


MONTHLY = "{id: c, products: [SPE_E3], ends: 2026-12-10, term: P1M, renews: automatically}"


@pytest.mark.parametrize(
    ("key", "contract", "facts", "terms"),
    [
        ("", MONTHLY, {"ends": 30}, [None]),
        (", exceptTerm: monthly", MONTHLY, {"ends": 30}, []),
        (", exceptTerm: monthly", MONTHLY, {"ends": None}, []),
        (", exceptTerm: monthly", MONTHLY.replace("SPE_E3", "trial"), {"ends": 30, "isTrial": None}, ["unknown"]),
        (", exceptTerm: monthly", MONTHLY.replace("SPE_E3", "trial"), {"ends": 30, "isTrial": True}, []),
    ],
)
def test_monthly_subscriptions_are_left_out_if_the_policy_says_so_and_the_term_is_known(
    key: str, contract: str, facts: dict[str, Any], terms: list[str | None]
) -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 10, 7)], subscriptions=[subscription("s", **facts)])
    text = policy_file(f"subscriptions: {{of: [SPE_E3], expiring: {{within: 60d{key}}}}}")
    (result,) = audited(f"{text}contracts: [{contract}]\n", state).tenants
    assert [finding.evidence.get("term") for finding in result.findings] == terms
