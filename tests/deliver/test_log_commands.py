"""Tests that text from tenants, policies and file names never runs as a workflow command in the log of a CI job."""

import contextlib
import io
import json
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
from auditor.app.catalogue import active as catalogue
from auditor.app.policy_tests.fixtures import fixture_snapshot
from auditor.cli.process import run
from auditor.cli.terminal.result import terminal
from auditor.cli.terminal.streams import Sink, StoppedCommands, Stream
from auditor.deliver.log_commands import CommandEscaper, escape_commands
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.result.model import Coverage
from auditor.render import formats
from auditor.render.view.content import PageContent
from auditor.snapshot.writer import write
from tests.builders.result.audits import run as audited
from tests.builders.service.command_line import AS_OF, clean_environment
from tests.builders.service.job_log import azure_commands_of, commands_of, job_environment
from tests.builders.tenant.tenants import NOW

pytestmark = pytest.mark.slow
EVIL = "##[error]a ##[add-mask]b ##vso[task.setvariable variable=c]d ::warning::e \u00a0::set-output name=exit-code::0"
"""Every kind of workflow command; at some terminal width, each `::` is wrapped to the start of a line."""
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


class Completed(Struct, frozen=True, kw_only=True):
    code: int
    out: str
    err: str


def run_in_job(*arguments: str | Path, cwd: Path, **environment: str) -> Completed:
    """Run the command line in this process, with streams like those of a new process."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2)]
    saved = dict(os.environ), sys.stdout, sys.stderr
    os.environ.clear()
    os.environ.update(clean_environment(environment))
    try:
        sys.stdout, sys.stderr = streams
        with contextlib.chdir(cwd):
            code = run([str(argument) for argument in arguments])
    finally:
        sys.stdout, sys.stderr = saved[1:]
        os.environ.clear()
        os.environ.update(saved[0])
    out, err = (stream.buffer.getvalue().decode("utf-8", "replace") for stream in streams)
    return Completed(code=code, out=out, err=err)


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two tenants and policies in which every name is a workflow command."""
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
    for number, name in enumerate(("contoso", "fabrikam")):
        snapshot = fixture_snapshot(name, state, catalogue(), NOW)
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


def assert_only_annotations_run(completed: Completed) -> None:
    """Assert that only the program's annotations run, for each stream alone and even if `stop-commands` is ignored."""
    for stream in (completed.out, completed.err):
        for stops in (True, False):
            annotations = [
                line
                for line in stream.splitlines()
                if line.startswith(("::error ", "::warning ", "::notice ")) and (" title=" in line or ",title=" in line)
            ]
            assert len(list(commands_of(stream, stops=stops))) == len(annotations), stream
        assert list(azure_commands_of(stream)) == []


@given(st.lists(TEXT, max_size=6))
def test_text_escaped_in_chunks_contains_no_command(chunks: list[str]) -> None:
    escaper = CommandEscaper(at_start=True)
    escaped = "".join(map(escaper.escape_next, chunks))
    assert list(commands_of(escaped)) == []
    assert list(azure_commands_of(escaped)) == []
    assert escaped.replace(" ", "") == "".join(chunks).replace(" ", "")


@given(st.text(st.sampled_from("#[:vso\né€\u3000")), st.integers(1, 5))
def test_document_escaped_in_chunks_of_any_size_keeps_every_character(text: str, size: int) -> None:
    body = text.encode()
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    received = b"".join(escape_commands(chunks, "csv")).decode()
    assert list(azure_commands_of(received)) == []
    assert received.replace(" ", "") == text
    assert b"".join(escape_commands(chunks, "parquet")) == body


def test_no_name_runs_as_a_command_at_any_terminal_width(evil: Path) -> None:
    request = Request(policies=(evil / "policies",), snapshots=(evil / "snapshots",), as_of=NOW, state_as_of=NOW)
    content = PageContent(audited(request), "en")
    plain = io.StringIO()
    terminal(content, Console(file=plain, width=80), paths=(FILE,))
    assert list(azure_commands_of(plain.getvalue())), "the names are hostile"
    for width in range(20, 61):  # which include one that wraps each of the commands to the start of a line
        file = io.BytesIO()
        original = io.TextIOWrapper(io.BytesIO(), "utf-8")
        stream = Stream(Sink(file), original, "replace", StoppedCommands("token"), is_for_people=False)
        terminal(content, Console(file=stream, width=width), paths=(FILE,))
        stream.flush()
        assert list(commands_of(file.getvalue().decode())) == [], width
        assert list(azure_commands_of(file.getvalue().decode())) == [], width


def test_audit_summary_is_within_stop_commands_and_annotations_are_not(evil: Path, tmp_path: Path) -> None:
    (tmp_path / "policies").symlink_to(evil / "policies")
    for options in ((), ("-v",)):
        arguments = ("audit", "--snapshot", evil / "snapshots", "--as-of", AS_OF, "-f", "terminal", *options)
        completed = run_in_job(*arguments, cwd=tmp_path, COLUMNS="30", **job_environment(tmp_path))
        assert completed.code in {0, 1, 3}, completed.err
        assert_only_annotations_run(completed)
        assert completed.out.startswith("::stop-commands::auditor-")
        assert list(commands_of(completed.out)), "the annotations are outside of stop-commands"
        outside = run_in_job(*arguments, cwd=tmp_path, COLUMNS="30")
        assert "stop-commands" not in outside.out + outside.err
        assert list(azure_commands_of(outside.out + outside.err)) == []


TEXT_FORMATS = sorted(set(formats.FORMATS) - {"parquet", "xlsx"})


@pytest.mark.parametrize("form", TEXT_FORMATS)
def test_report_on_stdout_runs_no_command_and_keeps_its_data(evil: Path, form: str, tmp_path: Path) -> None:
    arguments = ("audit", evil / "policies", "--snapshot", evil / "snapshots", "--as-of", AS_OF, "-f", f"{form}=-")
    completed = run_in_job(*arguments, cwd=tmp_path, **job_environment(tmp_path))
    assert completed.code in {0, 1, 3}, completed.err
    assert_only_annotations_run(replace(completed, err=""))
    if form in {"json", "sarif"}:
        assert json.loads(completed.out) == json.loads(run_in_job(*arguments, cwd=tmp_path).out)
    assert "stop-commands" not in completed.out


def _command_lines(evil: Path) -> Iterator[tuple[str | Path, ...]]:
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


def test_no_subcommand_prints_a_workflow_command(evil: Path, tmp_path: Path) -> None:
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
    for arguments in _command_lines(evil):
        completed = run_in_job(*arguments, cwd=tmp_path, **job_environment(tmp_path))
        assert completed.code != 70, (arguments, completed.err)
        assert_only_annotations_run(completed)
    (tmp_path / "policies" / FILE).write_text(wrong, encoding="utf-8")
    for arguments in (
        ("validate",),
        ("audit", "policies", "--demo"),
        ("preview", "--base", "empty", "--demo"),
        ("test", "policies"),
    ):
        completed = run_in_job(*arguments, cwd=tmp_path, **job_environment(tmp_path))
        assert completed.code == 2, (arguments, completed.err)
        assert_only_annotations_run(completed)
        assert "::error " in completed.err
