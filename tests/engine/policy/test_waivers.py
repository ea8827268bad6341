"""Waivers and notices, by hand: what is waived, until when, and what is said about it."""

from datetime import UTC, datetime

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import TenantResult
from tests.builders.tenant.tenants import NOW, audited, bought, judged, outcome, policy_file, tenant, user

DENY = "assignments: {deny: [SPE_E5, SPE_E3]}"
STATE = tenant(user("ann", "SPE_E5"), user("bob", "SPE_E3", department="Store"))


def waiver(more: str = "", expires: str = "2027-01-31", policies: str = "[p]") -> str:
    return f"[{{id: W-1, policies: {policies}, reason: r, owner: o@contoso.example, expires: {expires}{more}}}]"


def waived(result: TenantResult) -> list[tuple[str, str | None]]:
    return [(finding.subject.id.removeprefix("id-"), finding.waiver) for finding in result.findings]


def notices(result: TenantResult) -> list[tuple[str, str]]:
    return [(notice.code, notice.subject) for notice in result.notices]


@pytest.mark.parametrize(
    ("more", "expected", "status"),
    [
        ("", {"ann": "W-1", "bob": "W-1"}, "waived"),
        (", users: {department: Store}", {"ann": None, "bob": "W-1"}, "fail"),
        (", products: [SPE_E5]", {"ann": "W-1", "bob": None}, "fail"),
        (", products: [SPE_E5], users: {department: Store}", {"ann": None, "bob": None}, "fail"),
        (", tenants: [contoso]", {"ann": "W-1", "bob": "W-1"}, "waived"),
        (", tenants: [fabrikam]", {"ann": None, "bob": None}, "fail"),
    ],
)
def test_everything_that_a_waiver_names_must_match(more: str, expected: dict[str, str | None], status: str) -> None:
    result = judged(DENY, STATE, waivers=waiver(more))
    assert dict(waived(result)) == expected
    assert outcome(result) == status
    assert {finding.status.value for finding in result.findings if finding.waiver} <= {"waived"}


def test_a_waiver_for_every_policy() -> None:
    assert outcome(judged(DENY, STATE, waivers=waiver(policies="'*'"))) == "waived"


@pytest.mark.parametrize(
    ("as_of", "status"),
    [
        (datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC), "waived"),
        (datetime(2027, 2, 1, tzinfo=UTC), "fail"),
    ],
)
def test_the_last_day_is_held_to_its_end_in_utc(as_of: datetime, status: str) -> None:
    result = judged(DENY, STATE, waivers=waiver(), as_of=as_of)
    assert outcome(result) == status
    assert notices(result) == [("waiver.expiring" if status == "waived" else "waiver.expired", "W-1")]


@pytest.mark.parametrize(("expires", "expected"), [("2026-12-04", True), ("2026-12-05", False), ("2026-11-20", True)])
def test_a_waiver_is_announced_from_fourteen_whole_days_before_its_end(expires: str, *, expected: bool) -> None:
    """Its last day included: on 20 November at 02:17, the 4th of December leaves 14 whole days and some hours."""
    as_of = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
    announced = ("waiver.expiring", "W-1") in notices(judged(DENY, STATE, waivers=waiver(expires=expires), as_of=as_of))
    assert announced is expected


def test_a_waiver_that_waives_nothing_is_told_unless_it_could_not_have() -> None:
    unused = ("waiver.unused", "W-1")
    nobody = ", users: {department: Nowhere}"
    assert unused in notices(judged(DENY, STATE, waivers=waiver(nobody)))
    assert unused not in notices(judged(DENY, STATE, waivers=waiver()))
    assert notices(judged(DENY, STATE, waivers=waiver(nobody, expires="2026-11-19"))) == [("waiver.expired", "W-1")]
    assert unused not in notices(judged(DENY, STATE, waivers=waiver(", tenants: [fabrikam]")))
    blind = tenant(unread={Source.USERS: SourceStatus.DENIED})
    assert unused not in notices(judged(DENY, blind, waivers=waiver()))


def test_a_waiver_of_which_nobody_knows_whom_it_is_for_does_not_waive_and_says_so() -> None:
    state = tenant(user("ann", "SPE_E5"), unasked=["department"])
    result = judged(DENY, state, waivers=waiver(", users: {department: Store}"))
    assert waived(result) == [("ann", None)]
    assert notices(result) == [("waiver.unknown", "W-1")]


def test_a_waiver_with_products_leaves_findings_without_a_product() -> None:
    state = tenant(user("ann", "SPE_E5", "SPE_E3"))
    block = "assignments: {exclusive: [[SPE_E3, SPE_E5]]}"
    assert waived(judged(block, state, waivers=waiver(", products: ['*']"))) == [("ann", None)]
    assert waived(judged(block, state, waivers=waiver())) == [("ann", "W-1")]


def test_a_waiver_for_users_leaves_findings_about_products() -> None:
    state = tenant(subscribedSkus=[bought("SPE_E3", 1, 2)])
    block = "seats: {spare: {min: 0}}"
    assert judged(block, state, waivers=waiver(", users: {}")).findings[0].waiver is None
    assert judged(block, state, waivers=waiver(", products: [SPE_E3]")).findings[0].waiver == "W-1"
    assert judged(block, state, waivers=waiver(", products: [SPE_E5]")).findings[0].waiver is None


@pytest.mark.parametrize(("products", "matched"), [("[SPE_E5]", True), ("['SPE_*']", True), ("[SPE_F1]", False)])
def test_a_waiver_matches_a_pool_and_a_missing_element_by_what_is_in_them(products: str, *, matched: bool) -> None:
    state = tenant(user("ann"), subscribedSkus=[bought("SPE_E3", 1, 2), bought("SPE_E5", 1, 2)])
    for block in (
        "seats: {of: [SPE_E3, SPE_E5], pool: true, spare: {min: 0}}",
        "assignments: {require: [[SPE_E3, SPE_E5]]}",
    ):
        (finding,) = judged(block, state, waivers=waiver(f", products: {products}")).findings
        assert (finding.waiver == "W-1") is matched, block


def test_of_two_waivers_the_first_by_id_is_quoted_and_both_are_used() -> None:
    two = waiver()[:-1] + ", " + waiver()[1:].replace("W-1", "W-0")
    result = judged(DENY, STATE, waivers=two)
    assert {finding.waiver for finding in result.findings} == {"W-0"}
    assert notices(result) == []


def test_waived_money_and_counts_stand_apart() -> None:
    text = policy_file(DENY, waivers=waiver(", products: [SPE_E5]"), prices="{SPE_E5: 54.75, SPE_E3: 35.70}")
    result = audited(text, STATE)
    assert (sum(result.summary.open.values()), result.summary.waived) == (1, 1)
    assert result.tenants[0].policies[0].findings == 2


def test_a_waiver_may_end_on_the_last_day_of_the_calendar() -> None:
    assert outcome(judged(DENY, STATE, waivers=waiver(expires="9999-12-31"))) == "waived"


def test_names_that_nobody_knows_are_noticed_and_globs_are_not() -> None:
    block = "assignments: {deny: [SPE_E55, 'ZZZ*', {withService: NO_SUCH_PLAN}], services: {deny: [no_plan]}}"
    result = judged(block, STATE)
    assert notices(result) == [
        ("policy.unknown-product", "SPE_E55"),
        ("policy.unknown-service", "NO_SUCH_PLAN"),
        ("policy.unknown-service", "no_plan"),
    ]
    owned = tenant(
        subscribedSkus=[bought("SPE_E55", servicePlans=[{"servicePlanId": "x", "servicePlanName": "No_Plan"}])]
    )
    noticed = notices(judged(block, owned))
    assert noticed == [("policy.no-match", "p"), ("policy.unknown-service", "NO_SUCH_PLAN")]


def test_a_policy_for_another_tenant_does_not_appear() -> None:
    text = policy_file(DENY).replace("severity: high", "severity: high\n  tenants: [fabrikam]")
    result = audited(text, STATE, tenant(name="fabrikam", tenant_id="f"), as_of=NOW)
    assert [len(item.policies) for item in result.tenants] == [0, 1]


def test_a_waiver_for_products_outside_the_pool_does_not_waive_it() -> None:
    """Neither what the tenant does not own nor what people cannot hold is summed, whatever the set says."""
    owned = [bought("SPE_E3", 10, 12), bought("VISIOCLIENT", 10, 0, appliesTo="Company")]
    state = tenant(subscribedSkus=owned)
    block = "seats: {of: paid, pool: true, spare: {min: 0}}"
    for products, expected in (("[SPE_E5]", None), ("[VISIOCLIENT]", None), ("['SPE_*']", "W-1")):
        (finding,) = judged(block, state, waivers=waiver(f", products: {products}")).findings
        assert finding.waiver == expected, products
