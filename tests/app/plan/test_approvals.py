"""approvals.csv: a row for each action and open question, which a spreadsheet shows and does not compute."""

import csv
from io import StringIO
from pathlib import Path

import pytest

from auditor.app.plan.approvals import COLUMNS, approvals_csv
from auditor.localization import localization
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.planner.text.question_text import answer_text
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


def test_questions_follow_the_action_that_their_findings_belong_to() -> None:
    leaver = user("leaver", grant(E3), accountEnabled=False)
    plan = planned(snapshot([leaver, user("both", grant(E3), grant(E5))], {E3: 9, E5: 9}), RULES)
    found = rows(plan)
    assert [row["title"] for row in found if not row["question"]] == [action.title for action in plan.actions]
    asked = {row["question"]: row for row in found if row["question"]}
    assert asked.keys() == {question.id for question in plan.open_questions}
    for question in plan.open_questions:
        row = asked[question.id]
        above = [each for each in found[: found.index(row)] if not each["question"]]
        assert row["action"] == above[-1]["action"]
        assert set(question.findings) <= set(plan.actions[int(row["action"]) - 1].findings)
        assert row["answers"].split(" | ") == [answer_text(answer) for answer in question.answers]
    assert any("keep: SPE_E3" in row["answers"] for row in asked.values())
    saving = next(row for row in found if "leaver" in row["people"] and not row["question"])
    assert (saving["products"], saving["monthlySaving"], saving["currency"]) == ("Microsoft 365 E3", "35.70", "EUR")
    assert {row["approve"] for row in found} == {""}
    (kept,) = (row["title"] for row in asked.values() if "keep: SPE_E3" in row["answers"])
    assert ("Microsoft 365 E3" in kept, "SPE_E3" in kept) == (True, False), kept


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - {"surrogate"}))  # no snapshot holds a surrogate
def test_names_are_text_in_a_spreadsheet(name: str) -> None:
    people = [user(f"u{n}", grant(E3), displayName=f"{HOSTILE[name]}{n}", accountEnabled=False) for n in range(2)]
    for row in rows(planned(snapshot(people, {E3: 9}), RULES)):
        assert not row["people"].startswith(("=", "+", "-", "@", "\t", "\r"))
        assert not any(sign in row["people"] for sign in "\x00\x1b\u202e\u2066")


@pytest.mark.slow
def test_every_tenant_has_its_own_file(tmp_path: Path) -> None:
    plan = ("plan", "--demo", "--as-of", AS_OF, "-q")
    assert call(*plan, "-f", "approvals", cwd=tmp_path).code == 0
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.csv"))
    assert written == ["out/contoso/approvals.csv", "out/fabrikam/approvals.csv"]
    several = call(*plan, "-f", "approvals=-", cwd=tmp_path)
    assert (several.code, several.out) == (2, b""), several.err
    assert "choose one with --tenant" in several.err
    alone = call(*plan, "--tenant", "contoso", "-f", "approvals=-", cwd=tmp_path)
    assert alone.out == (tmp_path / written[0]).read_bytes()
