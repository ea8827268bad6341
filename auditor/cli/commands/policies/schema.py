"""Implements `auditor schema`."""

import argparse
import difflib

from auditor import resources
from auditor.cli.arguments.options import declare
from auditor.cli.terminal.console import document, out
from auditor.domain.errors import UsageError
from auditor.domain.message import Message


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
        close = difflib.get_close_matches(args.name, names, n=1)
        raise UsageError(
            "schema-unknown",
            Message("there is no schema '{name}'", name=args.name),
            hint=Message("did you mean '{name}'?", name=close[0])
            if close
            else Message("one of {known}", known=", ".join(names)),
        )
    document(resources.schema(args.name))
    return 0
