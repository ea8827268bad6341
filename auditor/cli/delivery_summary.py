"""Prints what became of mails and messages: of many, how many were sent, and those that need attention."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from auditor.app.mail.job import DeliveryReport, DeliveryStatus
from auditor.cli.terminal.console import print_diagnostics, print_message
from auditor.domain.errors import Diagnostic, printable_line
from auditor.domain.message import Message
from auditor.domain.settings import Channel, channel_of
from auditor.domain.translation import N_, NN_
from auditor.localization import Localization

_MAX_LINES: Final = 10
"""Maximum number of mails and messages that are printed in a line each."""
_MAX_NAMED: Final = 20
"""Maximum number of recipients that are named for each failure."""
_MAIL_TEXTS: Final[Mapping[str, str]] = {
    "accepted": N_("mail to {address}: accepted"),
    "written": N_("mail to {address}: written ({file})"),
    "already": N_("mail to {address}: already sent"),
    "not-due": N_("mail to {address}: nothing to report"),
}
"""Texts for the outcomes of a mail that are not failures."""
_MESSAGE_TEXTS: Final[Mapping[str, str]] = {
    "accepted": N_("message to {address}: accepted"),
    "written": N_("message to {address}: written ({file})"),
    "already": N_("message to {address}: already sent"),
    "not-due": N_("message to {address}: nothing to report"),
    "unsigned": N_("message to {address}: accepted, not signed; to sign messages, put a secret into {variable}"),
}
"""Texts for the outcomes of a message to a channel that are not failures."""
_SUMS: Final[Mapping[str, tuple[str, str]]] = {
    "accepted": NN_("{count} mail accepted", "{count} mails accepted"),
    "written": NN_("{count} mail written to {folder}", "{count} mails written to {folder}"),
    "already": NN_("{count} mail already sent", "{count} mails already sent"),
    "not-due": NN_("nothing to report to {count} recipient", "nothing to report to {count} recipients"),
}
"""Texts for the numbers of mails with an outcome that is not a failure."""
_REFUSED_HINT: Final = Message("correct the cause, then run `auditor send` again: it sends only what was not sent")
_UNKNOWN_HINT: Final = Message("check whether it arrived; if it did not, run `auditor send` with --resend")


def print_reports(reports: Sequence[DeliveryReport], l10n: Localization, *, quiet: bool) -> None:
    """Print the outcome of each mail and message; of many, the numbers of mails, and each failure once."""
    if len(reports) <= _MAX_LINES:
        for report in reports:
            if not report.end.is_fine:
                print_diagnostics([_failure(report, report.address)], locale=l10n.locale)
            elif not quiet:
                print_message(printable_line(_outcome(report, l10n)))
        return
    sent = [report for report in reports if report.end.is_fine]
    if not quiet:
        messages = (_outcome(report, l10n) for report in sent if not _is_mail(report))
        for line in chain(_sums(list(filter(_is_mail, sent)), l10n), messages):
            print_message(printable_line(line))
    failed: dict[tuple[bool, DeliveryStatus, str, str | None], list[DeliveryReport]] = {}
    for report in reports:
        if not report.end.is_fine:
            failed.setdefault((_is_mail(report), report.end, report.message, report.hint), []).append(report)
    for same in failed.values():
        addresses = l10n.first_of([report.address for report in same], _MAX_NAMED)
        print_diagnostics([_failure(same[0], addresses)], locale=l10n.locale)


def _is_mail(report: DeliveryReport) -> bool:
    return channel_of(report.address)[0] is Channel.MAIL


def _sums(mails: Sequence[DeliveryReport], l10n: Localization) -> Iterator[str]:
    """Yield how many mails have each outcome."""
    for end, forms in _SUMS.items():
        files = [report.file for report in mails if report.end == end]
        if files:
            yield l10n.plural(*forms, len(files), folder="" if files[0] is None else files[0].parent)


def _outcome(report: DeliveryReport, l10n: Localization) -> str:
    """Return the text about a mail or message that did not fail."""
    text = (_MAIL_TEXTS if _is_mail(report) else _MESSAGE_TEXTS)["unsigned" if report.missing_secret else report.end]
    return l10n.gettext(text, address=report.address, file=report.file, variable=report.missing_secret)


def _failure(report: DeliveryReport, addresses: str) -> Diagnostic:
    """Return the diagnostic about a mail or message that was not sent, or may not have been."""
    arguments = {"address": addresses, "message": report.message}
    messages = {
        "mail-refused": Message("mail to {address}: not sent: {message}", **arguments),
        "mail-unknown": Message("mail to {address}: unknown whether sent: {message}", **arguments),
        "webhook-refused": Message("message to {address}: not sent: {message}", **arguments),
        "webhook-unknown": Message("message to {address}: unknown whether sent: {message}", **arguments),
    }
    is_unknown = report.end is DeliveryStatus.UNKNOWN
    slug = f"{'mail' if _is_mail(report) else 'webhook'}-{'unknown' if is_unknown else 'refused'}"
    hint = report.hint or (_UNKNOWN_HINT if is_unknown else _REFUSED_HINT)
    return Diagnostic(slug=slug, message=messages[slug], hint=hint)
