"""Reads the earlier runs in --history, for the trend charts of reports."""

import argparse
from collections.abc import Mapping, Sequence

from auditor.app.report.outputs import Histories
from auditor.cli.terminal.console import print_diagnostics, warnings
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.result.model import Result
from auditor.render.text.earlier_run import EarlierRun


def earlier_runs(
    args: argparse.Namespace, result: Result, *, all_tenants: bool = False
) -> tuple[tuple[EarlierRun, ...], int]:
    """Return the earlier runs and an exit code, which is 3 if some of them cannot be read.

    With `all_tenants`, a warning is printed for each tenant of the latest earlier run that is not in the result.
    """
    if args.history is None:
        return (), 0
    from auditor.app.history.earlier_runs import earlier  # noqa: PLC0415  only with --history

    errors: list[Diagnostic] = []
    warn = warnings(args.locale, quiet=args.quiet)
    runs = earlier(
        args.history,
        result,
        lambda diagnostic: errors.append(diagnostic) if diagnostic.level is Level.ERROR else warn(diagnostic),
        all_tenants=all_tenants,
    )
    print_diagnostics(errors, locale=args.locale)
    return runs, 3 if errors else 0


def earlier_of_tenants(args: argparse.Namespace) -> Histories:
    """Return a function that reads the earlier runs of each tenant of a result."""

    def earlier(result: Result) -> Mapping[str, Sequence[EarlierRun]]:
        if args.history is None:
            return {}
        from auditor.app.history.earlier_runs import earlier_of_each  # noqa: PLC0415  only with --history

        return earlier_of_each(args.history, result)

    return earlier
