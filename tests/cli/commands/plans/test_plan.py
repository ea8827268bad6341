"""`auditor plan`: output files, the HTML page, the terminal output, exit codes, and errors."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec import Struct

from auditor import resources
from auditor.cli.main import run
from auditor.domain.enums import Source, SourceStatus
from auditor.snapshot.writer import write
from tests.builders.document.policy_documents import DENIED_TO_LEAVERS
from tests.builders.service.command_line import Ran, expect
from tests.builders.tenant.plan_tenants import E3, grant, snapshot, user

pytestmark = pytest.mark.slow
AS_OF = "--as-of=2026-11-20T02:17:00Z"


def plan_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(resources.schema("plan")))
    return document


class DemoPlan(Struct, frozen=True, kw_only=True):
    """The plan for the demo tenants in every format."""

    completed: Ran
    folder: Path

    @property
    def document(self) -> dict[str, Any]:
        return plan_of(self.folder)

    @property
    def page(self) -> str:
        return (self.folder / "plan.html").read_text(encoding="utf-8")

    @property
    def markdown(self) -> str:
        return (self.folder / "plan.md").read_text(encoding="utf-8")


def plan_demo(folder: Path, locale: str) -> DemoPlan:
    completed = expect(
        0, "plan", "--demo", AS_OF, "--locale", locale, "-f", "json,markdown,html,terminal", "-o", ".", cwd=folder
    )
    return DemoPlan(completed=completed, folder=folder)


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> DemoPlan:
    return plan_demo(tmp_path_factory.mktemp("en"), "en")


@pytest.fixture(scope="module")
def dutch(tmp_path_factory: pytest.TempPathFactory) -> DemoPlan:
    return plan_demo(tmp_path_factory.mktemp("nl"), "nl")


def test_demo_plan_is_proven_and_matches_its_schema(english: DemoPlan) -> None:
    document = english.document
    contoso = document["tenants"][0]
    assert document["proven"]
    assert contoso["proof"]["new"] == []
    assert contoso["before"]["open"] == len(contoso["proof"]["fixed"]) + len(contoso["proof"]["remaining"])
    assert all(item["why"] for item in contoso["proof"]["remaining"])
    orders = [action["order"] for action in contoso["actions"]]
    assert orders == sorted(orders, key=["check", "backup", "reassign", "buy", "move", "remove", "cancel"].index)
    fixed, remaining = (len(contoso["proof"][key]) for key in ("fixed", "remaining"))
    summary = " ".join(english.completed.text.split())
    assert f"Contoso Retail has {fixed + remaining} open findings." in summary
    assert f"requests fix {fixed} of them; {remaining} remain." in summary
    assert "new finding" not in summary
    markdown = english.markdown
    assert "Set-MgUserLicense -UserId '" in markdown
    prose = re.sub(r"^( *)```.*?^\1```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    assert "<img" not in re.sub(r"\\.", "", prose)


def test_audit_and_plan_give_the_same_days_left(tmp_path: Path) -> None:
    # The demo tenants were collected on the day before.
    arguments = ("--demo", "--as-of=2026-11-20T02:00:00Z", "--tenant", "contoso", "-f", "json", "-q", "-o", ".")
    expect(1, "audit", *arguments, cwd=tmp_path)
    expect(0, "plan", *arguments, cwd=tmp_path)
    documents = (json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("result.json", "plan.json"))
    actions = [{action["id"]: action for action in document["tenants"][0]["actions"]} for document in documents]
    shared_ids = actions[0].keys() & actions[1].keys()
    days = [{key: re.findall(r"\d+ days left", tenant[key]["why"]) for key in shared_ids} for tenant in actions]
    assert any(days[0].values())
    assert days[0] == days[1]
    # An action can have other people in the plan, because the plan has requests for some of them.
    same = [key for key in shared_ids if actions[0][key]["findings"] == actions[1][key]["findings"]]
    assert any("days left" in actions[0][key]["why"] for key in same)
    assert [actions[0][key]["why"] for key in same] == [actions[1][key]["why"] for key in same]


def test_plan_with_data_on_stdout_prints_the_summary_to_stderr(tmp_path: Path, english: DemoPlan) -> None:
    completed = expect(0, "plan", "--demo", AS_OF, "-f", "json=-", "-f", "json", "-f", "terminal", cwd=tmp_path)
    assert completed.out == (tmp_path / "out/plan.json").read_bytes()
    assert completed.out == (english.folder / "plan.json").read_bytes(), "equal runs write equal bytes"
    assert "Contoso Retail has " in completed.err
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("formats", [["json=a", "markdown=./a"], ["json", "json"], ["json="], ["json=out"]])
def test_two_formats_with_the_same_path_are_an_error(formats: list[str], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    options = [argument for value in formats for argument in ("-f", value)]
    for command in (["plan"], ["preview", "--base", "out"]):
        completed = expect(2, *command, "--demo", AS_OF, *options, cwd=tmp_path)
        assert completed.err.startswith("error[")
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


def test_markdown_is_translated_and_json_is_not(english: DemoPlan, dutch: DemoPlan) -> None:
    assert (english.folder / "plan.json").read_bytes() == (dutch.folder / "plan.json").read_bytes()
    assert "**Voordat u begint**" in dutch.markdown
    output = dutch.completed.text + dutch.markdown
    assert "857,90" in output
    assert not any(code in output for code in ("\\xa0", "\\u202f")), "amounts contain spaces, not escape sequences"


@pytest.fixture(scope="module")
def page(dutch: DemoPlan) -> tuple[str, dict[str, Any]]:
    """The Dutch page of the demo plan, and the plan document."""
    return dutch.page, dutch.document


def test_page_is_self_contained(page: tuple[str, dict[str, Any]]) -> None:
    text, document = page
    assert '<html lang="nl">' in text
    assert "<script" not in text
    assert not re.search(r"<(?:link|img|iframe|form|object)\b|@import|url\(|<[a-z][^<>]*\s(?:src|on\w+)=", text)
    style = re.search(r"(?s)<style>(.*?)</style>", text)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in unescape(text)
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)
    proof = document["tenants"][0]["proof"]
    counts = re.findall(r"<dd>([\d.]+)</dd>", text)[:3]
    assert counts == [str(len(proof[key])) for key in ("fixed", "remaining", "new")]


def test_page_lists_runnable_then_undecided_then_manual_actions(page: tuple[str, dict[str, Any]]) -> None:
    text, document = page
    for number, tenant in enumerate(document["tenants"], start=1):
        section = text[text.index(f'id="t{number}"') :].partition("</section>\n</section>")[0]
        open_ = [question for question in tenant["questions"] if question["decision"] is None]
        undecided = {fingerprint for question in open_ for fingerprint in question["findings"]}
        expected = {
            "run": [bool(action["requests"]) for action in tenant["actions"]],
            "decide": [not undecided.isdisjoint(action["findings"]) for action in tenant["actions"]],
        }
        expected["people"] = [not (run or open_) for run, open_ in zip(*expected.values(), strict=True)]
        expected = {key: flags for key, flags in expected.items() if any(flags)}
        offsets = [section.index(f'id="t{number}-{key}"') for key in expected]
        assert offsets == sorted(offsets)
        for (key, flags), start, end in zip(expected.items(), offsets, [*offsets[1:], len(section)], strict=True):
            numbers = re.findall(rf'id="t{number}-(\d+)(?:-q)?"', section[start:end])
            assert sorted(map(int, numbers)) == [index for index, flag in enumerate(flags, start=1) if flag], key
            ranks = [tenant["actions"][int(index) - 1]["rank"] for index in numbers]
            assert ranks == sorted(ranks), key
        for question in open_:
            lines = section.count(f"{{id: D-{question['id']},")  # of each action that the question is about
            assert lines > 0 == lines % len(question["answers"]), "each answer can be copied"
        for action in tenant["actions"]:
            for request in action["requests"]:
                assert request["powershell"] in unescape(section)
                assert f"{request['method']} {request['path']}" in unescape(section)


def test_page_names_people_before_the_guidance_and_shows_ids_only_in_code(page: tuple[str, dict[str, Any]]) -> None:
    text, document = page
    tenant = document["tenants"][0]
    subjects = {finding["fingerprint"]: finding["subject"] for finding in tenant["findings"]}
    for number, action in enumerate(tenant["actions"], start=1):
        section = text[text.index(f'id="t1-{number}"') :].partition("</details>\n")[0]
        policies, people, guidance = section.split("</p>", 2)
        assert '<p class="concerns">Beleidsregel' in policies
        people_text = unescape(re.sub(r"<[^>]*>", "", people))
        concerned = [subjects[fingerprint] for fingerprint in action["findings"]]
        affected = [subject for subject in concerned if subject["type"] == "user"] or concerned
        names = dict.fromkeys(subject["name"] for subject in affected)
        assert all(name in people_text for name in list(names)[:20]), action["title"]
        assert not any(tag in policies + people for tag in ("<h4>", "<ol>", "<pre>"))
        assert guidance
    prose = re.sub(r"(?s)<style>.*?</style>|<(pre|code)\b.*?</\1>|<[^>]*>", "", text)
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", prose)
    assert not re.search(r"\b(?:SPE_E3|SPE_E5|POWER_BI_PRO)\b", prose)


def test_answers_copied_from_the_page_are_valid_decisions(tmp_path: Path, english: DemoPlan) -> None:
    text = english.page
    answers = [unescape(block) for block in re.findall(r'(?s)<code tabindex="0">(.*?)</code>', text)]
    kinds = {"keep", "give", "release", "renewal", "purchase", "skip"}
    assert kinds <= {match[1] for match in (re.search(r"answer: \{(\w+):", answer) for answer in answers) if match}
    chosen = {
        kind: next(answer for answer in answers if f"answer: {{{kind}:" in answer and answer.count("- {id") == 1)
        for kind in sorted(kinds)
    }
    combined = next(answer for answer in answers if answer.count("- {id") > 1)
    combined_questions = set(re.findall(r"question: [^\s,]+", combined))
    items = [
        answer for answer in chosen.values() if not combined_questions & set(re.findall(r"question: [^\s,]+", answer))
    ]
    questions = {item.partition("question: ")[2].partition(",")[0]: item for item in items}
    filled = (
        "".join([combined, *questions.values()])
        .replace('by: ""', "by: a@contoso.example")
        .replace('reason: ""', "reason: later")
    )
    (tmp_path / "decisions.yaml").write_text(f"version: 1\ndecisions:\n{filled}", encoding="utf-8")
    output = tmp_path / "decided"
    code = run(["plan", "--demo", AS_OF, "-q", "--decisions", str(tmp_path / "decisions.yaml"), "-o", str(output)])
    assert code == 0
    decided = [
        question for tenant in plan_of(output)["tenants"] for question in tenant["questions"] if question["decision"]
    ]
    ids = {question["id"] for question in decided}
    assert ids == {
        question.strip('"') for question in (*questions, *(line.partition(": ")[2] for line in combined_questions))
    }


def test_terminal_output_explains_its_symbols_and_has_three_parts_in_order(english: DemoPlan) -> None:
    contoso = english.completed.text.partition("\nfabrikam")[0]
    offsets = [
        contoso.index(f"\n{heading}")
        for heading in ("1. Actions to run: ", "2. Decisions to make: ", "3. Manual actions: ")
    ]
    assert offsets == sorted(offsets)
    assert "\n  ?  has open questions" in contoso
    assert "\n  !  has a step that cannot be undone" in contoso
    assert re.search(r"\n {1,3}\d+ \?!? ", contoso)


def test_page_shows_addresses_of_people_with_the_same_name(tmp_path: Path, rules: str) -> None:
    facts = {"accountEnabled": False, "displayName": "Ann Bos"}
    people = [
        user("ann", grant(E3), **facts, userPrincipalName="ann@contoso.example"),
        user("anna", grant(E3), **facts, userPrincipalName="anna@contoso.example"),
        user("bo", grant(E3), accountEnabled=False, displayName="Bo", userPrincipalName="bo@contoso.example"),
    ]
    text = page_of(people, tmp_path, rules)
    assert '<span title="bo@contoso.example">Bo</span>' in text
    assert ">Ann Bos (ann@contoso.example)</span>" in text
    assert ">Ann Bos (anna@contoso.example)</span>" in text
    assert "# Bo\n" in text


def test_hostile_names_are_escaped_on_the_page(tmp_path: Path, rules: str) -> None:
    name = "<img src=x onerror=alert(1)>\x1b[2J\u202e`${7*7}`{{7*7}}</style><script>"
    people = [
        user("ann", grant(E3), accountEnabled=False, displayName=name, userPrincipalName=f"{name}@contoso.example")
    ]
    page = page_of(people, tmp_path, rules)
    assert "&lt;img src=x" in page
    assert [text for text in ("<img", "<script", "\x1b", "\u202e") if text in page] == []
    assert page.count("</style>") == 1


def page_of(people: list[dict[str, Any]], folder: Path, rules: str) -> str:
    """Return the HTML page of a plan for the given users."""
    write(folder / "snapshots", snapshot(people, {E3: 4}))
    run(["plan", "--snapshot", str(folder / "snapshots"), AS_OF, "-q", "-f", "html", "-o", str(folder), rules])
    return (folder / "plan.html").read_text(encoding="utf-8")


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(DENIED_TO_LEAVERS, encoding="utf-8")
    return str(path)


def test_plan_of_an_incomplete_snapshot_exits_with_3(tmp_path: Path, rules: str) -> None:
    people = [user("ann", grant(E3), accountEnabled=False)]
    state = snapshot(people, {E3: 1}, statuses={Source.SUBSCRIBED_SKUS: SourceStatus.DENIED})
    write(tmp_path / "snapshots", state)
    assert run(["plan", "--snapshot", str(tmp_path / "snapshots"), AS_OF, "-q", "-o", str(tmp_path), rules]) == 3
    tenant = plan_of(tmp_path)["tenants"][0]
    assert not tenant["complete"]
    assert tenant["omitted"] == ["Subscribed products: denied (not allowed)"]


def test_damaged_snapshot_is_an_error(tmp_path: Path, rules: str) -> None:
    folder = write(tmp_path / "snapshots", snapshot([user("ann", grant(E3))], {E3: 1}))
    (folder / "users.parquet").write_bytes(b"PAR1")
    assert run(["plan", "--snapshot", str(folder), AS_OF, "-q", "-o", str(tmp_path), rules]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--demo", "--snapshot", "snapshots"],
        ["--snapshot", "nowhere"],
        ["--demo", "-f", "pdf"],
        ["--demo", "--tenant", "nobody"],
    ],
)
def test_invalid_arguments_exit_with_2_and_write_nothing(arguments: list[str], tmp_path: Path) -> None:
    assert run(["plan", "-q", "-o", str(tmp_path), AS_OF, *arguments]) == 2
    assert not (tmp_path / "plan.json").exists()
