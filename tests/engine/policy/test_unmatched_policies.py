"""The number of subjects that a policy judged, and the notice `policy.no-match` if it judged none."""

import re

import pytest

from auditor.app.policy_tests.fixtures import fixture_snapshot
from auditor.catalogue import builtin
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import Notice, TenantResult
from auditor.engine.policy import unmatched_policies
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from tests.builders.tenant.tenants import NOW, audited, bought, judged, policy_file, subscription, tenant, user

REQUIRE = "assignments: {require: [SPE_F1]}"
PEOPLE = (
    user("ann", "SPE_E3", department="Sales", jobTitle="Seller"),
    user("bob", department="Sales"),
    user("cem", department="Store", accountEnabled=False),
)


def unmatched(result: TenantResult) -> list[Notice]:
    return [notice for notice in result.notices if notice.code == "policy.no-match"]


def message(users: str, *people: dict[str, object], **state: object) -> str:
    (notice,) = unmatched(judged(REQUIRE, tenant(*(people or PEOPLE), **state), users=users))  # type: ignore[arg-type]
    assert notice.subject == "p"
    return notice.message


@pytest.mark.parametrize(
    ("users", "count"),
    [("", 3), ("{department: sales}", 2), ("{accountEnabled: false}", 1), ("{not: {department: Sales}}", 1)],
)
@pytest.mark.parametrize("rows", [1, 2, 9])
def test_population_is_counted_over_all_batches(users: str, count: int, rows: int) -> None:
    result = judged(REQUIRE, tenant(*PEOPLE, rows=rows), users=users)
    assert result.policies[0].judged == count
    assert not unmatched(result)


@pytest.mark.parametrize(
    ("block", "count"),
    [
        ("seats: {of: [SPE_E3, SPE_E5], spare: {min: 0}}", 2),
        ("seats: {of: [SPE_E3], assigned: {max: 5}}", 3),
        ("purchases: {deny: [SPE_F1]}", 2),
        ("subscriptions: {of: [SPE_E3], states: {deny: [Suspended]}}", 1),
        ("health: {errors: deny, groups: deny}", 4),
        ("attributes: {require: [department]}", 1),
    ],
)
def test_products_subscriptions_and_licensed_people_are_counted(block: str, count: int) -> None:
    state = tenant(
        *PEOPLE,
        subscribedSkus=[bought("SPE_E3"), bought("SPE_E5"), bought("SPE_F1", 0)],
        subscriptions=[subscription("s"), subscription("t", "SPE_E5")],
        groups=[
            {
                "id": "g",
                "displayName": "G",
                "hasMembersWithLicenseErrors": False,
                "licenseProcessingState": {"state": "ProcessingComplete"},
                "assignedLicenses": [{"skuId": bought("SPE_E3")["skuId"]}],
            }
        ],
    )
    assert judged(block, state).policies[0].judged == count


def test_policy_that_is_not_evaluated_has_no_count_and_no_notice() -> None:
    result = judged(REQUIRE, tenant(*PEOPLE, unasked=["department"]), users="{department: Slaes}")
    assert (result.policies[0].status.value, result.policies[0].judged) == ("not-evaluated", None)
    assert not unmatched(result)
    unread = judged(REQUIRE, tenant(*PEOPLE, unread={Source.USERS: SourceStatus.DENIED}))
    assert unread.policies[0].judged is None
    assert not unmatched(unread)


def test_notice_names_the_unused_value_and_the_nearest_value_in_use() -> None:
    assert message("{department: Slaes}") == (
        "the policy p matches nobody: no user meets the condition department 'Slaes' (nearest in use: department 'Sales')"
    )
    assert message("{department: [Slaes, Stroe], jobTitle: Seller}") == (
        "the policy p matches nobody: no user meets the condition department 'Slaes', 'Stroe' "
        "(nearest in use: department 'Sales', 'Store')"
    )


def test_notice_does_not_name_values_that_somebody_has() -> None:
    assert message("{department: Store, jobTitle: Seller}") == "the policy p matches nobody"
    assert message("{department: Store, jobTitle: Sellr, not: {department: Nowhere}}") == (
        "the policy p matches nobody: no user meets the condition jobTitle 'Sellr' (nearest in use: jobTitle 'Seller')"
    )


def test_notice_names_globs_booleans_products_and_groups() -> None:
    assert "no user meets the condition department 'Zz*'" in message("{department: {matches: 'Zz*'}}")
    assert "no user meets the condition onPremisesSyncEnabled 'true'" in message("{onPremisesSyncEnabled: true}")
    groups = [{"id": "g", "displayName": "Pilot", "membersStatus": "complete", "members": []}]
    assert message("{memberOf: Pilot}", groups=groups).endswith("matches nobody: the group 'Pilot' has no members")
    both = message("{holds: [SPE_E5], department: Slaes, memberOf: Pilot}", groups=groups)
    assert both.endswith(
        "no user meets the condition department 'Slaes' (nearest in use: department 'Sales'); "
        "no user holds Microsoft 365 E5; the group 'Pilot' has no members"
    )
    assert message("{holds: [SPE_E5], city: Oslo}").endswith(
        "no user meets the condition city 'Oslo'; no user holds Microsoft 365 E5"
    )


@pytest.mark.parametrize(
    ("users", "reason"),
    [
        ("{holds: [SPE_E5]}", "no user holds Microsoft 365 E5"),
        ("{holds: [SPE_E5, VISIOCLIENT]}", "no user holds any of Microsoft 365 E5, Visio Plan 2"),
        ("{holds: []}", "no user holds a product of '[]'"),
        ("{holds: suites}", "no user holds a product of 'suites'"),
        (
            "{heldFor: {of: {withService: BPOS_S_TODO_1}, atLeast: 30d}}",
            "no user holds a product of 'withService:BPOS_S_TODO_1'",
        ),
        ("{hasRole: Global Administrator}", "no user has the role 'Global Administrator'"),
        ("{hasRole: {privileged: true}}", "no user has a privileged role"),
        (
            "{hasRole: {roles: [Reports Reader], privileged: true}}",
            "the role 'Reports Reader' is not in Microsoft's list of privileged roles",
        ),
        (
            "{hasRole: {roles: [Global Administrator], privileged: true}}",
            "no user has the role 'Global Administrator'",
        ),
        ("{hasRole: '*'}", "no user has a directory role"),
        ("{coveredBy: conditionalAccess}", "no Conditional Access policy covers a user"),
    ],
)
def test_notice_says_what_nobody_has(users: str, reason: str) -> None:
    more = "products: {suites: [SPE_E5, 'ENTERPRISEPREMIUM*']}\n"
    ann = {"userPrincipalName": "ann@contoso.example", "licenses": ["SPE_E3"]}
    state = fixture_snapshot("contoso", {"users": [ann]}, builtin(), NOW)
    (notice,) = unmatched(audited(policy_file(REQUIRE, users=users) + more, state).tenants[0])
    assert notice.message == f"the policy p matches nobody: {reason}"


def test_notice_looks_into_named_populations() -> None:
    more = "populations: {crew: {department: Slaes}, all-crew: {any: [crew, {population: crew, city: Oslo}]}}\n"
    (notice,) = unmatched(audited(policy_file(REQUIRE, users="all-crew") + more, tenant(*PEOPLE)).tenants[0])
    assert notice.message.endswith(
        "no user meets the condition department 'Slaes', city 'Oslo' (nearest in use: department 'Sales')"
    )


def test_notice_suggests_no_names_or_addresses_of_people() -> None:
    for name, value in (("userPrincipalName", "anne@contoso.example"), ("displayName", "Anne"), ("id", "id-anne")):
        text = message(f"{{{name}: '{value}'}}")
        assert text.endswith(f"no user meets the condition {name} '{value}'")


KEY = RedactionKey(secret=b"a key of 16 bytes or more", stable=True)


def test_redaction_hides_people_that_the_policy_names() -> None:
    policies = policy_file(REQUIRE, users="{any: [{displayName: [Zed Zeta, 'Wim ''t Hart']}, {department: Slaes}]}")
    (notices,) = unmatched(redacted(audited(policies, tenant(*PEOPLE)), KEY).tenants[0])
    assert not {"Zed", "Wim", "Hart"} & set(re.split(r"[^a-zA-Z]+", notices.message))
    assert notices.message.count("user-") == 2
    assert "department 'Slaes'" in notices.message


def test_hostile_values_stay_on_one_line_and_are_cut() -> None:
    long = "x" * 500
    text = message("{department: Saless}", user("ann", department="Sales; \n'" + long), user("bob", department="Sales"))
    assert text.endswith("(nearest in use: department 'Sales')")
    text = message(f"{{department: 'Y{long}'}}", user("ann", department=f"X;\n'{long}"))
    assert "\n" not in text
    assert ";" not in text
    assert len(text) < 300


def test_suggestions_are_limited_to_a_number_of_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unmatched_policies, "CANDIDATES", 2)
    people = [user(f"u{number}", department=name) for number, name in enumerate(["A", "B", "Sales"])]
    assert (
        message("{department: Slaes}", *people)
        == "the policy p matches nobody: no user meets the condition department 'Slaes'"
    )


def test_notice_about_products_and_groups_that_do_not_exist() -> None:
    state = tenant(*PEOPLE, subscribedSkus=[bought("SPE_E3")])
    (notices,) = unmatched(judged("seats: {of: [SPE_E5], spare: {min: 1}}", state))
    assert notices.message == "the policy p evaluates nothing: there is no Microsoft 365 E5"
    (notices,) = unmatched(judged("subscriptions: {of: trial, expiring: {within: 30d}}", state))
    assert notices.message == ("the policy p evaluates nothing: no product or subscription matches 'of: trial'")
    (notices,) = unmatched(judged("health: {groups: deny}", state))
    assert notices.message == "the policy p evaluates nothing: the tenant has nothing that it applies to"


def test_fleet_policy_counts_the_products_of_all_tenants() -> None:
    policies = policy_file("balance: {of: [SPE_E3, SPE_E5], spare: {min: 1, max: 5}}")
    states = [
        tenant(name=name, tenant_id=f"id-{name}", subscribedSkus=[bought(part) for part in parts])
        for name, parts in (("a", ["SPE_E3"]), ("b", ["SPE_E3", "SPE_E5"]))
    ]
    assert audited(policies, *states).fleet.policies[0].judged == 2
    other = audited(policies.replace("SPE_E3, SPE_E5", "SPE_F1"), *states).fleet
    assert other.policies[0].judged == 0
    assert [notice.code for notice in other.notices] == ["policy.no-match"]
