"""Finds the plan that an audit is to verify: that of --plan, or the last one in a store."""

import argparse

from auditor.app.audit.run import Verifier
from auditor.app.locations import is_store
from auditor.cli.terminal.console import warnings
from auditor.domain.errors import UsageError
from auditor.domain.message import Message


def plan_verifier(args: argparse.Namespace) -> Verifier | None:
    """Return what compares the audit with a plan; None where no plan is named and no store is given.

    Raises UsageError for a log without a plan, and SnapshotError for files that are not what they should be.
    """
    stores = tuple(location for location in (args.store, args.history) if location is not None and is_store(location))
    warn = warnings(args.locale, quiet=args.quiet)
    if args.plan is not None:
        from auditor.app.verification.command import PlanVerifier  # noqa: PLC0415  only where a plan is known

        verifier = PlanVerifier(plan=args.plan, log=args.done, stores=stores, warn=warn)
        _ = verifier.files  # errors of the files before anything is audited
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
    from auditor.app.verification.recorded_changes import entries_of  # noqa: PLC0415  likewise
    from auditor.app.verification.stored_plans import StoredPlanVerifier  # noqa: PLC0415  likewise

    log = () if args.done is None else entries_of(args.done)
    return StoredPlanVerifier(stores=stores, log=log, warn=warn)
