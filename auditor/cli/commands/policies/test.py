"""The command `auditor test`: its options, its output and its exit code."""

import argparse
import sys
from pathlib import Path

from auditor.app.catalogue import active
from auditor.app.policy_tests.runner import PolicyTestOutcome, never_matched, run_tests
from auditor.cli.arguments.options import declare, now, reader_locale
from auditor.cli.terminal.console import colourful, out, print_diagnostics
from auditor.domain.errors import printable
from auditor.localization import localization

EXAMPLES = """\
auditor test                             the tests in policies/
auditor test policies/leavers_test.yaml
exit codes: 0 every test passes; 1 a test fails; 2 a file has an error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor test`."""
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="*_test.yaml files, or folders (default: policies/)"
    )
    declare(
        parser,
        *("as_of", "locale", "quiet"),
        as_of="the instant of tests that do not specify one (default: now)",
        quiet="print failures and the count only",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor test`; returns 0 if every test passed, else 1."""
    green, red, plain = ("\x1b[32m", "\x1b[31m", "\x1b[0m") if colourful(sys.stdout) else ("", "", "")
    l10n = localization(reader_locale(args.locale))
    missing, unexpected = l10n.gettext("expected, not found:"), l10n.gettext("found, not expected:")
    passed = failed = 0
    verdicts: list[PolicyTestOutcome] = []
    for verdict in run_tests(args.paths, active(), as_of=args.as_of or now()):
        passed += verdict.passed
        failed += not verdict.passed
        verdicts.append(verdict)
        location = f"{verdict.span.file}:{verdict.span.line}:{verdict.span.column}"
        if not verdict.passed:
            out(f"{red}{l10n.gettext('FAILED')}{plain} {location}: {printable(verdict.name)}")
            for text, span in verdict.missing:
                place = f"{span.file}:{span.line}:{span.column}"
                out(f"    {missing} {printable(l10n.translate(text))} ({printable(place)})")
            for text in verdict.unexpected:
                out(f"    {unexpected} {printable(text)}")
        elif not args.quiet:
            out(f"{green}{l10n.gettext('passed')}{plain} {location}: {printable(verdict.name)}")
    counts = (
        l10n.plural("{count} passed", "{count} passed", passed),
        l10n.plural("{count} failed", "{count} failed", failed),
    )
    out(", ".join(counts))
    if not args.quiet:
        warnings = [warning for verdict in verdicts for warning in verdict.not_evaluated]
        print_diagnostics([*warnings, *never_matched(verdicts)], locale=args.locale)
    return int(failed > 0)
