"""The command `auditor send`: its options, its output and its exit code."""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from auditor.app.recipients.filters import unmet_choices
from auditor.app.saved_results import saved_results
from auditor.cli.arguments.options import (
    add_mail_arguments,
    declare,
    now,
    output_folder,
    pseudonym_key,
    reader_locale,
    tenants_path,
)
from auditor.cli.terminal.console import notices, print_diagnostics, print_message, warnings
from auditor.deliver.log_commands import in_github_actions
from auditor.domain.errors import UsageError, Warn
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.settings import Channel, Settings, channel_of
from auditor.files.user_folder import user_folder
from auditor.localization import localization
from auditor.result.redaction.redact import redacted
from auditor.settings.loader import read

EXAMPLES = """\
auditor send out/result.json                           to all recipients
auditor send out/result.json --dry-run                 write the mails as files, send nothing
auditor send out/result.json --to ann@contoso.example  to one of the recipients
auditor send out/result.json --to teams:TEAMS_URL      to the webhook whose address is in $TEAMS_URL
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor send`."""
    parser.add_argument("result", type=Path, metavar="RESULT", help="the result.json of a run")
    declare(
        parser,
        *("tenants", "output"),
        tenants="the file with the recipients and the mail settings (default: tenants.yaml)",
        output="where --dry-run writes, in its folder mail/ (default: out/)",
    )
    add_mail_arguments(parser)
    declare(parser, "history", history="earlier result.json files, or a store, for the trends in the mail")
    parser.add_argument("--dry-run", action="store_true", help="write the mails as files, send nothing")
    parser.add_argument("--resend", action="store_true", help="send again what was sent, or may have been sent")
    parser.add_argument(
        "--to",
        action="append",
        default=[],
        metavar="ADDRESS",
        help=(
            "only to this recipient: an address, mail, or teams:NAME, slack:NAME or webhook:NAME with "
            "the variable that contains the URL (repeatable; default: all recipients in the tenants "
            "file)"
        ),
    )
    declare(
        parser,
        *("redact", "public", "locale", "quiet", "verbose"),
        redact="pseudonyms for people in the attachment",
        locale="language of the messages here; each mail is in the language of its recipient",
        quiet="print nothing but errors",
        verbose="log each step; a bug shows its traceback",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor send`; returns 0 if every mail that was due was accepted, else 3."""
    settings = mail_settings(args.tenants, tuple(args.to))
    folder = output_folder(args.output)
    key = pseudonym_key() if args.redact else None
    with saved_results([args.result], None) as [(_, result)]:
        return send(
            result if key is None else redacted(result, key),
            settings,
            args,
            dry_run=folder / "mail" if args.dry_run else None,
            resend=args.resend,
            only=tuple(args.to),
            warn=warnings(args.locale, quiet=args.quiet),
        )


def mail_settings(path: Path | None, only: tuple[str, ...] = ()) -> Settings:
    """Read the mail settings in the tenants file. Raises AuditorError before anything is audited or sent.

    The file is not needed if all recipients are channels given on the command line.
    """
    from auditor.app.mail.recipients import check_recipients  # noqa: PLC0415  only if mail is sent

    file = path or tenants_path()
    channels = bool(only) and all(channel_of(address)[0] is not Channel.MAIL for address in only)
    settings = Settings(tenants=()) if path is None and channels and not file.exists() else read(file)
    check_recipients(settings, os.environ, only)
    pseudonym_key()  # a key that is too short is reported before anything is audited
    return settings


def send(
    result: Result,
    settings: Settings,
    args: argparse.Namespace,
    *,
    dry_run: Path | None = None,
    resend: bool = False,
    only: tuple[str, ...] = (),
    warn: Warn = lambda _: None,
) -> int:
    """Mail a result and print the outcome of each mail; returns 0 if none failed, else 3.

    `warn` receives warnings about the mails that an audit has already printed for its reports.
    """
    from auditor.app.mail.delivery import send_result  # noqa: PLC0415  only if mail is sent
    from auditor.app.mail.job import MailJob  # noqa: PLC0415
    from auditor.cli.delivery_summary import print_reports  # noqa: PLC0415

    l10n = localization(reader_locale(args.locale))
    link, report_link = _link(args.link, os.environ)
    job = MailJob(
        settings=settings,
        now=now(),
        environ=os.environ,
        log=args.sent_log or _log_path(os.environ),
        dry_run=dry_run,
        resend=resend,
        only=only,
        link=link,
        report_link=report_link,
        fallback=os.environ.get("AUDITOR_LOCALE") or "en",
        approvals=_approvals(args),
        history=args.history,
        pseudonyms=None if args.names else pseudonym_key(),
        notice=notices(args.locale) if args.verbose else (lambda _: None),
        warn=warn,
    )
    if not args.quiet:
        names = {tenant.name for tenant in result.tenants}
        audited = [tenant for tenant in settings.tenants if tenant.name in names]
        print_diagnostics(unmet_choices(audited, result.run.policies), locale=args.locale)
    reports = send_result(result, job)
    print_reports(reports, l10n, quiet=args.quiet)
    if not reports and not args.quiet:
        print_message(l10n.gettext("mail: the tenants in this result have no recipients"))
    return 0 if all(report.end.is_fine for report in reports) else 3


def _approvals(args: argparse.Namespace) -> tuple[Path, ...]:
    """Return the folders of --approvals. Raises UsageError with --redact: the files name people."""
    if args.approvals and args.redact:
        message = Message("--redact cannot be used with --approvals, whose files name people")
        raise UsageError("usage", message, hint=Message("leave out --redact, or --approvals"))
    return tuple(args.approvals)


def _link(flag: str | None, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Return the link in the mail and whether it leads to the report; without --link it leads to the workflow run."""
    if flag is not None:
        if not flag.startswith("https://") or any(not char.isprintable() or char in ' "<>#' for char in flag):
            message = Message("--link {given} must be an https address without a fragment", given=repr(flag))
            raise UsageError("usage", message, hint=Message("write https://…"))
        return flag, True
    server, repository, number = (environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if in_github_actions(environ) and server.startswith("https://") and repository and number:
        return f"{server}/{repository}/actions/runs/{number}", False
    return "", False


def _log_path(environ: Mapping[str, str]) -> Path:
    folder = user_folder(environ, "XDG_STATE_HOME", ".local", "state")
    if folder is None:
        message = Message("there is no home folder to write to")
        raise UsageError("usage", message, hint=Message("specify a file with --sent-log"))
    return folder / "auditor" / "sent" / "sent.jsonl"
