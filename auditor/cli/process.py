"""Runs a command line as the whole process, with its standard streams prepared and flushed."""

from collections.abc import Sequence

from auditor.cli import main
from auditor.cli.arguments.parser import Ended
from auditor.cli.terminal.console import print_diagnostics
from auditor.cli.terminal.streams import close, finish, open_standard_files, prepare


def run(arguments: Sequence[str]) -> int:
    """Run a command line as the whole process and return its exit code."""
    open_standard_files()
    prepare()
    try:
        code = main.run(arguments)
    except Ended as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    code, lost = finish(code)
    if lost is not None:
        print_diagnostics(lost.diagnostics)
    close()
    return code
