"""Implements `auditor store`."""

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from auditor.app.store.commands import Thinned, nights, put, restore, thin
from auditor.app.store.integrity import Checked, check
from auditor.app.verification.recorded_changes import RecordedChanges, record_changes
from auditor.cli.arguments.options import declare, instant, location, now, reader_locale
from auditor.cli.store_summary import outcome_line, sized
from auditor.cli.terminal.console import document, out, print_diagnostics, print_message
from auditor.domain.errors import AuditorError, UsageError, printable
from auditor.domain.message import Message
from auditor.history.result_log import Entry
from auditor.render.text.labels import Labels
from auditor.snapshot.manifest import format_instant
from auditor.store.change_logs import change_log_instant
from auditor.store.commit import Night
from auditor.store.plans import plan_instant

_EXAMPLES = """\
auditor store put audits/ snapshots/ out/result.json      store tonight's snapshots and findings
auditor store put abfs://audits@account.dfs.core.windows.net/nights snapshots/
auditor store put audits/ done.jsonl                      record what plan.ps1 did, for the next report
auditor store list audits/
auditor store prune audits/ --keep 35d,24m                list what would be deleted; --delete deletes it
auditor store get audits/ contoso --as-of 2026-03-31 -o snapshots/
auditor store check audits/                               check that every night and result is complete
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor store`."""
    parser.epilog = _EXAMPLES
    parser.add_argument("action", choices=("put", "list", "check", "prune", "get"), help="what to do with the store")
    parser.add_argument("store", type=location, metavar="STORE", help="a folder, or abfs://, az:// or s3://")
    parser.add_argument(
        "arguments",
        nargs="*",
        default=[],
        metavar="PATH_OR_TENANT",
        help="put: snapshots, folders of them, result.json files, done.jsonl files of plan.ps1; get: a tenant",
    )
    parser.add_argument("--tenant", action="append", default=[], metavar="NAME", help="only this tenant (repeatable)")
    parser.add_argument("--keep", metavar="35d,24m", help="prune: every night of 35 days, one a month for 24 months")
    deed = parser.add_mutually_exclusive_group()
    deed.add_argument("--dry-run", action="store_true", help="prune: only list what would be deleted (the default)")
    deed.add_argument("--delete", action="store_true", help="prune: delete it")
    parser.add_argument(
        "--as-of",
        type=instant,
        metavar="RFC3339",
        help="get: the latest night not after this; prune: the instant from which ages count (default: now)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("snapshots"), metavar="DIR", help=("get: the folder to write to")
    )
    parser.add_argument("--json", action="store_true", help="list, check, prune: a document for machines on stdout")
    texts = {"locale": "language of the messages", "quiet": "print nothing but errors and data"}
    declare(parser, "public", "locale", "quiet", "verbose", **texts)


def run(args: argparse.Namespace) -> int:
    """Run `auditor store`: 0, or 3 if a check found damage. Raises AuditorError."""
    wrong = _misused(args)
    if wrong:
        raise UsageError("usage", wrong, hint=Message("see `auditor store --help`"))
    l10n = Labels(reader_locale(args.locale))
    match args.action:
        case "put":
            return _put(args, l10n)
        case "list":
            return _list(args, l10n)
        case "check":
            return _check(args, l10n)
        case "prune":
            return _prune(args, l10n)
        case _:
            out(str(restore(args.store, args.arguments[0], args.as_of, args.output)))
            return 0


def _misused(args: argparse.Namespace) -> Message | None:
    if args.action == "put" and not args.arguments:
        return Message("put requires snapshots or results")
    if args.action == "get" and len(args.arguments) != 1:
        return Message("get needs the name of one tenant")
    if args.action in {"list", "check", "prune"} and args.arguments:
        return Message(
            "{action} takes only a store: remove '{argument}'", action=args.action, argument=args.arguments[0]
        )
    if (args.action == "prune") != (args.keep is not None):
        return Message("--keep is required with prune, and allowed only there")
    if args.delete and args.action != "prune":
        return Message("--delete can only be used with prune")
    return None


def _put(args: argparse.Namespace, l10n: Labels) -> int:
    code = 0
    paths = [Path(argument) for argument in args.arguments]
    logs = [path for path in paths if path.suffix == ".jsonl"]
    for log in logs:
        for recorded in record_changes(args.store, log):
            if not args.quiet:
                print_message(printable(_recorded(recorded, l10n)))
    others = [path for path in paths if path not in logs]
    for stored in put(args.store, others) if others else ():
        if isinstance(stored, AuditorError):
            print_diagnostics(stored.diagnostics, locale=args.locale)
            code = 3
        elif not args.quiet:
            print_message(printable(outcome_line(stored, l10n)))
    return code


def _recorded(recorded: RecordedChanges, l10n: Labels) -> str:
    text = l10n.ngettext("{tenant}: {count} change recorded", "{tenant}: {count} changes recorded", recorded.count)
    return text.format(tenant=recorded.tenant, count=l10n.number(recorded.count))


def _list(args: argparse.Namespace, l10n: Labels) -> int:
    found = nights(args.store, args.tenant)
    if args.json:
        document(json.dumps([_document(night) for night in found], indent=2))
    else:
        for night in found:
            state = l10n.gettext("complete") if night.manifest.complete else l10n.gettext("incomplete")
            out(f"{night.tenant}  {format_instant(night.instant)}  {night.parts[-1].kind:8}  "
                f"{sized(night.own_size, l10n):>9}  {state}")  # fmt: skip
    return 0


def _check(args: argparse.Namespace, l10n: Labels) -> int:
    found = list(check(args.store, args.tenant))
    if args.json:
        document(json.dumps([_checked(each) for each in found], indent=2))
    for each in found:
        if each.wrong is not None:
            wrong = l10n.translate(each.wrong)
            at = _instant(each)
            print_message(printable(f"{each.tenant if at is None else f'{each.tenant} {at}'}: {wrong}"))
    if not args.quiet:
        for report_line in _wholeness(found, l10n):
            print_message(report_line)
    return 3 if any(each.wrong is not None for each in found) else 0


def _wholeness(found: Sequence[Checked], l10n: Labels) -> Iterator[str]:
    """Yield how many nights are whole, how many results where there are any, and how many temporary files there are."""
    nights = [each.wrong is None for each in found if each.kind == "night"]
    results = [each.wrong is None for each in found if each.kind == "result"]
    text = l10n.ngettext("{whole} of {count} night is complete", "{whole} of {count} nights are complete", len(nights))
    yield text.replace("{whole}", l10n.number(sum(nights)))
    if results:
        text = l10n.ngettext(
            "{whole} of {count} result is complete", "{whole} of {count} results are complete", len(results)
        )
        yield text.replace("{whole}", l10n.number(sum(results)))
    logs = [each.wrong is None for each in found if each.kind == "change-log"]
    if logs:
        text = l10n.ngettext(
            "{whole} of {count} log of changes is complete",
            "{whole} of {count} logs of changes are complete",
            len(logs),
        )
        yield text.replace("{whole}", l10n.number(sum(logs)))
    temporary = sum(each.kind == "temporary" for each in found)
    if temporary:
        yield l10n.ngettext(
            "{count} temporary file of an unfinished write: `auditor store prune --delete` removes it after two days",
            "{count} temporary files of unfinished writes: `auditor store prune --delete` removes them after two days",
            temporary,
        )


def _prune(args: argparse.Namespace, l10n: Labels) -> int:
    given: datetime | None = args.as_of
    found = thin(
        args.store,
        args.keep,
        given or now(),
        tenants=args.tenant,
        delete=args.delete,
        confirmed=given is not None,
    )
    if args.json:
        document(json.dumps([_pruning(thinned, deleted=args.delete) for thinned in found], indent=2))
        return 0
    line = l10n.gettext("deleted: {night}") if args.delete else l10n.gettext("would be deleted: {night}")
    for thinned in found:
        for night in thinned.nights.deleted:
            out(printable(line.replace("{night}", f"{night.tenant} {format_instant(night.instant)}")))
        if not args.quiet:
            for report_line in _thinned(thinned, l10n, deleted=args.delete):
                print_message(printable(report_line))
    if not args.delete and not args.quiet:
        print_message(l10n.gettext("nothing was deleted: add --delete to do it"))
    return 0


def _thinned(thinned: Thinned, l10n: Labels, *, deleted: bool) -> Iterator[str]:
    pruning = thinned.nights
    if deleted:
        text = l10n.gettext("{tenant}: nights kept: {kept}; deleted: {gone}; freed: {size}")
    else:
        text = l10n.gettext("{tenant}: nights kept: {kept}; would be deleted: {gone}; would be freed: {size}")
    kept, gone = l10n.number(len(pruning.kept)), l10n.number(len(pruning.deleted))
    yield text.format(tenant=pruning.tenant, kept=kept, gone=gone, size=sized(pruning.freed, l10n))
    if thinned.results:
        count = len(thinned.results)
        yield "  " + (
            l10n.ngettext(
                "the findings of {count} result were deleted; its counts are kept",
                "the findings of {count} results were deleted; their counts are kept",
                count,
            )
            if deleted
            else l10n.ngettext(
                "the findings of {count} result would be deleted; its counts are kept",
                "the findings of {count} results would be deleted; their counts are kept",
                count,
            )
        )
    if thinned.plans:
        count = len(thinned.plans)
        if deleted:
            yield "  " + l10n.ngettext("{count} plan deleted", "{count} plans deleted", count)
        else:
            yield "  " + l10n.ngettext("{count} plan would be deleted", "{count} plans would be deleted", count)
    if thinned.change_logs:
        count = len(thinned.change_logs)
        if deleted:
            yield "  " + l10n.ngettext("{count} log of changes deleted", "{count} logs of changes deleted", count)
        else:
            yield "  " + l10n.ngettext(
                "{count} log of changes would be deleted", "{count} logs of changes would be deleted", count
            )
    if thinned.temporary:
        yield "  " + _temporary(len(thinned.temporary), l10n, deleted=deleted)
    if pruning.still_needed:
        held = l10n.gettext("{size} of deleted nights cannot be freed yet: kept nights depend on them")
        yield "  " + held.replace("{size}", sized(sum(entry.size for entry in pruning.still_needed), l10n))


def _temporary(count: int, l10n: Labels, *, deleted: bool) -> str:
    if deleted:
        return l10n.ngettext(
            "{count} temporary file of an interrupted write was deleted",
            "{count} temporary files of interrupted writes were deleted",
            count,
        )
    return l10n.ngettext(
        "{count} temporary file of an interrupted write would be deleted",
        "{count} temporary files of interrupted writes would be deleted",
        count,
    )


def _document(night: Night) -> dict[str, object]:
    return {
        "tenant": night.tenant,
        "instant": format_instant(night.instant),
        "complete": night.manifest.complete,
        "kind": night.parts[-1].kind,
        "bytes": night.own_size,
    }


def _instant(checked: Checked) -> str | None:
    match checked.found:
        case Night():
            return format_instant(checked.found.instant)
        case Entry():
            return format_instant(checked.found.as_of)
        case _:
            return None


def _checked(checked: Checked) -> dict[str, object]:
    match checked.found:
        case Night() as night:
            outcome_line = _document(night)
        case Entry() as entry:
            outcome_line = {
                "tenant": checked.tenant,
                "instant": _instant(checked),
                "complete": bool(entry.summary["complete"]),
                "kind": "result",
                "bytes": entry.size,
            }
        case _:
            outcome_line = {"tenant": checked.tenant}
            if checked.name is not None:
                outcome_line["temporaryFile" if checked.kind == "temporary" else "changeLog"] = checked.name
    return {**outcome_line, "wrong": checked.wrong}


def _pruning(thinned: Thinned, *, deleted: bool) -> dict[str, object]:
    pruning = thinned.nights
    return {
        "tenant": pruning.tenant,
        "deleted": deleted,
        "kept": [format_instant(night.instant) for night in pruning.kept],
        "gone": [format_instant(night.instant) for night in pruning.deleted],
        "freedBytes": pruning.freed,
        "findingsOfResults": [format_instant(entry.as_of) for entry in thinned.results],
        "temporaryFiles": list(thinned.temporary),
        "plans": [format_instant(plan_instant(name)) for name in thinned.plans],
        "changeLogs": [format_instant(change_log_instant(name)) for name in thinned.change_logs],
        "heldBytes": sum(entry.size for entry in pruning.still_needed),
    }
