"""The command `auditor collect`: its options, its output and its exit code."""

import argparse
import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

from auditor.app.policy_files import load_policies
from auditor.app.tenants.collection import CollectOutcome, all_needs, collect_all, needs_of
from auditor.cli.arguments.options import LIVE_TENANTS_HELP, declare, path_of_output, reader_locale
from auditor.cli.store_summary import check_store, store_night
from auditor.cli.terminal.console import out, print_diagnostics, print_message
from auditor.cli.terminal.problems import MAX_TENANTS, combined_problems
from auditor.cli.terminal.progress import shown_progress
from auditor.domain.enums import SourceStatus
from auditor.domain.errors import printable, printable_line
from auditor.domain.result.model import Coverage
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.failures import reason_of, with_tenant_name
from auditor.render.text.labels import SOURCE_STATES, Labels
from auditor.settings.loader import read, select_tenants

EXAMPLES = """\
auditor collect                           what the policies in policies/ need, of every tenant in tenants.yaml
auditor collect policies/capacity.yaml --tenant contoso
auditor collect --plan                    and the groups that assign licences, for `auditor plan`
auditor collect --all -o snapshots        every source
auditor collect --store audits/           and keep the snapshots in a store
auditor collect --resume                  what an interrupted collection did not read yet
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor collect`."""
    declare(parser, "policies")
    parser.add_argument("--all", action="store_true", help="read every source, whatever the policies need")
    parser.add_argument(
        "--plan",
        action="store_true",
        help="read also what `auditor plan` needs: subscriptions, licensed groups, their members",
    )
    parser.set_defaults(tenants=Path("tenants.yaml"))
    declare(parser, "tenants", "tenant", tenants=LIVE_TENANTS_HELP)
    text = "where snapshots go (default: snapshots/)"
    parser.add_argument("-o", "--output", type=path_of_output, default=Path("snapshots"), metavar="DIR", help=text)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the collection that was interrupted last, with the same instant; "
        "what it read in the last 24 hours is not read again",
    )
    declare(
        parser,
        *("store", "public", "no_progress", "locale", "quiet"),
        no_progress="show no progress bars",
        quiet="print nothing but errors and the folders",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor collect`; returns 0 if every tenant was read completely, else 3. Raises AuditorError."""
    locale = reader_locale(args.locale)
    l10n = Labels(locale)
    if args.store is not None:
        check_store(args.store)
    settings = read(args.tenants)
    if not args.quiet:
        print_diagnostics(settings.warnings, locale=locale)
    tenants = select_tenants(settings, args.tenant)
    policies = load_policies(args.policies).policies
    instant = dt.datetime.now(dt.UTC).replace(microsecond=0)
    needed = {
        tenant.name: all_needs(policies) if args.all else needs_of(policies, tenant, planned=args.plan)
        for tenant in tenants
    }
    with shown_progress(l10n, enabled=not args.no_progress and not args.quiet) as progress:
        try:
            outcomes = collect_all(
                tenants,
                lambda tenant: needed[tenant.name],
                root=args.output,
                instant=instant,
                progress=progress,
                resume=args.resume,
            )
        except KeyboardInterrupt:
            from auditor.collect.collection_run import is_resumable  # noqa: PLC0415  imports NumPy and Arrow

            if is_resumable(args.output):
                print_message(l10n.gettext("to continue, run the same command with --resume"))
            raise
    if len(outcomes) > MAX_TENANTS:
        code = _print_problems(outcomes, l10n, quiet=args.quiet)
    else:
        code = max(_print_coverage(outcome, l10n, quiet=args.quiet) for outcome in outcomes)
    if args.store is None:
        return code
    folders = [outcome.folder for outcome in outcomes if outcome.folder is not None]
    return max(code, store_night(args.store, folders, locale=locale, quiet=args.quiet))


def _print_coverage(outcome: CollectOutcome, l10n: Labels, *, quiet: bool) -> int:
    """Print the outcome of a tenant; returns the exit code for it."""
    if outcome.folder is None:
        assert outcome.failure is not None
        failure = with_tenant_name(outcome.tenant.name, outcome.failure)
        print_diagnostics(failure.diagnostics, locale=l10n.language)
        return 3
    out(str(outcome.folder))
    complete = True
    for coverage in outcome.sources:
        complete = complete and _is_complete(coverage)
        if not _is_complete(coverage):
            print_message(printable(f"{outcome.tenant.name}: {_gap(coverage, l10n)}"))
        elif not quiet:
            source = l10n.gettext(SOURCE_TITLES[coverage.name])
            print_message(f"{outcome.tenant.name}: {source}: {l10n.number(coverage.count)}")
    return 0 if complete else 3


def _print_problems(outcomes: Sequence[CollectOutcome], l10n: Labels, *, quiet: bool) -> int:
    """Print the folders, each problem once with its tenants, and how many tenants have none; returns the exit code."""
    problems = {outcome.tenant.name: list(_problems(outcome, l10n)) for outcome in outcomes}
    for outcome in outcomes:
        if outcome.folder is not None:
            out(str(outcome.folder))
    pairs = ((tenant, problem) for tenant, texts in problems.items() for problem in texts)
    for tenants, problem in combined_problems(pairs, len(outcomes), l10n):
        print_message(printable_line(f"{tenants}: {problem}"))
    if not quiet:
        complete = l10n.number(sum(not texts for texts in problems.values()))
        text = l10n.gettext(
            "Tenants that were read completely: {complete} of {count}",
            complete=complete,
            count=l10n.number(len(outcomes)),
        )
        print_message(text)
    return 3 if any(problems.values()) else 0


def _problems(outcome: CollectOutcome, l10n: Labels) -> Iterator[str]:
    """Yield why a tenant has no snapshot, or what its snapshot lacks."""
    if outcome.failure is not None:
        yield l10n.translate(reason_of(outcome.failure))
    yield from (_gap(coverage, l10n) for coverage in outcome.sources if not _is_complete(coverage))


def _is_complete(coverage: Coverage) -> bool:
    return coverage.status in {SourceStatus.COMPLETE, SourceStatus.NOT_NEEDED}


def _gap(coverage: Coverage, l10n: Labels) -> str:
    """Return the name of a source, its state, and the reason if there is one."""
    text = f"{l10n.gettext(SOURCE_TITLES[coverage.name])}: {l10n.gettext(SOURCE_STATES[coverage.status])}"
    return f"{text}: {l10n.translate(coverage.reason)}" if coverage.reason else text
