"""The command `auditor report`: its options, its output and its exit code."""

import argparse
from pathlib import Path

from auditor.app.audit.merge import merge
from auditor.app.catalogue import active
from auditor.app.report.outputs import FORMAT_NAMES, outputs
from auditor.app.saved_results import saved_results
from auditor.cli.arguments.options import (
    configured_locale,
    declare,
    locale_of,
    output_folder,
    pseudonym_key,
)
from auditor.cli.report_output import earlier_runs, print_and_publish, write_localized
from auditor.result.redaction.redact import redacted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor report`."""
    parser.add_argument(
        "results",
        nargs="+",
        type=Path,
        metavar="RESULT",
        help="result.json files; several of one run (--shard, or the same --as-of) are merged",
    )
    declare(
        parser,
        *("output", "format", "csv_bom", "history", "locale", "redact", "public", "quiet"),
        format=f"{', '.join(FORMAT_NAMES)} (repeatable, or separated by commas; default: html, json, terminal);"
        " a PATH of - is stdout",
        locale="language of the reports (default: the tenant's, then the environment's)",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor report`; returns 0, or 3 if some of the earlier runs in --history cannot be read."""
    requested = configured_locale(args.locale)
    output = outputs(args.format, output_folder(args.output), csv_bom=args.csv_bom)
    key = pseudonym_key() if args.redact else None
    with saved_results(args.results, output.first_file) as results:
        result = merge(results, active())
        if key is not None:
            result = redacted(result, key)
        locale = locale_of(requested, result)
        runs, code = earlier_runs(args, result)
        content, written = write_localized(result, runs, args, output, locale=locale)
        print_and_publish(content, output, written, args, code=code, all_tenants=True)
        return code
