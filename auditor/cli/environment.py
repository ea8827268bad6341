"""AUDITOR_* variables into the options that the command line left open: flag before environment, before default."""

import argparse
import os

from auditor.domain.errors import UsageError

_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


def fill_in(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Set every option that no flag gave from the variable of its name: --as-of from AUDITOR_AS_OF.

    Repeatable options take a list separated by commas; switches take yes or no. An empty variable is none: workflows
    set those for inputs that nobody gave. Raises UsageError for a value that the option would refuse.
    """
    for action in parser._actions:  # noqa: SLF001  argparse has no other list of its options
        name = next((option[2:] for option in action.option_strings if option.startswith("--")), None)
        text = None if name is None else os.environ.get(f"AUDITOR_{name.replace('-', '_').upper()}")
        # A suppressed default is set where it is read, as is one that a file may give.
        if not text or getattr(arguments, action.dest, ...) != action.default:
            continue
        setattr(arguments, action.dest, _value(action, str(name), text))


def _value(action: argparse.Action, name: str, text: str) -> object:
    variable = f"AUDITOR_{name.replace('-', '_').upper()}"
    if action.nargs == 0:
        if text.casefold() not in (*_YES, *_NO):
            raise UsageError("usage", f"{variable}={text!r} is neither yes nor no", hint=f"unset it, or give --{name}")
        chosen = text.casefold() in _YES
        return int(chosen) if isinstance(action.default, int) and not isinstance(action.default, bool) else chosen
    parts = [part.strip() for part in text.split(",")] if isinstance(action.default, list) else [text]
    try:
        values = [action.type(part) if callable(action.type) else part for part in parts]
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise UsageError("usage", f"{variable}: {error}", hint=f"unset it, or give --{name}") from error
    if action.choices is not None and any(value not in action.choices for value in values):
        raise UsageError("usage", f"{variable}={text!r} is none of {', '.join(map(str, action.choices))}")
    return values if isinstance(action.default, list) else values[0]
