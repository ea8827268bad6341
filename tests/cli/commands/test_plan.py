"""`auditor plan` from its command line: files, exit codes, refusals."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from auditor import resources
from auditor.cli.main import run
from auditor.domain.enums import Source, SourceStatus
from auditor.remedy.planner.markdown import escaped
from auditor.snapshot.writer import write
from tests.builders.command_line import call
from tests.builders.plan_tenants import E3, grant, snapshot, user

AS_OF = "--as-of=2026-11-20T02:17:00Z"
RULES = (
    "version: 1\npolicies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"
)


def plan_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(resources.schema("plan")))
    return document


@pytest.mark.slow
def test_the_demo_has_a_proven_plan_that_keeps_its_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--demo", AS_OF, "-o", str(tmp_path), "-f", "json,markdown,terminal"]) == 0
    document = plan_of(tmp_path)
    contoso = document["tenants"][0]
    assert document["proven"]
    assert contoso["proof"]["new"] == []
    assert contoso["before"]["open"] == len(contoso["proof"]["fixed"]) + len(contoso["proof"]["remaining"])
    assert all(item["why"] for item in contoso["proof"]["remaining"])
    orders = [action["order"] for action in contoso["actions"]]
    assert orders == sorted(orders, key=["check", "backup", "reassign", "buy", "move", "remove", "cancel"].index)
    assert "new: 0." in capsys.readouterr().out
    markdown = (tmp_path / "plan.md").read_text(encoding="utf-8")
    assert "Set-MgUserLicense -UserId '" in markdown
    assert "<img" not in re.sub(r"\\.", "", markdown)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["nl", "da", "sv", "tr", "de"])
def test_amounts_are_written_with_spaces_not_with_codes(tmp_path: Path, locale: str) -> None:
    ran = call("plan", "--demo", AS_OF, "--locale", locale, "-f", "markdown", "-f", "terminal", cwd=tmp_path)
    assert ran.code == 0, ran.err
    told = ran.out.decode() + (tmp_path / "out/plan.md").read_text(encoding="utf-8")
    assert "646,55" in told
    assert not any(code in told for code in ("\\xa0", "\\u202f"))


@pytest.mark.slow
def test_equal_runs_write_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run(["plan", "--demo", AS_OF, "-q", "-o", str(tmp_path / name)])
    assert (tmp_path / "one/plan.json").read_bytes() == (tmp_path / "two/plan.json").read_bytes()


def test_a_path_of_a_hyphen_is_stdout_and_people_are_told_beside_it(tmp_path: Path) -> None:
    ran = call("plan", "--demo", AS_OF, "-f", "json=-", "-f", "json", "-f", "terminal", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.out == (tmp_path / "out/plan.json").read_bytes()
    assert "new: 0." in ran.err
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("formats", [["json=a", "markdown=./a"], ["json", "json"], ["json="], ["json=out"]])
def test_each_document_has_a_place_of_its_own(formats: list[str], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    asked = [word for text in formats for word in ("-f", text)]
    for command in (["plan"], ["preview", "--base", "out"]):
        ran = call(*command, "--demo", AS_OF, *asked, cwd=tmp_path)
        assert ran.code == 2, ran.err
        assert ran.err.startswith("error[")
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


@pytest.mark.slow
def test_people_read_their_language_and_machines_english(tmp_path: Path) -> None:
    for name, locale in (("en", "en"), ("nl", "nl")):
        run(["plan", "--demo", AS_OF, "-q", "--locale", locale, "-f", "json,markdown", "-o", str(tmp_path / name)])
    assert (tmp_path / "en/plan.json").read_bytes() == (tmp_path / "nl/plan.json").read_bytes()
    assert "**Voordat u begint**" in (tmp_path / "nl/plan.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_stands_alone_and_tells_the_plan_in_order(tmp_path: Path) -> None:
    run(["plan", "--demo", AS_OF, "-q", "--locale", "de", "-f", "json,html", "-o", str(tmp_path)])
    page = (tmp_path / "plan.html").read_text(encoding="utf-8")
    document = plan_of(tmp_path)
    assert '<html lang="de">' in page
    assert "<script" not in page
    assert not re.search(r"<(?:link|img|iframe|form|object)\b|@import|url\(|<[a-z][^<>]*\s(?:src|on\w+)=", page)
    style = re.search(r"(?s)<style>(.*?)</style>", page)
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in unescape(page)
    for number, tenant in enumerate(document["tenants"], start=1):
        acts = re.findall(rf'(?s)<article class="act" id="t{number}-\d+">(.*?)</article>', page)
        assert len(acts) == len(tenant["actions"])
        for told, action in zip(acts, tenant["actions"], strict=True):
            requests = len(action["requests"])
            assert told.count("<pre>") == 2 * requests + told.count("Connect-MgGraph"), "each with its PowerShell line"
            assert told.count("Connect-MgGraph") == (1 if requests else 0)
            assert told.count("<details>") == bool(action["requests"])
            for request in action["requests"]:
                assert request["powershell"] in unescape(told)
                assert f"{request['method']} {request['path']}" in unescape(told)
            assert told.count('class="stop"') == len(action["irreversible"])
    proof = document["tenants"][0]["proof"]
    counts = re.findall(r"<dd>([\d.]+)</dd>", page)[:3]
    assert counts == [str(len(proof[key])) for key in ("fixed", "remaining", "new")]


def test_hostile_names_are_text_on_the_page(tmp_path: Path, rules: str) -> None:
    name = "<img src=x onerror=alert(1)>\x1b[2J\u202e`${7*7}`{{7*7}}</style><script>"
    people = [
        user("ann", grant(E3), accountEnabled=False, displayName=name, userPrincipalName=f"{name}@contoso.example")
    ]
    write(tmp_path / "snapshots", snapshot(people, {E3: 2}))
    run(["plan", "--snapshot", str(tmp_path / "snapshots"), AS_OF, "-q", "-f", "html", "-o", str(tmp_path), rules])
    page = (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert "<script" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert page.count("</style>") == 1


@pytest.fixture
def rules(tmp_path: Path) -> str:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return str(path)


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
