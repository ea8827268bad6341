"""`auditor completion`: real shells complete commands, options and values with its scripts."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from auditor.cli.commands.setup.completion import SHELLS
from auditor.cli.main import COMMANDS, command_parser
from tests.builders.document.powershell import Script
from tests.builders.service.command_line import expect

CASES = [
    (("hist",), {"history"}),
    (("audit", "--engi"), {"--engine"}),
    (("audit", "--engine", "sp"), {"spark"}),
    (("audit", "--fail-on", "crit"), {"critical"}),
    (("audit", "-f", "xl"), {"xlsx"}),
    (("audit", "--snapshot", "sna"), {"snapshots"}),
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
zpty -w -n shell "$2"$'\\t\\x18'
zpty -r shell line $'*<auditor*>*'
print -r -- "$line"
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The script of every shell, in a folder with something to complete."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "snapshots").mkdir()
    found = {}
    for shell in SHELLS:
        ran = expect(0, "completion", shell, "--locale", "en", cwd=folder)
        found[shell] = folder / f"auditor.{shell}"
        found[shell].write_bytes(ran.out)
    return found


def ran(scripts: dict[str, Path], *command: str | Path) -> str:
    done = subprocess.run(command, cwd=scripts["bash"].parent, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_is_in_it(scripts: dict[str, Path], shell: str) -> None:
    text = scripts[shell].read_text(encoding="utf-8")
    options = {
        name
        for command in COMMANDS
        for action in command_parser(command)[1].arguments()
        for name in action.option_strings
    }
    written = {f"-l {name[2:]} " if name.startswith("--") else f"-s {name[1:]} " for name in options}
    assert [name for name in (written if shell == "fish" else options) if name not in text] == []
    assert [command for command in COMMANDS if not re.search(rf"\b{command}\b", text)] == []


@pytest.mark.parametrize(("arguments", "wanted"), CASES)
def test_bash_completes(scripts: dict[str, Path], arguments: tuple[str, ...], wanted: set[str]) -> None:
    needs("bash")
    assert set(ran(scripts, "bash", "-c", BASH, "-", scripts["bash"], "auditor", *arguments).split()) == wanted


def test_bash_completes_after_an_equals_sign(scripts: dict[str, Path]) -> None:
    needs("bash")
    split = ("auditor", "audit", "--engine", "=", "lo")
    assert ran(scripts, "bash", "-c", BASH, "-", scripts["bash"], *split).split() == ["local"]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "wanted"), CASES)
def test_fish_completes(scripts: dict[str, Path], arguments: tuple[str, ...], wanted: set[str]) -> None:
    needs("fish")
    line = " ".join(("auditor", *arguments))
    offered = ran(scripts, "fish", "--no-config", "-c", f"source {scripts['fish']}; complete -C '{line}'")
    assert {found.partition("\t")[0].rstrip("/") for found in offered.splitlines()} == wanted


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "wanted"), [case for case in CASES if len(case[1]) == 1])
def test_zsh_completes(scripts: dict[str, Path], arguments: tuple[str, ...], wanted: set[str]) -> None:
    needs("zsh")
    offered = ran(scripts, "zsh", "-f", "-c", ZSH, "-", scripts["zsh"], " ".join(("auditor", *arguments)))
    completed = re.findall(r"<(auditor [^>]*)>", offered)[-1]
    assert {completed.split()[-1].rstrip("=/")} == wanted


def test_powershell_reads_its_script(scripts: dict[str, Path]) -> None:
    script = Script(scripts["powershell"].read_bytes())
    assert "Register-ArgumentCompleter" in {command.name for command in script.commands}
