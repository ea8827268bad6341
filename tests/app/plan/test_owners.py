"""`auditor plan --by owner`: each owner gets the actions of their policies, and every action has an owner."""

import csv
import io
import json
from pathlib import Path

import pytest

from auditor.app.plan.owners import owned_actions, owner_documents
from auditor.localization import localization
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, expect
from tests.builders.tenant.plan_tenants import E3, E5, PRICES, fleet, grant, snapshot, user

RULES = f"""version: 1
policies:
  - {{id: leavers, title: Nobody <who> left has E3, severity: high, owner: It@contoso.example, users: {{accountEnabled: false}}, assignments: {{deny: [SPE_E3]}}}}
  - {{id: one, severity: medium, owner: ../../etc/passwd, assignments: {{exclusive: [[SPE_E3, SPE_E5]]}}}}
  - {{id: places, severity: low, users: {{department: Sales}}, attributes: {{require: [usageLocation]}}}}
{PRICES}
"""
LOCATIONS = "  - {id: here, severity: medium, owner: It@contoso.example, users: {department: Sales}, attributes: {require: [usageLocation]}}"
PEOPLE = [
    user("both", grant(E3), grant(E5), displayName="<b>Bo</b>"),
    user("kim", department="Sales", usageLocation=None),
    user("lea", grant(E3), accountEnabled=False),
]


@pytest.mark.slow
def test_every_action_is_in_one_owner_folder_without_data_of_others(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES)
    write(tmp_path / "state", snapshot(PEOPLE, {E3: 9, E5: 9}))
    plan = ("plan", "--snapshot", "state", "--as-of", AS_OF, "-q", "-f", "json", "--by", "owner", "rules.yaml")
    expect(0, *plan, cwd=tmp_path)
    (tenant,) = json.loads((tmp_path / "out" / "plan.json").read_text())["tenants"]
    folders = {path.name: path for path in (tmp_path / "out" / "owners").iterdir() if path.is_dir()}
    files = json.loads((tmp_path / "out" / "owners" / "owners.json").read_text())["files"]
    assert {(entry["owner"], *entry["names"]) for entry in files} == {
        ("it@contoso.example", "it@contoso.example"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "no-owner"),
    }
    assert folders.keys() == {"it@contoso.example", "etc-passwd", "no-owner"}
    rows = {}
    for name, folder in folders.items():
        text = (folder / "approvals.csv").read_text(encoding="utf-8-sig")
        rows[name] = list(csv.DictReader(io.StringIO(text, newline="")))
        assert b"<b>Bo" not in (folder / "actions.html").read_bytes()
    numbers = [int(row["action"]) for table in rows.values() for row in table if not row["question"]]
    assert sorted(numbers) == list(range(1, len(tenant["actions"]) + 1))
    question_ids = [row["question"] for table in rows.values() for row in table if row["question"]]
    assert sorted(question_ids) == sorted(question["id"] for question in tenant["questions"])
    page = (folders["it@contoso.example"] / "actions.html").read_text()
    assert "If nothing is done, 1 finding stays open. Costs of €35.70 a month continue." in page
    assert "Policy: Nobody &lt;who&gt; left has E3<" in page, "why the owner is asked"
    assert "skip: true – Leave it as it is, with a reason" in page
    assert "kim" not in page


@pytest.mark.slow
def test_action_with_two_owners_is_listed_for_both_in_folders_per_tenant() -> None:
    rules = (
        RULES.removeprefix("version: 1\n")
        .replace("policies:", f"policies:\n{LOCATIONS}")
        .replace("id: places,", 'id: places, owner: "Smith, John",')
    )
    plan = fleet([snapshot(PEOPLE, {E3: 9, E5: 9}, name=name) for name in ("alpha", "beta")], rules)
    tenant = plan.tenants[0]
    actions = owned_actions(tenant)
    assert actions.keys() == {"it@contoso.example", "../../etc/passwd", "smith, john"}, "an owner may contain a comma"
    assert set().union(*actions.values()) == set(range(1, len(tenant.actions) + 1))
    (both,) = actions["smith, john"]
    assert both in actions["it@contoso.example"]
    assert tenant.actions[both - 1].owner == "It@contoso.example, Smith, John"
    names = {child.names for child, _ in owner_documents(Path("x"), plan, localization("en"))}
    assert ("owners", "smith-john", "beta", "approvals.csv") in names


@pytest.mark.parametrize("owner", ["Con", "nul.txt", "owner-con"])
def test_folder_of_an_owner_is_never_the_name_of_a_windows_device(owner: str) -> None:
    rules = RULES.removeprefix("version: 1\n").replace("owner: It@contoso.example", f"owner: {owner}")
    plan = fleet([snapshot(PEOPLE, {E3: 9, E5: 9})], rules)
    folders = {child.names[1] for child, _ in owner_documents(Path("x"), plan, localization("en"))}
    assert folders == {f"owner-{owner.casefold().removeprefix('owner-')}", "etc-passwd", "no-owner", "owners.json"}
