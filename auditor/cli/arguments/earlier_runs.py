"""Reads the earlier runs that --history names, for the curves of reports."""

import argparse
from collections.abc import Mapping, Sequence

from auditor.app.report.outputs import Histories
from auditor.cli.terminal.console import print_diagnostics, warnings
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.result.model import Result
from auditor.render.text.earlier_run import EarlierRun


def earlier_runs(args: argparse.Namespace, result: Result) -> tuple[tuple[EarlierRun, ...], int]:
    """Return the earlier runs, and 3 if those of one of several tenants cannot be read, else 0."""
    if args.history is None:
        return (), 0
    from auditor.app.history.earlier_runs import earlier  # noqa: PLC0415  only for the curves of a report

    errors: list[Diagnostic] = []
    warned = warnings(args.locale, quiet=args.quiet)
    runs = earlier(
        args.history, result, lambda each: errors.append(each) if each.level is Level.ERROR else warned(each)
    )
    print_diagnostics(errors, locale=args.locale)
    return runs, 3 if errors else 0


def earlier_of_tenants(args: argparse.Namespace) -> Histories:
    """Return the earlier runs of each tenant."""

    def earlier(result: Result) -> Mapping[str, Sequence[EarlierRun]]:
        if args.history is None:
            return {}
        from auditor.app.history.earlier_runs import earlier_of_each  # noqa: PLC0415  only where a fleet has a page of each

        return earlier_of_each(args.history, result)

    return earlier
