"""approvals.csv: one row per action and open question, without cells that a spreadsheet would compute."""

import csv
from io import StringIO
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.localization import localization
from auditor.remedy.planner.model import TenantPlan
from auditor.render.plan.approvals import COLUMNS, approvals_csv
from auditor.render.plan.question_text import answer_text
from tests.builders.result.hostile_texts import HOSTILE
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.plan_tenants import E3, E5, PRICES, grant, planned, snapshot, user

RULES = f"""policies:
  - {{id: one, severity: medium, assignments: {{exclusive: [[SPE_E3, SPE_E5]]}}}}
  - {{id: leavers, severity: high, users: {{accountEnabled: false}}, assignments: {{deny: [SPE_E3]}}}}
{PRICES}
"""


def rows(plan: TenantPlan) -> list[dict[str, str]]:
    body = approvals_csv(plan, localization("en"))
    assert body.startswith(b"\xef\xbb\xbf")
    reader = csv.DictReader(StringIO(body.decode("utf-8-sig"), newline=""))
    assert tuple(reader.fieldnames or ()) == COLUMNS
    return list(reader)


def test_questions_follow_the_action_of_their_findings() -> None:
    leaver = user("leaver", grant(E3), accountEnabled=False)
    plan = planned(snapshot([leaver, user("both", grant(E3), grant(E5))], {E3: 9, E5: 9}), RULES)
    table = rows(plan)
    assert [row["title"] for row in table if not row["question"]] == [action.title for action in plan.actions]
    questions = {row["question"]: row for row in table if row["question"]}
    assert questions.keys() == {question.id for question in plan.open_questions}
    for question in plan.open_questions:
        row = questions[question.id]
        actions = [item for item in table[: table.index(row)] if not item["question"]]
        assert row["action"] == actions[-1]["action"]
        assert set(question.findings) <= set(plan.actions[int(row["action"]) - 1].findings)
        assert row["answers"].split(" | ") == [answer_text(answer) for answer in question.answers]
    assert any("keep: SPE_E3" in row["answers"] for row in questions.values())
    saving = next(row for row in table if "leaver" in row["people"] and not row["question"])
    assert (saving["products"], saving["monthlySaving"], saving["currency"]) == ("Microsoft 365 E3", "35.70", "EUR")
    assert {row["approve"] for row in table} == {""}
    (title,) = (row["title"] for row in questions.values() if "keep: SPE_E3" in row["answers"])
    assert ("Microsoft 365 E3" in title, "SPE_E3" in title) == (True, False), title


def test_actions_and_questions_have_the_titles_of_their_policies() -> None:
    rules = f"""
policies:
  - {{id: one, title: "Nobody has two suites, ever", severity: low, assignments: {{exclusive: [[SPE_E3, SPE_E5]]}}}}
  - {{id: leavers, severity: high, users: {{accountEnabled: false}}, assignments: {{deny: paid}}}}
{PRICES}
"""
    people = [user("both", grant(E3), grant(E5)), user("left", grant(E3), accountEnabled=False)]
    table = rows(planned(snapshot(people, {E3: 9, E5: 9}), rules))
    policies = {(bool(row["question"]), "left" in row["people"]): row["policies"] for row in table}
    assert policies == {
        (False, False): "Nobody has two suites, ever",
        (True, False): "Nobody has two suites, ever",
        (False, True): "leavers",
        (True, True): "leavers",
    }, "a policy without a title has its id"


def test_questions_of_an_action_about_one_person_are_together() -> None:
    plan = planned(snapshot([user("both", grant(E3), grant(E5))], {E3: 9, E5: 9}), RULES)
    (question,) = plan.open_questions
    questions = tuple(replace(question, id=f"{number}", subject=subject) for number, subject in enumerate("abab"))
    asked = [row["question"] for row in rows(replace(plan, questions=questions)) if row["question"]]
    assert asked == ["0", "2", "1", "3"]


def test_required_sets_and_pools_are_named_by_their_products() -> None:
    rules = f"""
products: {{office: [SPE_E3, SPE_E5]}}
policies:
  - {{id: staff, severity: high, assignments: {{require: [office]}}}}
  - {{id: pool, severity: low, seats: {{of: office, pool: true, spare: {{max: 1}}}}}}
{PRICES}
"""
    table = rows(planned(snapshot([user("ann"), user("bo", grant(E3))], {E3: 9, E5: 9}), rules))
    products = {row["products"] for row in table}
    assert "Microsoft 365 E3 or Microsoft 365 E5" in products
    assert "Microsoft 365 E3 + Microsoft 365 E5" in products
    assert not any("office" in text for text in products)


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - {"surrogate"}))  # a snapshot cannot contain surrogates
def test_hostile_names_are_text_in_a_spreadsheet(name: str) -> None:
    people = [
        user(f"u{number}", grant(E3), displayName=f"{HOSTILE[name]}{number}", accountEnabled=False)
        for number in range(2)
    ]
    for row in rows(planned(snapshot(people, {E3: 9}), RULES)):
        assert not row["people"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert not any(character in row["people"] for character in "\x00\x1b\u202e\u2066")


@pytest.mark.slow
def test_long_list_of_people_ends_with_the_number_of_the_others() -> None:
    people = [user(f"p{number:03}", grant(E3), accountEnabled=False) for number in range(202)]
    rules = "policies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: paid}}]"
    action, *_ = rows(planned(snapshot(people, {E3: 202}), rules))
    names = action["people"].split(", ")
    assert len(names) == 200
    assert names[-1].endswith(" and 2 others")


@pytest.mark.slow
def test_approvals_are_one_file_per_tenant(tmp_path: Path) -> None:
    plan = ("plan", "--demo", "--as-of", AS_OF, "-q")
    assert call(*plan, "-f", "approvals", cwd=tmp_path).code == 0
    paths = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.csv"))
    assert paths == ["out/contoso/approvals.csv", "out/fabrikam/approvals.csv"]
    both_tenants = call(*plan, "-f", "approvals=-,json", "-o", "p", "--store", "st", cwd=tmp_path)
    assert (both_tenants.code, both_tenants.out) == (2, b""), both_tenants.err
    assert "choose one with --tenant" in both_tenants.err
    assert [(tmp_path / name).exists() for name in ("p", "st")] == [False, False]
    single_tenant = call(*plan, "--tenant", "contoso", "-f", "approvals=-", cwd=tmp_path)
    assert single_tenant.out == (tmp_path / paths[0]).read_bytes()
