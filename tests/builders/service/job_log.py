"""The environment of a GitHub job, and the commands in its log as its runner and Azure's agent find them (ActionCommand.cs).

https://github.com/actions/runner: src/Runner.Common/ActionCommand.cs, src/Runner.Worker/ActionCommandManager.cs, and
https://github.com/microsoft/azure-pipelines-agent: src/Microsoft.VisualStudio.Services.Agent/Command.cs.
"""

import re
from collections.abc import Iterator
from pathlib import Path

COMMANDS = frozenset(
    {
        *("stop-commands", "set-env", "set-output", "save-state", "add-mask", "add-path", "add-matcher"),
        *("remove-matcher", "debug", "error", "warning", "notice", "group", "endgroup", "echo"),
        "internal-set-repo-path",
    }
)


def job_environment(folder: Path) -> dict[str, str]:
    """Return the variables of a step of a GitHub job whose workspace and files are in a folder."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(folder),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
    }


def lines_of(text: str) -> list[str]:
    """Return the lines as .NET's StreamReader splits them: at CR, LF, or both."""
    return re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))


def commands_of(text: str, *, stops: bool = True) -> Iterator[str]:
    """Yield the commands that the runner executes; without `stops`, `stop-commands` has no effect."""
    token: str | None = None
    for line in lines_of(text):
        command = _double_colon_command(line, token) or _bracket_command(line, token)
        if command is None:
            continue
        name, data = command
        if token is not None:
            token = None if name.casefold() == token.casefold() else token
        elif name.casefold() == "stop-commands":
            token = data if stops else None
        elif name.casefold() in COMMANDS:
            yield f"{name}::{data}"


def azure_commands_of(text: str) -> Iterator[str]:
    """Yield what Azure's agent executes, or shows as its own output."""
    yield from re.findall(r"(?i)##(?:vso)?\[.*", text)


def _double_colon_command(line: str, token: str | None) -> tuple[str, str] | None:
    message = line.lstrip()
    if not message.startswith("::"):
        return None
    end = message.find("::", 2)
    return None if end < 0 else _known_command(message[2:end], message[end + 2 :], token)


def _bracket_command(line: str, token: str | None) -> tuple[str, str] | None:
    start = line.find("##[")
    end = -1 if start < 0 else line.find("]", start)
    return None if end < 0 else _known_command(line[start + 3 : end], line[end + 1 :], token)


def _known_command(information: str, data: str, token: str | None) -> tuple[str, str] | None:
    name = information.partition(" ")[0]
    names = {*COMMANDS, *([] if token is None else [token.casefold()])}
    return (name, data) if name.casefold() in names else None
