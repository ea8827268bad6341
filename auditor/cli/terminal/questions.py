"""Asks questions on the terminal; after an invalid answer it prints the reason and asks again."""

import argparse
import sys
from collections.abc import Callable, Sequence

from auditor.cli.terminal.console import reader
from auditor.domain.errors import UsageError, printable
from auditor.domain.message import Message, message_of


def is_interactive() -> bool:
    """Return whether questions can be asked: stdin and stderr are terminals."""
    return all(getattr(stream, "isatty", lambda: False)() for stream in (sys.stdin, sys.stderr))


def ask(
    question: str, default: str, read: Callable[[str], str], *, choices: Sequence[str] = (), locale: str | None = None
) -> str:
    """Ask a question and return the answer as parsed by `read`; an empty line means the default.

    `read` raises ArgumentTypeError with the reason why an answer is invalid. Raises UsageError if the input ends.
    """
    suffix = f" ({', '.join(choices)})" if choices else ""
    suffix += f" [{printable(default)}]" if default else ""
    l10n = reader(locale)
    while True:
        sys.stderr.write(f"{question if l10n is None else l10n.gettext(question)}{suffix}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            sys.stderr.write("\n")
            raise UsageError(
                "init-answers",
                Message("there are fewer answers than questions: nothing was written"),
                hint=Message("answer every question, or specify options and --no-input"),
            )
        answer = line.strip() or default
        try:
            return read(answer)
        except argparse.ArgumentTypeError as error:
            reason = message_of(error)
            sys.stderr.write(f"  {printable(reason if l10n is None else l10n.translate(reason))}\n")
