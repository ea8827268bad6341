"""`auditor decide`: answers in a spreadsheet become decisions, either all of them or none."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.policy.yaml.reader import parse
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, Ran, call
from tests.builders.tenant.plan_tenants import E3, E5, PRICES, grant, snapshot, user

RULES = f"""version: 1
policies:
  - {{id: one, severity: medium, assignments: {{exclusive: [[SPE_E3, SPE_E5]]}}}}
  - {{id: leavers, severity: high, users: {{accountEnabled: false}}, assignments: {{deny: [SPE_E3]}}}}
  - {{id: places, severity: low, users: {{department: Sales}}, attributes: {{require: [usageLocation]}}}}
{PRICES}
"""
DECISIONS = "# what was decided\nversion: 1\ndecisions:\n- id: D-0 # first\n  for: {policy: one, users: {userPrincipalName: x@y.example}}\n  answer: {skip: true}\n  by: a\n  on: 2026-11-01\n  reason: b\n# end\n"


def plan_in(folder: Path, policies: str, state: Snapshot) -> None:
    """Write policies and a snapshot to a folder, then a plan with its approvals."""
    (folder / "policies").mkdir()
    (folder / "policies" / "rules.yaml").write_text(policies)
    write(folder / "state", state)
    plan = ("plan", "--snapshot", "state", "--as-of", AS_OF, "-q", "-f", "json,approvals")
    assert call(*plan, cwd=folder).code == 0


@pytest.fixture(scope="module")
def planned_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with policies, a plan and its approvals: one user holds two products, another one has no country."""
    folder = tmp_path_factory.mktemp("planned")
    people = [
        user("both", grant(E3), grant(E5)),
        user("kim", department="Sales", usageLocation=None),
        user("lea", grant(E3), accountEnabled=False),
    ]
    plan_in(folder, RULES, snapshot(people, {E3: 9, E5: 9}))
    return folder


@pytest.fixture
def workspace(planned_folder: Path, tmp_path: Path) -> Path:
    shutil.copytree(planned_folder, tmp_path, dirs_exist_ok=True)
    return tmp_path


def questions(workspace: Path) -> dict[str, str]:
    """Return the id of each question by its kind."""
    (tenant,) = json.loads((workspace / "out" / "plan.json").read_text())["tenants"]
    return {question["kind"]: question["id"] for question in tenant["questions"]}


def fill(workspace: Path, answers: dict[str, str], encode: Callable[[str], bytes] = lambda text: text.encode()) -> Path:
    """Write answers by question id or action number into the approvals file; `encode` is the spreadsheet program."""
    (file,) = (workspace / "out").rglob("approvals.csv")
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
    for row in rows:
        row["approve"] = answers.get(row["question"] or row["action"], "")
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    file.write_bytes(encode(text.getvalue()))
    return file


def semicolons(text: str) -> str:
    output = io.StringIO()
    csv.writer(output, delimiter=";", quoting=csv.QUOTE_ALL).writerows(csv.reader(io.StringIO(text, newline="")))
    return output.getvalue()


def decide(workspace: Path, *options: str | Path, as_of: str = AS_OF) -> Ran:
    (file,) = (workspace / "out").rglob("approvals.csv")
    return call("decide", file, "--by", "boss@contoso.example", "--as-of", as_of, *options, cwd=workspace)


def decisions(workspace: Path, *options: str) -> dict[str, Any]:
    completed = decide(workspace, "--print", *options)
    assert completed.code == 0, completed.err
    document: Any = parse(completed.out, file="decisions.yaml").value
    return {row["question"]: row for row in document["decisions"]}


SPREADSHEET_EXPORTS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda text: text.encode("utf-8-sig"),
    "Excel of Europe": lambda text: semicolons(text).encode("utf-8-sig"),
    "sep": lambda text: b"sep=;\r\n" + semicolons(text).encode(),
    "tabs, UTF-16": lambda text: text.replace(",", "\t").encode("utf-16") if '"' not in text else text.encode("utf-16"),
    "code page": lambda text: text.encode("cp1252", "replace"),
    "line feeds": lambda text: text.replace("\r\n", "\n").encode(),
}


@pytest.mark.parametrize("program", SPREADSHEET_EXPORTS)
def test_answers_are_read_from_the_csv_of_every_spreadsheet_program(workspace: Path, program: str) -> None:
    ids = questions(workspace)
    fill(
        workspace,
        {ids["keep"]: "keep: SPE_E5", ids["set"]: "NL", ids["release"]: "yes", "1": "yes"},
        SPREADSHEET_EXPORTS[program],
    )
    recorded = decisions(workspace)
    assert {row["question"]: row["answer"] for row in recorded.values()} == {
        ids["keep"]: {"keep": "SPE_E5"}, ids["set"]: {"set": {"usageLocation": "NL"}}, ids["release"]: {"release": True},
    }  # fmt: skip
    assert {(row["by"], row["on"]) for row in recorded.values()} == {("boss@contoso.example", "2026-11-20")}


@pytest.mark.slow
def test_decisions_are_appended_to_the_existing_file_and_used_by_plan(workspace: Path) -> None:
    file = workspace / "policies" / "decisions.yaml"
    file.write_text(DECISIONS)
    ids = questions(workspace)
    fill(workspace, {ids["keep"]: " KEEP: spe_e5 ", ids["release"]: "no"})
    completed = decide(workspace, "--until", "2027-01-31", "--reason", "Project lead")
    assert (completed.code, "2 decisions written to policies/decisions.yaml; 1 question is open" in completed.err) == (
        0,
        True,
    ), completed.err
    lines = iter(file.read_text().splitlines())
    assert all(line in lines for line in DECISIONS.splitlines())
    plan = ("plan", "--snapshot", "state", "--as-of", AS_OF, "-q", "-f", "json", "policies")
    assert call(*plan, cwd=workspace).code == 0
    (tenant,) = json.loads((workspace / "out" / "plan.json").read_text())["tenants"]
    assert {question["kind"]: question["decision"] for question in tenant["questions"]} == {
        "keep": f"D-{ids['keep']}", "release": f"D-{ids['release']}", "set": None,
    }  # fmt: skip
    before = file.read_bytes()
    repeated = decide(workspace)
    assert (repeated.code, "2 answers were already recorded" in repeated.err, file.read_bytes()) == (0, True, before)
    fill(workspace, {ids["keep"]: "keep: SPE_E3"})
    completed = decide(workspace)
    assert (completed.code, "error[answer-contradicting]" in completed.err, file.read_bytes()) == (2, True, before)
    assert decide(workspace, as_of="2027-02-01T00:00:00Z").code == 0, (
        "an expired decision does not contradict a new answer"
    )
    assert f"D-{ids['keep']}-2" in file.read_text()


def test_questions_that_the_file_answers_already_are_not_open(workspace: Path) -> None:
    ids = questions(workspace)
    for kind, text, still_open in (
        ("keep", "keep: SPE_E5", "2 questions are open"),
        ("set", "NL", "1 question is open"),
    ):
        fill(workspace, {ids[kind]: text})
        assert still_open in decide(workspace).err


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["{answer}", "{answer} # Licences 2", "g2"])
def test_group_answer_is_accepted_with_comment_or_as_bare_id(tmp_path: Path, cell: str) -> None:
    policy = "{id: suite, severity: high, users: {department: Sales}, assignments: {require: [SPE_E3]}}"
    groups = [
        {"id": f"g{number}", "displayName": f"Licences {number}", "assignedLicenses": [{"skuId": E3}], "groupTypes": [],
         "licenseProcessingState": {"state": "ProcessingComplete"}, "mailEnabled": False, "securityEnabled": True}
        for number in (1, 2)
    ]  # fmt: skip
    members = [user(f"member{number}", grant(E3, f"g{number}")) for number in (1, 2)]
    state = snapshot([user("kim", department="Sales"), *members], {E3: 9}, groups=groups)
    plan_in(tmp_path, f"version: 1\npolicies: [{policy}]\n", state)
    (file,) = (tmp_path / "out").rglob("approvals.csv")
    assert "group: {id: g1} # Licences 1 | group: {id: g2} # Licences 2 | skip: true" in file.read_text("utf-8-sig")
    question = questions(tmp_path)["group"]
    fill(tmp_path, {question: cell.format(answer="group: {id: g2}")})
    assert decisions(tmp_path)[question]["answer"] == {"group": {"id": "g2"}}


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("3", {"seats": 3, "renew": True}),
        ("3 # enough", {"seats": 3, "renew": True}),
        ("0", {"seats": 0, "renew": False}),
        ("no", {"seats": 9, "renew": False}),
    ],
)
def test_number_alone_answers_a_question_about_seats(tmp_path: Path, cell: str, answer: dict[str, Any]) -> None:
    policy = "version: 1\npolicies: [{id: spare, severity: high, seats: {of: '*', spare: {min: 0, max: 1}}}]\n"
    plan_in(tmp_path, policy, snapshot([user("a", grant(E3), grant(E5)), user("b", grant(E5))], {E3: 9, E5: 1}))
    ids = questions(tmp_path)
    fill(tmp_path, {ids["renewal"]: cell, ids["purchase"]: "2"})
    recorded = decisions(tmp_path)
    assert recorded[ids["renewal"]]["answer"] == {"renewal": answer}
    assert recorded[ids["purchase"]]["answer"] == {"purchase": {"seats": 2}}


@pytest.mark.parametrize(
    ("answers", "slug", "line"),
    [
        ({"keep": "keep: SPE_F1"}, "answer-impossible", 0),
        ({"keep": "maybe"}, "answer-impossible", 0),
        ({"keep": "give: SPE_E5"}, "answer-impossible", 0),
        ({"set": 'set: {usageLocation: "<value>"}'}, "answer-impossible", 0),
        ({"release": "release: perhaps"}, "answer-impossible", 0),
        ({"keep": "skip: true"}, "decision-reason", 0),
        ({"1": "perhaps"}, "approval-word", 2),
    ],
)
def test_invalid_answer_is_an_error_and_writes_nothing(
    workspace: Path, answers: dict[str, str], slug: str, line: int
) -> None:
    ids = questions(workspace)
    fill(
        workspace,
        {"release": "x"}
        | {ids.get(key, key): text for key, text in answers.items()}
        | {ids["set"]: answers.get("set", "NL")},
    )
    completed = decide(workspace)
    assert (completed.code, f"[{slug}" in completed.err) == (2, True), completed.err
    assert not line or f"approvals.csv:{line}:1: " in completed.err
    assert not (workspace / "policies" / "decisions.yaml").exists()


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        (b"action,question,approve\n1,000000000000,yes\n", "question-unknown"),
        (b"a,b\n1,2\n", "approvals-damaged"),
        (b"", "approvals-damaged"),
        (b'action,question,approve\n1,"' + b"x" * 200_000 + b'",yes\n', "approvals-damaged"),
        (None, "approvals-unreadable"),
    ],
)
def test_invalid_approvals_file_is_an_error(workspace: Path, body: bytes | None, slug: str) -> None:
    file = workspace / "wrong.csv"
    if body is not None:
        file.write_bytes(body)
    completed = call("decide", file, "--by", "a@b.example", "--as-of", AS_OF, cwd=workspace)
    assert (completed.code, f"error[{slug}]" in completed.err) == (2, True), completed.err
    assert call("decide", file, "--by", "a", "--until", "2026-11-19", "--as-of", AS_OF, cwd=workspace).code == 2


def test_file_that_cannot_be_written_is_a_usage_error(workspace: Path) -> None:
    fill(workspace, {questions(workspace)["keep"]: "SPE_E5"})
    (workspace / "file").write_text("")
    completed = decide(workspace, "--file", "file/decisions.yaml", "--policies", "policies")
    assert (completed.code, completed.out) == (2, b"")
    assert "error[file-unwritable]" in completed.err
    assert "--file" in completed.err
