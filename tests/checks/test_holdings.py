"""The checks of `purchases`, `subscriptions`, `health`, `budget` and `balance`."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from auditor.app.audit.failed_tenants import Unaudited
from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.money import rounded
from auditor.snapshot.model import Snapshot
from tests.builders.tenant.tenants import (
    NOW,
    TENANT_ID,
    audited,
    bought,
    euros,
    finding_keys,
    judged,
    one,
    outcome,
    policy_file,
    policy_set,
    sku_id,
    subscription,
    tenant,
    user,
)

UNKNOWN_PART = "ZZ_NOBODY_KNOWS"


def group(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "displayName": name.title(), "assignedLicenses": [{"skuId": sku_id("SPE_E3")}],
        "licenseProcessingState": {"state": "ProcessingComplete"}, "hasMembersWithLicenseErrors": False, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("block", "source"),
    [
        ("seats: {spare: {min: 1}}", Source.SUBSCRIBED_SKUS),
        ("purchases: {allow: [SPE_E3]}", Source.SUBSCRIBED_SKUS),
        ("purchases: {unknown: deny}", Source.SUBSCRIBED_SKUS),
        ("purchases: {trials: deny}", Source.SUBSCRIBED_SKUS),
        ("contracts: {missing: deny}", Source.SUBSCRIBED_SKUS),
        ("subscriptions: {expiring: {within: 60d}}", Source.SUBSCRIPTIONS),
        ("subscriptions: {expiring: {within: 60d, idle: {min: 1}}}", Source.SUBSCRIBED_SKUS),
        ("subscriptions: {expiring: {within: 60d, idle: {min: 1}}}", Source.SUBSCRIPTIONS),
        ("health: {groups: deny}", Source.GROUPS),
        ("health: {empty: deny}", Source.GROUPS),
    ],
)
def test_block_is_not_evaluated_if_its_source_was_not_read(block: str, source: Source) -> None:
    result = judged(block, tenant(unread={source: SourceStatus.DENIED}))
    assert (finding_keys(result), outcome(result)) == ([], "not-evaluated")
    assert source.value in result.policies[0].missing
    assert not result.complete


def test_purchases_include_company_products_and_count_only_usable_seats() -> None:
    state = tenant(
        subscribedSkus=[
            bought("SPE_E3", 10, 1),
            bought("SPE_E5", 0, 0, warning=2, appliesTo="Company"),
            bought("VISIOCLIENT", 0, 0, suspended=9),
            bought(UNKNOWN_PART, 1, 0),
        ]
    )
    result = judged("purchases: {allow: [SPE_E3], unknown: deny}", state, prices="{SPE_E5: 54.75}")
    assert finding_keys(result) == [
        ("purchase.not-allowed", sku_id(UNKNOWN_PART), UNKNOWN_PART, None),
        ("purchase.not-allowed", sku_id("SPE_E5"), "SPE_E5", None),
        ("purchase.unknown", sku_id(UNKNOWN_PART), UNKNOWN_PART, None),
    ]
    assert euros(result.findings[1]) == Decimal("109.50")
    assert result.findings[1].evidence["usable"] == 2


def test_subscription_findings_have_their_status_and_seat_counts() -> None:
    state = tenant(
        subscribedSkus=[bought("SPE_E3", 10, 7)],
        subscriptions=[
            subscription("s1", status="suspended"),
            subscription("s2", ends=13, isTrial=True, totalLicenses=25),
            subscription("s3", "VISIOCLIENT", status="LockedOut"),
        ],
    )
    block = "subscriptions: {of: [SPE_E3], states: {deny: [Suspended, LockedOut]}, trials: {endingWithin: 14d}}"
    result = judged(block, state)
    assert finding_keys(result) == [
        ("subscription.state", "s1", "SPE_E3", "suspended"),
        ("subscription.trial-ending", "s2", "SPE_E3", None),
    ]
    expected = {"status": "Enabled", "isTrial": True, "totalLicenses": 25, "consumed": 7, "spare": 3}
    assert {key: result.findings[1].evidence[key] for key in expected} == expected


def test_result_lists_every_subscription_with_a_date() -> None:
    rows = [
        subscription("s2", ends=400, isTrial=True, totalLicenses=25),
        subscription("s1", "VISIOCLIENT", ends=-3, status="Deleted", totalLicenses=None),
        subscription("s3"),
    ]
    state = tenant(subscribedSkus=[bought("SPE_E3", 10, 7)], subscriptions=rows)
    block = "subscriptions: {expiring: {within: 60d}}"
    result = judged(block, state)
    assert finding_keys(result) == []
    assert [
        (item.id, item.sku_part_number, item.status, item.total_licenses, item.is_trial)
        for item in result.subscriptions
    ] == [
        ("s1", "VISIOCLIENT", "Deleted", None, False),
        ("s2", "SPE_E3", "Enabled", 25, True),
    ]
    assert result.subscriptions[1].next_lifecycle_date_time == NOW + timedelta(days=400)
    assert result.subscriptions[1].name == result.seats[0].name
    for status, count in ((SourceStatus.PARTIAL, 2), (SourceStatus.DENIED, 0), (SourceStatus.NOT_NEEDED, 0)):
        unread = tenant(unread={Source.SUBSCRIPTIONS: status}, subscriptions=rows)
        assert len(judged(block, unread).subscriptions) == count


def test_group_finding_has_the_name_and_the_licences_of_the_group() -> None:
    finding = one(judged("health: {groups: deny}", tenant(groups=[group("g1", hasMembersWithLicenseErrors=True)])))
    assert (finding.subject.name, finding.evidence["assignedLicenses"]) == ("G1", ["SPE_E3"])


@pytest.mark.parametrize(
    ("block", "days", "outcome_"),
    [
        ("{states: {deny: [Suspended]}}", 5, "not-evaluated"),
        ("{expiring: {within: 9d}}", 5, "not-evaluated"),
        ("{expiring: {within: 9d}}", 30, "pass"),
        ("{expiring: {within: 9d, idle: {min: 1}}}", 5, "not-evaluated"),
        ("{trials: {endingWithin: 9d}}", 5, "not-evaluated"),
        ("{of: [SPE_F1], states: {deny: [Suspended]}}", 5, "pass"),
    ],
)
def test_subscription_without_a_state_is_unknown(block: str, days: int, outcome_: str) -> None:
    unclear = subscription("s", ends=days, status=None, isTrial=True)
    result = judged(f"subscriptions: {block}", tenant(subscribedSkus=[bought("SPE_E3")], subscriptions=[unclear]))
    assert (finding_keys(result), outcome(result)) == ([], outcome_)
    if outcome_ == "not-evaluated":
        assert result.policies[0].reason == "Graph returned no state of the subscription s"
        assert result.policies[0].missing == ("subscriptions.status",)
    paid = subscription("s", ends=days, status=None, isTrial=False)
    state = tenant(subscribedSkus=[bought("SPE_E3")], subscriptions=[paid])
    assert outcome(judged("subscriptions: {trials: {endingWithin: 9d}}", state)) == "pass"


def test_budget_total_is_the_price_of_all_usable_seats() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 100, 1), bought("SPE_E5", 8, 1, warning=2), bought("FLOW_FREE", 9)])
    prices = "{SPE_E3: 35.70, SPE_E5: 54.75}"
    finding = one(judged("budget: {limit: 4000}", state, prices=prices))
    assert (finding.check, finding.detail, finding.product) == ("budget.exceeded", "EUR", None)
    assert (finding.subject.type.value, finding.subject.id) == ("tenant", TENANT_ID)
    assert finding.evidence == {"total": 4117.5, "limit": 4000.0, "lowerBound": False, "unpriced": []}
    assert euros(finding) == Decimal("117.50")
    assert outcome(judged("budget: {limit: 4117.50}", state, prices=prices)) == "pass"


def test_budget_total_is_rounded_as_its_excess() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 1, 0)])
    finding = one(judged("budget: {limit: 10}", state, prices="{SPE_E3: 35.765}"))
    money = finding.money
    assert finding.evidence["total"] == 35.77
    assert money is not None
    assert rounded(money.per_month) == Decimal("25.77")


def test_budget_that_the_products_that_were_read_exceed_is_a_lower_bound() -> None:
    partial = {Source.SUBSCRIBED_SKUS: SourceStatus.PARTIAL}
    state = tenant(subscribedSkus=[bought("SPE_E3", 100, 90)], unread=partial)
    result = judged("budget: {limit: 3000}", state, prices="{SPE_E3: 35.70}")
    assert (outcome(result), one(result).evidence["lowerBound"]) == ("fail", True)
    assert outcome(judged("budget: {limit: 4000}", state, prices="{SPE_E3: 35.70}")) == "not-evaluated"
    state = tenant(unread={Source.SUBSCRIBED_SKUS: SourceStatus.DENIED})
    assert outcome(judged("budget: {limit: 0}", state, prices="{SPE_E3: 35.70}")) == "not-evaluated"


def test_budget_with_unknown_prices_is_a_lower_bound() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 100), bought(UNKNOWN_PART, 5)])
    finding = one(judged("budget: {limit: 3000}", state, prices="{SPE_E3: 35.70}"))
    assert (finding.evidence["lowerBound"], finding.evidence["unpriced"]) == (True, [UNKNOWN_PART])
    under = judged("budget: {limit: 4000}", state, prices="{SPE_E3: 35.70}")
    assert (finding_keys(under), outcome(under)) == ([], "not-evaluated")
    assert (
        under.policies[0].reason
        == f"the seats cost at least 3570.00 EUR a month, the limit is 4000.00 EUR; no price for {UNKNOWN_PART}"
    )


def test_budget_without_prices_is_not_evaluated() -> None:
    result = judged("budget: {limit: 1}", tenant(subscribedSkus=[bought("SPE_E3", 100)]))
    assert (finding_keys(result), outcome(result), result.policies[0].missing) == ([], "not-evaluated", ("prices",))


def test_price_by_sku_id_precedes_the_price_by_name() -> None:
    state = tenant(user("ann", "SPE_E3"))
    result = judged("assignments: {deny: [SPE_E3]}", state, prices=f"{{{sku_id('SPE_E3')}: 30, SPE_E3: 35.70}}")
    assert euros(one(result)) == 30


def test_imbalance_lists_tenants_with_too_few_and_too_many_seats() -> None:
    states = [
        tenant(name=name, tenant_id=f"id-{name}", subscribedSkus=[bought("SPE_E3", enabled, consumed)])
        for name, enabled, consumed in (("a", 10, 10), ("b", 100, 50), ("c", 100, 95))
    ]
    result = audited(policy_file("balance: {of: [SPE_E3], spare: {min: 2, max: 10%}}"), *states)
    (finding,) = result.fleet.findings
    assert (finding.check, finding.subject.type.value, finding.subject.id, finding.detail) == (
        "balance.imbalance", "fleet", sku_id("SPE_E3"), None
    )  # fmt: skip
    lines = {key: [line["tenant"] for line in finding.evidence[key]] for key in ("short", "excess")}
    assert lines == {"short": ["a"], "excess": ["b"]}
    assert finding.evidence["short"][0]["spare"] == 0
    assert [item.status.value for item in result.fleet.policies] == ["fail"]
    assert all(not item.policies and not item.findings for item in result.tenants)


def test_balance_names_the_tenants_that_share_a_reason_once() -> None:
    failure = Message("the sign-in was refused")
    states: list[Snapshot | Unaudited] = [
        tenant(name="a"),
        *(Unaudited(name=f"failed-{number}", reason=failure) for number in range(6)),
        *(tenant(name=name, unread={Source.SUBSCRIBED_SKUS: SourceStatus.DENIED}) for name in ("denied-0", "denied-1")),
    ]
    policies = policy_set(policy_file("balance: {of: [SPE_E3], spare: {min: 2, max: 10%}}"))
    (fleet,) = audit(states, policies, builtin(), NOW).fleet.policies
    denied, failed = str(fleet.reason).split("; ")
    assert denied.startswith("denied-0, denied-1: Subscribed products: ")
    assert failed == "failed-0, failed-1, failed-2 and 3 more: not audited"
