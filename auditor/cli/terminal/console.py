"""Writes data to stdout and messages to stderr, in the reader's language."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from auditor.cli.terminal.streams import write_commands
from auditor.deliver.log_commands import in_github_actions
from auditor.deliver.standard_output import write_document
from auditor.domain.errors import Diagnostic, Level, Warn, format_diagnostic, printable
from auditor.domain.message import Message, fill_template

if TYPE_CHECKING:
    from auditor.localization import Localization


def out(text: str) -> None:
    """Write data to stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def document(text: str) -> None:
    """Write a JSON document to stdout."""
    write_document([(text if text.endswith("\n") else text + "\n").encode()], "json")


def print_message(text: str) -> None:
    """Write a message to stderr."""
    sys.stderr.write(text if text.endswith("\n") else text + "\n")


def print_diagnostics(diagnostics: Iterable[Diagnostic], *, locale: str | None = None) -> None:
    """Write diagnostics to stderr, coloured on a terminal, and as annotations in a GitHub Actions job.

    They are in the language of `locale`, else of the environment; untranslated ones are in English.
    """
    l10n = reader(locale)
    localized = [translated(diagnostic, l10n) for diagnostic in diagnostics]
    bold, red, yellow, plain = ("\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m") if colourful(sys.stderr) else ("",) * 4
    for diagnostic in localized:
        is_error = diagnostic.level is Level.ERROR
        if l10n is None:
            text = format_diagnostic(diagnostic)
        else:
            level = l10n.gettext("error") if is_error else l10n.gettext("warning")
            text = format_diagnostic(diagnostic, level=level, hint_label=l10n.gettext("help"))
        first, *rest = text.splitlines()
        print_message("\n".join([f"{bold}{red if is_error else yellow}{first}{plain}", *rest]))
    if in_github_actions(os.environ):
        from auditor.app.ci.github_actions import diagnostic_lines  # noqa: PLC0415  only in a job

        write_commands(
            diagnostic_lines(tuple(localized), os.environ, None if l10n is None else l10n.locale), to_stderr=True
        )


def translated(diagnostic: Diagnostic, l10n: "Localization | None") -> Diagnostic:
    """Return a diagnostic with its message and hint translated."""
    if l10n is None:
        return diagnostic
    hint = None if diagnostic.hint is None else Message(l10n.translate(diagnostic.hint))
    return replace(diagnostic, message=Message(l10n.translate(diagnostic.message)), hint=hint)


def translated_text(message: str, locale: str | None, **values: object) -> str:
    """Return a message in the language of `locale`, else of the environment, else in English."""
    l10n = reader(locale)
    return fill_template(message, values) if l10n is None else l10n.gettext(message, **values)


def notices(locale: str | None) -> Callable[[Message], None]:
    """Return a function that prints messages about progress to stderr."""
    l10n = reader(locale)
    return lambda text: print_notice(text if l10n is None else l10n.translate(text))


def print_notice(text: str) -> None:
    """Print a notice to stderr, after the name of the program."""
    print_message(printable(f"auditor: {text}"))


def commented(command: str, l10n: "Localization") -> str:
    """Return a shell command with its comment translated; the command is unchanged."""
    code, separator, comment = command.partition("# ")
    indent = len(comment) - len(comment.lstrip())
    return f"{code}{separator}{comment[:indent]}{l10n.gettext(comment[indent:])}"


def environment_locale() -> str | None:
    """Return the locale in LC_ALL, LC_MESSAGES or LANG, whichever is set first; None for `C` and `POSIX`."""
    text = next(filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    tag = text.split(".")[0].replace("_", "-")
    return None if tag in {"", "C", "POSIX"} else tag


def warnings(locale: str | None, *, quiet: bool) -> Warn:
    """Return a function that prints warnings and errors; with `quiet` only errors."""

    def warn(diagnostic: Diagnostic) -> None:
        if not quiet or diagnostic.level is Level.ERROR:
            print_diagnostics([diagnostic], locale=locale)

    return warn


def reader(locale: str | None) -> "Localization | None":
    """Return the translations for the reader; None for English, which needs none."""
    requested = locale or os.environ.get("AUDITOR_LOCALE") or environment_locale()
    if requested is None or requested.lower().split("-")[0].split("_")[0] == "en":
        return None
    from auditor.localization import FALLBACK, localization  # noqa: PLC0415  not needed for English

    l10n = localization(requested)
    return None if l10n.language == FALLBACK else l10n


def colourful(stream: object) -> bool:
    """Return whether to use colour: NO_COLOR and FORCE_COLOR decide, else whether the stream is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"
