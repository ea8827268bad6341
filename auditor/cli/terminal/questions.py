"""Asks a person on the terminal, one question per line; an answer that cannot be used is explained and asked again."""

import argparse
import sys
from collections.abc import Callable, Sequence

from auditor.cli.terminal.console import translated_text
from auditor.domain.errors import UsageError, printable
from auditor.domain.message import Message, message_of


def somebody_there() -> bool:
    """Return whether a person can read questions and answer them."""
    return all(getattr(stream, "isatty", lambda: False)() for stream in (sys.stdin, sys.stderr))


def ask(
    question: str,
    default: str,
    read: Callable[[str], str],
    *,
    choices: Sequence[str] = (),
    locale: str | None = None,
) -> str:
    """Return the answer to a question, as `read` returns it; an empty line means the default.

    `read` raises ArgumentTypeError with the reason why an answer cannot be used. Raises UsageError if the input ends.
    """
    listed = f" ({', '.join(choices)})" if choices else ""
    shown = f" [{printable(default)}]" if default else ""
    while True:
        sys.stderr.write(f"{translated_text(question, locale)}{listed}{shown}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            sys.stderr.write("\n")
            raise UsageError(
                "init-answers",
                Message("there are fewer answers than questions: nothing was written"),
                hint=Message("answer every question, or give options and --no-input"),
            )
        answer = line.strip() or default
        try:
            return read(answer)
        except argparse.ArgumentTypeError as error:
            reason = message_of(error)
            sys.stderr.write(f"  {printable(_in(reason, locale))}\n")


def _in(message: Message, locale: str | None) -> str:
    from auditor.cli.terminal.console import reader  # noqa: PLC0415  after a mistake only

    l10n = reader(locale)
    return str(message) if l10n is None else l10n.translate(message)
