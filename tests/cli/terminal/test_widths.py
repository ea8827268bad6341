"""Help, tables and messages fit the width of the terminal in every language."""

import io
import os
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.console import Console

from auditor.cli.commands.catalogue import products
from auditor.cli.commands.policies import explain
from auditor.cli.main import COMMANDS, command_parser, main_parser
from auditor.cli.terminal.markdown import render, wrapped_text
from auditor.cli.terminal.tables import print_sparklines
from auditor.demo.__main__ import main as write_demo
from auditor.render.view.curves import Trend
from tests.builders.service.command_line import AS_OF, Terminal, call, expect
from tests.localization.catalogue_messages import LANGUAGES

POLICY = """\
version: 1
policies:
- {id: leavers, severity: medium, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
- {id: spare-licences, title: Purchased licences that nobody uses, severity: low, seats: {of: paid, spare: {max: 1}}}
"""


@pytest.fixture(params=[80, 100])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


every_language = pytest.mark.parametrize(
    ("language", "width"), [*((language, 80) for language in ("en", *LANGUAGES)), ("de", 100)], indirect=["width"]
)
"""80 columns reveal words that are too long for their column; one language at 100 shows that lines follow the width."""


def test_amounts_are_not_wrapped_and_invisible_characters_are_escaped() -> None:
    lines = wrapped_text("saves \u20ac\u00a01\u202f280,60 \u202e", width=10).splitlines()
    assert lines == ["saves", "\u20ac 1 280,60", "\\u202e"]


def test_markdown_has_the_spaces_of_amounts_and_escapes_other_invisible_characters() -> None:
    text = "# 5\u00a0000\n- 10\u00a0% \u202e\n\n```yaml\n# 2\u202f000\n```\n"
    assert render(text, colour=False).splitlines() == ["5 000", "- 10 % \\u202e", "", "    # 2 000"]


def too_wide(text: str, width: int) -> list[str]:
    return [line for line in text.splitlines() if cell_len(line.rstrip()) > width]


def test_summary_of_a_long_curve_continues_in_its_column() -> None:
    console = Console(file=io.StringIO(), width=80)
    summary = "€2,857.45 on 1 Oct 2026, €2,256.45 now"
    line = Trend(label="monthly cost", last="", points="", axis=0, text="▁" * 24, bars=(), first="", summary=summary)
    print_sparklines(console, [line, replace(line, label="monthly cost of open findings")])
    assert isinstance(console.file, io.StringIO)
    _, *lines = console.file.getvalue().splitlines()
    (start,) = {text.index("€2,857.45") for text in lines if "€2,857.45" in text}
    assert [text.strip() for text in lines if not text[:start].strip()] == ["2026, €2,256.45 now"] * 2
    assert all(text[:start].endswith("  ") for text in lines)


@pytest.mark.slow
@every_language
def test_help_fits_the_terminal_width(language: str, width: int) -> None:
    locale = ("--locale", language)
    assert too_wide(main_parser(locale).format_help(), width) == []
    for command in COMMANDS:
        text = command_parser(command, locale)[1].format_help()
        assert too_wide(text, width) == [], command


def test_help_example_over_several_lines_uses_line_continuations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = command_parser("init")[1].format_help().splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("auditor init audit/"))
    assert lines[start].endswith(" \\")
    assert lines[start + 1].startswith("    ")


@pytest.fixture(scope="module")
def audited_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with two demo audits in a store, and a change of two policies (`base` and `head`)."""
    folder = tmp_path_factory.mktemp("nights")
    for name, text in (("base", POLICY), ("head", POLICY.replace("1}}", "9}}").replace("leavers", "blocked"))):
        (folder / name).mkdir()
        (folder / name / "p.yaml").write_text(text)
    write_demo([str(folder / "demo"), "--as-of", AS_OF, "--previous"])
    audit = ("audit", "demo/policies", "--snapshot", "demo/snapshots", "-o", "o", "-f", "json", "-q", "--as-of")
    for night in (AS_OF.replace("-20T", "-19T"), AS_OF):
        call(*audit, night, cwd=folder)
        assert call("store", "put", "nights", "demo/snapshots", "o/result.json", "-q", cwd=folder).code == 0
    return folder


@pytest.mark.slow
@every_language
def test_command_output_fits_the_terminal_width(language: str, width: int, audited_folder: Path) -> None:
    """`report` prints the summary of the complete demo; `audit` runs with two policies only."""
    first, last = sorted(path.name[:10] for path in (audited_folder / "demo" / "snapshots" / "contoso").iterdir())
    for command in (
        ("history", "nights"),
        ("history", "nights", "--from", first, "--to", last),
        ("history", "nights", "--tenant", "contoso", "--policy", "disabled-licensed"),
        ("store", "list", "nights"),
        ("report", "o/result.json", "-f", "terminal"),
        ("audit", "base", "--snapshot", "demo/snapshots", "--as-of", AS_OF, "-o", "a", "-f", "json,terminal"),
        ("plan", "demo/policies", "--snapshot", "demo/snapshots", "--as-of", AS_OF, "-o", "p", "-f", "terminal"),
        ("preview", "head", "--base", "base", "--snapshot", "demo/snapshots", "--as-of", AS_OF, "-o", "p"),
    ):
        completed = call(*command, "--locale", language, cwd=audited_folder, COLUMNS=str(width))
        assert completed.code in {0, 1}, completed.text
        assert len(completed.text) > 30
        assert too_wide(completed.text, width) == [], command
        assert "  [1]" not in completed.text


@pytest.mark.slow
def test_doctor_output_fits_the_terminal_width(width: int, tmp_path: Path) -> None:
    (tmp_path / "tenants.yaml").write_text(
        "version: 1\ntenants: [{name: contoso, tenantId: 11111111-2222-3333-4444-555555555555}]\n"
    )
    completed = call("doctor", cwd=tmp_path, COLUMNS=str(width))
    assert "has no credential" in " ".join(completed.text.split())
    assert too_wide(completed.text, width) == []


@pytest.mark.slow
def test_one_cause_is_reported_once_per_tenant(tmp_path: Path) -> None:
    (tmp_path / "tenants.yaml").write_text(
        "version: 1\ntenants:\n- name: rotete\n  tenantId: 11111111-2222-3333-4444-555555555555\n"
        "  credential: {type: client-secret, clientId: 11111111-2222-3333-4444-555555555556, secretEnv: NOT_THERE}\n"
    )
    completed = expect(3, "audit", "--no-progress", cwd=tmp_path)
    assert " ".join(completed.text.split()).count("NOT_THERE is not set") == 1


def terminal_output(monkeypatch: pytest.MonkeyPatch, width: int, module: object, *arguments: str) -> str:
    """Return what a command prints if stdout is a terminal; the command runs in this process."""
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        parser = command_parser(str(getattr(module, "__name__", "")).rpartition(".")[2])[1]
        assert module.run(parser.parse_intermixed_args(arguments)) == 0  # type: ignore[attr-defined]
    return terminal.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SPE_E3", "move-users", "assignment.redundant", "disabled-licensed"])
def test_explain_prints_plain_text_on_a_terminal(name: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = terminal_output(monkeypatch, width, explain, name)
    overlong = [line for line in too_wide(text, width) if "https://" not in line]
    assert overlong == []
    assert "\\" not in text
    assert "**" not in text
    assert "```" not in text


def test_explain_removes_markdown_escapes_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: r, title: 'Rotete & Sønner <AS> [x]', severity: low, users: {department: Sales},\n"
        "   assignments: {deny: [SPE_E3]}}\n"
    )
    text = terminal_output(monkeypatch, 80, explain, "r", str(tmp_path / "p.yaml"))
    assert text.startswith("r: Rotete & Sønner <AS> [x]\n")
    assert "    users:\n      department: Sales\n" in text


def test_explain_without_an_id_is_a_usage_error(tmp_path: Path) -> None:
    completed = call("explain", cwd=tmp_path)
    assert completed.err.startswith("auditor explain: error: the following arguments are required: ID\n")


def test_products_table_does_not_wrap_ids(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = terminal_output(monkeypatch, width, products, "visio")
    assert "c5928f49-12ba-48f7-ada3-0d743a3601d5" in text
    assert too_wide(text, width) == []
    assert os.environ["COLUMNS"] == str(width)
