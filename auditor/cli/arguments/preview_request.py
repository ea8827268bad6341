"""Builds the request of a preview from arguments."""

import argparse

from auditor.app.policies.preview import PreviewRequest
from auditor.cli.arguments.options import now, pseudonym_key
from auditor.cli.terminal.console import print_diagnostics


def preview_request(args: argparse.Namespace, *, base: str) -> PreviewRequest:
    """Return the request that compares the policies of the arguments with those of `base`, a git ref or a folder."""
    return PreviewRequest(
        base=base,
        policies=tuple(args.policies),
        demo=args.demo,
        snapshots=tuple(args.snapshot),
        tenants=tuple(args.tenant),
        as_of=args.as_of or now(),
        names=args.names,
        key=None if args.names else pseudonym_key(),
        warn=lambda diagnostic: print_diagnostics([diagnostic], locale=args.locale),
    )
