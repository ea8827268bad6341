"""The command `auditor store`: its options, its output and its exit code."""

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from auditor.app.store.integrity import IntegrityCheck, check
from auditor.app.store.nights import TenantRetention, apply_retention, nights, put, restore, stored_results
from auditor.app.verification.recorded_changes import record_changes
from auditor.cli.arguments.options import declare, location, now, reader_locale
from auditor.cli.prune_summary import print_pruning
from auditor.cli.store_summary import format_size, print_outcomes
from auditor.cli.terminal.console import document, out, print_message
from auditor.domain.errors import AuditorError, UsageError, printable_line
from auditor.domain.message import Message
from auditor.domain.translation import NN_
from auditor.files.names import instant_of
from auditor.history.logged_result import LoggedResult
from auditor.render.text.labels import Labels
from auditor.snapshot.manifest import format_instant
from auditor.store.commit import Night

EXAMPLES = """\
auditor store put audits/ snapshots/ out/result.json      store tonight's snapshots and findings
auditor store put abfs://audits@account.dfs.core.windows.net/nights snapshots/
auditor store put audits/ done.jsonl                      record what plan.ps1 did, for the next report
auditor store list audits/
auditor store prune audits/ --keep 35d,24m                list what would be deleted; --delete deletes it
auditor store get audits/ contoso --as-of 2026-03-31 -o snapshots/
auditor store check audits/                               check that no night and no result is damaged
"""
_CHECKED_TEXTS = {
    "night": NN_("{whole} of {count} night is undamaged", "{whole} of {count} nights are undamaged"),
    "result": NN_("{whole} of {count} result is undamaged", "{whole} of {count} results are undamaged"),
    "change-log": NN_(
        "{whole} of {count} log of changes is undamaged", "{whole} of {count} logs of changes are undamaged"
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor store`."""
    parser.add_argument("action", choices=tuple(_ACTIONS), help="what to do with the store")
    parser.add_argument("store", type=location, metavar="STORE", help="a folder, or abfs://, az:// or s3://")
    parser.add_argument(
        "arguments",
        nargs="*",
        default=[],
        metavar="PATH_OR_TENANT",
        help="put: snapshots, folders of them, result.json files, done.jsonl files of plan.ps1; get: a tenant",
    )
    declare(parser, "tenant", tenant="list, check, prune: only this tenant (repeatable)")
    parser.add_argument(
        "--keep", metavar="35d,24m", help=("prune: keep every night for 35 days, and one night a month for 24 months")
    )
    deletion = parser.add_mutually_exclusive_group()
    deletion.add_argument("--dry-run", action="store_true", help="prune: only list what would be deleted (the default)")
    deletion.add_argument("--delete", action="store_true", help="prune: delete it")
    parser.set_defaults(output=Path("snapshots"))
    declare(
        parser,
        *("as_of", "output"),
        as_of=(
            "get: the latest night up to this instant; prune: the instant from which ages are counted (default: now)"
        ),
        output="get: the folder to write to (default: snapshots/)",
    )
    parser.add_argument("--json", action="store_true", help="list, check, prune: print JSON to stdout")
    texts = {"locale": "language of the messages", "quiet": "print nothing but errors and data"}
    declare(parser, "public", "locale", "quiet", **texts)


def run(args: argparse.Namespace) -> int:
    """Run `auditor store`; returns 0, or 3 if something could not be stored or is damaged. Raises AuditorError."""
    error = _usage_error(args)
    if error:
        raise UsageError("usage", error, hint=Message("see `auditor store --help`"))
    l10n = Labels(reader_locale(args.locale))
    return _ACTIONS[args.action](args, l10n)


def _usage_error(args: argparse.Namespace) -> Message | None:
    if args.action == "put" and not args.arguments:
        return Message("put requires snapshots or results")
    if args.action == "get" and len(args.arguments) != 1:
        return Message("get requires the name of one tenant")
    if args.action in {"list", "check", "prune"} and args.arguments:
        return Message(
            "{action} takes only a store: remove '{argument}'", action=args.action, argument=args.arguments[0]
        )
    if (args.action == "prune") != (args.keep is not None):
        return Message("--keep is required with prune, and can only be used with prune")
    if args.delete and args.action != "prune":
        return Message("--delete can only be used with prune")
    return None


def _put(args: argparse.Namespace, l10n: Labels) -> int:
    paths = [Path(argument) for argument in args.arguments]
    logs = [path for path in paths if path.suffix == ".jsonl"]
    others = [path for path in paths if path not in logs]
    failures: list[AuditorError] = []
    for log in logs:
        try:
            for recorded in record_changes(args.store, log):
                if not args.quiet:
                    text = l10n.plural(
                        "{tenant}: {count} change recorded",
                        "{tenant}: {count} changes recorded",
                        recorded.count,
                        tenant=recorded.tenant,
                    )
                    print_message(printable_line(text))
        except AuditorError as error:
            failures.append(error)
    if failures and len(failures) == len(paths):
        raise failures[0]
    outcomes = chain(failures, put(args.store, others) if others else ())
    return print_outcomes(outcomes, l10n, locale=args.locale, quiet=args.quiet)


def _list(args: argparse.Namespace, l10n: Labels) -> int:
    stored_nights = nights(args.store, args.tenant)
    if args.json:
        document(json.dumps([_night_json(night) for night in stored_nights], indent=2))
    else:
        for night in stored_nights:
            state = l10n.gettext("complete") if night.manifest.complete else l10n.gettext("incomplete")
            out(f"{night.tenant}  {format_instant(night.instant)}  {night.parts[-1].kind:8}  "
                f"{format_size(night.own_size, l10n):>9}  {state}")  # fmt: skip
        if not args.quiet:
            _print_counts(len(stored_nights), stored_results(args.store, args.tenant), l10n)
    return 0


def _print_counts(snapshots: int, results: int, l10n: Labels) -> None:
    """Print how many snapshots and results are stored, unless all of it was listed."""
    if results or not snapshots:
        counts = (
            l10n.plural("{count} snapshot", "{count} snapshots", snapshots),
            l10n.plural("{count} result", "{count} results", results),
        )
        print_message(l10n.gettext("{counts} (`auditor history` shows the results)", counts=l10n.joined(counts)))


def _check(args: argparse.Namespace, l10n: Labels) -> int:
    results = list(check(args.store, args.tenant))
    if args.json:
        document(json.dumps([_check_json(item) for item in results], indent=2))
    for item in results:
        if item.wrong is not None:
            instant = _check_json(item).get("instant", "")
            print_message(printable_line(f"{f'{item.tenant} {instant}'.rstrip()}: {l10n.translate(item.wrong)}"))
    if not args.quiet:
        for report_line in _check_summary(results, l10n):
            print_message(report_line)
    return 3 if any(item.wrong is not None for item in results) else 0


def _check_summary(results: Sequence[IntegrityCheck], l10n: Labels) -> Iterator[str]:
    """Yield how many nights, results and logs of changes are undamaged, and how many temporary files there are."""
    for kind, (singular, plural) in _CHECKED_TEXTS.items():
        undamaged = [item.wrong is None for item in results if item.kind == kind]
        if undamaged or kind == "night":
            yield l10n.plural(singular, plural, len(undamaged), whole=l10n.number(sum(undamaged)))
    temporary = sum(item.kind == "temporary" for item in results)
    if temporary:
        yield l10n.plural(
            "{count} temporary file of an unfinished write: `auditor store prune --delete` removes it after two days",
            "{count} temporary files of unfinished writes: `auditor store prune --delete` removes them after two days",
            temporary,
        )


def _prune(args: argparse.Namespace, l10n: Labels) -> int:
    instant = args.as_of or now()
    # A variable that is set for all commands does not confirm that the clock is wrong.
    confirmed = args.as_of is not None and "as_of" not in args.from_variables
    pruning = apply_retention(
        args.store, args.keep, instant, tenants=args.tenant, delete=args.delete, confirmed=confirmed
    )
    if args.json:
        document(json.dumps([_prune_json(retention, deleted=args.delete) for retention in pruning], indent=2))
        return 0
    print_pruning(pruning, l10n, deleted=args.delete, quiet=args.quiet)
    if not args.delete and not args.quiet:
        print_message(l10n.gettext("nothing was deleted: add --delete to do it"))
    return 0


def _get(args: argparse.Namespace, _l10n: Labels) -> int:
    out(str(restore(args.store, args.arguments[0], args.as_of, args.output)))
    return 0


_ACTIONS = {"put": _put, "list": _list, "check": _check, "prune": _prune, "get": _get}


def _night_json(night: Night) -> dict[str, object]:
    return {
        "tenant": night.tenant,
        "instant": format_instant(night.instant),
        "complete": night.manifest.complete,
        "kind": night.parts[-1].kind,
        "bytes": night.own_size,
    }


def _check_json(checked: IntegrityCheck) -> dict[str, object]:
    match checked.found:
        case Night() as night:
            fields = _night_json(night)
        case LoggedResult() as entry:
            fields = {
                "tenant": checked.tenant,
                "instant": format_instant(entry.as_of),
                "complete": bool(entry.summary["complete"]),
                "kind": "result",
                "bytes": entry.size,
            }
        case _:
            fields = {"tenant": checked.tenant}
            if checked.name is not None:
                fields["temporaryFile" if checked.kind == "temporary" else "changeLog"] = checked.name
    return {**fields, "wrong": checked.wrong}


def _prune_json(retention: TenantRetention, *, deleted: bool) -> dict[str, object]:
    pruning = retention.nights
    return {
        "tenant": pruning.tenant,
        "deleted": deleted,
        "kept": [format_instant(night.instant) for night in pruning.kept],
        "gone": [format_instant(night.instant) for night in pruning.deleted],
        "freedBytes": pruning.freed,
        "findingsOfResults": [format_instant(entry.as_of) for entry in retention.results],
        "temporaryFiles": list(retention.temporary),
        "plans": [format_instant(instant_of(name)) for name in retention.plans],
        "changeLogs": [format_instant(instant_of(name)) for name in retention.change_logs],
        "heldBytes": sum(entry.size for entry in pruning.still_needed),
    }
