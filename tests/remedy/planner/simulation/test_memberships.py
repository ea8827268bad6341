"""People who leave and join groups: Graph's refusals, seats, policies about members, and the emulator's agreement."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.app.tenants.collection import PLAN_NEEDS, collect_all, needs_of
from auditor.catalogue import builtin
from auditor.domain.enums import Status
from auditor.remedy.messages import ENGLISH
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.planner.simulation.membership_reasons import remove_on_premises
from auditor.remedy.planner.simulation.memberships import REFUSALS
from auditor.remedy.planner.text.question_text import sentence
from auditor.snapshot.reader import read
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.collection import configured, environment
from tests.builders.tenant.plan_tenants import E3, E5, F3, PARTS, PRICES, VISIO, grant, user
from tests.builders.tenant.plan_tenants import group as processed_group
from tests.builders.tenant.planned_state import collected
from tests.builders.tenant.tenants import NOW, policy_set
from tests.emulator.fixtures import running_emulator
from tests.emulator.tenant.directory import load as load_tenant
from tests.emulator.tenant.directory import stable_id

WRITE = ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "GroupMember.ReadWrite.All"]
LEAVERS = "  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}\n"
STORE = (
    "  - {id: store, severity: high, users: {department: Store, accountEnabled: true},"
    " assignments: {of: [SPE_E3, SPE_E5, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}}\n"
)
VIA = "  - {id: via, severity: medium, assignments: {of: [SPE_E3, SPE_F1], via: group}}\n"
TWICE = "  - {id: twice, severity: low, assignments: {of: [SPE_E3], duplicates: deny}}\n"
DYNAMIC = {"groupTypes": ["DynamicMembership"], "membershipRule": '(user.department -eq "`Store`")'}
KINDS: dict[str, dict[str, Any]] = {
    "dynamic": DYNAMIC | {"membershipRuleProcessingState": "On"},
    "synced": {"onPremisesSyncEnabled": True},
    "role": {"isAssignableToRole": True},
    "mail": {"mailEnabled": True, "securityEnabled": True},
}


def identified(name: str, *grants: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return user(name, *grants, **facts) | {"id": stable_id("plan", name)}


def group(name: str, *skus: str, members: tuple[str, ...] = (), **kind: Any) -> dict[str, Any]:
    addresses = [f"{member}@contoso.example" for member in members]
    return processed_group(name, *skus, identifier=stable_id("plan", name), members=addresses, **kind)


def document(people: list[dict[str, Any]], *groups: dict[str, Any], **seats: int) -> dict[str, Any]:
    enabled = {E3: 9, E5: 9, F3: 9, VISIO: 9} | {sku: seats[part] for sku, part in PARTS.items() if part in seats}
    return {
        "name": "contoso",
        "tenantId": stable_id("plan", "contoso"),
        "users": people,
        "subscribedSkus": [{"skuPartNumber": PARTS[sku], "enabled": count} for sku, count in enabled.items()],
        "groups": list(groups),
    }


def proven(
    state: dict[str, Any], rules: str, folder: Path, *, answered: bool = False
) -> tuple[TenantPlan, dict[str, set[str]]]:
    """Plan for a tenant, send every request to the emulator, and compare what is open then with the proof.

    `answered` plans have an answer to every question.
    """
    policies = policy_set("policies:\n" + rules + PRICES)
    with running_emulator([load_tenant(state)]) as emulator:
        before = [collected(emulator, folder / "before", policies)]
        plan = answered_plan(before, policies)[0] if answered else plan_run(before, policies, builtin(), NOW)
        assert plan.proven
        token = emulator.bearer("contoso", roles=WRITE)
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
            for request in [request for action in plan.tenants[0].actions for request in action.requests]:
                path, body = request["path"], request["body"]
                answer = client.request(request["method"], f"{emulator.endpoint}{path}", json=body)
                assert answer.is_success, answer.text
        after = audit([collected(emulator, folder / "after", policies)], policies, builtin(), NOW).tenants[0]
        people = emulator.tenants["contoso"].people
        held = {
            str(people.value(row, "userPrincipalName")).partition("@")[0]: {
                PARTS[licence["skuId"]] for licence in people.value(row, "assignedLicenses")
            }
            for row in range(len(people))
        }
    opened = {finding.fingerprint for finding in after.findings if finding.status is Status.OPEN}
    assert opened == {item.fingerprint for item in plan.tenants[0].proof.remaining}
    return plan.tenants[0], held


def paths(plan: TenantPlan) -> list[tuple[str, str]]:
    return [(r["method"], str(r["path"]).rpartition("/")[2]) for action in plan.actions for r in action.requests]


@pytest.mark.slow
def test_who_should_not_hold_it_leaves_the_group_and_others_stay(tmp_path: Path) -> None:
    lic = stable_id("plan", "LIC-E3")
    people = [identified("leaver", grant(E3, lic), accountEnabled=False), identified("stays", grant(E3, lic))]
    plan, held = proven(document(people, group("LIC-E3", E3, members=("leaver", "stays"))), LEAVERS, tmp_path)
    assert held == {"leaver": set(), "stays": {"SPE_E3"}}
    assert [(action.kind, action.confidence) for action in plan.actions] == [("leave-group", "review")]
    ((request,),) = [action.requests for action in plan.actions]
    assert request["method"] == "DELETE"
    assert request["path"] == f"/groups/{lic}/members/{people[0]['id']}/$ref", "without $ref it deletes the person"
    assert "GroupMember.ReadWrite.All" not in request["powershell"]
    assert request["powershell"].startswith("Remove-MgGroupMemberByRef -GroupId '")


@pytest.mark.slow
def test_what_a_group_gives_besides_is_lost_and_reported(tmp_path: Path) -> None:
    lic = stable_id("plan", "LIC")
    people = [
        identified("mover", grant(E5, lic), grant(VISIO, lic), department="Store"),
        identified("stays", grant(E5, lic), grant(VISIO, lic)),
    ]
    plan, held = proven(document(people, group("LIC", E5, VISIO, members=("mover", "stays"))), STORE, tmp_path)
    assert held == {"mover": {"SPE_F1"}, "stays": {"SPE_E5", "VISIOCLIENT"}}
    (action,) = plan.actions
    assert (action.kind, action.confidence, len(action.requests)) == ("move", "review", 2)
    assert any("VISIO" in warning.upper() for warning in action.warnings)


@pytest.mark.slow
@pytest.mark.parametrize("two", [False, True])
def test_a_direct_path_becomes_a_membership_where_one_group_gives_it(tmp_path: Path, two: bool) -> None:  # noqa: FBT001
    lic = stable_id("plan", "LIC-E3")
    people = [identified("direct", grant(E3)), identified("member", grant(E3, lic))]
    groups = [group("LIC-E3", E3, members=("member",))]
    if two:
        people.append(identified("other", grant(E3, stable_id("plan", "LIC-E3-2"))))
        groups.append(group("LIC-E3-2", E3, members=("other",)))
    plan, held = proven(document(people, *groups), VIA, tmp_path)
    assert held["direct"] == {"SPE_E3"}
    assert paths(plan) == ([] if two else [("POST", "$ref"), ("POST", "assignLicense")]), "which one is a question"
    assert [action.kind for action in plan.actions] == ["to-group"]


@pytest.mark.slow
@pytest.mark.parametrize("mixed", [False, True])
def test_a_membership_becomes_a_direct_path_where_a_policy_asks(tmp_path: Path, mixed: bool) -> None:  # noqa: FBT001
    lic, off = stable_id("plan", "LIC-E3"), ("57ff2da0-773e-42df-b2af-ffb7a2317929",)
    own = [grant(E3, lic, off=off), *([grant(E3)] if mixed else [])]
    people = [identified("member", *own), identified("stays", grant(E3, lic, off=off), department="Other")]
    giving = group("LIC-E3", E3, members=("member", "stays"))
    giving["assignedLicenses"] = [{"skuId": E3, "disabledPlans": list(off)}]
    rules = VIA.replace("via: group", "via: direct").replace(
        "assignments:", "users: {not: {department: Other}}, assignments:"
    )
    plan, held = proven(document(people, giving), rules, tmp_path)
    assert held == {"member": {"SPE_E3"}, "stays": {"SPE_E3"}}
    assert paths(plan) == [("DELETE", "$ref")] if mixed else [("POST", "assignLicense"), ("DELETE", "$ref")]
    assert [action.kind for action in plan.actions] == ["leave-group" if mixed else "to-direct"]
    if not mixed:
        assert plan.actions[0].requests[0]["body"]["addLicenses"] == [{"skuId": E3, "disabledPlans": list(off)}]


@pytest.mark.slow
@pytest.mark.parametrize("planned", [False, True])
def test_what_a_plan_needs_is_collected_where_the_policies_need_less(tmp_path: Path, planned: bool) -> None:  # noqa: FBT001
    """Without a usage location nothing can be assigned, and no policy here asks for it."""
    policies = policy_set("policies:\n" + STORE)
    state = document([identified("starter", department="Store"), identified("other", grant(F3))])
    with running_emulator([load_tenant(state)]) as emulator:
        needed = needs_of(policies, configured(emulator)).union(*([PLAN_NEEDS] if planned else []))
        outcome = collect_all(
            [configured(emulator)], lambda _: needed, root=tmp_path, instant=NOW, environ=environment(emulator)
        )[0]
        assert outcome.folder is not None
        plan = plan_run([read(outcome.folder)], policies, builtin(), NOW).tenants[0]
    assert paths(plan) == ([("POST", "assignLicense")] if planned else [])


@pytest.mark.slow
def test_of_two_groups_that_give_the_same_one_is_left(tmp_path: Path) -> None:
    one, two = stable_id("plan", "ONE"), stable_id("plan", "TWO")
    people = [
        identified("twice", grant(E3, one), grant(E3, two)),
        identified("first", grant(E3, one)), identified("second", grant(E3, two)),
    ]  # fmt: skip
    groups = group("ONE", E3, members=("twice", "first")), group("TWO", E3, members=("twice", "second"))
    plan, held = proven(document(people, *groups), TWICE, tmp_path)
    assert held == {"twice": {"SPE_E3"}, "first": {"SPE_E3"}, "second": {"SPE_E3"}}
    assert paths(plan) == [("DELETE", "$ref")]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_members_that_graph_does_not_change_are_left_with_the_reason(tmp_path: Path, kind: str) -> None:
    lic = stable_id("plan", "LIC-E3")
    people = [identified("leaver", grant(E3, lic), accountEnabled=False), identified("stays", grant(E3, lic))]
    state = document(people, group("LIC-E3", E3, members=("leaver", "stays"), **KINDS[kind]))
    plan, held = proven(state, LEAVERS, tmp_path)
    assert (paths(plan), held["leaver"]) == ([], {"SPE_E3"})
    ((item,), (action,)) = plan.proof.remaining, plan.actions
    assert item.code == ("premises" if kind == "synced" else "group")
    assert "`LIC-E3`" in item.why
    text = " ".join(action.steps)
    assert item.why in text
    if kind == "dynamic":
        assert "`department`" in text, "the attribute that the rule looks at"
        assert "(user.department -eq \"'Store'\")" in text, "the rule, and no backtick of it ends its code span"
    if kind == "synced":
        assert "(displayName=LIC-E3)" in text
        assert "(userPrincipalName=leaver@contoso.example)" in text
    with running_emulator([load_tenant(state)]) as emulator:
        bearer = {"Authorization": f"Bearer {emulator.bearer('contoso', roles=WRITE)}"}
        path = f"{emulator.endpoint}/groups/{lic}/members/{people[0]['id']}/$ref"
        refused = httpx.delete(path, headers=bearer, trust_env=False)
    assert REFUSALS[kind] in refused.json()["error"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("selector", "code"),
    [
        ("LIC-E3", "limit"),
        ("{group: LIC-E3, transitive: true}", "limit"),
        ("{group: AROUND, transitive: true}", "group"),  # which groups are within it was not read
    ],
)
def test_a_policy_about_members_sees_who_left(tmp_path: Path, selector: str, code: str) -> None:
    """A change that a policy about the group calls wrong is left out: the audit of the copy decides."""
    lic = stable_id("plan", "LIC-E3")
    people = [identified("leaver", grant(E3, lic), accountEnabled=False), identified("stays", grant(E3, lic))]
    around = group("AROUND") | {"members": [lic]}
    state = document(people, group("LIC-E3", E3, members=("leaver", "stays")), around)
    outside = "  - {id: out, severity: low, users: {not: {memberOf: LIC}}, assignments: {require: [VISIOCLIENT]}}\n"
    outside = outside.replace("LIC", selector)
    rules = LEAVERS + outside
    plan, held = proven(state, rules, tmp_path)
    assert held["leaver"] == {"SPE_E3"}
    assert {item.code for item in plan.proof.remaining} == {code}


def test_a_line_for_the_local_directory_holds_any_name() -> None:
    line = remove_on_premises("LIC*)(x'; Remove-Item", ["a)(b@c.example", "o'brien@c.example"])
    assert line == (
        "Remove-ADGroupMember -Identity (Get-ADGroup -LDAPFilter '(displayName=LIC\\2a\\29\\28x''; Remove-Item)')"
        " -Members (Get-ADUser -LDAPFilter "
        "'(|(userPrincipalName=a\\29\\28b@c.example)(userPrincipalName=o''brien@c.example))')"
    )


FRONT = '(user.department -eq "Store") and (user.accountEnabled -eq true)'
BREAK = "  - {id: break, severity: medium, users: {jobTitle: Break}, assignments: {of: paid, allow: []}}\n"


def ruled(name: str, sku: str, rule: str, *members: str) -> dict[str, Any]:
    kind = {"groupTypes": ["DynamicMembership"], "membershipRule": rule, "membershipRuleProcessingState": "On"}
    return group(name, sku, members=members, mailEnabled=False, securityEnabled=True, **kind)


@pytest.mark.slow
def test_who_is_blocked_leaves_a_dynamic_group(tmp_path: Path) -> None:
    front, office = stable_id("plan", "FRONT"), stable_id("plan", "OFFICE")
    people = [
        identified("away", grant(F3, front), department="Store", jobTitle="Break"),
        identified("synced", grant(F3, front), department="Store", jobTitle="Break", onPremisesSyncEnabled=True),
        identified("stays", grant(F3, front), department="Store"),
        identified("moved", grant(E3, office), department="Office", jobTitle="Break"),
        identified("clerk", grant(E3, office), department="Office"),
    ]
    groups = (
        ruled("FRONT", F3, FRONT, "away", "synced", "stays"),
        ruled("OFFICE", E3, 'user.department -eq "Office"', "moved", "clerk"),
    )
    plan, held = proven(document(people, *groups), BREAK + STORE, tmp_path, answered=True)
    assert held == {"away": set(), "synced": {"SPE_F1"}, "stays": {"SPE_F1"}, "moved": set(), "clerk": {"SPE_E3"}}
    bodies = [request["body"] for action in plan.actions for request in action.requests]
    assert bodies == [{"accountEnabled": False}, {"department": "Sales"}]
    assert plan.changes is not None
    undo = [step.undo.body for steps in plan.changes.steps.values() for step in steps if step.undo is not None]
    assert undo == [{"accountEnabled": True}, {"department": "Office"}]
    (left,) = plan.proof.remaining
    assert left.code == "decided", "a person carries it out on premises"
    assert {(row.location, row.open, row.fixed) for row in plan.reach} == {
        ("graph", 2, 2), ("premises", 1, 0), ("purchase", 0, 0)
    }  # fmt: skip
    assert len(plan.questions) == 3
    asked = [sentence(question, ENGLISH) for question in plan.questions]
    assert sorted(each.partition(" ")[0] for each in asked) == ["May", "May", "Which"]
    assert all("dynamic group" in each for each in asked)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "state", "gained"),
    [
        ('user.department -eq "Sales"', "On", {"SPE_F1"}),
        ('user.department -eq "Sales"', "Paused", set()),  # takes nobody in until it is resumed
        ('user.department -match "Sa.*"', "On", None),  # what the rule makes of it is not known
    ],
)
def test_an_attribute_that_brings_somebody_into_a_dynamic_group_gives_its_licence(
    tmp_path: Path, rule: str, state: str, gained: set[str] | None
) -> None:
    people = [
        identified("known", grant(F3, stable_id("plan", "FRONT")), department="Sales"),
        identified("placeless", grant(E3), department=None),
    ]
    tenant = document(people, ruled("FRONT", F3, rule, "known") | {"membershipRuleProcessingState": state})
    rules = "  - {id: placed, severity: low, attributes: {require: [department]}}\n"
    if gained is not None:
        plan, held = proven(tenant, rules, tmp_path, answered=True)
        assert (held, plan.proof.remaining) == ({"known": {"SPE_F1"}, "placeless": {"SPE_E3", *gained}}, ())
        return
    policies = policy_set("policies:\n" + rules + PRICES)
    with running_emulator([load_tenant(tenant)]) as emulator:
        (plan,) = answered_plan([collected(emulator, tmp_path, policies)], policies)[0].tenants
    assert (paths(plan), [item.code for item in plan.proof.remaining]) == ([], ["decided"])


@pytest.mark.slow
@pytest.mark.parametrize("holder", ["same", "less", "nobody"])
def test_a_group_licence_is_retried_where_a_corrected_location_offers_it(tmp_path: Path, holder: str) -> None:
    """Somebody in the new location who has the product with the same services shows that it is not prohibited there."""
    lic, off = stable_id("plan", "LIC-E3"), "57ff2da0-773e-42df-b2af-ffb7a2317929"
    prohibited = grant(E3, lic, error="ProhibitedInUsageLocationViolation")
    held = {"same": [grant(E3)], "less": [grant(E3, off=(off,))], "nobody": []}[holder]
    people = [
        identified("placed", prohibited, usageLocation="AE"),
        identified("left", prohibited, usageLocation="AE", department="Gulf"),
        identified("holder", *held, usageLocation="NL"),
    ]
    rules = (
        "  - {id: errors, severity: high, health: {errors: deny}}\n"
        "  - {id: location, severity: medium, users: {not: {department: Gulf}},"
        " attributes: {allow: {usageLocation: [NL]}}}\n"
    )
    state = document(people, group("LIC-E3", E3, members=("placed", "left")))
    state["subscribedSkus"][0]["@emulator.prohibited"] = ["AE"]
    plan, after = proven(state, rules, tmp_path)
    retried = [("POST", "reprocessLicenseAssignment")] if holder == "same" else []
    assert paths(plan) == [("PATCH", people[0]["id"]), *retried]
    assert after["placed"] == ({"SPE_E3"} if retried else set())
    assert [action.guidance for action in plan.actions if action.kind == "reprocess"] == (
        ["group-error-location"] if retried else []
    )
