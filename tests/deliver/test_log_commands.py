"""No text of a tenant, a policy or a file's name runs as a command in the log of a CI job, in whatever output it is."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from auditor.app.audit.run import Request
from auditor.app.catalogue import active as packaged
from auditor.app.policy_tests.fixtures import fixture_snapshot
from auditor.cli.process import run
from auditor.cli.terminal.result import terminal
from auditor.cli.terminal.streams import Bracket, Sink, Stream
from auditor.deliver.log_commands import CommandEscaper, escape_commands
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import Span
from auditor.domain.message import Message
from auditor.domain.result.model import Coverage
from auditor.render import formats
from auditor.render.html.content import PageContent
from auditor.snapshot.writer import write
from tests.builders.result.audits import run as audited
from tests.builders.service.command_line import AS_OF, clean_environment
from tests.builders.service.job_log import azure_commands_of, commands_of
from tests.builders.tenant.tenants import NOW

EVIL = "##[error]a ##[add-mask]b ##vso[task.setvariable variable=c]d ::warning::e \u00a0::set-output name=exit-code::0"
"""Everything that a log obeys; wrapped at some width each `::` comes to a line's start."""
FILE = "::error::f ##[warning]g.yaml"
POLICY = f"""\
version: 1
policies:
- id: leavers
  title: '{EVIL}'
  rationale: '::error::r'
  severity: medium
  owner: '{EVIL}'
  users: {{accountEnabled: false}}
  assignments: {{of: paid, allow: []}}
- {{id: groups, severity: low, users: {{memberOf: '{EVIL}'}}, assignments: {{require: [SPE_E5]}}}}
waivers:
- {{id: W1, policies: [leavers], users: {{userPrincipalName: 'b@x.example'}}, reason: '{EVIL}', owner: o, expires: 2027-01-01}}
"""
TEXT = st.text(st.sampled_from("#:[]vso errwanig\n\r\t\u00a0\u3000\u2028x"))


class Ran(Struct, frozen=True, kw_only=True):
    code: int
    out: str
    err: str


def completed(*arguments: str | Path, cwd: Path, **environment: str) -> Ran:
    """Run the command line with the streams of a process, in this one."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2)]
    before = dict(os.environ), sys.stdout, sys.stderr
    os.environ.clear()
    os.environ.update(clean_environment(environment))
    try:
        sys.stdout, sys.stderr = streams
        with contextlib.chdir(cwd):
            code = run([str(argument) for argument in arguments])
    finally:
        sys.stdout, sys.stderr = before[1:]
        os.environ.clear()
        os.environ.update(before[0])
    out, err = (stream.buffer.getvalue().decode("utf-8", "replace") for stream in streams)
    return Ran(code=code, out=out, err=err)


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tenant, policies and a policy test in which every name is a command."""
    root = tmp_path_factory.mktemp("evil")
    state = {
        "products": [{"skuPartNumber": "SPE_E3", "enabled": 5}],
        "groups": [{"displayName": EVIL, "licenses": ["SPE_E3"]}],
        "users": [
            {
                "userPrincipalName": f"{name}@x.example",
                "displayName": EVIL,
                "accountEnabled": False,
                "department": EVIL,
                "licenses": [{"sku": "SPE_E3", "via": EVIL}],
                "memberOf": [EVIL],
            }
            for name in ("a", "b")
        ],
    }
    where = Span(file="x", line=1, column=1)
    for number, name in enumerate(("contoso", "fabrikam")):
        snapshot = fixture_snapshot(name, state, packaged(), NOW, where)
        sources = tuple(
            Coverage(name=Source.MAILBOXES, status=SourceStatus.UNAVAILABLE, reason=Message(EVIL))
            if source.name is Source.MAILBOXES and number
            else source
            for source in snapshot.manifest.sources
        )
        manifest = replace(snapshot.manifest, display_name=EVIL, sources=sources)
        write(root / "snapshots", replace(snapshot, manifest=manifest))
    (root / "policies").mkdir()
    (root / "policies" / FILE).write_text(POLICY, encoding="utf-8")
    return root


def in_job(folder: Path) -> dict[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(folder),
        "GITHUB_OUTPUT": str(folder / "o"),
        "GITHUB_STEP_SUMMARY": str(folder / "s"),
    }


def assert_nothing_runs(ran: Ran) -> None:
    """The annotations of our own are all that runs, also where the runner reads a stream by itself or ignores stops."""
    for stream in (ran.out, ran.err):
        for stops in (True, False):
            ours = [line for line in stream.splitlines() if line.startswith(("::error ", "::warning ", "::notice "))]
            ours = [line for line in ours if " title=" in line or ",title=" in line]
            assert len(list(commands_of(stream, stops=stops))) == len(ours), stream
        assert list(azure_commands_of(stream)) == []


@pytest.mark.slow
@given(st.lists(TEXT, max_size=6))
def test_a_text_that_comes_in_pieces_holds_no_command(pieces: list[str]) -> None:
    breaker = CommandEscaper(at_start=True)
    broken = "".join(map(breaker.feed, pieces))
    assert list(commands_of(broken)) == []
    assert list(azure_commands_of(broken)) == []
    assert broken.replace(" ", "") == "".join(pieces).replace(" ", "")


@given(st.text(st.sampled_from("#[:vso\né€\u3000")), st.integers(1, 5))
def test_a_document_that_is_cut_anywhere_keeps_every_character(text: str, size: int) -> None:
    body = text.encode()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    received = b"".join(escape_commands(pieces, "csv")).decode()
    assert list(azure_commands_of(received)) == []
    assert received.replace(" ", "") == text
    assert b"".join(escape_commands(pieces, "parquet")) == body


@pytest.mark.slow
def test_no_name_runs_at_any_width(evil: Path) -> None:
    asked = Request(
        policies=(evil / "policies",), snapshots=(evil / "snapshots",), as_of=NOW, state_as_of=NOW, started=NOW
    )
    content = PageContent(audited(asked), "en")
    plain = io.StringIO()
    terminal(content, Console(file=plain, width=80), paths=(FILE,))
    assert list(azure_commands_of(plain.getvalue())), "the names are hostile"
    for width in range(20, 201):
        file = io.BytesIO()
        like = io.TextIOWrapper(io.BytesIO(), "utf-8")
        stream = Stream(Sink(file), like, "replace", Bracket("token"), is_for_people=False)
        terminal(content, Console(file=stream, width=width), paths=(FILE,))
        stream.flush()
        assert list(commands_of(file.getvalue().decode())) == [], width
        assert list(azure_commands_of(file.getvalue().decode())) == [], width


@pytest.mark.slow
def test_the_summary_of_an_audit_is_bracketed_and_its_annotations_are_not(evil: Path, tmp_path: Path) -> None:
    (tmp_path / "policies").symlink_to(evil / "policies")
    for more in ((), ("-v",)):
        asked = ("audit", "--snapshot", evil / "snapshots", "--as-of", AS_OF, "-f", "terminal", *more)
        ran = completed(*asked, cwd=tmp_path, COLUMNS="30", **in_job(tmp_path))
        assert ran.code in {0, 1, 3}, ran.err
        assert_nothing_runs(ran)
        assert ran.out.startswith("::stop-commands::auditor-")
        assert list(commands_of(ran.out)), "our own annotations stand outside of the bracket"
        outside = completed(*asked, cwd=tmp_path, COLUMNS="30")
        assert "stop-commands" not in outside.out + outside.err
        assert list(azure_commands_of(outside.out + outside.err)) == []


TEXT_FORMATS = sorted(set(formats.FORMATS) - {"parquet", "xlsx"})


@pytest.mark.slow
@pytest.mark.parametrize("form", TEXT_FORMATS)
def test_a_report_in_the_log_runs_nothing_and_says_the_same(evil: Path, form: str, tmp_path: Path) -> None:
    asked = ("audit", evil / "policies", "--snapshot", evil / "snapshots", "--as-of", AS_OF, "-f", f"{form}=-")
    ran = completed(*asked, cwd=tmp_path, **in_job(tmp_path))
    assert ran.code in {0, 1, 3}, ran.err
    assert_nothing_runs(replace(ran, err=""))
    plain = completed(*asked, cwd=tmp_path)
    if form in {"json", "sarif"}:
        import json  # noqa: PLC0415

        assert json.loads(ran.out) == json.loads(plain.out)
    assert "stop-commands" not in ran.out


def _asked(evil: Path) -> Iterator[tuple[str | Path, ...]]:
    saved = evil / "snapshots"
    yield "audit", "--snapshot", saved, "--findings", "f.parquet"
    yield "validate", "--strict"
    yield "validate", "--tenants", "bad ::error::x.yaml"
    yield "validate", "no ##[error]such.yaml"
    yield "test", "."
    yield "preview", "--base", "empty", "--snapshot", saved
    yield "preview", "--base", "##[error]x", "--snapshot", saved
    yield "plan", "--snapshot", saved, "--as-of", AS_OF
    yield "plan", "--snapshot", saved, "--as-of", AS_OF, "-f", "json=-"
    for form in ("approvals", "http", "markdown", "html", "powershell", "questions"):
        yield "plan", "--snapshot", saved, "--tenant", "contoso", "--as-of", AS_OF, "-f", f"{form}=-"
    yield "store", "put", "nights ##[error]x", saved
    yield "store", "list", "nights ##[error]x"
    yield "store", "check", "nights ##[error]x", "--json"
    yield "history", "nights ##[error]x"
    yield "history", saved, "-f", "json=-"
    yield "report", "##[error]x.json"
    yield "explain", EVIL
    yield "explain", "leavers"
    yield "products", EVIL
    yield "products", EVIL, "--json"
    yield "collect", "--tenants", "tenants.yaml"
    yield "doctor", "--tenants", "tenants.yaml"
    yield "schema", EVIL
    yield (EVIL,)
    yield "audit", f"--{EVIL}"
    yield "audit", "--locale", EVIL, "--demo"


@pytest.mark.slow
def test_no_command_of_the_program_prints_a_command_of_the_log(evil: Path, tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / FILE).write_text(POLICY, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "p.yaml").write_text(POLICY.replace("medium", "high"), encoding="utf-8")
    wrong = POLICY.replace("severity: medium", f"severity: '{EVIL}'")
    (tmp_path / f"{FILE}_test.yaml").write_text(f"version: 1\ntests:\n- name: '{EVIL}'\n  x: 1\n", encoding="utf-8")
    (tmp_path / "bad ::error::x.yaml").write_text(f"version: 1\n{EVIL}\n", encoding="utf-8")
    (tmp_path / "tenants.yaml").write_text(
        "version: 1\ntenants:\n- {name: contoso, tenantId: 11111111-2222-3333-4444-555555555555,"
        " credential: {type: token, tokenEnv: MY_TOKEN}}\n"
    )
    for asked in _asked(evil):
        ran = completed(*asked, cwd=tmp_path, **in_job(tmp_path))
        assert ran.code != 70, (asked, ran.err)
        assert_nothing_runs(ran)
    (tmp_path / "policies" / FILE).write_text(wrong, encoding="utf-8")
    for asked in (
        ("validate",),
        ("audit", "policies", "--demo"),
        ("preview", "--base", "empty", "--demo"),
        ("test", "policies"),
    ):
        ran = completed(*asked, cwd=tmp_path, **in_job(tmp_path))
        assert ran.code == 2, (asked, ran.err)
        assert_nothing_runs(ran)
        assert "::error " in ran.err
