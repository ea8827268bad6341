"""Dispatches command lines to commands, and turns errors into messages and exit codes."""

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import pairwise
from types import ModuleType

from auditor import __version__, exit_codes
from auditor.cli.arguments.environment import fill_in
from auditor.cli.arguments.options import declare
from auditor.cli.arguments.parser import Parser, ParserExit
from auditor.cli.terminal.console import print_diagnostics, print_message, translated_text
from auditor.domain.errors import AuditorError, DeliveryError, GraphError, UsageError, printable
from auditor.domain.message import Message
from auditor.failures import BUGS, LOGGER
from auditor.files.folder import set_public

COMMANDS = {
    "audit": ("audits", "audit tenants against policies and write reports (the main command)"),
    "collect": ("audits", "read the state of tenants and save it as snapshots"),
    "validate": ("policies", "check policy files: structure and meaning"),
    "test": ("policies", "run the tests of policies"),
    "waive": ("policies", "write a waiver for exactly these findings"),
    "policies": (
        "policies",
        "show what the installed starter library changes in policies, and update those that extend it",
    ),
    "preview": ("policies", "show what a policy change would do to a snapshot: findings added, removed, changed"),
    "plan": ("plans", "plan the actions that make a tenant comply with its policies, with a proof"),
    "decide": ("plans", "turn the answers in approvals.csv into decisions, each checked"),
    "verify": ("plans", "verify a plan: actions done, findings fixed, seats freed"),
    "send": ("audits", "send the report of a saved run: by mail, to Teams, Slack and webhooks"),
    "issues": ("audits", "keep one GitHub issue for each action: open, update, close"),
    "report": ("audits", "render saved results again, in other formats; merge several"),
    "doctor": ("setup", ("check the sign-in, permissions and clock of every tenant, and show how to fix problems")),
    "explain": ("policies", "describe a check, policy, product or guidance article"),
    "init": (
        "setup",
        "scaffold policies, tenants.yaml and workflows in a repository; print the commands of the set-up",
    ),
    "schema": ("policies", "print the JSON Schema of a file format"),
    "store": ("stores", "keep nights in a folder or object store: put, list, check, prune, get"),
    "history": (
        "stores",
        "show trends over saved nights: seats, findings, money, when seats run out; since when findings are open",
    ),
    "prices": ("catalogue", "import prices from a price list into a policy file"),
    "products": ("catalogue", "list, search and update the product catalogue"),
    "completion": ("setup", "print the script that completes commands and options in a shell"),
}
"""Command → its package in `commands` and its help text; the module is imported when the command is run."""

_EXIT_CODES = """\
exit codes:
  0    complete, nothing at or above --fail-on
  1    complete, findings at or above --fail-on
  2    wrong usage, policy, tenants file or snapshot: nothing was audited
  3    incomplete: a tenant could not be read completely, or a policy not evaluated
  70   a bug in the program: nothing is known about the tenants
  130  interrupted
  143  terminated
"""
_EXTRA_OF_MODULE = {
    **dict.fromkeys(("pyspark", "pandas"), "spark"),
    **dict.fromkeys(("adlfs", "fsspec"), "azure"),
    "s3fs": "s3",
}
"""Module → the extra of this package that installs it."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a job: temporary files are removed as after Ctrl-C."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code."""
    parser = main_parser(arguments)
    command = command_of(arguments)
    if command is not None:
        rest = list(arguments)
        rest.remove(command)
        return _run_command(command, rest)
    parser.parse_args(arguments)
    parser.print_help(sys.stderr)
    return 2


def command_of(arguments: Sequence[str]) -> str | None:
    """Return the command of a command line: its first word, not counting values of options; None if it is unknown."""
    for before, word in pairwise(("", *arguments)):
        if word in COMMANDS:
            return word
        may_be_value = before.startswith("-") and "=" not in before
        if not word.startswith("-") and not may_be_value:
            return None
    return None


def main_parser(arguments: Sequence[str] = ()) -> Parser:
    """Return the parser of command lines without a command."""
    width = max(map(len, COMMANDS)) + 2
    lines = "\n".join(f"  {name:<{width}}{line}" for name, (_, line) in COMMANDS.items())
    parser = Parser(
        arguments,
        prog="auditor",
        usage="auditor COMMAND [OPTION ...]",
        description="Policy-as-code licence auditor for Microsoft 365.",
        epilog=f"commands:\n{lines}\n\n{_EXIT_CODES}\n`auditor COMMAND --help` lists the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"auditor {__version__}")
    declare(parser, "locale")
    parser.add_argument("command", nargs="?", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


def command_parser(command: str, arguments: Sequence[str] = ()) -> tuple[ModuleType, Parser]:
    """Return the module of a command and the parser of its arguments."""
    package, description = COMMANDS[command]
    module = import_module(f"auditor.cli.commands.{package}.{command}")
    parser = Parser(
        arguments, prog=f"auditor {command}", description=description, epilog=getattr(module, "EXAMPLES", None)
    )
    module.add_arguments(parser)
    if parser.epilog is not None:  # keep the line breaks of examples
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for option in ("verbose", "no_color"):
        if not parser.has(f"--{option.replace('_', '-')}"):
            declare(parser, option)
    return module, parser


def _run_command(command: str, rest: Sequence[str]) -> int:
    """Run a command; prints expected errors as messages, and reports other exceptions as bugs."""
    arguments = argparse.Namespace(locale=None, verbose=0, public=False, no_color=False)
    try:
        module, parser = command_parser(command, rest)
        command_line = parser.without_separator(rest)
        parser.reject_unknown_options(command_line)
        # Intermixed: files may be given before, between and after options.
        parser.parse_intermixed_args(command_line, arguments)
        fill_in(command, parser, arguments, command_line)
        set_public(public=arguments.public)
        if arguments.no_color:
            os.environ["NO_COLOR"] = "1"
        with _verbose(arguments.verbose):
            return int(module.run(arguments))
    except AuditorError as error:
        print_diagnostics(error.diagnostics, locale=arguments.locale)
        return 3 if isinstance(error, GraphError | DeliveryError) else 2
    except KeyboardInterrupt as error:
        print_message(translated_text("interrupted", arguments.locale))
        return exit_codes.TERMINATED if isinstance(error, Terminated) else exit_codes.INTERRUPTED
    except ParserExit:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  an unexpected exception is a bug, with a separate exit code
        is_verbose = arguments.verbose or not {"-v", "--verbose"}.isdisjoint(rest)
        return _report_unexpected(error, arguments.locale, is_verbose=bool(is_verbose))


def _report_unexpected(error: BaseException, locale: str | None, *, is_verbose: bool) -> int:
    """Report an unexpected exception; returns 2 for a library that is not installed, else 70 for a bug."""
    if isinstance(error, ModuleNotFoundError) and (missing := _missing_library(str(error.name))) is not None:
        print_diagnostics(missing.diagnostics, locale=locale)
        return 2
    if is_verbose:
        print_message(_traceback(error))
    text = translated_text(
        "bug: {error}: run again with -v and report it at {address}", locale, error=type(error).__name__, address=BUGS
    )
    print_message("auditor: " + text)
    return exit_codes.BUG


def _missing_library(module: str) -> UsageError | None:
    """Return the error for a library that is not installed; None for other modules."""
    from auditor.installation import Installer, install_command, installer, missing_requirements  # noqa: PLC0415

    package = module.partition(".")[0]
    if package in {"auditor", "None", *sys.stdlib_module_names}:
        return None
    requirements = missing_requirements(_EXTRA_OF_MODULE.get(package))
    if not requirements:
        return None
    command = install_command(requirements)
    hint = Message("run: {command}", command=command)
    if installer() is Installer.CONTAINER:
        hint = Message(
            "build an image of your own from this one, with the lines: USER 0, {command}, USER 10001", command=command
        )
    return UsageError(
        "extra-missing", Message("this command needs {module}, which is not installed", module=module), hint=hint
    )


def _traceback(error: BaseException) -> str:
    """Return a traceback without secrets and terminal control characters."""
    from auditor.graph.scrubber import scrub_all  # noqa: PLC0415  only for a bug

    text = scrub_all("".join(traceback.format_exception(error)))
    return "\n".join(map(printable, text.split("\n")))


class _BugHandler(logging.Handler):
    """A log handler that prints the tracebacks of bugs that failed a single tenant."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            print_message(printable(record.getMessage()))
            print_message(_traceback(record.exc_info[1]))


@contextmanager
def _verbose(level: int) -> Iterator[None]:
    """While the block runs, print the traceback of every bug that failed a single tenant, if `level` is not 0."""
    handler, previous_level = _BugHandler(), LOGGER.level
    if level:
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(previous_level)
