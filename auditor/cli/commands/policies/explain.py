"""The command `auditor explain`: its options, its output and its exit code."""

import argparse
import sys
from pathlib import Path

from auditor.app.explanation.lookup import explain, is_fingerprint
from auditor.cli.arguments.options import declare, now, one_of, output_folder, reader_locale
from auditor.cli.terminal.console import colourful, out
from auditor.cli.terminal.markdown import render
from auditor.domain.enums import Agreement, Cloud
from auditor.guidance import Variant
from auditor.localization import localization

EXAMPLES = """\
auditor explain assignment.redundant             what a check means, and which guidance belongs to it
auditor explain move-users --agreement mca       a guidance article, for one agreement and cloud
auditor explain disabled-licensed policies/      a policy, contract, waiver, population or product set
auditor explain inactiveIn                       a key of policy files; seats.covers if several keys have this name
auditor explain SPE_E3                           a product, with its service plans
auditor explain 6637f361                         a finding of out/result.json, with its evidence and what to do
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor explain`."""
    parser.add_argument(
        "id",
        metavar="ID",
        help="a check, article, policy, contract, key of policy files, product, error code of an assignment, or the "
        "fingerprint of a finding",
    )
    declare(parser, "policies", policies="where policies are looked for (default: policies/, else the starter library)")
    parser.add_argument("--result", type=Path, metavar="FILE", help="where the findings are (default: out/result.json)")
    parser.add_argument(
        "--cloud",
        type=one_of(Cloud),
        choices=list(Cloud),
        default=Cloud.WORLDWIDE,
        metavar="CLOUD",
        help=f"the Microsoft cloud that an article is for: {', '.join(Cloud)} (default: worldwide)",
    )
    parser.add_argument(
        "--agreement",
        type=one_of(Agreement),
        choices=list(Agreement),
        default=Agreement.UNKNOWN,
        metavar="AGREEMENT",
        help=f"how the licences that an article is about are bought: {', '.join(Agreement)} (default: unknown)",
    )
    declare(parser, "locale", locale="language of the answer (default: the environment's)")


def run(args: argparse.Namespace) -> int:
    """Run `auditor explain`. Raises UsageError for an unknown id."""
    l10n = localization(reader_locale(args.locale))
    path = output_folder() / "result.json"
    latest = path if path.is_file() else None
    text = explain(
        args.id,
        l10n=l10n,
        policies=tuple(args.policies),
        result=args.result or (latest if is_fingerprint(args.id) else None),
        latest=latest,
        variant=Variant(cloud=args.cloud, agreement=args.agreement, day=now().date()),
    )
    # Files and pipes get Markdown; on a terminal it is rendered.
    out(render(text, colour=colourful(sys.stdout)) if sys.stdout.isatty() else text)
    return 0
