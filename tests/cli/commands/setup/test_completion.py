"""`auditor completion`: bash, fish and zsh complete commands, options and values with the generated scripts."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from auditor.cli.commands.setup.completion import SHELLS
from auditor.cli.main import COMMANDS, command_parser
from tests.builders.document.powershell import Script
from tests.builders.service.command_line import call, expect

CASES = [
    (("hist",), {"history"}),
    (("audit", "--engi"), {"--engine"}),
    (("audit", "--engine", "sp"), {"spark"}),
    (("audit", "--fail-on", "crit"), {"critical"}),
    (("audit", "-f", "xl"), {"xlsx"}),
    (("audit", "-f", "te"), {"terminal"}),
    (("plan", "-f", "q"), {"questions"}),
    (("plan", "-f", "x"), set()),
    (("verify", "--format", ""), {"json", "markdown", "html", "terminal"}),
    (("audit", "--snapshot", "sna"), {"snapshots"}),
    (("collect", "-o", "sna"), {"snapshots"}),
    (("store", "pru"), {"prune"}),
    (("init", "--size", ""), {"small", "large"}),
]
BASH = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_auditor
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= RPS1=; autoload -Uz compinit && compinit -u -D && source $1"
zpty -w shell 'finish() { print -r -- "<$BUFFER>"; BUFFER= }; zle -N finish; bindkey "^X" finish; bindkey "^I" complete-word'
zpty -w shell 'print -r "<""ready>"'
zpty -r shell line '*<ready>*'
for words in "${@:2}"; do
  zpty -w -n shell "$words"$'\\t\\x18'
  zpty -r shell line $'*<auditor*>*'
  print -r -- "$line"
done
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the script of each shell, in a folder that contains a path to complete."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "snapshots").mkdir()
    paths = {}
    for shell in SHELLS:
        completed = expect(0, "completion", shell, "--locale", "en", cwd=folder)
        paths[shell] = folder / f"auditor.{shell}"
        paths[shell].write_bytes(completed.out)
    return paths


def run_shell(scripts: dict[str, Path], *command: str | Path) -> str:
    completed = subprocess.run(
        command, cwd=scripts["bash"].parent, capture_output=True, text=True, check=False, timeout=60
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.mark.parametrize("shell", SHELLS)
def test_scripts_contain_every_command_and_option(scripts: dict[str, Path], shell: str) -> None:
    text = scripts[shell].read_text(encoding="utf-8")
    options = {
        name
        for command in COMMANDS
        for action in command_parser(command)[1].arguments()
        for name in action.option_strings
    }
    fish_options = {f"-l {name[2:]} " if name.startswith("--") else f"-s {name[1:]} " for name in options}
    assert [name for name in (fish_options if shell == "fish" else options) if name not in text] == []
    assert [command for command in COMMANDS if not re.search(rf"\b{command}\b", text)] == []


@pytest.mark.parametrize("command", ["audit", "report", "plan", "verify", "preview", "history"])
def test_commands_accept_and_describe_exactly_the_formats_that_are_completed(tmp_path: Path, command: str) -> None:
    module, parser = command_parser(command)
    known = module.FORMAT_NAMES
    (option,) = (action for action in parser.arguments() if "--format" in action.option_strings)
    assert str(option.help).startswith(f"{', '.join(known)} (repeatable, or separated by commas; default: ")
    required = {"report": ["."], "verify": ["."], "history": ["."], "preview": ["--base", "."]}
    error = call(command, *required.get(command, []), "-f", "nothing", cwd=tmp_path, COLUMNS="200").err
    assert "[format-unknown]" in error
    assert f"one of {', '.join(known)}\n" in error


@pytest.mark.parametrize(("arguments", "expected"), CASES)
def test_bash_completes_words(scripts: dict[str, Path], arguments: tuple[str, ...], expected: set[str]) -> None:
    needs("bash")
    assert set(run_shell(scripts, "bash", "-c", BASH, "-", scripts["bash"], "auditor", *arguments).split()) == expected


def test_bash_completes_after_an_equals_sign(scripts: dict[str, Path]) -> None:
    needs("bash")
    split = ("auditor", "audit", "--engine", "=", "lo")
    assert run_shell(scripts, "bash", "-c", BASH, "-", scripts["bash"], *split).split() == ["local"]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "expected"), CASES)
def test_fish_completes_words(scripts: dict[str, Path], arguments: tuple[str, ...], expected: set[str]) -> None:
    needs("fish")
    line = " ".join(("auditor", *arguments))
    suggestions = run_shell(scripts, "fish", "--no-config", "-c", f"source {scripts['fish']}; complete -C '{line}'")
    assert {suggestion.partition("\t")[0].rstrip("/") for suggestion in suggestions.splitlines()} == expected


@pytest.mark.slow
def test_zsh_completes_words(scripts: dict[str, Path]) -> None:
    """One shell for all words, because its start takes a second."""
    needs("zsh")
    cases = {" ".join(("auditor", *arguments)): expected for arguments, expected in CASES if len(expected) == 1}
    output = run_shell(scripts, "zsh", "-f", "-c", ZSH, "-", scripts["zsh"], *cases)
    lines = re.findall(r"<(auditor [^>]*)>", output)
    assert [{line.split()[-1].rstrip("=/")} for line in lines] == list(cases.values())


def test_powershell_script_registers_a_completer(scripts: dict[str, Path]) -> None:
    script = Script(scripts["powershell"].read_bytes())
    assert "Register-ArgumentCompleter" in {command.name for command in script.commands}
