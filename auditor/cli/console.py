"""Where the program speaks: data on stdout, words on stderr."""

import os
import sys
from collections.abc import Iterable

from auditor.domain.errors import Diagnostic, Level, format_diagnostic


def out(text: str) -> None:
    """Write data to stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say(text: str) -> None:
    """Write words to stderr."""
    sys.stderr.write(text if text.endswith("\n") else text + "\n")


def tell(diagnostics: Iterable[Diagnostic]) -> None:
    """Write diagnostics to stderr, coloured where a person reads them, and as annotations in a GitHub Actions job."""
    diagnostics = tuple(diagnostics)
    bold, red, yellow, plain = ("\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m") if colourful(sys.stderr) else ("",) * 4
    for diagnostic in diagnostics:
        first, *rest = format_diagnostic(diagnostic).splitlines()
        colour = red if diagnostic.level is Level.ERROR else yellow
        say("\n".join([f"{bold}{colour}{first}{plain}", *rest]))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        from auditor.app.github import diagnostic_lines  # noqa: PLC0415  nobody else waits for it

        for line in diagnostic_lines(diagnostics, os.environ):
            say(line)


def colourful(stream: object) -> bool:
    """Whether colour is welcome: NO_COLOR and FORCE_COLOR are honoured, else a terminal decides."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"
