"""`auditor decide`: answers that come back in a spreadsheet become decisions, all of them or none."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.policy.yaml.reader import parse
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
KEPT = "# what was decided\nversion: 1\ndecisions:\n- id: D-0 # first\n  for: {policy: one, users: {userPrincipalName: x@y.example}}\n  answer: {skip: true}\n  by: a\n  on: 2026-11-01\n  reason: b\n# end\n"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with policies, a plan and its approvals: somebody holds two products, and somebody has no country."""
    here = tmp_path_factory.mktemp("asked")
    (here / "policies").mkdir()
    (here / "policies" / "rules.yaml").write_text(RULES)
    people = [
        user("both", grant(E3), grant(E5)),
        user("kim", department="Sales", usageLocation=None),
        user("lea", grant(E3), accountEnabled=False),
    ]
    write(here / "state", snapshot(people, {E3: 9, E5: 9}))
    plan = ("plan", "--snapshot", "state", "--as-of", AS_OF, "-q", "-f", "json", "-f", "approvals")
    assert call(*plan, cwd=here).code == 0
    return here


@pytest.fixture
def here(asked: Path, tmp_path: Path) -> Path:
    shutil.copytree(asked, tmp_path, dirs_exist_ok=True)
    return tmp_path


def questions(here: Path) -> dict[str, str]:
    """The ids of the questions, by kind."""
    (tenant,) = json.loads((here / "out" / "plan.json").read_text())["tenants"]
    return {question["kind"]: question["id"] for question in tenant["questions"]}


def fill(here: Path, answers: dict[str, str], saved: Callable[[str], bytes] = lambda text: text.encode()) -> Path:
    """Write answers, by the id of a question or the number of an action, and save the file as a program would."""
    (file,) = (here / "out").rglob("approvals.csv")
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))
    for row in rows:
        row["approve"] = answers.get(row["question"] or row["action"], "")
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    file.write_bytes(saved(text.getvalue()))
    return file


def semicolons(text: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";", quoting=csv.QUOTE_ALL).writerows(csv.reader(io.StringIO(text, newline="")))
    return out.getvalue()


def decide(here: Path, *more: str | Path, as_of: str = AS_OF) -> Ran:
    (file,) = (here / "out").rglob("approvals.csv")
    return call("decide", file, "--by", "boss@contoso.example", "--as-of", as_of, *more, cwd=here)


def decisions(here: Path, *more: str) -> dict[str, Any]:
    ran = decide(here, "--print", *more)
    assert ran.code == 0, ran.err
    document: Any = parse(ran.out, file="decisions.yaml").value
    return {row["question"]: row for row in document["decisions"]}


SAVED: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda text: text.encode("utf-8-sig"),
    "Excel of Europe": lambda text: semicolons(text).encode("utf-8-sig"),
    "sep": lambda text: b"sep=;\r\n" + semicolons(text).encode(),
    "tabs, UTF-16": lambda text: text.replace(",", "\t").encode("utf-16") if '"' not in text else text.encode("utf-16"),
    "code page": lambda text: text.encode("cp1252", "replace"),
    "line feeds": lambda text: text.replace("\r\n", "\n").encode(),
}


@pytest.mark.parametrize("program", SAVED)
def test_what_spreadsheets_save_is_understood(here: Path, program: str) -> None:
    ids = questions(here)
    fill(here, {ids["keep"]: "keep: SPE_E5", ids["set"]: "NL", ids["release"]: "yes", "1": "yes"}, SAVED[program])
    found = decisions(here)
    assert {row["question"]: row["answer"] for row in found.values()} == {
        ids["keep"]: {"keep": "SPE_E5"}, ids["set"]: {"set": {"usageLocation": "NL"}}, ids["release"]: {"release": True},
    }  # fmt: skip
    assert {(row["by"], row["on"]) for row in found.values()} == {("boss@contoso.example", "2026-11-20")}


def test_the_file_keeps_its_text_and_the_plan_follows_it(here: Path) -> None:
    file = here / "policies" / "decisions.yaml"
    file.write_text(KEPT)
    ids = questions(here)
    fill(here, {ids["keep"]: " KEEP: spe_e5 ", ids["release"]: "no"})
    ran = decide(here, "--until", "2027-01-31", "--reason", "Project lead")
    assert (ran.code, "2 decisions written to policies/decisions.yaml; 1 question is open" in ran.err) == (0, True), (
        ran.err
    )
    lines = iter(file.read_text().splitlines())
    assert all(line in lines for line in KEPT.splitlines())
    plan = ("plan", "--snapshot", "state", "--as-of", AS_OF, "-q", "-f", "json", "policies")
    assert call(*plan, cwd=here).code == 0
    (tenant,) = json.loads((here / "out" / "plan.json").read_text())["tenants"]
    assert {question["kind"]: question["decision"] for question in tenant["questions"]} == {
        "keep": f"D-{ids['keep']}", "release": f"D-{ids['release']}", "set": None,
    }  # fmt: skip
    before = file.read_bytes()
    again = decide(here)
    assert (again.code, "2 answers were recorded before" in again.err, file.read_bytes()) == (0, True, before)
    fill(here, {ids["keep"]: "keep: SPE_E3"})
    ran = decide(here)
    assert (ran.code, "error[answer-contradicting]" in ran.err, file.read_bytes()) == (2, True, before)
    assert decide(here, as_of="2027-02-01T00:00:00Z").code == 0, "what has lapsed contradicts nothing"
    assert f"D-{ids['keep']}-2" in file.read_text()


@pytest.mark.parametrize("copied", ["{answer}", "{answer} # Licences 2", "g2"])
def test_the_answer_about_a_group_is_copied_with_or_without_its_name(tmp_path: Path, copied: str) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "rules.yaml").write_text(
        "version: 1\npolicies: [{id: suite, severity: high, users: {department: Sales}, assignments: {require: [SPE_E3]}}]\n"
    )
    groups = [
        {"id": f"g{number}", "displayName": f"Licences {number}", "assignedLicenses": [{"skuId": E3}], "groupTypes": [],
         "licenseProcessingState": {"state": "ProcessingComplete"}, "mailEnabled": False, "securityEnabled": True}
        for number in (1, 2)
    ]  # fmt: skip
    members = [user(f"member{number}", grant(E3, f"g{number}")) for number in (1, 2)]
    write(tmp_path / "state", snapshot([user("kim", department="Sales"), *members], {E3: 9}, groups=groups))
    plan = ("plan", "--snapshot", "state", "--as-of", AS_OF, "-q", "-f", "json", "-f", "approvals")
    assert call(*plan, cwd=tmp_path).code == 0
    (file,) = (tmp_path / "out").rglob("approvals.csv")
    assert "group: {id: g1} # Licences 1 | group: {id: g2} # Licences 2 | skip: true" in file.read_text("utf-8-sig")
    asked = questions(tmp_path)["group"]
    fill(tmp_path, {asked: copied.format(answer="group: {id: g2}")})
    assert decisions(tmp_path)[asked]["answer"] == {"group": {"id": "g2"}}


@pytest.mark.parametrize(
    ("answers", "slug", "line"),
    [
        ({"keep": "keep: SPE_F1"}, "answer-impossible", 0),
        ({"keep": "maybe"}, "answer-impossible", 0),
        ({"keep": "give: SPE_E5"}, "answer-impossible", 0),
        ({"set": 'set: {usageLocation: "<value>"}'}, "answer-impossible", 0),
        ({"release": "release: perhaps"}, "", 0),
        ({"keep": "skip: true"}, "decision-reason", 0),
        ({"1": "perhaps"}, "approval-word", 2),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_changes(
    here: Path, answers: dict[str, str], slug: str, line: int
) -> None:
    ids = questions(here)
    fill(
        here,
        {"release": "x"}
        | {ids.get(key, key): text for key, text in answers.items()}
        | {ids["set"]: answers.get("set", "NL")},
    )
    ran = decide(here)
    assert (ran.code, f"[{slug}" in ran.err) == (2, True), ran.err
    assert not line or f"approvals.csv:{line}:1: " in ran.err
    assert not (here / "policies" / "decisions.yaml").exists()


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
def test_a_wrong_file_is_refused(here: Path, body: bytes | None, slug: str) -> None:
    file = here / "wrong.csv"
    if body is not None:
        file.write_bytes(body)
    ran = call("decide", file, "--by", "a@b.example", "--as-of", AS_OF, cwd=here)
    assert (ran.code, f"error[{slug}]" in ran.err) == (2, True), ran.err
    assert call("decide", file, "--by", "a", "--until", "2026-11-19", "--as-of", AS_OF, cwd=here).code == 2
