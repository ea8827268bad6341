"""Implements `auditor validate`."""

import argparse
from dataclasses import replace
from pathlib import Path

from auditor.app.policies.validation import validate
from auditor.cli.arguments.options import declare, instant, now, reader_locale
from auditor.cli.terminal.console import print_diagnostics, print_message
from auditor.domain.errors import Level
from auditor.localization import localization


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor validate`."""
    parser.add_argument(
        "policies", nargs="*", type=Path, metavar="POLICY", help="files or folders (default: policies/)"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help=("treat warnings as errors: unknown products, policies that can never raise a finding"),
    )
    parser.add_argument(
        "--as-of", type=instant, metavar="RFC3339", help="the day from which waivers are counted (default: now)"
    )
    parser.add_argument(
        "--tenants",
        type=Path,
        metavar="FILE",
        help=("also check the tenants and recipients of this file against the policies"),
    )
    declare(parser, "snapshot", snapshot="also say which policies match nobody there: a snapshot, a folder or a store")
    texts = {
        "locale": "language of the messages (default: the environment's)",
        "quiet": "print nothing if there are no errors",
    }
    declare(parser, "locale", "quiet", "verbose", "no_color", **texts)


def run(args: argparse.Namespace) -> int:
    """Run `auditor validate`: 0 if the policies are valid, else 2."""
    checked = validate(args.policies, as_of=args.as_of or now(), tenants=args.tenants, snapshots=args.snapshot)
    if checked.warnings:
        level = Level.ERROR if args.strict else Level.WARNING
        print_diagnostics((replace(warning, level=level) for warning in checked.warnings), locale=args.locale)
        if args.strict:
            return 2
    if not args.quiet:
        l10n = localization(reader_locale(args.locale))
        counts = (
            l10n.plural("{count} file", "{count} files", checked.files),
            l10n.plural("{count} policy", "{count} policies", checked.policies),
            l10n.plural("{count} waiver", "{count} waivers", checked.waivers),
            *([l10n.plural("{count} decision", "{count} decisions", checked.decisions)] * bool(checked.decisions)),
        )
        print_message(l10n.gettext("{counts}: valid").replace("{counts}", ", ".join(counts)))
    return 0
