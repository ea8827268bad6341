"""Decisions: how answers change the plan, which questions they match, and notices about those that do not apply."""

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.domain.errors import InputError
from auditor.domain.policy.decision import Question
from auditor.policy.loader import load
from auditor.policy.yaml.writer import block
from auditor.remedy.english import ENGLISH
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.render.plan.question_text import answer_templates
from auditor.snapshot.model import Snapshot
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.answers import decided, decided_plan
from tests.builders.tenant.plan_tenants import E3, E5, F3, PARTS, PRICES, VISIO, bodies, grant, group, snapshot, user
from tests.builders.tenant.tenants import NOW

pytestmark = pytest.mark.slow

CLOUD = {"groupTypes": [], "mailEnabled": False, "securityEnabled": True}
RULES = """version: 1
products: {suite: [SPE_E3, SPE_E5]}
populations: {store: {department: Store}}
policies:
  - {id: one, severity: medium, assignments: {exclusive: [[SPE_E3, SPE_E5]]}}
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: office, severity: high, users: {department: Office}, assignments: {require: [suite]}}
  - {id: placed, severity: low, attributes: {require: [department]}}
  - {id: via, severity: medium, users: {department: Via}, assignments: {of: [SPE_E3], via: group}}
"""
PEOPLE = {
    "both": user("both", grant(E3), grant(E5), department="Store"),
    "leaver": user("leaver", grant(E3), accountEnabled=False, department="Sales"),
    "office": user("office", grant(F3), department="Office"),
    "placeless": user("placeless", grant(F3), department=None),
    "synced": user("synced", grant(F3), department=None, onPremisesSyncEnabled=True),
}


def state(*names: str, **more: Any) -> Snapshot:
    return snapshot([PEOPLE[name] for name in names], {E3: 9, E5: 9, F3: 9}, **more)


def fleet(states: list[Snapshot], *decisions: dict[str, Any]) -> FleetPlan:
    return decided_plan(RULES + PRICES, states, *decisions)


def planned(before: Snapshot, *decisions: dict[str, Any]) -> TenantPlan:
    return fleet([before], *decisions).tenants[0]


def question_of_kind(before: Snapshot, kind: str) -> Question:
    (question,) = [question for question in planned(before).questions if question.kind == kind]
    assert question.decision is None
    return question


def requests(plan: TenantPlan) -> list[tuple[str, Any]]:
    return [(r["method"], r["body"]) for action in plan.actions for r in action.requests]


@pytest.mark.parametrize(
    ("person", "kind", "answer", "expected"),
    [
        ("both", "keep", {"keep": "SPE_E3"}, [([], ["SPE_E5"])]),
        ("both", "keep", {"keep": ["SPE_E5"]}, [([], ["SPE_E3"])]),
        ("leaver", "release", {"release": True}, [([], ["SPE_E3"])]),
        ("leaver", "release", {"release": False}, []),
        ("leaver", "release", {"skip": True}, []),
        ("office", "give", {"give": "SPE_E5"}, [(["SPE_E5"], [])]),
    ],
)
def test_answer_decides_the_requests_of_the_plan(
    person: str, kind: str, answer: dict[str, Any], expected: list[tuple[list[str], list[str]]]
) -> None:
    question = question_of_kind(state(person), kind)
    plan = planned(state(person), {"question": question.id, "answer": answer, "reason": "because"})
    assert [(added, removed) for _, added, removed in bodies(plan)] == expected
    assert [item.decision for item in plan.questions if item.id == question.id] == ["D-0"]
    if expected:
        assert {action.confidence for action in plan.actions if action.requests} == {"certain"}, "no decision is left"
        assert not set(question.findings) & {item.fingerprint for item in plan.proof.remaining}
    else:
        remaining = {item.fingerprint: item for item in plan.proof.remaining}
        assert {remaining[fingerprint].code for fingerprint in question.findings} == {"decided"}
        assert all("because" in remaining[fingerprint].why for fingerprint in question.findings)


def test_action_needs_review_without_an_answer() -> None:
    assert [action.confidence for action in planned(state("leaver")).actions if action.requests] == ["review"]
    assert [added for _, added, _ in bodies(planned(state("office")))] == [["SPE_E3"]], "the cheapest product"


def test_property_is_set_unless_the_user_is_synchronised_from_on_premises() -> None:
    for person, body in (("placeless", [("PATCH", {"department": "O'Hara"})]), ("synced", [])):
        question = question_of_kind(state(person), "set")
        plan = planned(state(person), {"question": question.id, "answer": {"set": {"department": "O'Hara"}}})
        assert requests(plan) == body
        assert [item.code for item in plan.proof.remaining] == ([] if body else ["decided"])


def in_groups(*people: dict[str, Any], groups: tuple[str, ...] = ("g1", "g2"), **more: Any) -> Snapshot:
    """A tenant with the given people, and groups that assign E3 to one member each."""
    members = [user(f"in-{name}", grant(E3, name), department="X") for name in groups]
    rows = [group(f"LIC {name}", E3, identifier=name, **{**CLOUD, **more.get(name, {})}) for name in groups]
    return snapshot([*people, *members], more.get("seats", {E3: 9, F3: 9}), groups=rows)


def paths(plan: TenantPlan) -> list[str]:
    return [request["path"] for action in plan.actions for request in action.requests]


def test_answer_chooses_one_of_several_groups() -> None:
    before = in_groups(user("direct", grant(E3), department="Via"))
    question = question_of_kind(before, "group")
    assert [dict(answer) for answer in question.answers[:2]] == [{"group": {"id": "g1"}}, {"group": {"id": "g2"}}]
    plan = planned(before, {"question": question.id, "answer": {"group": {"id": "g2"}}})
    assert paths(plan)[0] == "/groups/g2/members/$ref"
    assert plan.proof.remaining == ()


def test_answer_chooses_the_group_that_assigns_a_missing_product() -> None:
    before = in_groups(PEOPLE["office"], groups=("g1", "g2", "synced"), synced={"onPremisesSyncEnabled": True})
    unanswered = planned(before)
    (question,) = [item for item in unanswered.questions if item.kind == "group"]
    assert paths(unanswered) == ["/users/office/assignLicense"], "the plan chooses no group by itself"
    assert question.answers == ({"group": {"id": "g1"}}, {"group": {"id": "g2"}}, {"skip": True})
    assert set(question.findings) == set(unanswered.proof.fixed)
    plan = planned(before, {"question": question.id, "answer": {"group": {"id": "g2"}}})
    assert paths(plan) == ["/groups/g2/members/$ref"]
    assert [action.confidence for action in plan.actions] == ["certain"]
    assert plan.proof.remaining == ()
    skipped = planned(before, {"question": question.id, "answer": {"skip": True}, "reason": "later"})
    assert (paths(skipped), [item.code for item in skipped.proof.remaining]) == ([], ["decided"])


def test_title_says_which_product_should_go_if_a_group_assigns_it() -> None:
    dynamic = {"groupTypes": ["DynamicMembership"], "membershipRule": 'user.department -eq "Store"'}
    person = user("both", grant(E3, "g1"), grant(E5), department="Store")
    before = in_groups(person, groups=("g1",), g1=dynamic)
    question = question_of_kind(before, "keep")
    plan = planned(before, {"question": question.id, "answer": {"keep": "SPE_E5"}})
    (action,) = [action for action in plan.actions if set(question.findings) & set(action.findings)]
    assert (action.requests, action.confidence) == ((), "certain")
    assert action.title == (
        "Unassign Microsoft 365 E3 from 1 person (decided, but the members of a group have to be changed manually)"
    )
    assert [item.code for item in plan.proof.remaining if item.fingerprint in question.findings] == ["decided"]


def test_single_group_for_a_product_raises_no_question() -> None:
    assert not planned(in_groups(PEOPLE["office"], groups=("g1",))).questions
    both = in_groups(PEOPLE["office"], synced={"onPremisesSyncEnabled": True}, groups=("g1", "synced"))
    assert not planned(both).questions, "members of the synchronised group cannot be changed"


def test_question_about_the_group_follows_the_answer_about_the_product() -> None:
    before = in_groups(PEOPLE["office"], user("second", grant(F3), department="Office"), seats={E3: 9, E5: 9, F3: 9})
    assert {question.kind for question in planned(before).questions} == {"give"}
    give = {"for": {"policy": "office"}, "answer": {"give": "SPE_E3"}}
    kinds = [(question.kind, question.decision) for question in planned(before, give).questions]
    assert sorted(kinds) == [("give", "D-0"), ("give", "D-0"), ("group", None), ("group", None)]
    plan = planned(
        before, give, {"for": {"policy": "office", "products": ["suite"]}, "answer": {"group": {"id": "g1"}}}
    )
    assert not plan.open_questions
    assert paths(plan) == ["/groups/g1/members/$ref"] * 2, "a decision with a scope covers both people"
    assert plan.proof.remaining == ()
    assert not plan.notices


def test_question_stubs_name_the_groups_in_a_comment() -> None:
    plan = fleet([in_groups(PEOPLE["office"])])
    stubs = "".join(answer_templates(plan.tenants, plan.as_of, ENGLISH))
    assert "# answer: {group: {id: g1}} # LIC g1\n" in stubs


def test_decision_with_a_scope_covers_only_matching_questions() -> None:
    before = snapshot(
        [PEOPLE["both"], user("other", grant(E3), grant(E5), department="Store"), user("third", grant(E3), grant(E5), department="X")],
        {E3: 9, E5: 9},
    )  # fmt: skip
    selection = {"policy": "one", "check": "assignment.overlap", "products": ["suite"], "users": "store"}
    plan = planned(before, {"for": selection, "answer": {"keep": "SPE_E5"}})
    answered = {question.name for question in plan.questions if question.decision == "D-0"}
    assert {name.partition(" ")[0].casefold() for name in answered} == {"both", "other"}
    assert planned(before, {"for": {**selection, "tenants": ["fabrikam"]}, "answer": {"keep": "SPE_E5"}}).open_questions


@pytest.mark.parametrize(
    ("kind", "decisions", "code"),
    [
        ("keep", [{"answer": {"keep": "SPE_E5"}, "until": "2026-11-19"}], "decision.expired"),
        ("keep", [{"answer": {"keep": "SPE_E5"}}, {"answer": {"keep": "SPE_E3"}}], "decision.contradicting"),
        ("keep", [{"answer": {"keep": "VISIOCLIENT"}}], "decision.unfit"),
        ("keep", [{"answer": {"release": True}}], "decision.unfit"),
        ("group", [{"answer": {"group": {"id": "g1"}}, "until": "2026-11-19"}], "decision.expired"),
        ("group", [{"answer": {"group": {"id": id_}}} for id_ in ("g1", "g2")], "decision.contradicting"),
        ("group", [{"answer": {"group": {"id": "g3"}}}], "decision.unfit"),
        ("group", [{"answer": {"give": "SPE_E3"}}], "decision.unfit"),
    ],
)
def test_inapplicable_answers_are_reported_and_ignored(kind: str, decisions: list[dict[str, Any]], code: str) -> None:
    before = state("both") if kind == "keep" else in_groups(PEOPLE["office"])
    question = question_of_kind(before, kind)
    plan = planned(before, *({"question": question.id, **item} for item in decisions))
    assert [notice.code for notice in plan.notices] == [code]
    assert [item.id for item in plan.open_questions if item.kind == kind] == [question.id]
    assert requests(plan) == requests(planned(before))


def test_unmatched_decision_is_reported_once_for_all_tenants() -> None:
    states = [state("both"), state("both", name="fabrikam")]
    plan = fleet(states, {"question": "0" * 12, "answer": {"release": True}})
    assert [notice.code for notice in plan.notices] == ["decision.unmatched"]
    ids = [{question.id for question in tenant.questions} for tenant in plan.tenants]
    assert not ids[0] & ids[1], "questions of other tenants have other ids"
    second_plan = fleet([state("leaver", "both")])
    assert ids[0] <= {question.id for question in second_plan.tenants[0].questions}, "ids are stable between runs"


def test_question_stubs_are_refused_until_they_are_filled_in() -> None:
    plan = fleet([state("both", "leaver", "placeless")])
    text = "".join(answer_templates(plan.tenants, plan.as_of, ENGLISH))
    files = [("p.yaml", (RULES + PRICES).encode())]
    with pytest.raises(InputError):
        load(files, decisions=[("questions.yaml", text.encode())])
    filled = text.replace('by: ""', "by: me@c.example").replace("    answer: {}\n", "")
    for question in plan.tenants[0].questions:
        stub = filled.partition(f"question: {question.id}")[2] or filled.partition(f'question: "{question.id}"')[2]
        line = stub.split("\n")[1]
        assert line.startswith("    # answer: {")
        filled = filled.replace(stub, stub.replace("# answer", "answer", 1).replace("<value>", "Sales", 1))
    filled_in = load(files, decisions=[("decisions.yaml", filled.encode())])
    answered = plan_run(
        [state("both", "leaver", "placeless")], filled_in.policies, builtin(), NOW, decisions=filled_in.decisions
    )
    assert answered.tenants[0].open_questions == ()
    assert answered.tenants[0].proof.remaining == ()


def test_plan_and_validate_commands_read_decisions_from_the_policy_folder(tmp_path: Path) -> None:
    demo = ("plan", "--demo", "--tenant", "contoso", "--as-of", AS_OF, "-q")
    assert call(*demo, "-f", "json,questions", cwd=tmp_path).code == 0
    questions = json.loads((tmp_path / "out" / "plan.json").read_text())["tenants"][0]["questions"]
    stubs = (tmp_path / "out" / "questions.yaml").read_text()
    assert stubs.count("question:") == len(questions) > 20
    renewed = [line for line in stubs.splitlines() if "renew: true" in line]
    proposed = "enough for all changes that the plan proposes"
    bases = {line.partition("}} # ")[2] for line in renewed}
    required = "what the policy “No paid product has more than 10% of its seats (or 5 seats) spare” requires today"
    assert {proposed, required, "as many as today"} <= bases
    assert {basis for basis in bases if "policy" not in basis} == {proposed, "as many as today"}
    assumed = sum(question["assumesAnswers"] for question in questions)
    assert stubs.count(f"# {proposed}") == assumed
    release = next(question for question in questions if question["kind"] == "release")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(RULES + PRICES)
    file = tmp_path / "policies" / "decisions.yaml"
    item = {
        "id": "D-1",
        "question": release["id"],
        "answer": {"release": False},
        "by": "me@c.example",
        "on": "2026-11-20",
    }
    file.write_text(f"version: 1\ndecisions:\n{block([item])}")
    assert "1 decision" in call("validate", cwd=tmp_path).err
    assert call(*demo, "--decisions", "policies/decisions.yaml", "-f", "json", "-o", "again", cwd=tmp_path).code == 0
    tenant = json.loads((tmp_path / "again" / "plan.json").read_text())["tenants"][0]
    assert {question["decision"] for question in tenant["questions"] if question["id"] == release["id"]} == {"D-1"}
    codes = {item["fingerprint"]: item["code"] for item in tenant["proof"]["remaining"]}
    assert {codes[fingerprint] for fingerprint in release["findings"]} == {"decided"}
    file.write_text(file.read_text().replace("release: false", "release: maybe") + "  - {id: D-1}\n")
    completed = call("validate", cwd=tmp_path)
    assert (completed.code, "policies/decisions.yaml:5:" in completed.err) == (2, True), completed.err


def test_invalid_decisions_are_reported_with_their_location() -> None:
    wrong: list[dict[str, Any]] = [
        {"for": {"policy": "ones"}, "answer": {"keep": "SPE_E3"}},
        {"question": "0" * 12, "answer": {"skip": True}},
        {"question": "0" * 12, "answer": {"release": True}, "on": "2026-11-31"},
    ]
    with pytest.raises(InputError) as caught:
        decided(RULES + PRICES, *wrong, {"id": "D-0", "question": "0" * 12, "answer": {"release": True}})
    assert {diagnostic.slug for diagnostic in caught.value.diagnostics} == {
        "decision-unknown-policy", "decision-reason", "policy-bad-date", "decision-duplicate-id",
    }  # fmt: skip
    assert all(
        diagnostic.span is not None and diagnostic.span.file == "decisions.yaml"
        for diagnostic in caught.value.diagnostics
    )
    assert PARTS[E3] == "SPE_E3"


def test_cost_centre_is_not_set_because_graph_would_empty_the_division() -> None:
    rules = "version: 1\npolicies: [{id: charged, severity: low, attributes: {require: [costCenter]}}]\n"
    answer = {"for": {"policy": "charged"}, "answer": {"set": {"costCenter": "4711"}}}
    plan = decided_plan(rules, [state("office")], answer).tenants[0]
    assert (plan.questions, requests(plan)) == ((), [])
    assert len(plan.proof.remaining) == 1


def test_add_on_is_removed_with_its_suite_only_by_decision_and_if_a_policy_requires_the_suite() -> None:
    base = "  - {id: base, severity: high, users: {holds: [VISIOCLIENT]}, assignments: {require: [SPE_E3]}}\n"
    rules = RULES.replace("{of: paid, allow: []}", "{deny: [SPE_E3]}")
    leaver = user("leaver", grant(E3), grant(VISIO), accountEnabled=False, department="Sales")
    tenant = snapshot([leaver], {E3: 9, VISIO: 9})
    removed = []
    for text in (rules, rules + base):
        undecided = decided_plan(text, [tenant])
        plan = decided_plan(text, [tenant], {"for": {"policy": "leavers"}, "answer": {"release": True}})
        removed.append([bodies(item.tenants[0]) for item in (undecided, plan)])
    path = "/users/leaver/assignLicense"
    assert removed[0] == [[(path, [], ["SPE_E3"])]] * 2
    assert removed[1] == [[], [(path, [], ["SPE_E3", "VISIOCLIENT"])]]


@pytest.mark.parametrize(
    ("allowed", "answers"),
    [(([],), ["<value>"]), ((["NL", "BE"],), ["NL", "BE"]), ((["NL", "BE", "SE"], ["SE", "NL"]), ["NL", "SE"])],
)
def test_question_about_a_missing_value_offers_the_values_that_all_policies_allow(
    allowed: tuple[list[str], ...], answers: list[str]
) -> None:
    lists = "".join(
        f"  - {{id: allowed{n}, severity: low, attributes: {{allow: {{usageLocation: [{', '.join(values)}]}}}}}}\n"
        for n, values in enumerate(allowed)
        if values
    )
    text = "version: 1\npolicies:\n  - {id: located, severity: low, attributes: {require: [usageLocation]}}\n" + lists
    nowhere = snapshot([user("nowhere", grant(F3), usageLocation=None)], {F3: 9})
    (question,) = decided_plan(text, [nowhere]).tenants[0].questions
    offered = [answer["set"]["usageLocation"] for answer in question.answers if "set" in answer]
    assert offered == answers
