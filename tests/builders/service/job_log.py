"""What GitHub's runner and Azure's agent take out of the log of a step: the rules of ActionCommand.cs, line by line.

https://github.com/actions/runner: src/Runner.Common/ActionCommand.cs, src/Runner.Worker/ActionCommandManager.cs, and
https://github.com/microsoft/azure-pipelines-agent: src/Microsoft.VisualStudio.Services.Agent/Command.cs.
"""

import re
from collections.abc import Iterator

COMMANDS = frozenset(
    {
        *("stop-commands", "set-env", "set-output", "save-state", "add-mask", "add-path", "add-matcher"),
        *("remove-matcher", "debug", "error", "warning", "notice", "group", "endgroup", "echo"),
        "internal-set-repo-path",
    }
)


def lines_of(text: str) -> list[str]:
    """The lines of a .NET StreamReader, which ends one at CR, LF, or both."""
    return re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))


def commands_of(text: str, *, stops: bool = True) -> Iterator[str]:
    """Yield the commands that the runner carries out; without `stops` as if it knew no `stop-commands`."""
    token: str | None = None
    for line in lines_of(text):
        found = _second(line, token) or _first(line, token)
        if found is None:
            continue
        name, data = found
        if token is not None:
            token = None if name.casefold() == token.casefold() else token
        elif name.casefold() == "stop-commands":
            token = data if stops else None
        elif name.casefold() in COMMANDS:
            yield f"{name}::{data}"


def azure_commands_of(text: str) -> Iterator[str]:
    """Yield what Azure's agent carries out, or shows as its own."""
    yield from re.findall(r"(?i)##(?:vso)?\[.*", text)


def _second(line: str, token: str | None) -> tuple[str, str] | None:
    message = line.lstrip()
    if not message.startswith("::"):
        return None
    end = message.find("::", 2)
    return None if end < 0 else _known(message[2:end], message[end + 2 :], token)


def _first(line: str, token: str | None) -> tuple[str, str] | None:
    start = line.find("##[")
    end = -1 if start < 0 else line.find("]", start)
    return None if end < 0 else _known(line[start + 3 : end], line[end + 1 :], token)


def _known(information: str, data: str, token: str | None) -> tuple[str, str] | None:
    name = information.partition(" ")[0]
    known = {*COMMANDS, *([] if token is None else [token.casefold()])}
    return (name, data) if name.casefold() in known else None
