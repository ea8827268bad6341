"""The command `auditor audit`: its options, its output and its exit code."""

import argparse
import os
from pathlib import Path

from auditor.app.audit.pipeline import exit_code
from auditor.app.audit.run import audited
from auditor.app.report.failed_tenants import write_without_failed
from auditor.app.report.outputs import FORMAT_NAMES, Output, outputs
from auditor.cli.arguments.audit_request import add_state_arguments, audit_request, history_location, plan_verifier
from auditor.cli.arguments.options import (
    FailOn,
    add_mail_arguments,
    check_redacted_store,
    configured_locale,
    declare,
    locale_of,
    output_folder,
    reader_locale,
)
from auditor.cli.report_output import earlier_runs, print_and_publish, write_localized
from auditor.cli.terminal.console import warnings
from auditor.deliver.log_commands import in_github_actions
from auditor.domain.enums import Contents
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.settings import Settings
from auditor.render.view.content import PageContent
from auditor.result.aggregate import new_findings

EXAMPLES = """\
auditor audit --demo                        the built-in tenants: no credentials, no network
auditor audit                               every tenant of tenants.yaml against policies/
auditor audit --history audits/ --store audits/   with the trends of earlier nights; store tonight's results
auditor audit policies/capacity.yaml --snapshot snapshots/ -f json -f csv=findings.csv --fail-on medium
"""


_FINDINGS_DEPRECATED = Diagnostic(
    slug="findings-deprecated",
    message=Message("--findings FILE is deprecated and will be removed in the next release"),
    hint=Message("write -f parquet=FILE"),
    level=Level.WARNING,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor audit`."""
    declare(parser, "policies")
    add_state_arguments(parser.add_argument_group("what is audited"))
    _add_output_arguments(parser.add_argument_group("outputs"))
    mail = parser.add_argument_group("mail")
    mail.add_argument("--send", action="store_true", help="mail the report to the recipients in the tenants file")
    add_mail_arguments(mail)


def _add_output_arguments(group: argparse._ArgumentGroup) -> None:
    declare(
        group,
        *("output", "format", "csv_bom", "locale", "fail_on", "history", "store", "redact", "public"),
        *("quiet", "verbose", "no_color"),
        format=(
            f"{', '.join(FORMAT_NAMES)} (repeatable, or separated by commas; default: html, json, terminal);"
            " a PATH of - is stdout"
        ),
        locale="language of the reports (default: the tenant's, then the environment's)",
        store="compare with the last night in this store, and store tonight's: a folder, abfs://, az:// or s3://",
        verbose="log each step; a bug shows its traceback",
        no_color="no colour (NO_COLOR works as well)",
    )
    group.add_argument(
        "--plan",
        type=Path,
        metavar="FILE",
        help="begin the report with the outcome of this plan (default: the store's last one)",
    )
    group.add_argument(
        "--done", type=Path, metavar="FILE", help="the done.jsonl of plan.ps1, or a folder of such files"
    )
    group.add_argument("--findings", type=Path, metavar="FILE", help="deprecated: the same as -f parquet=FILE")
    declare(group, "no_progress")


def run(args: argparse.Namespace) -> int:
    """Run `auditor audit`; returns 0, 1 if findings reach --fail-on, or 3 if the audit is incomplete.

    Raises AuditorError before anything is audited.
    """
    configured_locale(args.locale)  # report its error before anything is audited
    check_redacted_store(args)
    if args.store is not None:
        from auditor.cli.store_summary import check_store  # noqa: PLC0415  only audits with a store need it

        check_store(args.store)
    args.history = history_location(args)
    if args.findings is not None:
        args.format = [*args.format, f"parquet={args.findings}"]
        warnings(args.locale, quiet=args.quiet)(_FINDINGS_DEPRECATED)
    output = outputs(args.format, output_folder(args.output), csv_bom=args.csv_bom)
    request = audit_request(args, plan_verifier(args))
    settings = None
    if args.send:
        from auditor.cli.commands.audits.send import mail_settings  # noqa: PLC0415  only with --send

        settings = mail_settings(args.tenants)
    # These options and the job summary read actions and evidence, whatever the formats.
    needs_all = any((args.compare, args.redact, args.send, args.store, in_github_actions(os.environ)))
    contents = Contents.ACTIONS if needs_all else output.contents
    with audited(request, output.first_file, contents) as (result, folders):
        return _report(result, folders, args, output, settings)


def _report(
    result: Result,
    folders: tuple[Path, ...],
    args: argparse.Namespace,
    output: Output,
    settings: Settings | None,
) -> int:
    """Write the reports, store the results, send the mails; in this order, a failure does not affect earlier steps."""
    locale = locale_of(configured_locale(args.locale), result)
    # A comparison names the tenants that are missing since the earlier run itself.
    all_tenants = not (args.tenant or args.shard or args.compare)
    runs, code = earlier_runs(args, result, all_tenants=all_tenants)

    def write(result: Result) -> tuple[PageContent, tuple[Path, ...]]:
        return write_localized(result, runs, args, output, locale=locale)

    result, (content, written) = write_without_failed(result, output, write, locale=locale)
    fail_on: FailOn = args.fail_on
    code = max(code, exit_code(result, fail_on.severity, new_findings(result) if fail_on.new else None))
    if args.store is not None:
        from auditor.cli.store_summary import store_night  # noqa: PLC0415  only with --store

        stored = store_night(args.store, folders, result, locale=reader_locale(args.locale), quiet=args.quiet)
        code = max(code, stored)
    # Printed after storing, because the reader of the summary may close the pipe.
    # Other tenants are in files of other runs.
    every_tenant = not (args.tenant or args.shard)
    print_and_publish(content, output, written, args, code=code, all_tenants=every_tenant)
    if settings is None:
        return code
    from auditor.cli.commands.audits.send import send  # noqa: PLC0415  only with --send

    code = max(code, send(result, settings, args))
    from auditor.app.ci.github_actions import publish_outputs  # noqa: PLC0415

    publish_outputs({"exit-code": str(code)}, os.environ)
    return code
