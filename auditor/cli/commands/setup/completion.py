"""Implements `auditor completion`."""

import argparse
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from auditor.cli.arguments.options import declare, location, reader_locale
from auditor.cli.commands.setup.completion_scripts import SHELLS, Command, Option, script
from auditor.cli.terminal.console import document
from auditor.domain.enums import Severity
from auditor.localization import Localization, catalogues, localization

_EXAMPLES = """\
auditor completion bash > ~/.local/share/bash-completion/completions/auditor
auditor completion zsh > "${fpath[1]}/_auditor"
auditor completion fish > ~/.config/fish/completions/auditor.fish
auditor completion powershell >> $PROFILE
"""
_FILES: Final = frozenset((Path, location))
"""Types of arguments that are files or folders."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor completion`."""
    parser.epilog = _EXAMPLES
    parser.add_argument("shell", choices=tuple(SHELLS), help="the shell that reads the script")
    declare(parser, "locale", locale="language of the descriptions in the script (default: the environment's)")


def run(args: argparse.Namespace) -> int:
    """Run `auditor completion`: print the script."""
    # By name, as the command line imports the commands: importing it here would be a cycle.
    main: Any = import_module("auditor.cli.main")
    l10n = localization(reader_locale(args.locale))
    document(script(args.shell, [_command(main, name, l10n) for name in main.COMMANDS]))
    return 0


def _command(main: Any, name: str, l10n: Localization) -> Command:
    options = tuple(_options(main.command_parser(name)[1], l10n))
    return Command(name=name, help=l10n.gettext(main.COMMANDS[name][1]), options=options)


def _options(parser: Any, l10n: Localization) -> Iterator[Option]:
    known = _known()
    for action in parser.arguments():
        metavar = action.metavar if isinstance(action.metavar, str) else ""
        yield Option(
            names=tuple(action.option_strings),
            help=l10n.gettext(action.help or "").replace("%%", "%"),
            takes=action.nargs != 0,
            values=tuple(map(str, action.choices or known.get(metavar, ()))),
            files=action.type in _FILES,
        )


def _known() -> Mapping[str, tuple[str, ...]]:
    """Return values of options that are no choices, by the name that the help gives them."""
    from auditor.render.formats import FORMATS  # noqa: PLC0415 - brings Arrow; `--help` needs none

    return {
        "SEVERITY": (*Severity, "never"),
        "TAG": ("en", *catalogues.languages()),
        "FORMAT[=PATH]": tuple(FORMATS),
    }
