"""Writes the reports of a Result, with trends, prints its summary, and publishes both in a GitHub Actions job."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from auditor.app.report.localization import localized_result
from auditor.app.report.outputs import Histories, Output, earlier_files_warning, earlier_tenant_files, write_reports
from auditor.cli.terminal.console import print_diagnostics, print_notice, translated_text, warnings
from auditor.cli.terminal.streams import for_people, write_commands
from auditor.deliver.log_commands import in_github_actions
from auditor.deliver.report_folder import write_all
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.result.model import Result
from auditor.render.text.earlier_run import EarlierRun
from auditor.render.view.content import PageContent


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


def _earlier_of_tenants(args: argparse.Namespace) -> Histories:
    """Return a function that reads the earlier runs of each tenant of a result."""

    def earlier(result: Result) -> Mapping[str, Sequence[EarlierRun]]:
        if args.history is None:
            return {}
        from auditor.app.history.earlier_runs import earlier_of_each  # noqa: PLC0415  only with --history

        return earlier_of_each(args.history, result)

    return earlier


def write_localized(
    result: Result,
    runs: Sequence[EarlierRun],
    args: argparse.Namespace,
    output: Output,
    *,
    locale: str,
) -> tuple[PageContent, tuple[Path, ...]]:
    """Write the reports; returns the content for people, in the language of `locale`, and the paths of the files."""
    people = output.for_people or in_github_actions(os.environ)
    localized = localized_result(result, locale) if people else result
    content = PageContent(localized, locale, runs)
    return content, write_reports(result, content, output, histories=_earlier_of_tenants(args))


def print_and_publish(
    content: PageContent,
    output: Output,
    written: tuple[Path, ...],
    args: argparse.Namespace,
    *,
    code: int,
    all_tenants: bool,
) -> None:
    """Print the summary, if requested, and the paths of the reports; publish the Result in a GitHub Actions job.

    Both are in the language of `content`. With `all_tenants`, warn about files of an earlier run in the same folder.
    Annotations are written to stdout, or to stderr if stdout is a report. Raises DeliveryError if a file of the job
    cannot be written.
    """
    _print_summary(content, output, written, quiet=args.quiet)
    if all_tenants and not args.quiet:
        files = earlier_tenant_files(content.result, output)
        print_diagnostics(earlier_files_warning(files), locale=args.locale)
    if in_github_actions(os.environ):
        from auditor.app.ci.github_actions import publish  # noqa: PLC0415  only in a job

        part = getattr(args, "shard", None) is not None
        lines = publish(content.result, output, locale=content.locale, code=code, environ=os.environ, part=part)
        write_commands(lines, to_stderr=any(path is None for _, path in output.files))


def _print_summary(content: PageContent, output: Output, written: tuple[Path, ...], *, quiet: bool) -> None:
    paths = tuple(map(str, written))
    if output.terminal_file is not None:
        from auditor.cli.terminal.result import terminal_text  # noqa: PLC0415  not needed for JSON

        write_all([(output.terminal_file, [terminal_text(content, paths=paths)])])
    if output.terminal and not quiet:
        from rich.console import Console  # noqa: PLC0415  not needed for JSON

        from auditor.cli.terminal.result import terminal  # noqa: PLC0415

        # If stdout is a report, messages for people are written to stderr.
        is_stdout_used = any(path is None for _, path in output.files)
        console = Console(stderr=is_stdout_used)
        with for_people():
            terminal(content, console, paths=paths)
        return
    if not content.result.complete and not in_github_actions(os.environ):  # a job has annotations
        from auditor.cli.terminal.problems import print_missing_data  # noqa: PLC0415  only for an incomplete audit
        from auditor.render.text.summary import missing_data  # noqa: PLC0415

        print_missing_data(missing_data(content.result, content.l10n), content.l10n)
    if not quiet and sys.stderr.isatty():
        for path in written:
            print_notice(translated_text("wrote {path}", content.locale, path=path))
