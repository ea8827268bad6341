"""Fills in the options of `audit` from AUDITOR_* variables: flags take precedence, then variables, then defaults."""

import argparse
import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from auditor.domain.errors import UsageError
from auditor.domain.message import Message, joined, message_of

_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
OPTIONS = frozenset(
    {
        *("approvals", "as-of", "compare", "csv-bom", "demo", "done", "engine", "fail-on", "findings", "format"),
        *("history", "link", "locale", "names", "no-color", "no-progress", "output", "plan", "public", "quiet"),
        *("redact", "save-snapshot", "send", "sent-log", "shard", "snapshot", "spark-master", "store"),
        *("tenant", "tenants", "verbose"),
    }
)
"""The options of `audit`, which have variables; other commands use the variables of the options that they share."""
DIFFERENT: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "format": frozenset({"history", "plan", "preview", "verify"}),
        "output": frozenset({"collect", "prices", "products", "store"}),
        "plan": frozenset({"collect"}),
    }
)
"""Option → the commands in which it has another meaning or other values than in `audit`."""
_EXCLUSIVE = frozenset({"demo", "snapshot", "tenants"})
"""Options that select the input: the flag of one takes precedence over the variables of the others."""


def fill_in(
    command: str, parser: argparse.ArgumentParser, arguments: argparse.Namespace, command_line: Sequence[str]
) -> None:
    """Set each option that `command_line` lacks from its variable, such as --as-of from AUDITOR_AS_OF.

    Repeatable options take a list separated by commas; switches take yes or no. An empty variable counts as unset:
    workflows set empty variables for inputs without a value. An option that only shares its name with one of `audit`
    has no variable. The names of the options that were set are in `from_variables`. Raises UsageError for a value that
    the option rejects.
    """
    arguments.from_variables = set()
    ignored = _ignored_variables(parser, _options_on(parser, command_line))
    for action in parser._actions:  # noqa: SLF001  argparse has no other list of its options
        name = next((option[2:] for option in action.option_strings if option.startswith("--")), None)
        has_variable = name in OPTIONS and command not in DIFFERENT.get(name, ())
        text = os.environ.get(_variable(name)) if name is not None and has_variable else None
        if not text or action.dest in ignored:
            continue
        setattr(arguments, action.dest, _value(action, str(name), text))
        arguments.from_variables.add(action.dest)


def _variable(name: str) -> str:
    return f"AUDITOR_{name.replace('-', '_').upper()}"


def _options_on(parser: argparse.ArgumentParser, command_line: Sequence[str]) -> frozenset[str]:
    """Return the names (`dest`) of the options on the command line."""
    options = [action for action in parser._actions if action.option_strings]  # noqa: SLF001
    defaults = [action.default for action in options]
    parser_defaults = parser._defaults  # noqa: SLF001  those of `set_defaults`
    try:
        parser._defaults = {}  # noqa: SLF001
        for action in options:
            action.default = argparse.SUPPRESS
        return frozenset(vars(parser.parse_intermixed_args(command_line)))
    finally:
        parser._defaults = parser_defaults  # noqa: SLF001
        for action, default in zip(options, defaults, strict=True):
            action.default = default


def _ignored_variables(parser: argparse.ArgumentParser, flags: frozenset[str]) -> frozenset[str]:
    """Return the options whose variables are ignored: the given flags, and options that exclude one of them."""
    inputs = flags & _EXCLUSIVE
    if "send" in flags:
        inputs -= {"tenants"}  # with --send the tenants file may be given only for its recipients
    groups = [{action.dest for action in group._group_actions} for group in parser._mutually_exclusive_groups]  # noqa: SLF001
    excluded = [group for group in groups if group & flags]
    return flags.union(*excluded, _EXCLUSIVE if inputs else ())


def _value(action: argparse.Action, name: str, text: str) -> object:
    variable, hint = _variable(name), Message("unset it, or specify --{name}", name=name)
    if action.nargs == 0:
        if text.casefold() not in (*_YES, *_NO):
            message = Message("{variable}={text} is neither yes nor no", variable=variable, text=repr(text))
            raise UsageError("usage", message, hint=hint)
        switch = text.casefold() in _YES
        return int(switch) if isinstance(action.default, int) and not isinstance(action.default, bool) else switch
    parts = [part.strip() for part in text.split(",")] if isinstance(action.default, list) else [text]
    try:
        values = [action.type(part) if callable(action.type) else part for part in parts]
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise UsageError("usage", joined(": ", (variable, message_of(error))), hint=hint) from error
    if action.choices is not None and any(value not in action.choices for value in values):
        choices = ", ".join(map(str, action.choices))
        message = Message("{variable}={text} is not one of {str}", variable=variable, text=repr(text), str=choices)
        raise UsageError("usage", message, hint=hint)
    return values if isinstance(action.default, list) else values[0]
