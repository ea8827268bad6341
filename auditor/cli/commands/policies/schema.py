"""The command `auditor schema`: its options, its output and its exit code."""

import argparse

from auditor import resources
from auditor.cli.arguments.options import declare
from auditor.cli.terminal.console import document, out
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.similar_name import did_you_mean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor schema`."""
    parser.add_argument("name", nargs="?", default="policy", metavar="NAME", help="which schema (default: policy)")
    parser.add_argument("--list", action="store_true", help="print the names of all schemas")
    declare(parser, "locale", locale="language of the error messages; the schema itself is English")


def run(args: argparse.Namespace) -> int:
    """Run `auditor schema`."""
    names = resources.schema_names()
    if args.list:
        out("\n".join(names))
        return 0
    if args.name not in names:
        raise UsageError(
            "schema-unknown",
            Message("there is no schema '{name}'", name=args.name),
            hint=did_you_mean(args.name, names) or Message("one of {known}", known=", ".join(names)),
        )
    document(resources.schema(args.name))
    return 0
