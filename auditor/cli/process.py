"""Runs a command line as the main program: sets up the standard streams, and flushes them at the end."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from auditor.cli import main
from auditor.cli.arguments.parser import ParserExit
from auditor.cli.terminal.console import print_diagnostics
from auditor.cli.terminal.streams import close, finish, open_standard_files, prepare


def run(arguments: Sequence[str]) -> int:
    """Run a command line as the main program and return its exit code."""
    open_standard_files()
    prepare()
    try:
        with _interrupted_by_sigterm():
            code = main.run(arguments)
    except ParserExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    code, error = finish(code)
    if error is not None:
        print_diagnostics(error.diagnostics)
    close()
    return code


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Raise Terminated on SIGTERM, so that temporary files are removed; a second SIGTERM ends the process at once."""

    def terminate(_number: int, _frame: object) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise main.Terminated

    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:  # ignored, or handled by the program that runs this one
        yield
        return
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
