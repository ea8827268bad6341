"""Plans that add and remove group members, executed against the emulator; refusals, seats, policies about members."""

from pathlib import Path
from typing import Any

import pytest

from auditor.app.plan.planner import plan_run
from auditor.app.tenants.collection import collect_all, needs_of
from auditor.catalogue import builtin
from auditor.remedy.english import ENGLISH
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.planner.simulation.membership_reasons import remove_on_premises
from auditor.remedy.planner.simulation.memberships import REFUSALS
from auditor.render.plan.question_text import sentence
from auditor.snapshot.reader import read
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.collection import configured, environment
from tests.builders.tenant.emulated_tenant import document, group, user
from tests.builders.tenant.plan_tenants import E3, E5, F3, PRICES, VISIO, grant
from tests.builders.tenant.planned_state import collected, proved, writer
from tests.builders.tenant.tenants import NOW, policy_set
from tests.emulator.fixtures import running_emulator
from tests.emulator.tenant.directory import load as load_tenant
from tests.emulator.tenant.directory import stable_id

pytestmark = pytest.mark.slow
LEAVERS = "  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}\n"
STORE = (
    "  - {id: store, severity: high, users: {department: Store, accountEnabled: true},"
    " assignments: {of: [SPE_E3, SPE_E5, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}}\n"
)
VIA = "  - {id: via, severity: medium, assignments: {of: [SPE_E3, SPE_F1], via: group}}\n"
TWICE = "  - {id: twice, severity: low, assignments: {of: [SPE_E3], duplicates: deny}}\n"
DYNAMIC = {"groupTypes": ["DynamicMembership"], "membershipRule": '(user.department -eq "`Store`")'}
UNCHANGEABLE_KINDS: dict[str, dict[str, Any]] = {
    "dynamic": DYNAMIC | {"membershipRuleProcessingState": "On"},
    "synced": {"onPremisesSyncEnabled": True},
    "role": {"isAssignableToRole": True},
    "mail": {"mailEnabled": True, "securityEnabled": True},
}


def prove(
    state: dict[str, Any], rules: str, folder: Path, *, answered: bool = False
) -> tuple[TenantPlan, dict[str, set[str]]]:
    return proved(state, policy_set("policies:\n" + rules + PRICES), folder, answered=answered)


def request_ends(plan: TenantPlan) -> list[tuple[str, str]]:
    return [(r["method"], str(r["path"]).rpartition("/")[2]) for action in plan.actions for r in action.requests]


def test_leaver_is_removed_from_the_group_and_other_members_stay(tmp_path: Path) -> None:
    lic = stable_id("plan", "LIC-E3")
    people = [user("leaver", grant(E3, lic), accountEnabled=False), user("stays", grant(E3, lic))]
    plan, held = prove(document(people, group("LIC-E3", E3, members=("leaver", "stays"))), LEAVERS, tmp_path)
    assert held == {"leaver": set(), "stays": {"SPE_E3"}}
    assert [(action.kind, action.confidence) for action in plan.actions] == [("leave-group", "review")]
    ((request,),) = [action.requests for action in plan.actions]
    assert request["method"] == "DELETE"
    assert request["path"] == f"/groups/{lic}/members/{people[0]['id']}/$ref", "without $ref it deletes the person"
    assert "GroupMember.ReadWrite.All" not in request["powershell"]
    assert request["powershell"].startswith("Remove-MgGroupMemberByRef -GroupId '")


def test_leaving_a_group_warns_about_its_other_products(tmp_path: Path) -> None:
    lic = stable_id("plan", "LIC")
    people = [
        user("mover", grant(E5, lic), grant(VISIO, lic), department="Store"),
        user("stays", grant(E5, lic), grant(VISIO, lic)),
    ]
    plan, held = prove(document(people, group("LIC", E5, VISIO, members=("mover", "stays"))), STORE, tmp_path)
    assert held == {"mover": {"SPE_F1"}, "stays": {"SPE_E5", "VISIOCLIENT"}}
    (action,) = plan.actions
    assert (action.kind, action.confidence, len(action.requests)) == ("move", "review", 2)
    assert any("VISIO" in warning.upper() for warning in action.warnings)


@pytest.mark.parametrize("two", [False, True])
def test_direct_licence_becomes_a_membership_if_one_group_assigns_it(tmp_path: Path, two: bool) -> None:  # noqa: FBT001
    lic = stable_id("plan", "LIC-E3")
    people = [user("direct", grant(E3)), user("member", grant(E3, lic))]
    groups = [group("LIC-E3", E3, members=("member",))]
    if two:
        people.append(user("other", grant(E3, stable_id("plan", "LIC-E3-2"))))
        groups.append(group("LIC-E3-2", E3, members=("other",)))
    plan, held = prove(document(people, *groups), VIA, tmp_path)
    assert held["direct"] == {"SPE_E3"}
    assert request_ends(plan) == ([] if two else [("POST", "$ref"), ("POST", "assignLicense")]), (
        "which group: a question"
    )
    assert [action.kind for action in plan.actions] == ["to-group"]


@pytest.mark.parametrize("mixed", [False, True])
def test_membership_becomes_a_direct_licence_if_a_policy_requires_it(tmp_path: Path, mixed: bool) -> None:  # noqa: FBT001
    lic, off = stable_id("plan", "LIC-E3"), ("57ff2da0-773e-42df-b2af-ffb7a2317929",)
    grants = [grant(E3, lic, off=off), *([grant(E3)] if mixed else [])]
    people = [user("member", *grants), user("stays", grant(E3, lic, off=off), department="Other")]
    licensing_group = group("LIC-E3", E3, members=("member", "stays"))
    licensing_group["assignedLicenses"] = [{"skuId": E3, "disabledPlans": list(off)}]
    rules = VIA.replace("via: group", "via: direct").replace(
        "assignments:", "users: {not: {department: Other}}, assignments:"
    )
    plan, held = prove(document(people, licensing_group), rules, tmp_path)
    assert held == {"member": {"SPE_E3"}, "stays": {"SPE_E3"}}
    assert request_ends(plan) == [("DELETE", "$ref")] if mixed else [("POST", "assignLicense"), ("DELETE", "$ref")]
    assert [action.kind for action in plan.actions] == ["leave-group" if mixed else "to-direct"]
    if not mixed:
        assert plan.actions[0].requests[0]["body"]["addLicenses"] == [{"skuId": E3, "disabledPlans": list(off)}]


@pytest.mark.parametrize("planned", [False, True])
def test_collection_for_a_plan_includes_properties_that_policies_do_not_need(tmp_path: Path, planned: bool) -> None:  # noqa: FBT001
    """Licences cannot be assigned without a usage location, and no policy of this test needs that property."""
    policies = policy_set("policies:\n" + STORE)
    state = document([user("starter", department="Store"), user("other", grant(F3))])
    with running_emulator([load_tenant(state)]) as emulator:
        needed = needs_of(policies, configured(emulator), planned=planned)
        outcome = collect_all(
            [configured(emulator)], lambda _: needed, root=tmp_path, instant=NOW, environ=environment(emulator)
        )[0]
        assert outcome.folder is not None
        plan = plan_run([read(outcome.folder)], policies, builtin(), NOW).tenants[0]
    assert request_ends(plan) == ([("POST", "assignLicense")] if planned else [])


def test_member_of_two_groups_with_the_same_licence_leaves_one(tmp_path: Path) -> None:
    first_group, second_group = stable_id("plan", "ONE"), stable_id("plan", "TWO")
    people = [
        user("twice", grant(E3, first_group), grant(E3, second_group)),
        user("first", grant(E3, first_group)), user("second", grant(E3, second_group)),
    ]  # fmt: skip
    groups = group("ONE", E3, members=("twice", "first")), group("TWO", E3, members=("twice", "second"))
    plan, held = prove(document(people, *groups), TWICE, tmp_path)
    assert held == {"twice": {"SPE_E3"}, "first": {"SPE_E3"}, "second": {"SPE_E3"}}
    assert request_ends(plan) == [("DELETE", "$ref")]


@pytest.mark.parametrize("kind", UNCHANGEABLE_KINDS)
def test_group_whose_members_graph_cannot_change_is_left_with_the_reason(tmp_path: Path, kind: str) -> None:
    lic = stable_id("plan", "LIC-E3")
    people = [user("leaver", grant(E3, lic), accountEnabled=False), user("stays", grant(E3, lic))]
    state = document(people, group("LIC-E3", E3, members=("leaver", "stays"), **UNCHANGEABLE_KINDS[kind]))
    plan, held = prove(state, LEAVERS, tmp_path)
    assert (request_ends(plan), held["leaver"]) == ([], {"SPE_E3"})
    ((item,), (action,)) = plan.proof.remaining, plan.actions
    assert item.code == ("premises" if kind == "synced" else "group")
    assert "`LIC-E3`" in item.why
    text = " ".join(action.steps)
    assert item.why in text
    if kind == "dynamic":
        assert "`department`" in text, "the attribute that the rule looks at"
        assert "(user.department -eq \"'Store'\")" in text, "the rule, with its backticks replaced"
    if kind == "synced":
        assert "(displayName=LIC-E3)" in text
        assert "(userPrincipalName=leaver@contoso.example)" in text
    with running_emulator([load_tenant(state)]) as emulator:
        path = f"{emulator.endpoint}/groups/{lic}/members/{people[0]['id']}/$ref"
        with writer(emulator) as client:
            response = client.delete(path)
    assert REFUSALS[kind] in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("selector", "code"),
    [
        ("LIC-E3", "limit"),
        ("{group: LIC-E3, transitive: true}", "limit"),
        ("{group: AROUND, transitive: true}", "group"),  # the nested groups were not collected
    ],
)
def test_removal_that_violates_a_policy_about_members_is_left_out(tmp_path: Path, selector: str, code: str) -> None:
    """The audit of the simulated tenant shows that the removal causes a new finding, so the plan leaves it out."""
    lic = stable_id("plan", "LIC-E3")
    people = [user("leaver", grant(E3, lic), accountEnabled=False), user("stays", grant(E3, lic))]
    parent = group("AROUND") | {"members": [lic]}
    state = document(people, group("LIC-E3", E3, members=("leaver", "stays")), parent)
    rule = "  - {id: out, severity: low, users: {not: {memberOf: LIC}}, assignments: {require: [VISIOCLIENT]}}\n"
    plan, held = prove(state, LEAVERS + rule.replace("LIC", selector), tmp_path)
    assert held["leaver"] == {"SPE_E3"}
    assert {item.code for item in plan.proof.remaining} == {code}


def test_remove_on_premises_quotes_any_name() -> None:
    line = remove_on_premises("LIC*)(x'; Remove-Item", ["a)(b@c.example", "o'brien@c.example"])
    assert line == (
        "Remove-ADGroupMember -Identity (Get-ADGroup -LDAPFilter "
        "'(|(displayName=LIC\\2a\\29\\28x''; Remove-Item)(cn=LIC\\2a\\29\\28x''; Remove-Item))')"
        " -Members (Get-ADUser -LDAPFilter "
        "'(|(userPrincipalName=a\\29\\28b@c.example)(userPrincipalName=o''brien@c.example))')"
    )


FRONT_RULE = '(user.department -eq "Store") and (user.accountEnabled -eq true)'
BREAK_POLICY = "  - {id: break, severity: medium, users: {jobTitle: Break}, assignments: {of: paid, allow: []}}\n"


def dynamic_group(name: str, sku: str, rule: str, *members: str) -> dict[str, Any]:
    kind = {"groupTypes": ["DynamicMembership"], "membershipRule": rule, "membershipRuleProcessingState": "On"}
    return group(name, sku, members=members, mailEnabled=False, securityEnabled=True, **kind)


def test_answered_plan_changes_properties_to_end_memberships_of_dynamic_groups(tmp_path: Path) -> None:
    front, office = stable_id("plan", "FRONT"), stable_id("plan", "OFFICE")
    people = [
        user("away", grant(F3, front), department="Store", jobTitle="Break"),
        user("synced", grant(F3, front), department="Store", jobTitle="Break", onPremisesSyncEnabled=True),
        user("stays", grant(F3, front), department="Store"),
        user("moved", grant(E3, office), department="Office", jobTitle="Break"),
        user("clerk", grant(E3, office), department="Office"),
    ]
    groups = (
        dynamic_group("FRONT", F3, FRONT_RULE, "away", "synced", "stays"),
        dynamic_group("OFFICE", E3, 'user.department -eq "Office"', "moved", "clerk"),
    )
    plan, held = prove(document(people, *groups), BREAK_POLICY + STORE, tmp_path, answered=True)
    assert held == {"away": set(), "synced": {"SPE_F1"}, "stays": {"SPE_F1"}, "moved": set(), "clerk": {"SPE_E3"}}
    bodies = [request["body"] for action in plan.actions for request in action.requests]
    assert bodies == [{"accountEnabled": False}, {"department": "Sales"}]
    assert plan.changes is not None
    undo = [step.undo.body for steps in plan.changes.steps.values() for step in steps if step.undo is not None]
    assert undo == [{"accountEnabled": True}, {"department": "Office"}]
    (remaining,) = plan.proof.remaining
    assert remaining.code == "decided", "a person has to make the change on premises"
    assert {(row.location, row.open, row.fixed) for row in plan.reach} == {
        ("graph", 2, 2), ("premises", 1, 0), ("purchase", 0, 0)
    }  # fmt: skip
    assert len(plan.questions) == 3
    sentences = [sentence(question, ENGLISH) for question in plan.questions]
    assert sorted(text.partition(" ")[0] for text in sentences) == ["Can", "Can", "Which"]
    assert all("dynamic group" in text for text in sentences)


@pytest.mark.parametrize(
    ("rule", "state", "gained"),
    [
        ('user.department -eq "Sales"', "On", {"SPE_F1"}),
        ('user.department -eq "Sales"', "Paused", set()),  # adds no members until it is resumed
        ('user.department -match "Sa.*"', "On", None),  # the result of the rule is unknown
    ],
)
def test_setting_a_property_that_a_dynamic_group_matches_assigns_its_licence(
    tmp_path: Path, rule: str, state: str, gained: set[str] | None
) -> None:
    people = [
        user("known", grant(F3, stable_id("plan", "FRONT")), department="Sales"),
        user("placeless", grant(E3), department=None),
    ]
    tenant = document(people, dynamic_group("FRONT", F3, rule, "known") | {"membershipRuleProcessingState": state})
    rules = "  - {id: placed, severity: low, attributes: {require: [department]}}\n"
    if gained is not None:
        plan, held = prove(tenant, rules, tmp_path, answered=True)
        assert (held, plan.proof.remaining) == ({"known": {"SPE_F1"}, "placeless": {"SPE_E3", *gained}}, ())
        return
    policies = policy_set("policies:\n" + rules + PRICES)
    with running_emulator([load_tenant(tenant)]) as emulator:
        (plan,) = answered_plan([collected(emulator, tmp_path, policies)], policies)[0].tenants
    assert (request_ends(plan), [item.code for item in plan.proof.remaining]) == ([], ["decided"])


@pytest.mark.parametrize("holder", ["same", "less", "nobody"])
def test_group_licence_is_retried_if_the_corrected_location_offers_the_product(tmp_path: Path, holder: str) -> None:
    """A holder of the product with the same services in the new location shows that it is not prohibited there."""
    lic, off = stable_id("plan", "LIC-E3"), "57ff2da0-773e-42df-b2af-ffb7a2317929"
    prohibited = grant(E3, lic, error="ProhibitedInUsageLocationViolation")
    held = {"same": [grant(E3)], "less": [grant(E3, off=(off,))], "nobody": []}[holder]
    people = [
        user("placed", prohibited, usageLocation="AE"),
        user("left", prohibited, usageLocation="AE", department="Gulf"),
        user("holder", *held, usageLocation="NL"),
    ]
    rules = (
        "  - {id: errors, severity: high, health: {errors: deny}}\n"
        "  - {id: location, severity: medium, users: {not: {department: Gulf}},"
        " attributes: {allow: {usageLocation: [NL]}}}\n"
    )
    state = document(people, group("LIC-E3", E3, members=("placed", "left")))
    state["subscribedSkus"][0]["@emulator.prohibited"] = ["AE"]
    plan, after = prove(state, rules, tmp_path)
    retries = [("POST", "reprocessLicenseAssignment")] if holder == "same" else []
    assert request_ends(plan) == [("PATCH", people[0]["id"]), *retries]
    assert after["placed"] == ({"SPE_E3"} if retries else set())
    assert [action.guidance for action in plan.actions if action.kind == "reprocess"] == (
        ["group-error-location"] if retries else []
    )
