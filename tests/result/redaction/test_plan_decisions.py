"""`auditor plan --redact` with decisions: neither their authors nor their reasons are in the plan."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from auditor.demo import policies
from tests.builders.result.output_texts import texts
from tests.builders.service.command_line import AS_OF, call, expect

pytestmark = pytest.mark.slow
AUTHOR, BUYER, REASON = "Max Approver", "buyer@contoso.example", "Zoe Secret is on parental leave"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The policies of the demo with two decisions; the id of the question about a person is a hash of the person's."""
    folder = tmp_path_factory.mktemp("decided")
    (folder / "policies").mkdir()
    for number, (name, body) in enumerate(policies(datetime.fromisoformat(AS_OF))):
        (folder / "policies" / f"{number}-{Path(name).name}").write_bytes(body)
    call("plan", "policies", "--demo", "--as-of", AS_OF, "-f", "json", "-o", "first", cwd=folder)
    questions = json.loads((folder / "first" / "plan.json").read_text())["tenants"][0]["questions"]
    person = next(q["id"] for q in questions if {"release": False} in q["answers"])
    seats = next(q for q in questions if "renewal" in q["answers"][0])
    (folder / "decisions.yaml").write_text(
        "version: 1\ndecisions:\n"
        f"- {{id: D-{person}, question: '{person}', answer: {{release: false}}, by: {AUTHOR}, on: 2026-11-20,"
        f" reason: {REASON}}}\n"
        f"- {{id: seats, question: '{seats['id']}', answer: {json.dumps(seats['answers'][0])}, by: {BUYER},"
        f" on: 2026-11-20, reason: {REASON}}}\n"
    )
    return folder, person


@pytest.mark.parametrize("locale", ["en", "tr"])
def test_authors_and_reasons_of_decisions_are_redacted(workspace: tuple[Path, str], locale: str) -> None:
    folder, person = workspace
    plan = ("plan", "policies", "--demo", "--as-of", AS_OF, "--decisions", "decisions.yaml", "--locale", locale)
    formats = ("-f", "json,markdown,html,questions,terminal")
    expect(0, *plan, "-f", "json", "-o", "clear", cwd=folder)
    unredacted = (folder / "clear" / "plan.json").read_text()
    assert [text for text in (AUTHOR, BUYER, REASON, person) if text not in unredacted] == []
    redacted = expect(0, *plan, *formats, "--redact", "-o", f"out-{locale}", cwd=folder)
    files = sorted(file for file in (folder / f"out-{locale}").rglob("*") if file.is_file())
    outputs = [redacted.text, redacted.err, *(text for file in files for text in texts(file.read_bytes()))]
    for text in outputs:
        assert [secret for secret in (AUTHOR, BUYER, REASON, person) if secret in text] == []
    whys = re.findall(r'"why": "(.*decision D-.*)"', (folder / f"out-{locale}" / "plan.json").read_text())
    assert {re.sub("[0-9a-f]{12,}", "…", why) for why in whys} == {
        "Not carried out because of decision D-… by user-…: redacted"
    }
