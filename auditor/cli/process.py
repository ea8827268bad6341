"""Runs a command line as the main program: sets up the standard streams, and flushes them at the end."""

from collections.abc import Sequence

from auditor.cli import main
from auditor.cli.arguments.parser import ParserExit
from auditor.cli.terminal.console import print_diagnostics
from auditor.cli.terminal.streams import close, finish, open_standard_files, prepare


def run(arguments: Sequence[str]) -> int:
    """Run a command line as the main program and return its exit code."""
    open_standard_files()
    prepare()
    try:
        code = main.run(arguments)
    except ParserExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    code, error = finish(code)
    if error is not None:
        print_diagnostics(error.diagnostics)
    close()
    return code
