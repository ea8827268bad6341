"""The command `auditor decide`: its options, its output and its exit code."""

import argparse
from pathlib import Path

from auditor.app.decisions.decide import DecideRequest, DecisionChange, decide
from auditor.cli.arguments.options import day, declare, now, output_folder, reader_locale
from auditor.cli.terminal.console import out, print_notice
from auditor.deliver.report_folder import write_document
from auditor.localization import localization

EXAMPLES = """\
auditor decide approvals.csv --by licensing@contoso.example          answers to questions of out/plan.json
auditor decide approvals.csv --by licensing@contoso.example --until 2027-01-31 --print
exit codes: 0 every answer is a decision; 2 an answer is rejected, and nothing is written
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor decide`."""
    parser.add_argument("approvals", nargs="+", type=Path, metavar="CSV", help="the approvals.csv that was sent back")
    parser.add_argument("--by", required=True, metavar="ADDRESS", help="who decided")
    parser.add_argument("--until", type=day, metavar="DATE", help="the last day on which the decisions apply")
    parser.add_argument(
        "--reason", default="", metavar="TEXT", help="the reason; required for a question that is skipped"
    )
    parser.add_argument(
        "--plan", type=Path, metavar="FILE", help="the plan with the questions (default: out/plan.json)"
    )
    parser.set_defaults(file=Path("policies/decisions.yaml"))
    declare(
        parser,
        *("file", "print", "own_policies", "as_of", "locale", "quiet"),
        file="the file to write them to (default: policies/decisions.yaml)",
        print="print the decisions instead of writing them",
        as_of="the instant of the decisions (default: now)",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor decide`; returns 0. Raises AuditorError, and writes nothing, if an answer is not a decision."""
    request = DecideRequest(
        approvals=tuple(args.approvals),
        plan=args.plan or output_folder() / "plan.json",
        file=args.file,
        policies=tuple(args.policies),
        by=args.by,
        as_of=args.as_of or now(),
        until=args.until,
        reason=args.reason,
    )
    decisions = decide(request)
    if args.print:
        out(decisions.text.rstrip("\n"))
        return 0
    if decisions.content is not None:
        write_document(args.file, decisions.content)
    if not args.quiet:
        _print(decisions, args)
    return 0


def _print(decisions: DecisionChange, args: argparse.Namespace) -> None:
    l10n = localization(reader_locale(args.locale))
    parts = [
        l10n.plural(
            "{count} decision written to {path}",
            "{count} decisions written to {path}",
            len(decisions.ids),
            path=args.file.as_posix(),
        )
    ]
    if decisions.already:
        parts.append(
            l10n.plural(
                "{count} answer was already recorded", "{count} answers were already recorded", decisions.already
            )
        )
    if decisions.open:
        parts.append(l10n.plural("{count} question is open", "{count} questions are open", decisions.open))
    print_notice("; ".join(parts))
