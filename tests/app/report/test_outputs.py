"""The option -f: formats, and the paths of their files."""

from pathlib import Path

import pytest

from auditor.app.report.outputs import targets_of
from auditor.domain.errors import UsageError
from tests.builders.service.command_line import call

FILES = {"json": "plan.json"}


@pytest.mark.parametrize(
    "command", [("plan", "--demo"), ("verify", "p.json"), ("preview", "--demo", "--base", "."), ("history", ".")]
)
def test_commands_that_only_print_the_format_terminal_say_so(command: tuple[str, ...], tmp_path: Path) -> None:
    completed = call(*command, "-f", "terminal=out.txt", cwd=tmp_path)
    assert (completed.code, "error[format-path]: 'terminal=out.txt'" in completed.err) == (2, True), completed.err
    assert list(tmp_path.iterdir()) == []


def test_terminal_on_stdout_is_the_format_terminal(tmp_path: Path) -> None:
    for formats in (["terminal"], ["terminal=-"]):
        assert targets_of(formats, FILES, tmp_path) == ([], True)
    assert targets_of(["json"], FILES, tmp_path) == ([("json", tmp_path / "plan.json")], False)


def test_unknown_format_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no format 'yaml'"):
        targets_of(["yaml=x"], FILES, tmp_path)
