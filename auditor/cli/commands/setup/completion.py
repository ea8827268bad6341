"""Implements `auditor completion`: writes completion scripts from the arguments that commands declare."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from auditor import resources
from auditor.cli.arguments.options import declare, location, path_of_output, reader_locale
from auditor.cli.terminal.console import document
from auditor.domain.enums import Severity
from auditor.localization import Localization, catalogues, localization

EXAMPLES = """\
auditor completion bash > ~/.local/share/bash-completion/completions/auditor
auditor completion zsh > "${fpath[1]}/_auditor"
auditor completion fish > ~/.config/fish/completions/auditor.fish
auditor completion powershell >> $PROFILE
"""
_PATH_TYPES: Final = frozenset((Path, location, path_of_output))
"""Types of arguments that are paths."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor completion`."""
    parser.add_argument("shell", choices=tuple(SHELLS), help="the shell that reads the script")
    declare(parser, "locale", locale="language of the descriptions in the script (default: the environment's)")


def run(args: argparse.Namespace) -> int:
    """Run `auditor completion`: print the script for a shell."""
    # Imported by name: that module imports the commands, so that an import statement here would be a cycle.
    main: Any = import_module("auditor.cli.main")
    l10n = localization(reader_locale(args.locale))
    commands = [
        _Command(
            name=name, help=l10n.gettext(description), options=tuple(_options(*main.command_parser(name), l10n=l10n))
        )
        for name, (_, description) in main.COMMANDS.items()
    ]
    document("".join(f"{line}\n" for line in SHELLS[args.shell](commands)))
    return 0


def _options(module: Any, parser: Any, *, l10n: Localization) -> "Iterator[_Option]":
    """Yield the arguments of a command; a command with --format has the constant `FORMAT_NAMES`."""
    metavars: Mapping[str, Iterable[str]] = {
        "SEVERITY": (*Severity, "never"),
        "TAG": ("en", *catalogues.languages()),
        "FORMAT[=PATH]": module.FORMAT_NAMES if parser.has("--format") else (),
    }
    for action in parser.arguments():
        metavar = action.metavar if isinstance(action.metavar, str) else ""
        yield _Option(
            names=tuple(action.option_strings),
            help=l10n.gettext(action.help or "").replace("%%", "%"),
            takes_value=action.nargs != 0,
            values=tuple(map(str, action.choices or metavars.get(metavar, ()))),
            files=action.type in _PATH_TYPES,
        )


class _Option(Struct, frozen=True, kw_only=True):
    """An option, or the positional arguments, of a command."""

    names: tuple[str, ...]
    """For example `-o` and `--output`; empty for positional arguments."""
    help: str
    takes_value: bool
    values: tuple[str, ...] = ()
    """Suggested values."""
    files: bool = False
    """Whether paths are suggested."""


class _Command(Struct, frozen=True, kw_only=True):
    """A command with its arguments."""

    name: str
    help: str
    options: tuple[_Option, ...]

    @property
    def flags(self) -> tuple[str, ...]:
        """The names of all options."""
        return tuple(name for option in self.options for name in option.names)

    @property
    def operands(self) -> _Option:
        """The suggestions for positional arguments, all in one."""
        operands = [option for option in self.options if not option.names]
        values = tuple(value for option in operands for value in option.values)
        return _Option(
            names=(), help="", takes_value=True, values=values, files=any(option.files for option in operands)
        )


def _filled(name: str, **blocks: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a template, with blocks of lines instead of the lines `@NAME@`."""
    for line in resources.report_text(f"templates/completion/{name}").splitlines():
        if line.startswith("@"):
            yield from blocks[line.strip("@")]
        else:
            yield line


def _bash(commands: Sequence[_Command]) -> Iterator[str]:
    names = " ".join([*(command.name for command in commands), "--help", "--version"])
    return _filled(
        "auditor.bash",
        values=_bash_values(commands),
        names=[f"                '') values={_quoted(names)} ;;"],
        commands=_bash_commands(commands),
    )


def _bash_values(commands: Sequence[_Command]) -> Iterator[str]:
    for command in commands:
        for option in command.options:
            if option.names and option.takes_value:
                patterns = " | ".join(f'"{command.name} {name}"' for name in option.names)
                yield f"        {patterns}) {_bash_suggestions(option)} ;;"


def _bash_commands(commands: Sequence[_Command]) -> Iterator[str]:
    for command in commands:
        flags = f"values={_quoted(' '.join(command.flags))}"
        yield f"                {command.name})"
        yield f"                    if [[ $current == -* ]]; then {flags}"
        yield f"                    else {_bash_suggestions(command.operands)}; fi ;;"


def _bash_suggestions(option: _Option) -> str:
    values = f"values={_quoted(' '.join(option.values))}" if option.values else ""
    return "; ".join(filter(None, (values, "files=1" if option.files else ""))) or ":"


def _zsh(commands: Sequence[_Command]) -> Iterator[str]:
    return _filled(
        "auditor.zsh",
        descriptions=(f"            {_quoted(f'{command.name}:{command.help}')}" for command in commands),
        commands=(f"        {item.name}) _arguments -s {' '.join(_zsh_arguments(item))} ;;" for item in commands),
    )


def _zsh_arguments(command: _Command) -> Iterator[str]:
    for option in command.options:
        description = option.help.replace("\\", "").replace("[", "(").replace("]", ")").replace(":", "\\:")
        for name in option.names:
            equals = "=" if option.takes_value and name.startswith("--") else "+" if option.takes_value else ""
            yield _quoted(
                f"*{name}{equals}[{description}]" + (f":value:{_zsh_action(option)}" if option.takes_value else "")
            )
    yield _quoted(f"*:argument:{_zsh_action(command.operands)}")


def _zsh_action(option: _Option) -> str:
    values = " ".join(option.values)
    if option.values and option.files:
        return f"_alternative 'values:value:({values})' 'files:file:_files'"
    return f"({values})" if option.values else "_files" if option.files else " "


def _fish(commands: Sequence[_Command]) -> Iterator[str]:
    yield "# Completion of auditor for fish. fish reads it by itself from:"
    yield "#   auditor completion fish > ~/.config/fish/completions/auditor.fish"
    yield "complete -c auditor -f"
    for command in commands:
        yield f"complete -c auditor -n __fish_use_subcommand -a {command.name} -d {_fish_quoted(command.help)}"
    for command in commands:
        prefix = f"complete -c auditor -n '__fish_seen_subcommand_from {command.name}'"
        for option in command.options:
            names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names]
            if names:
                yield " ".join([prefix, *names, *_fish_suggestions(option), "-d", _fish_quoted(option.help)])
        if command.operands.values or command.operands.files:
            yield " ".join([prefix, *("-F" for _ in "x" if command.operands.files), *_fish_values(command.operands)])


def _fish_suggestions(option: _Option) -> list[str]:
    if not option.takes_value:
        return []
    return ["-r", "-F", *_fish_values(option)] if option.files else ["-x", *_fish_values(option)]


def _fish_values(option: _Option) -> list[str]:
    return ["-a", _fish_quoted(" ".join(option.values))] if option.values else []


def _powershell(commands: Sequence[_Command]) -> Iterator[str]:
    return _filled(
        "auditor.ps1",
        commands=[f"    $commands = {_array(command.name for command in commands)}"],
        options=(f"        '{command.name}' = {_array(command.flags)}" for command in commands),
        values=_powershell_values(commands),
    )


def _powershell_values(commands: Sequence[_Command]) -> Iterator[str]:
    for command in commands:
        for option in command.options:
            for name in option.names if option.values else ():
                yield f"        '{command.name} {name}' = {_array(option.values)}"
        if command.operands.values:
            yield f"        '{command.name} ' = {_array(command.operands.values)}"


def _array(values: Iterable[str]) -> str:
    items = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"@({items})"


def _quoted(text: str) -> str:
    """Quote a text for bash and zsh."""
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    """Quote a text for fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: Final[Mapping[str, Callable[[Sequence[_Command]], Iterator[str]]]] = MappingProxyType(
    {"bash": _bash, "zsh": _zsh, "fish": _fish, "powershell": _powershell}
)
"""Shell → function that yields the lines of its script."""
