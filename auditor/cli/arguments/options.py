"""Declares the options that several commands share, and parses their values."""

import argparse
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct

from auditor.cli.terminal.console import environment_locale
from auditor.domain.enums import Severity
from auditor.domain.errors import UsageError
from auditor.domain.message import Message

if TYPE_CHECKING:
    from auditor.domain.result.model import Result
    from auditor.result.redaction.pseudonyms import RedactionKey

_Kind = TypeVar("_Kind", bound=StrEnum)
LIVE_TENANTS_HELP: Final = "the tenants to read live (default: tenants.yaml)"
"""The help of --tenants of commands that read tenants live."""
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
"""Years that an audit may be in: adding or subtracting the longest duration of the policy language cannot overflow."""
_EPOCH_DIGITS = len("99999999999")
"""Maximum number of digits of SOURCE_DATE_EPOCH, up to the year 5138."""


def instant(text: str) -> datetime:
    """Parse an RFC 3339 instant, or a date as its midnight in UTC."""
    try:
        if len(text) == len("2026-11-20"):
            parsed = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        else:
            parsed = datetime.fromisoformat(text.upper())
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            Message("{text} is not an instant such as 2026-11-20T02:17:00Z", text=repr(text))
        ) from error
    if parsed.tzinfo is None:
        raise argparse.ArgumentTypeError(
            Message("{text} has no time zone: write 2026-11-20T02:17:00Z", text=repr(text))
        )
    if not _FIRST_YEAR <= parsed.year <= _LAST_YEAR:
        raise argparse.ArgumentTypeError(
            Message(
                "{text} is outside the years {first} to {last}", text=repr(text), first=_FIRST_YEAR, last=_LAST_YEAR
            )
        )
    return parsed.astimezone(UTC)


def first_instant(text: str) -> tuple[datetime, bool]:
    """Parse an RFC 3339 instant, or a date as its midnight in UTC; returns also whether it is a date."""
    return instant(text), len(text) == len("2026-11-20")


def last_instant(text: str) -> datetime:
    """Parse an RFC 3339 instant, or a date as the last second of its day in UTC."""
    first, is_day = first_instant(text)
    return first + timedelta(days=1, seconds=-1) if is_day else first


def now() -> datetime:
    """Return the default instant of an audit: SOURCE_DATE_EPOCH, else the clock, in whole seconds."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:  # an empty variable counts as unset, as for AUDITOR_* variables
        return datetime.now(UTC).replace(microsecond=0)
    if not (epoch.isascii() and epoch.isdigit() and len(epoch) <= _EPOCH_DIGITS):
        raise UsageError(
            "usage",
            Message("SOURCE_DATE_EPOCH={epoch} is not a number of seconds", epoch=repr(epoch)),
            hint=Message("unset it, or specify whole seconds since 1970"),
        )
    return datetime.fromtimestamp(int(epoch), UTC)


class FailOn(Struct, frozen=True):
    """Which open findings fail a run."""

    severity: Severity | None
    """The lowest severity that fails a run; None if no finding does."""
    new: bool = False
    """Whether only new and reopened findings count."""


def fail_on(text: str) -> FailOn:
    """Parse `never`, a severity, or `new:` and a severity."""
    if text == "never":
        return FailOn(None)
    prefix, separator, rest = text.rpartition(":")
    new = prefix == "new"
    return FailOn(_member(Severity, rest if new else text, *(() if separator else ("never", "new:SEVERITY"))), new=new)


def one_of(kind: type[_Kind]) -> Callable[[str], _Kind]:
    """Return a parser for the values of an enumeration; its error lists them."""
    return lambda text: _member(kind, text)


def choice_of(words: Sequence[str]) -> Callable[[str], str]:
    """Return a parser for some words; its error lists them."""
    return lambda text: _checked(text, words)


def _member(kind: type[_Kind], text: str, *others: str) -> _Kind:
    return kind(_checked(text, [item.value for item in kind], *others))


def _checked(text: str, words: Sequence[str], *others: str) -> str:
    """Return a text that is one of `words`. Raises ArgumentTypeError, which lists them and `others`."""
    if text not in words:
        raise argparse.ArgumentTypeError(
            Message("{text} is not one of {words}", text=repr(text), words=", ".join([*words, *others]))
        )
    return text


def day(text: str) -> date:
    """Parse a day such as 2027-01-31. Raises ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(Message("{text} is not a date such as 2027-01-31", text=repr(text))) from error


def location(text: str) -> Path | str:
    """Return a folder, or a checked address such as `s3://bucket/audits`. Raises UsageError for an unknown scheme."""
    if "://" not in text:
        return Path(text)
    from auditor.store.objects.location import parse  # noqa: PLC0415  not needed for a folder

    return parse(text)


def path_of_output(text: str) -> Path:
    """Return the path of an output that cannot be stdout. Raises ArgumentTypeError for `-`."""
    if text == "-":
        raise argparse.ArgumentTypeError(Message("this cannot be written to stdout: specify a path instead of '-'"))
    return Path(text)


def _option(*names: str, **settings: Any) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    return names, settings


_SHARED: Final = MappingProxyType(
    {
        "policies": _option(
            "policies",
            nargs="*",
            default=[],
            type=Path,
            metavar="POLICY",
            help="files or folders (default: policies/, else the starter library)",
        ),
        "demo": _option("--demo", action="store_true", help="the built-in tenants"),
        "snapshot": _option(
            "--snapshot",
            action="append",
            type=location,
            default=[],
            metavar="LOCATION",
            help="a saved snapshot, a folder of them, or a store (repeatable)",
        ),
        "tenants": _option("--tenants", type=Path, metavar="FILE", help="the tenants file (default: tenants.yaml)"),
        "tenant": _option(
            "--tenant", action="append", default=[], metavar="NAME", help="only this tenant (repeatable)"
        ),
        "as_of": _option("--as-of", type=instant, metavar="RFC3339"),
        "output": _option(
            "-o", "--output", type=path_of_output, metavar="DIR", help="where reports go (default: out/)"
        ),
        "format": _option("-f", "--format", action="append", default=[], metavar="FORMAT[=PATH]"),
        "csv_bom": _option(
            "--csv-bom", action="store_true", help="write a byte order mark so that Excel detects UTF-8"
        ),
        "locale": _option("--locale", metavar="TAG", help="language of the output (default: the environment's)"),
        "fail_on": _option(
            "--fail-on",
            type=fail_on,
            default=FailOn(Severity.HIGH),
            metavar="SEVERITY",
            help=(
                "exit with 1 for findings at or above this severity, or never; new:SEVERITY counts "
                "only new findings (default: high)"
            ),
        ),
        "history": _option(
            "--history",
            type=location,
            metavar="LOCATION",
            help="earlier result.json files of the same tenants, or a store, for the trends in reports and mails",
        ),
        "store": _option(
            "--store",
            type=location,
            metavar="LOCATION",
            help="store the snapshots here: a folder, abfs://, az:// or s3://",
        ),
        "names": _option("--names", action="store_true", help="show names of people (default: pseudonyms)"),
        "redact": _option("--redact", action="store_true", help="pseudonyms for people in every output"),
        "public": _option(
            "--public",
            action="store_true",
            help="let other users read new files, as the umask allows (default: owner only)",
        ),
        "quiet": _option(
            "-q", "--quiet", action="store_true", help="print nothing but errors and what was asked for on stdout"
        ),
        "verbose": _option("-v", "--verbose", action="count", default=0, help="a bug shows its traceback"),
        "no_color": _option("--no-color", action="store_true", help="no colour"),
        "no_progress": _option("--no-progress", action="store_true", help="no progress bars"),
        "file": _option("--file", type=path_of_output, metavar="FILE"),
        "print": _option("--print", action="store_true"),
        "own_policies": _option(
            "--policies",
            action="append",
            type=Path,
            default=[],
            metavar="POLICY",
            help="the policies of that file: files or folders (default: the folder of --file)",
        ),
    }
)


def declare(parser: argparse._ActionsContainer, *names: str, **text: str) -> None:
    """Declare shared options in the given order; `text` replaces the help of some of them.

    Raises ValueError for a help text of an option that is not declared, which nobody would see.
    """
    if undeclared := text.keys() - set(names):
        raise ValueError(f"help for options that are not declared: {', '.join(sorted(undeclared))}")
    for name in names:
        options, settings = _SHARED[name]
        # A separate list for every parser, because values are appended to it.
        default = {"default": list(settings["default"])} if isinstance(settings.get("default"), list) else {}
        parser.add_argument(*options, **{**settings, **default, **({"help": text[name]} if name in text else {})})


def add_mail_arguments(parser: argparse._ActionsContainer) -> None:
    """Declare the arguments that `audit --send` and `send` share."""
    parser.add_argument(
        "--link",
        metavar="URL",
        help="where the HTML report can be read (default: the GitHub Actions run, where there is one)",
    )
    parser.add_argument(
        "--approvals",
        action="append",
        type=Path,
        default=[],
        metavar="DIR",
        help="the output of `auditor plan --by owner`: owners get their own approvals.csv and page (repeatable)",
    )
    parser.add_argument(
        "--sent-log", type=Path, metavar="FILE", help="the list of sent mails (default: in the user's state folder)"
    )
    declare(
        parser, "names", names=("show names of people instead of pseudonyms in messages to Teams, Slack and webhooks")
    )


def check_redacted_store(args: argparse.Namespace) -> None:
    """Raise UsageError for --redact with --store, which keeps the names of people."""
    if args.redact and args.store is not None:
        message = Message("--redact cannot be used with --store, which keeps the names of people")
        raise UsageError("usage", message, hint=Message("leave out --redact, or --store"))


def pseudonym_key() -> "RedactionKey":
    """Return the key in AUDITOR_REDACT_KEY, or a random one. Raises UsageError (`redact-key`) for a short key."""
    from auditor.result.redaction.pseudonyms import key_of  # noqa: PLC0415  only with pseudonyms

    return key_of(os.environ, os.urandom)


def configured_locale(requested: str | None) -> str | None:
    """Return the requested locale, if there is one. Raises UsageError for a language without messages."""
    if requested is None or requested.lower() == "en":
        return requested
    from auditor.settings.locales import checked_locale  # noqa: PLC0415  only for other languages

    return checked_locale(requested)


def locale_of(requested: str | None, result: "Result") -> str:
    """Return the locale of reports: the requested one, else that of all tenants, else the environment's, else `en`."""
    locales = {requested} if requested is not None else {tenant.locale for tenant in result.tenants if tenant.locale}
    return locales.pop() if len(locales) == 1 else environment_locale() or "en"


def output_folder(flag: Path | None = None) -> Path:
    """Return the folder for reports: --output, else AUDITOR_OUTPUT, else `out`."""
    return flag or Path(os.environ.get("AUDITOR_OUTPUT") or "out")


def tenants_path() -> Path:
    """Return the default tenants file: AUDITOR_TENANTS, else `tenants.yaml`."""
    return Path(os.environ.get("AUDITOR_TENANTS") or "tenants.yaml")


def reader_locale(flag: str | None) -> str:
    """Return the reader's language: the requested one, else the environment's, else English."""
    return configured_locale(flag) or environment_locale() or "en"
