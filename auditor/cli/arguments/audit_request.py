"""Declares the arguments that select what is audited, and builds the audit request from them."""

import argparse
import re
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from auditor.app.audit.run import Request, Verifier
from auditor.app.locations import is_store, store_at
from auditor.cli.arguments.live_tenants import add_live_arguments, live_collector, tenants_file
from auditor.cli.arguments.options import declare, now, one_of, pseudonym_key
from auditor.cli.terminal.console import notices, warnings
from auditor.domain.enums import Engine
from auditor.domain.errors import AuditorError, UsageError
from auditor.domain.message import Message


def add_state_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare the arguments that select the tenants and the state to audit."""
    declare(group, "demo", "snapshot")
    add_live_arguments(group)
    declare(group, "tenant")
    group.add_argument("--shard", type=_shard, metavar="I/N", help="only the I-th of N parts of the tenants")
    declare(
        group,
        "as_of",
        as_of=(
            "the instant of the audit; of several nights, the latest one up to it is used (default: "
            "now, or SOURCE_DATE_EPOCH)"
        ),
    )
    group.add_argument(
        "--compare",
        type=Path,
        metavar="RESULT",
        help="the result.json of the previous run: what is new, reopened, fixed",
    )
    group.add_argument(
        "--engine",
        type=one_of(Engine),
        choices=list(Engine),
        default=Engine.LOCAL,
        help="where people are evaluated: local (default), or spark where one machine is too small",
    )
    group.add_argument(
        "--spark-master", metavar="URL", help="local[2], spark://HOST:7077, yarn … (with --engine spark)"
    )


def audit_request(args: argparse.Namespace, verifier: Verifier | None = None) -> Request:
    """Build the audit request. Raises UsageError for arguments that cannot be combined."""
    if args.spark_master and args.engine is not Engine.SPARK:
        message = Message("--spark-master requires --engine spark")
        raise UsageError("usage", message, hint=Message("add --engine spark"))
    return replace(
        state_request(args),
        shard=args.shard,
        compare=args.compare,
        store=getattr(args, "store", None),
        redaction=pseudonym_key() if args.redact else None,
        notice=notices(args.locale) if args.verbose else (lambda _: None),
        engine=args.engine,
        spark_master=args.spark_master,
        verifier=verifier,
    )


def state_request(args: argparse.Namespace, *, planned: bool = False) -> Request:
    """Build a request with policies, tenants and instant only; `planned` as in `Request`."""
    tenants, started = tenants_file(args, mails=getattr(args, "send", False)), now()
    return replace(
        _request(args, args.as_of or started),
        tenants_file=tenants,
        state_as_of=args.as_of,
        collect=live_collector(args, started) if tenants is not None else None,
        planned=planned,
    )


def preview_request(args: argparse.Namespace) -> Request:
    """Build the request of a preview, which audits saved state only; people have pseudonyms unless --names is given."""
    return replace(_request(args, args.as_of or now()), redaction=None if args.names else pseudonym_key())


def history_location(args: argparse.Namespace) -> Path | str | None:
    """Return the location of earlier runs; None if it is the `--store` of this run, and is new or cannot be reached.

    Called before tenants are read; raises AuditorError if the location does not exist or cannot be reached.
    """
    location: Path | str | None = args.history
    if location is not None and location == getattr(args, "store", None):
        return location if _is_readable_store(location) else None
    if isinstance(location, Path):
        from auditor.app.history.earlier_runs import check_folder  # noqa: PLC0415  only with --history

        check_folder(location)
    elif location is not None:
        store_at(location).require()
    return location


def _is_readable_store(location: Path | str) -> bool:
    try:
        return store_at(location).exists
    except AuditorError:
        return False


def _request(args: argparse.Namespace, as_of: datetime) -> Request:
    return Request(
        policies=tuple(args.policies),
        demo=args.demo,
        snapshots=tuple(args.snapshot),
        tenants=tuple(args.tenant),
        as_of=as_of,
        nights=tuple(location for name in ("history", "store") if (location := getattr(args, name, None)) is not None),
        warn=warnings(args.locale, quiet=args.quiet),
    )


def plan_verifier(args: argparse.Namespace) -> Verifier | None:
    """Return the verifier that compares the audit with a plan; None if neither a plan nor a store is given.

    Raises UsageError for a log without a plan, and SnapshotError for invalid files.
    """
    stores = tuple(location for location in (args.store, args.history) if location is not None and is_store(location))
    warn = warnings(args.locale, quiet=args.quiet)
    if args.plan is not None:
        from auditor.app.verification.run import PlanVerifier  # noqa: PLC0415  only with --plan

        verifier = PlanVerifier(plan=args.plan, log=args.done, stores=stores, warn=warn)
        _ = verifier.files  # report errors in the files before anything is audited
        return verifier
    if not stores:
        if args.done is not None:
            raise UsageError(
                "usage",
                Message("--done requires --plan, or a store with plans"),
                hint=Message(
                    "specify the plan.json that the log belongs to, or the store that `auditor plan --store` wrote"
                ),
            )
        return None
    from auditor.app.verification.change_log import entries_of  # noqa: PLC0415  only with a store
    from auditor.app.verification.stored_plans import StoredPlanVerifier  # noqa: PLC0415

    log = () if args.done is None else entries_of(args.done)
    return StoredPlanVerifier(stores=stores, log=log, warn=warn)


def _shard(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not (re.fullmatch("[0-9]{1,6}/[0-9]{1,6}", text) and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(Message("{text} is not I/N with 1 <= I <= N", text=repr(text)))
    return int(part), int(parts)
