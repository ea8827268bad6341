"""Decisions: what each kind of answer changes in the plan, which questions it answers, and what is told of those that do not fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.domain.errors import InputError
from auditor.domain.policy.decision import Question
from auditor.policy.loader import Loaded, load
from auditor.policy.yaml.writer import block
from auditor.remedy.messages import ENGLISH
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.remedy.planner.text.question_text import question_stubs
from auditor.snapshot.model import Snapshot
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.answers import decided
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
WHO = {
    "both": user("both", grant(E3), grant(E5), department="Store"),
    "leaver": user("leaver", grant(E3), accountEnabled=False, department="Sales"),
    "office": user("office", grant(F3), department="Office"),
    "placeless": user("placeless", grant(F3), department=None),
    "synced": user("synced", grant(F3), department=None, onPremisesSyncEnabled=True),
}


def state(*names: str, **more: Any) -> Snapshot:
    return snapshot([WHO[name] for name in names], {E3: 9, E5: 9, F3: 9}, **more)


def loaded(decisions: list[dict[str, Any]]) -> Loaded:
    return decided(RULES + PRICES, *decisions)


def fleet(states: list[Snapshot], *decisions: dict[str, Any]) -> FleetPlan:
    found = loaded(list(decisions))
    plan = plan_run(states, found.policies, builtin(), NOW, decisions=found.decisions)
    assert plan.proven
    return plan


def planned(of: Snapshot, *decisions: dict[str, Any]) -> TenantPlan:
    return fleet([of], *decisions).tenants[0]


def asked(of: Snapshot, kind: str) -> Question:
    (question,) = [each for each in planned(of).questions if each.kind == kind]
    assert question.decision is None
    return question


def requests(plan: TenantPlan) -> list[tuple[str, Any]]:
    return [(r["method"], r["body"]) for action in plan.actions for r in action.requests]


@pytest.mark.parametrize(
    ("who", "kind", "answer", "expected"),
    [
        ("both", "keep", {"keep": "SPE_E3"}, [([], ["SPE_E5"])]),
        ("both", "keep", {"keep": ["SPE_E5"]}, [([], ["SPE_E3"])]),
        ("leaver", "release", {"release": True}, [([], ["SPE_E3"])]),
        ("leaver", "release", {"release": False}, []),
        ("leaver", "release", {"skip": True}, []),
        ("office", "give", {"give": "SPE_E5"}, [(["SPE_E5"], [])]),
    ],
)
def test_an_answer_decides_what_the_plan_does(
    who: str, kind: str, answer: dict[str, Any], expected: list[tuple[list[str], list[str]]]
) -> None:
    question = asked(state(who), kind)
    plan = planned(state(who), {"question": question.id, "answer": answer, "reason": "because"})
    assert [(added, gone) for _, added, gone in bodies(plan)] == expected
    assert [each.decision for each in plan.questions if each.id == question.id] == ["D-0"]
    if expected:
        assert {action.confidence for action in plan.actions if action.requests} == {"certain"}, "nobody has to decide"
        assert not set(question.findings) & {item.fingerprint for item in plan.proof.remaining}
    else:
        remaining = {item.fingerprint: item for item in plan.proof.remaining}
        assert {remaining[mark].code for mark in question.findings} == {"decided"}
        assert all("because" in remaining[mark].why for mark in question.findings)


def test_without_an_answer_a_person_has_to_decide() -> None:
    assert [action.confidence for action in planned(state("leaver")).actions if action.requests] == ["review"]
    assert [added for _, added, _ in bodies(planned(state("office")))] == [["SPE_E3"]], "the cheapest"


def test_an_attribute_is_set_unless_it_is_kept_on_premises() -> None:
    for who, body in (("placeless", [("PATCH", {"department": "O'Hara"})]), ("synced", [])):
        question = asked(state(who), "set")
        plan = planned(state(who), {"question": question.id, "answer": {"set": {"department": "O'Hara"}}})
        assert requests(plan) == body
        assert [item.code for item in plan.proof.remaining] == ([] if body else ["decided"])


def in_groups(*people: dict[str, Any], groups: tuple[str, ...] = ("g1", "g2"), **more: Any) -> Snapshot:
    """A tenant with some people and groups that give E3, each with one member."""
    members = [user(f"in-{name}", grant(E3, name), department="X") for name in groups]
    rows = [group(f"LIC {name}", E3, identifier=name, **{**CLOUD, **more.get(name, {})}) for name in groups]
    return snapshot([*people, *members], more.get("seats", {E3: 9, F3: 9}), groups=rows)


def paths(plan: TenantPlan) -> list[str]:
    return [request["path"] for action in plan.actions for request in action.requests]


def test_one_of_several_groups_is_chosen() -> None:
    of = in_groups(user("direct", grant(E3), department="Via"))
    question = asked(of, "group")
    assert [dict(answer) for answer in question.answers[:2]] == [{"group": {"id": "g1"}}, {"group": {"id": "g2"}}]
    plan = planned(of, {"question": question.id, "answer": {"group": {"id": "g2"}}})
    assert paths(plan)[0] == "/groups/g2/members/$ref"
    assert plan.proof.remaining == ()


def test_a_group_is_chosen_for_a_product_that_somebody_is_to_get() -> None:
    of = in_groups(WHO["office"], groups=("g1", "g2", "synced"), synced={"onPremisesSyncEnabled": True})
    without = planned(of)
    (question,) = [each for each in without.questions if each.kind == "group"]
    assert paths(without) == ["/users/office/assignLicense"], "the plan chooses no group by itself"
    assert question.answers == ({"group": {"id": "g1"}}, {"group": {"id": "g2"}}, {"skip": True})
    assert set(question.findings) == set(without.proof.fixed)
    plan = planned(of, {"question": question.id, "answer": {"group": {"id": "g2"}}})
    assert paths(plan) == ["/groups/g2/members/$ref"]
    assert [action.confidence for action in plan.actions] == ["certain"]
    assert plan.proof.remaining == ()
    skipped = planned(of, {"question": question.id, "answer": {"skip": True}, "reason": "later"})
    assert (paths(skipped), [item.code for item in skipped.proof.remaining]) == ([], ["decided"])


def test_one_group_that_gives_a_product_raises_no_question() -> None:
    assert not planned(in_groups(WHO["office"], groups=("g1",))).questions
    both = in_groups(WHO["office"], synced={"onPremisesSyncEnabled": True}, groups=("g1", "synced"))
    assert not planned(both).questions, "nobody can be added to the other one"


def test_which_group_gives_one_of_several_products_is_asked_after_the_product() -> None:
    of = in_groups(WHO["office"], user("second", grant(F3), department="Office"), seats={E3: 9, E5: 9, F3: 9})
    assert {each.kind for each in planned(of).questions} == {"give"}
    give = {"for": {"policy": "office"}, "answer": {"give": "SPE_E3"}}
    kinds = [(each.kind, each.decision) for each in planned(of, give).questions]
    assert sorted(kinds) == [("give", "D-0"), ("give", "D-0"), ("group", None), ("group", None)]
    plan = planned(of, give, {"for": {"policy": "office", "products": ["suite"]}, "answer": {"group": {"id": "g1"}}})
    assert not plan.open_questions
    assert paths(plan) == ["/groups/g1/members/$ref"] * 2, "an answer in words covers both people"
    assert plan.proof.remaining == ()
    assert not plan.notices


@pytest.mark.parametrize(
    ("decisions", "code"),
    [
        ([{"answer": {"group": {"id": "g1"}}, "until": "2026-11-19"}], "decision.expired"),
        ([{"answer": {"group": {"id": "g1"}}}, {"answer": {"group": {"id": "g2"}}}], "decision.contradicting"),
        ([{"answer": {"group": {"id": "g3"}}}], "decision.unfit"),
        ([{"answer": {"give": "SPE_E3"}}], "decision.unfit"),
    ],
)
def test_an_answer_about_groups_that_does_not_hold_is_not_followed(decisions: list[dict[str, Any]], code: str) -> None:
    of = in_groups(WHO["office"])
    question = asked(of, "group")
    plan = planned(of, *({"question": question.id, **each} for each in decisions))
    assert [notice.code for notice in plan.notices] == [code]
    assert paths(plan) == ["/users/office/assignLicense"]
    assert [each.id for each in plan.open_questions] == [question.id]


def test_answers_name_groups_where_people_choose_them() -> None:
    plan = fleet([in_groups(WHO["office"])])
    stubs = "".join(question_stubs(plan.tenants, plan.as_of, ENGLISH))
    assert "# answer: {group: {id: g1}} # LIC g1\n" in stubs


def test_an_answer_in_words_covers_many_and_no_others() -> None:
    of = snapshot(
        [WHO["both"], user("other", grant(E3), grant(E5), department="Store"), user("third", grant(E3), grant(E5), department="X")],
        {E3: 9, E5: 9},
    )  # fmt: skip
    selection = {"policy": "one", "check": "assignment.overlap", "products": ["suite"], "users": "store"}
    plan = planned(of, {"for": selection, "answer": {"keep": "SPE_E5"}})
    answered = {each.name for each in plan.questions if each.decision == "D-0"}
    assert {name.partition(" ")[0].casefold() for name in answered} == {"both", "other"}
    assert planned(of, {"for": {**selection, "tenants": ["fabrikam"]}, "answer": {"keep": "SPE_E5"}}).open_questions


@pytest.mark.parametrize(
    ("decisions", "code"),
    [
        ([{"answer": {"keep": "SPE_E5"}, "until": "2026-11-19"}], "decision.expired"),
        ([{"answer": {"keep": "SPE_E5"}}, {"answer": {"keep": "SPE_E3"}}], "decision.contradicting"),
        ([{"answer": {"keep": "VISIOCLIENT"}}], "decision.unfit"),
        ([{"answer": {"release": True}}], "decision.unfit"),
    ],
)
def test_answers_that_do_not_hold_are_reported_and_not_followed(decisions: list[dict[str, Any]], code: str) -> None:
    question = asked(state("both"), "keep")
    plan = planned(state("both"), *({"question": question.id, **each} for each in decisions))
    assert [notice.code for notice in plan.notices] == [code]
    assert [each.id for each in plan.open_questions if each.kind == "keep"] == [question.id]
    assert bodies(plan) == bodies(planned(state("both")))


def test_an_answer_without_a_question_is_reported_once_for_all_tenants() -> None:
    states = [state("both"), state("both", name="fabrikam")]
    plan = fleet(states, {"question": "0" * 12, "answer": {"release": True}})
    assert [notice.code for notice in plan.notices] == ["decision.unmatched"]
    ids = [{question.id for question in tenant.questions} for tenant in plan.tenants]
    assert not ids[0] & ids[1], "another tenant asks other questions"
    again = fleet([state("leaver", "both")])
    assert ids[0] <= {question.id for question in again.tenants[0].questions}, "and the same ones the next night"


def test_stubs_are_refused_until_they_are_filled_in() -> None:
    plan = fleet([state("both", "leaver", "placeless")])
    text = "".join(question_stubs(plan.tenants, plan.as_of, ENGLISH))
    files = [("p.yaml", (RULES + PRICES).encode())]
    with pytest.raises(InputError):
        load(files, decisions=[("questions.yaml", text.encode())])
    filled = text.replace('by: ""', "by: me@c.example").replace("    answer: {}\n", "")
    for question in plan.tenants[0].questions:
        stub = filled.partition(f"question: {question.id}")[2] or filled.partition(f'question: "{question.id}"')[2]
        line = stub.split("\n")[1]
        assert line.startswith("    # answer: {")
        filled = filled.replace(stub, stub.replace("# answer", "answer", 1).replace("<value>", "Sales", 1))
    found = load(files, decisions=[("decisions.yaml", filled.encode())])
    answered = plan_run(
        [state("both", "leaver", "placeless")], found.policies, builtin(), NOW, decisions=found.decisions
    )
    assert answered.tenants[0].open_questions == ()
    assert answered.tenants[0].proof.remaining == ()


def test_the_command_reads_decisions_beside_the_policies_and_validate_checks_them(tmp_path: Path) -> None:
    demo = ("plan", "--demo", "--tenant", "contoso", "--as-of", AS_OF, "-q")
    assert call(*demo, "-f", "json,questions", cwd=tmp_path).code == 0
    questions = json.loads((tmp_path / "out" / "plan.json").read_text())["tenants"][0]["questions"]
    stubs = (tmp_path / "out" / "questions.yaml").read_text()
    assert stubs.count("question:") == len(questions) > 20
    renewed = [line for line in stubs.splitlines() if "renew: true" in line]
    bases = {"if every other question gets its first answer", "what a policy asks for today", "as many as today"}
    assert {line.partition("}} # ")[2] for line in renewed} == bases
    assumed = sum(each["assumesAnswers"] for each in questions)
    assert stubs.count("# if every other question gets its first answer") == assumed
    chosen = next(each for each in questions if each["kind"] == "release")
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(RULES + PRICES)
    file = tmp_path / "policies" / "decisions.yaml"
    item = {
        "id": "D-1",
        "question": chosen["id"],
        "answer": {"release": False},
        "by": "me@c.example",
        "on": "2026-11-20",
    }
    file.write_text(f"version: 1\ndecisions:\n{block([item])}")
    assert "1 decision" in call("validate", cwd=tmp_path).err
    assert call(*demo, "--decisions", "policies/decisions.yaml", "-f", "json", "-o", "again", cwd=tmp_path).code == 0
    tenant = json.loads((tmp_path / "again" / "plan.json").read_text())["tenants"][0]
    assert {each["decision"] for each in tenant["questions"] if each["id"] == chosen["id"]} == {"D-1"}
    codes = {item["fingerprint"]: item["code"] for item in tenant["proof"]["remaining"]}
    assert {codes[mark] for mark in chosen["findings"]} == {"decided"}
    file.write_text(file.read_text().replace("release: false", "release: maybe") + "  - {id: D-1}\n")
    ran = call("validate", cwd=tmp_path)
    assert (ran.code, "policies/decisions.yaml:5:" in ran.err) == (2, True), ran.err


def test_bad_decisions_name_their_place() -> None:
    wrong: list[dict[str, Any]] = [
        {"for": {"policy": "ones"}, "answer": {"keep": "SPE_E3"}},
        {"question": "0" * 12, "answer": {"skip": True}},
        {"question": "0" * 12, "answer": {"release": True}, "on": "2026-11-31"},
    ]
    with pytest.raises(InputError) as refused:
        loaded([*wrong, {"id": "D-0", "question": "0" * 12, "answer": {"release": True}}])
    assert {each.slug for each in refused.value.diagnostics} == {
        "decision-unknown-policy", "decision-reason", "policy-bad-date", "decision-duplicate-id",
    }  # fmt: skip
    assert all(each.span is not None and each.span.file == "decisions.yaml" for each in refused.value.diagnostics)
    assert PARTS[E3] == "SPE_E3"


def test_cost_centres_are_left_to_people_because_graph_would_empty_the_division() -> None:
    rules = "version: 1\npolicies: [{id: charged, severity: low, attributes: {require: [costCenter]}}]\n"
    answer = {"for": {"policy": "charged"}, "answer": {"set": {"costCenter": "4711"}}}
    found = decided(rules, answer)
    plan = plan_run([state("office")], found.policies, builtin(), NOW, decisions=found.decisions).tenants[0]
    assert (plan.questions, requests(plan)) == ((), [])
    assert len(plan.proof.remaining) == 1


def test_an_add_on_goes_with_the_suite_only_by_a_decision_and_only_where_a_policy_asks_for_the_suite() -> None:
    base = "  - {id: base, severity: high, users: {holds: [VISIOCLIENT]}, assignments: {require: [SPE_E3]}}\n"
    rules = RULES.replace("{of: paid, allow: []}", "{deny: [SPE_E3]}").encode()
    leaver = user("leaver", grant(E3), grant(VISIO), accountEnabled=False, department="Sales")
    tenant = snapshot([leaver], {E3: 9, VISIO: 9})
    removed = []
    for text in (rules, rules + base.encode()):
        undecided = plan_run([tenant], load([("p.yaml", text)]).policies, builtin(), NOW)
        answers = loaded([{"for": {"policy": "leavers"}, "answer": {"release": True}}]).decisions
        plan = plan_run([tenant], load([("p.yaml", text)]).policies, builtin(), NOW, decisions=answers)
        assert plan.proven
        removed.append([bodies(each.tenants[0]) for each in (undecided, plan)])
    path = "/users/leaver/assignLicense"
    assert removed[0] == [[(path, [], ["SPE_E3"])]] * 2
    assert removed[1] == [[], [(path, [], ["SPE_E3", "VISIOCLIENT"])]]


@pytest.mark.parametrize(
    ("allowed", "answers"),
    [(([],), ["<value>"]), ((["NL", "BE"],), ["NL", "BE"]), ((["NL", "BE", "SE"], ["SE", "NL"]), ["NL", "SE"])],
)
def test_a_missing_value_is_asked_for_with_the_values_that_all_policies_allow(
    allowed: tuple[list[str], ...], answers: list[str]
) -> None:
    lists = "".join(
        f"  - {{id: allowed{n}, severity: low, attributes: {{allow: {{usageLocation: [{', '.join(values)}]}}}}}}\n"
        for n, values in enumerate(allowed)
        if values
    )
    text = "version: 1\npolicies:\n  - {id: located, severity: low, attributes: {require: [usageLocation]}}\n" + lists
    nowhere = snapshot([user("nowhere", grant(F3), usageLocation=None)], {F3: 9})
    (question,) = plan_run([nowhere], load([("p.yaml", text.encode())]).policies, builtin(), NOW).tenants[0].questions
    asked_for = [each["set"]["usageLocation"] for each in question.answers if "set" in each]
    assert asked_for == answers
