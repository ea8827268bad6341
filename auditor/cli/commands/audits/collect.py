"""The command `auditor collect`: its options, its output and its exit code."""

import argparse
import datetime as dt
from pathlib import Path

from auditor.app.policy_files import load_policies
from auditor.app.tenants.collection import CollectOutcome, all_needs, collect_all, needs_of
from auditor.cli.arguments.options import LIVE_TENANTS_HELP, declare, path_of_output, reader_locale
from auditor.cli.store_summary import check_store, store_night
from auditor.cli.terminal.console import out, print_diagnostics, print_message
from auditor.cli.terminal.progress import shown_progress
from auditor.domain.errors import printable
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.failures import with_tenant_name
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
    declare(parser, "policies", policies="policy files or folders (default: policies/)")
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
            print_message(l10n.gettext("to continue, run the same command with --resume"))
            raise
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
        is_complete = coverage.status.value in {"complete", "not-needed"}
        complete = complete and is_complete
        source = f"{outcome.tenant.name}: {l10n.gettext(SOURCE_TITLES[coverage.name])}"
        if not is_complete:
            state = l10n.gettext(SOURCE_STATES[coverage.status])
            print_message(
                printable(f"{source}: {state}" + (f": {l10n.translate(coverage.reason)}" if coverage.reason else ""))
            )
        elif not quiet:
            print_message(f"{source}: {l10n.number(coverage.count)}")
    return 0 if complete else 3
