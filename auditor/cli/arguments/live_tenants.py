"""Selects the tenants that a command reads live, and builds the function that reads them and shows progress."""

import argparse
from datetime import datetime
from pathlib import Path

from auditor.app.audit.run import Collector
from auditor.cli.arguments.options import LIVE_TENANTS_HELP, declare, reader_locale, tenants_path
from auditor.domain.errors import UsageError
from auditor.domain.message import Message


def add_live_arguments(parser: argparse._ActionsContainer) -> None:
    """Declare the arguments of commands that read tenants live."""
    declare(parser, "tenants", tenants=LIVE_TENANTS_HELP)
    parser.add_argument(
        "--save-snapshot", type=Path, metavar="DIR", help="keep what is read live as snapshots in this folder"
    )


def tenants_file(args: argparse.Namespace, *, mails: bool = False) -> Path | None:
    """Return the tenants file if tenants are read live; None for the demo and for saved snapshots.

    With `mails`, the demo and snapshots may be combined with --tenants, which then only names the recipients. Raises
    UsageError if options contradict each other, or if the file does not exist.
    """
    if args.demo and (args.snapshot or (args.tenants and not mails)):
        hint = Message("leave out --snapshot and --tenants")
        raise UsageError("usage", Message("--demo audits only the built-in tenants"), hint=hint)
    if args.snapshot and args.tenants and not mails:
        message = Message("--snapshot and --tenants cannot be used together")
        raise UsageError("usage", message, hint=Message("leave one of them out"))
    if args.demo or args.snapshot:
        if args.save_snapshot is not None:
            message = Message("--save-snapshot requires tenants that are read live")
            raise UsageError("usage", message, hint=Message("leave it out, or leave out --demo and --snapshot"))
        return None
    tenants: Path = args.tenants or tenants_path()
    if not tenants.is_file():
        raise UsageError(
            "tenants-missing",
            Message("there is no {tenants}, and neither --snapshot nor --demo is specified", tenants=tenants),
            hint=Message("run `auditor init`, which writes one; with --demo none is needed"),
        )
    return tenants


def live_collector(args: argparse.Namespace, instant: datetime) -> Collector:
    """Return the function that reads the tenants of a request at an instant, and shows progress."""
    from auditor.app.tenants.live_tenants import collector  # noqa: PLC0415  only live tenants need the SDK
    from auditor.cli.terminal.progress import shown_progress  # noqa: PLC0415
    from auditor.render.text.labels import Labels  # noqa: PLC0415

    l10n = Labels(reader_locale(args.locale))
    is_shown = not args.no_progress and not args.quiet
    return collector(lambda: shown_progress(l10n, enabled=is_shown), root=args.save_snapshot, instant=instant)
