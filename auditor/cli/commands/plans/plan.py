"""The command `auditor plan`: its options, its output and its exit code."""

import argparse
from collections.abc import Sequence
from itertools import chain, starmap
from pathlib import Path

from auditor.app.plan.run import (
    FORMATS,
    TENANT_FORMATS,
    document,
    earlier_plan_files,
    exit_code,
    run_plans,
    store_plan,
    tenant_documents,
    written_files,
)
from auditor.app.report.outputs import earlier_files_warning, targets_of
from auditor.cli.arguments.audit_request import history_location, state_request
from auditor.cli.arguments.live_tenants import add_live_arguments
from auditor.cli.arguments.options import check_redacted_store, declare, output_folder, pseudonym_key, reader_locale
from auditor.cli.store_summary import check_store
from auditor.cli.terminal.console import out, print_diagnostics, print_message
from auditor.cli.terminal.plan import print_plan
from auditor.cli.terminal.problems import print_missing_data
from auditor.cli.terminal.streams import for_people
from auditor.cli.written_documents import print_written
from auditor.deliver.report_folder import ChildFile, write_all
from auditor.deliver.standard_output import write_document
from auditor.domain.errors import AuditorError, UsageError
from auditor.domain.message import Count, Message
from auditor.domain.translation import Localizer
from auditor.localization import FALLBACK, Localization, localization
from auditor.remedy.english import ENGLISH
from auditor.remedy.planner.model import FleetPlan
from auditor.remedy.planner.redaction import redacted_plan
from auditor.render.plan.summary import missing_data

EXAMPLES = """\
auditor plan --demo                          the built-in tenants
auditor plan                                 every tenant of tenants.yaml, read now
auditor plan --snapshot snapshots/ -f json -f markdown=plan.md policies/
The auditor only reads: requests and PowerShell lines are for an administrator to review and run.
exit codes: 0 the proof succeeds; 1 a finding that should be fixed remains, or a new one appears; 3 incomplete
"""


FORMAT_NAMES = (*FORMATS, *TENANT_FORMATS, "terminal")
"""The formats that -f accepts."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor plan`."""
    declare(
        parser,
        *("policies", "demo", "snapshot", "tenant", "as_of", "output", "format", "locale", "history", "store"),
        *("redact", "public", "quiet"),
        as_of="the instant of the plan; of several nights, the latest one up to it is used (default: now)",
        history="earlier result.json files of the same tenants, or a store, to detect monthly terms from their nights",
        store="store the plan here, so that the next audit reports its outcome: a folder, abfs://, az:// or s3://",
        output="where the plan goes (default: out/)",
        format=f"{', '.join(FORMAT_NAMES)} (repeatable, or separated by commas; default: json, questions, terminal)",
    )
    add_live_arguments(parser)
    declare(parser, "no_progress")
    parser.add_argument(
        "--decisions",
        type=Path,
        metavar="FILE",
        help="answers to the questions of the plan (default: decisions.yaml next to the policies)",
    )
    parser.add_argument(
        "--by",
        choices=["owner"],
        help="write approvals.csv and a page for each owner of policies too, in the folder owners/ of the output",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor plan`; returns 0 if the proof holds, 1 if not, 3 if the snapshot is incomplete or storing fails.

    Raises AuditorError if there is nothing to plan.
    """
    formats = {**FORMATS, **TENANT_FORMATS}
    targets, terminal = targets_of(args.format, formats, output_folder(args.output), default=("json", "questions"))
    check_redacted_store(args)
    if args.store is not None:
        check_store(args.store)
    args.history = history_location(args)
    key = pseudonym_key() if args.redact else None
    l10n = localization(reader_locale(args.locale))
    # plan.json and the store are in English; people read the plan in their language.
    english = l10n.language == FALLBACK or args.store is not None or any(name == "json" for name, _ in targets)
    languages: list[Localizer] = [ENGLISH] if english else []
    if l10n.language != FALLBACK:
        languages.append(l10n)
    plans = run_plans(state_request(args, planned=True), args.decisions, languages)
    if key is not None:
        plans = tuple(redacted_plan(plan, key) for plan in plans)
    plan, localized = plans[0], plans[-1]
    stdout_formats = [name for name, path in targets if path is None]
    _check_stdout(stdout_formats, plan)
    file_targets = [(name, path) for name, path in targets if path is not None]
    files = written_files(file_targets, plan, localized, l10n)
    if args.by is not None:
        from auditor.app.plan.owners import owner_documents  # noqa: PLC0415  only with --by

        files = chain(files, owner_documents(output_folder(args.output), localized, l10n))
    # `starmap` keeps no reference to a document, unlike a loop variable: it is freed before the next one is made.
    written = write_all(starmap(_in_one_piece, files))
    code = max(exit_code(plan), _store(plan, args))
    for name in stdout_formats:
        write_document([_stdout_document(name, plan, localized, l10n)], name)
    if terminal and not args.quiet:
        # If stdout is a document, messages for people are written to stderr.
        with for_people():
            print_plan(localized, l10n, print_message if stdout_formats else out)
    else:
        print_missing_data(missing_data(localized, l10n), l10n)
    if not args.quiet:
        print_written(written, l10n)
        if not args.tenant:
            print_diagnostics(earlier_files_warning(earlier_plan_files(file_targets, written)), locale=args.locale)
    return code


def _in_one_piece(path: Path | ChildFile, body: bytes) -> tuple[Path | ChildFile, list[bytes]]:
    return path, [body]


def _store(plan: FleetPlan, args: argparse.Namespace) -> int:
    """Store the plan, if requested; returns 3 if that fails, and prints the error, else 0."""
    if args.store is not None:
        try:
            store_plan(args.store, plan)
        except AuditorError as error:
            print_diagnostics(error.diagnostics, locale=args.locale)
            return 3
    return 0


def _check_stdout(names: Sequence[str], plan: FleetPlan) -> None:
    """Raise UsageError for several tenants and a format with files for each tenant, before anything is written."""
    for name in names:
        if name in TENANT_FORMATS and len(plan.tenants) > 1:
            count = len(plan.tenants)
            message = Message(
                "'{name}' creates separate files for each of {count} tenants", name=name, count=Count(count)
            )
            raise UsageError("usage", message, hint=Message("choose one with --tenant, or write to a file"))


def _stdout_document(name: str, plan: FleetPlan, localized: FleetPlan, l10n: Localization) -> bytes:
    """Return the document of a format for stdout; of a format of TENANT_FORMATS, that of the only tenant."""
    if name not in TENANT_FORMATS:
        return document(name, plan, localized, l10n)
    return next((body for _, body in tenant_documents(name, Path(name), localized, l10n)), b"")
