"""The command `auditor validate`: its options, its output and its exit code."""

import argparse

from msgspec.structs import replace

from auditor.app.policies.validation import validate
from auditor.app.policy_files import uses_library
from auditor.cli.arguments.options import declare, now, reader_locale
from auditor.cli.terminal.console import print_diagnostics, print_message
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.settings import PLACEHOLDER
from auditor.localization import localization

EXAMPLES = """\
auditor validate                         the files in policies/
auditor validate --strict                in a job: warnings are errors too
exit codes: 0 the files are valid; 2 a file has an error, with --strict also a warning
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor validate`."""
    declare(parser, "policies")
    parser.add_argument(
        "--strict",
        action="store_true",
        help="treat warnings as errors: unknown products, policies that can never raise a finding",
    )
    declare(
        parser,
        *("as_of", "tenants", "snapshot", "locale", "quiet"),
        as_of="the date against which the end dates of waivers are checked (default: now)",
        tenants="also check the tenants and recipients of this file against the policies",
        snapshot="also show which policies match nobody in a snapshot, a folder or a store",
        quiet="print nothing if there are no errors",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor validate`; returns 0 if the policies are valid, else 2."""
    checked = validate(args.policies, as_of=args.as_of or now(), tenants=args.tenants, snapshots=args.snapshot)
    if checked.warnings and (args.strict or not args.quiet):
        shown = [
            replace(warning, level=Level.ERROR) if args.strict and _is_wrong(warning) else warning
            for warning in checked.warnings
        ]
        print_diagnostics(shown, locale=args.locale)
        if any(warning.level is Level.ERROR for warning in shown):
            return 2
    if not args.quiet:
        l10n = localization(reader_locale(args.locale))
        if uses_library(args.policies):
            print_message(l10n.gettext("There is no folder policies/; the starter library is checked."))
        counts = (
            l10n.plural("{count} file", "{count} files", checked.files),
            l10n.plural("{count} policy", "{count} policies", checked.policies),
            l10n.plural("{count} waiver", "{count} waivers", checked.waivers),
            *([l10n.plural("{count} decision", "{count} decisions", checked.decisions)] * bool(checked.decisions)),
        )
        print_message(l10n.gettext("{counts}: valid", counts=", ".join(counts)))
    return 0


def _is_wrong(warning: Diagnostic) -> bool:
    """Return whether --strict treats a warning as an error; a placeholder is right until the application exists."""
    return warning.slug != PLACEHOLDER
