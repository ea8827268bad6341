"""`auditor plan` from its command line: files, exit codes, refusals."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import escape, unescape
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec import Struct

from auditor import resources
from auditor.cli.main import run
from auditor.domain.enums import Source, SourceStatus
from auditor.remedy.planner.text.markdown import escaped
from auditor.snapshot.writer import write
from tests.builders.service.command_line import Ran, expect
from tests.builders.tenant.plan_tenants import E3, grant, snapshot, user

AS_OF = "--as-of=2026-11-20T02:17:00Z"
RULES = (
    "version: 1\npolicies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"
)


def plan_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(resources.schema("plan")))
    return document


class Planned(Struct, frozen=True, kw_only=True):
    """A plan for the demo in every format."""

    ran: Ran
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


def planned(folder: Path, locale: str) -> Planned:
    ran = expect(
        0, "plan", "--demo", AS_OF, "--locale", locale, "-f", "json,markdown,html,terminal", "-o", ".", cwd=folder
    )
    return Planned(ran=ran, folder=folder)


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    return planned(tmp_path_factory.mktemp("en"), "en")


@pytest.fixture(scope="module")
def dutch(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    return planned(tmp_path_factory.mktemp("nl"), "nl")


@pytest.mark.slow
def test_the_demo_has_a_proven_plan_that_keeps_its_schema(english: Planned) -> None:
    document = english.document
    contoso = document["tenants"][0]
    assert document["proven"]
    assert contoso["proof"]["new"] == []
    assert contoso["before"]["open"] == len(contoso["proof"]["fixed"]) + len(contoso["proof"]["remaining"])
    assert all(item["why"] for item in contoso["proof"]["remaining"])
    orders = [action["order"] for action in contoso["actions"]]
    assert orders == sorted(orders, key=["check", "backup", "reassign", "buy", "move", "remove", "cancel"].index)
    fixed, left = (len(contoso["proof"][key]) for key in ("fixed", "remaining"))
    shown = " ".join(english.ran.text.split())
    assert f"Contoso Retail has {fixed + left} open findings." in shown
    assert f"requests fix {fixed} of them; {left} remain." in shown
    assert "new finding" not in shown
    markdown = english.markdown
    assert "Set-MgUserLicense -UserId '" in markdown
    prose = re.sub(r"^( *)```.*?^\1```$", "", markdown, flags=re.DOTALL | re.MULTILINE)
    assert "<img" not in re.sub(r"\\.", "", prose)


@pytest.mark.slow
@pytest.mark.slow
def test_a_plan_counts_days_from_the_day_of_its_audit(tmp_path: Path) -> None:
    # The demo's state is of the day before.
    arguments = ("--demo", "--as-of=2026-11-20T02:00:00Z", "--tenant", "contoso", "-f", "json", "-q", "-o", ".")
    expect(1, "audit", *arguments, cwd=tmp_path)
    expect(0, "plan", *arguments, cwd=tmp_path)
    documents = (json.loads((tmp_path / name).read_text(encoding="utf-8")) for name in ("result.json", "plan.json"))
    reasons = [{each["id"]: each["why"] for each in found["tenants"][0]["actions"]} for found in documents]
    shared = reasons[0].keys() & reasons[1].keys()
    assert any("days left" in reasons[0][each] for each in shared)
    assert {each: reasons[0][each] for each in shared} == {each: reasons[1][each] for each in shared}


@pytest.mark.slow
def test_a_path_of_a_hyphen_is_stdout_and_people_are_told_beside_it(tmp_path: Path, english: Planned) -> None:
    ran = expect(0, "plan", "--demo", AS_OF, "-f", "json=-", "-f", "json", "-f", "terminal", cwd=tmp_path)
    assert ran.out == (tmp_path / "out/plan.json").read_bytes()
    assert ran.out == (english.folder / "plan.json").read_bytes(), "equal runs write equal bytes"
    assert "Contoso Retail has " in ran.err
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("formats", [["json=a", "markdown=./a"], ["json", "json"], ["json="], ["json=out"]])
def test_each_document_has_a_place_of_its_own(formats: list[str], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    asked = [word for text in formats for word in ("-f", text)]
    for command in (["plan"], ["preview", "--base", "out"]):
        ran = expect(2, *command, "--demo", AS_OF, *asked, cwd=tmp_path)
        assert ran.err.startswith("error[")
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


@pytest.mark.slow
def test_people_read_their_language_and_machines_english(english: Planned, dutch: Planned) -> None:
    assert (english.folder / "plan.json").read_bytes() == (dutch.folder / "plan.json").read_bytes()
    assert "**Voordat u begint**" in dutch.markdown
    done = dutch.ran.text + dutch.markdown
    assert "857,90" in done
    assert not any(code in done for code in ("\\xa0", "\\u202f")), "amounts have spaces, not their codes"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """The German page of the demo's plan, and the plan."""
    german = planned(tmp_path_factory.mktemp("de"), "de")
    return german.page, german.document


@pytest.mark.slow
def test_the_page_stands_alone(page: tuple[str, dict[str, Any]]) -> None:
    text, document = page
    assert '<html lang="de">' in text
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


@pytest.mark.slow
def test_the_page_tells_what_runs_then_what_is_open_then_what_people_do(page: tuple[str, dict[str, Any]]) -> None:
    text, document = page
    for number, tenant in enumerate(document["tenants"], start=1):
        section = text[text.index(f'id="t{number}"') :].partition("</section>\n</section>")[0]
        open_ = [question for question in tenant["questions"] if question["decision"] is None]
        asked = {mark for question in open_ for mark in question["findings"]}
        expected = {
            "run": [bool(action["requests"]) for action in tenant["actions"]],
            "decide": [not asked.isdisjoint(action["findings"]) for action in tenant["actions"]],
        }
        expected["people"] = [not (run or open_) for run, open_ in zip(*expected.values(), strict=True)]
        expected = {key: wanted for key, wanted in expected.items() if any(wanted)}
        begins = [section.index(f'id="t{number}-{key}"') for key in expected]
        assert begins == sorted(begins)
        for (key, wanted), begin, end in zip(expected.items(), begins, [*begins[1:], len(section)], strict=True):
            shown = re.findall(rf'id="t{number}-(\d+)(?:-q)?"', section[begin:end])
            assert sorted(map(int, shown)) == [index for index, there in enumerate(wanted, start=1) if there], key
            ranks = [tenant["actions"][int(index) - 1]["rank"] for index in shown]
            assert ranks == sorted(ranks), key
        assert section.count('<dl class="answers">') >= len(open_)
        for action in tenant["actions"]:
            for request in action["requests"]:
                assert request["powershell"] in unescape(section)
                assert f"{request['method']} {request['path']}" in unescape(section)


@pytest.mark.slow
def test_the_page_names_people_before_it_guides_and_shows_ids_in_code_only(page: tuple[str, dict[str, Any]]) -> None:
    text, document = page
    tenant = document["tenants"][0]
    names = {finding["fingerprint"]: finding["subject"]["name"] for finding in tenant["findings"]}
    for number, action in enumerate(tenant["actions"], start=1):
        section = text[text.index(f'id="t1-{number}"') :].partition("</details>\n")[0]
        people, _, rest = section.partition("</p>")
        shown = unescape(re.sub(r"<[^>]*>", "", people))
        concerned = dict.fromkeys(names[mark] for mark in action["findings"])
        assert all(name in shown for name in list(concerned)[:20]), action["title"]
        assert not any(guide in people for guide in ("<h4>", "<ol>", "<pre>"))
        assert rest
    bare = re.sub(r"(?s)<style>.*?</style>|<pre\b.*?</pre>|<[^>]*>", "", text)
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", bare)
    assert not re.search(r"\b(?:SPE_E3|SPE_E5|POWER_BI_PRO)\b", bare)


@pytest.mark.slow
def test_the_page_tells_the_same_guidance_once(page: tuple[str, dict[str, Any]]) -> None:
    text, document = page
    for tenant in document["tenants"]:
        for action in tenant["actions"]:
            steps = [step for step in action["steps"] if len(step) > 60]
            lists = re.findall(r"(?s)<ol>(.*?)</ol>", text)
            if len(action["steps"]) > 1 and steps:
                matching = [each for each in lists if all(escape(step[:40]) in each for step in steps)]
                assert len(matching) <= 1, action["title"]


@pytest.mark.slow
def test_an_answer_copied_from_the_page_is_a_decision(tmp_path: Path, english: Planned) -> None:
    text = english.page
    answers = [unescape(each) for each in re.findall(r'(?s)<pre tabindex="0"[^>]*><code>(.*?)</code></pre>', text)]
    kinds = {"keep", "give", "release", "renewal", "purchase", "skip"}
    assert kinds <= {found[1] for found in (re.search(r"answer: \{(\w+):", each) for each in answers) if found}
    chosen = {
        kind: next(each for each in answers if f"answer: {{{kind}:" in each and each.count("- id") == 1)
        for kind in sorted(kinds)
    }
    whole = next(each for each in answers if each.count("- id") > 1)
    taken = set(re.findall(r"question: \S+", whole))
    items = [each for each in chosen.values() if not taken & set(re.findall(r"question: \S+", each))]
    questions = {item.partition("question: ")[2].partition("\n")[0]: item for item in items}
    filled = (
        "".join([whole, *questions.values()])
        .replace('by: ""', "by: a@contoso.example")
        .replace('reason: ""', "reason: later")
    )
    (tmp_path / "decisions.yaml").write_text(f"version: 1\ndecisions:\n{filled}", encoding="utf-8")
    again = tmp_path / "again"
    code = run(["plan", "--demo", AS_OF, "-q", "--decisions", str(tmp_path / "decisions.yaml"), "-o", str(again)])
    assert code == 0
    answered = {each["id"] for tenant in plan_of(again)["tenants"] for each in tenant["questions"] if each["decision"]}
    assert answered == {each.strip('"') for each in (*questions, *(line.partition(": ")[2] for line in taken))}


@pytest.mark.slow
def test_the_terminal_explains_its_marks_and_keeps_the_parts_in_order(english: Planned) -> None:
    contoso = english.ran.text.partition("\nfabrikam")[0]
    parts = [
        contoso.index(f"\n{part}")
        for part in ("1. What can be run: ", "2. What has to be decided: ", "3. Manual actions: ")
    ]
    assert parts == sorted(parts)
    assert "\n  ?  has open questions" in contoso
    assert "\n  !  has a step that cannot be undone" in contoso
    assert re.search(r"\n {1,3}\d+ \?!? ", contoso)


@pytest.mark.slow
def test_people_who_share_a_name_have_their_address_beside_it(tmp_path: Path, rules: str) -> None:
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


def test_hostile_names_are_text_on_the_page(tmp_path: Path, rules: str) -> None:
    name = "<img src=x onerror=alert(1)>\x1b[2J\u202e`${7*7}`{{7*7}}</style><script>"
    people = [
        user("ann", grant(E3), accountEnabled=False, displayName=name, userPrincipalName=f"{name}@contoso.example")
    ]
    page = page_of(people, tmp_path, rules)
    assert "&lt;img src=x" in page
    assert [text for text in ("<img", "<script", "\x1b", "\u202e") if text in page] == []
    assert page.count("</style>") == 1


def page_of(people: list[dict[str, Any]], folder: Path, rules: str) -> str:
    """Return the page of a plan for some people."""
    write(folder / "snapshots", snapshot(people, {E3: 4}))
    run(["plan", "--snapshot", str(folder / "snapshots"), AS_OF, "-q", "-f", "html", "-o", str(folder), rules])
    return (folder / "plan.html").read_text(encoding="utf-8")


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return str(path)


@pytest.mark.slow
def test_an_incomplete_snapshot_is_planned_for_and_never_passes(tmp_path: Path, rules: str) -> None:
    people = [user("ann", grant(E3), accountEnabled=False)]
    state = snapshot(people, {E3: 1}, statuses={Source.SUBSCRIBED_SKUS: SourceStatus.DENIED})
    write(tmp_path / "snapshots", state)
    assert run(["plan", "--snapshot", str(tmp_path / "snapshots"), AS_OF, "-q", "-o", str(tmp_path), rules]) == 3
    tenant = plan_of(tmp_path)["tenants"][0]
    assert not tenant["complete"]
    assert tenant["omitted"] == ["subscribedSkus: denied (not allowed)"]


def test_a_snapshot_that_was_changed_is_refused(tmp_path: Path, rules: str) -> None:
    folder = write(tmp_path / "snapshots", snapshot([user("ann", grant(E3))], {E3: 1}))
    (folder / "users.parquet").write_bytes(b"PAR1")
    assert run(["plan", "--snapshot", str(folder), AS_OF, "-q", "-o", str(tmp_path), rules]) == 2


@pytest.mark.slow
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
def test_what_cannot_be_planned_for_is_refused(arguments: list[str], tmp_path: Path) -> None:
    assert run(["plan", "-q", "-o", str(tmp_path), AS_OF, *arguments]) == 2
    assert not (tmp_path / "plan.json").exists()


def test_hostile_names_stay_names() -> None:
    text = escaped("<b>x</b> [a](javascript:1) `rm` | *bold* \x1b[31m\nnext")
    assert "\n" not in text
    assert "\x1b" not in text
    assert text.startswith(r"\<b\>x\</b\> \[a\](javascript:1) \`rm\` \| \*bold\*")
