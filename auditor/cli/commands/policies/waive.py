"""The command `auditor waive`: its options, its output and its exit code."""

import argparse
from pathlib import Path

from auditor.app.policies.waivers import WaiverRequest, waive
from auditor.cli.arguments.options import day, declare, now, output_folder, reader_locale
from auditor.cli.terminal.console import out, print_notice
from auditor.deliver.report_folder import write_document
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.localization import localization

EXAMPLES = """\
auditor waive 6637f361 --until 2027-01-31 --reason "Store pilot" --owner ann@contoso.example
auditor waive 6637f361 82ab09c4 --until 2027-01-31 --reason "Store pilot" --snapshot snapshots/ --print
exit codes: 0 the waiver is written; 2 it is rejected, and nothing is written
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor waive`."""
    parser.add_argument(
        "fingerprints", nargs="+", metavar="FINGERPRINT", help="fingerprints of findings, or their first digits"
    )
    parser.add_argument("--until", type=day, required=True, metavar="DATE", help="the last day on which it applies")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="the reason for the exception")
    parser.add_argument(
        "--owner", metavar="ADDRESS", help="who is responsible for it (default: the owner of the policy)"
    )
    parser.add_argument("--result", type=Path, metavar="FILE", help="where the findings are (default: out/result.json)")
    parser.set_defaults(file=Path("policies/waivers.yaml"))
    declare(
        parser,
        *("file", "print", "own_policies", "demo", "snapshot", "as_of", "locale", "quiet"),
        snapshot="audit this state instead of reading a result: a snapshot, a folder of them, or a store (repeatable)",
        file="the file to write it to (default: policies/waivers.yaml)",
        print="print the waiver instead of writing it",
        as_of="the instant from which the duration of the waiver is counted (default: now)",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor waive`; returns 0. Raises AuditorError, and writes nothing, if the waiver is refused."""
    audited = args.demo or bool(args.snapshot)
    if args.demo + bool(args.snapshot) + (args.result is not None) > 1:
        message = Message("--result, --snapshot and --demo cannot be used together")
        raise UsageError("usage", message, hint=Message("specify one of them"))
    request = WaiverRequest(
        fingerprints=tuple(args.fingerprints),
        until=args.until,
        reason=args.reason,
        owner=args.owner,
        file=args.file,
        policies=tuple(args.policies),
        result=None if audited else args.result or output_folder() / "result.json",
        snapshots=tuple(args.snapshot),
        demo=args.demo,
        as_of=args.as_of or now(),
    )
    waiver = waive(request)
    if args.print:
        out(waiver.text.rstrip("\n"))
        return 0
    write_document(args.file, waiver.content)
    if not args.quiet:
        l10n = localization(reader_locale(args.locale))
        count = l10n.plural("{count} finding", "{count} findings", len(waiver.findings))
        ids = ", ".join(waiver.ids)
        print_notice(l10n.gettext("{ids} in {path} waives {count}", ids=ids, path=args.file, count=count))
    return 0
