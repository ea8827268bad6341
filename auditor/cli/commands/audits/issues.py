"""The command `auditor issues`: its options, its output and its exit code."""

import argparse
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.app.report.localization import localized_result
from auditor.app.saved_results import saved_results
from auditor.cli.arguments.options import configured_locale, declare, locale_of, one_of, pseudonym_key, reader_locale
from auditor.cli.terminal.console import out, print_message
from auditor.domain.enums import Severity
from auditor.domain.errors import printable_line
from auditor.domain.message import Message
from auditor.domain.translation import N_, NN_
from auditor.localization import Localization, localization
from auditor.result.redaction.redact import redacted

if TYPE_CHECKING:
    from auditor.app.ci.issues import IssueChange

_DONE_TEXTS: Mapping[str, str] = {
    "open": N_("opened #{number}: {title}"),
    "reopen": N_("reopened #{number}: {title}"),
    "update": N_("updated #{number}: {title}"),
    "close": N_("closed #{number}: {title}"),
}
_DRY_RUN_TEXTS: Mapping[str, str] = {
    "open": N_("to open: {title}"),
    "reopen": N_("to reopen #{number}: {title}"),
    "update": N_("to update #{number}: {title}"),
    "close": N_("to close #{number}: {title}"),
}
EXAMPLES = """\
auditor issues out/result.json --repository OWNER/NAME --dry-run     what would be opened, updated, closed
auditor issues out/result.json --repository OWNER/NAME --severity high
It writes to GitHub, with the token in GITHUB_TOKEN, and never to a tenant.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor issues`."""
    parser.add_argument("result", type=Path, metavar="RESULT", help="the result.json of a run")
    parser.add_argument(
        "--repository", type=_repository, required=True, metavar="OWNER/NAME", help="the repository with the issues"
    )
    parser.add_argument(
        "--severity",
        type=one_of(Severity),
        default=Severity.MEDIUM,
        metavar="SEVERITY",
        help="open issues at or above this severity (default: medium)",
    )
    parser.add_argument(
        "--limit", type=_limit, default=20, metavar="NUMBER", help="issues to open in one run (default: 20)"
    )
    parser.add_argument(
        "--label", action="append", default=[], metavar="LABEL", help="a label for every issue (repeatable)"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be done; without a token, as if there were no issues"
    )
    declare(
        parser,
        *("names", "locale", "quiet", "verbose"),
        names="show names of people instead of pseudonyms",
        locale="language of the issues (default: the tenant's)",
        verbose="print the texts of the issues too; a bug shows its traceback",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor issues`; returns 0. Raises AuditorError if a change fails; a later run continues."""
    from auditor.app.ci.issues import IssueJob, IssueStep, carry_out, issue_changes  # noqa: PLC0415  not needed for `--help`
    from auditor.deliver.github.issues import open_repository  # noqa: PLC0415

    offline = args.dry_run and not os.environ.get("GITHUB_TOKEN")
    repository = None if offline else open_repository(args.repository, os.environ)
    requested, key = configured_locale(args.locale), None if args.names else pseudonym_key()
    l10n = localization(reader_locale(args.locale))
    with saved_results([args.result], None) as [(_, result)]:
        locale = locale_of(requested, result)
        localized = localized_result(result if key is None else redacted(result, key), locale)
        job = IssueJob(severity=args.severity, limit=args.limit, labels=tuple(args.label), locale=locale)
        changes = list(issue_changes(localized, [] if repository is None else list(repository.issues()), job))
    if repository is None or args.dry_run:
        for change in changes:
            _print_change(change, 0, l10n, _DRY_RUN_TEXTS, quiet=args.quiet, verbose=bool(args.verbose))
    else:
        carry_out(
            repository,
            changes,
            lambda change, number: _print_change(
                change, number, l10n, _DONE_TEXTS, quiet=args.quiet, verbose=bool(args.verbose)
            ),
        )
    postponed = sum(change.step is IssueStep.LATER for change in changes)
    if postponed and not args.quiet:
        forms = NN_(
            "postponed to later runs (--limit): {count} issue", "postponed to later runs (--limit): {count} issues"
        )
        out(l10n.plural(*forms, postponed))
    return 0


def _print_change(
    change: "IssueChange", number: int, l10n: Localization, texts: Mapping[str, str], *, quiet: bool, verbose: bool
) -> None:
    text = texts.get(change.step)
    if text is None or quiet:
        return
    issue_number = number or (0 if change.issue is None else change.issue.number)
    out(printable_line(l10n.gettext(text, number=issue_number, title=change.title)))
    if verbose and change.body:
        print_message("\n".join(printable_line(line) for line in change.body.splitlines()))


def _repository(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}", text) is None:
        raise argparse.ArgumentTypeError(Message("{text} is not OWNER/NAME", text=repr(text)))
    return text


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 1000:
        raise argparse.ArgumentTypeError(Message("{text} is not a number from 1 to 1000", text=repr(text)))
    return int(text)
