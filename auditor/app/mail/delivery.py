"""Sends a result: decides who gets what, in which language, and by which route, and never sends a message twice."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from msgspec import Struct

from auditor.app.mail.job import DeliveryReport, DeliveryStatus, MailJob
from auditor.app.mail.letters import Beside, channel_message_of, mail_of
from auditor.app.mail.recipients import check_mail, check_recipients, chosen
from auditor.app.mail.routes import Routes
from auditor.app.redaction.redact import redacted
from auditor.app.report.localization import localised
from auditor.app.report.subset import own_waivers, portion
from auditor.deliver.mail.letter import Attachment, MailMessage, message, split_address
from auditor.deliver.mail.routing import Envelope, Reason, reason, week_of
from auditor.deliver.mail.sent_log import LogState, Mailing, SentLog
from auditor.deliver.report_folder import write_all
from auditor.deliver.webhooks.webhook import WebhookMessage
from auditor.domain.errors import DeliveryError, GraphError, SettingsError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.tenant import Channel, channel_of
from auditor.render.text.earlier_run import EarlierRun

_BEFORE: Final = {
    LogState.ACCEPTED: Message("a mail of this run with the same content was sent before"),
    LogState.SENDING: Message("a mail of this run with the same content may have been sent"),
    LogState.UNKNOWN: Message("a mail of this run with the same content may have been sent"),
}
_MESSAGE_BEFORE: Final = {
    LogState.ACCEPTED: Message("a message of this run with the same content was sent before"),
    LogState.SENDING: Message("a message of this run with the same content may have been sent"),
    LogState.UNKNOWN: Message("a message of this run with the same content may have been sent"),
}


class _Prepared(Struct, frozen=True, kw_only=True):
    """A message with its line for the log."""

    letter: MailMessage | WebhookMessage
    mailing: Mailing


def send_result(result: Result, sending: MailJob) -> tuple[DeliveryReport, ...]:
    """Send a result to every recipient, sorted by address; a failure of one message does not stop the others.

    Raises SettingsError for missing settings, and DeliveryError if the log of sent mails cannot be written.
    """
    check_recipients(sending.settings, sending.environ, sending.only)
    log = SentLog(sending.log)
    done: list[DeliveryReport] = []
    ready: list[_Prepared] = []
    localized = _Localized(result, sending)
    planned = _planned(sending)
    envelopes = tuple(chosen(result, sending.settings, sending.only, fallback=sending.fallback))
    for envelope, history in zip(envelopes, _histories(result, envelopes, sending), strict=True):
        beside = Beside(history=history, approvals=planned(envelope, result))
        outcome = _prepared(localized.to(envelope), envelope, sending, log, beside)
        if isinstance(outcome, DeliveryReport):
            done.append(outcome)
        elif sending.dry_run is not None:
            done.append(_written(outcome.letter, sending.dry_run))
        else:
            ready.append(outcome)
    if ready:
        done += asyncio.run(_carried(ready, sending, log))
    return tuple(sorted(done, key=lambda sent: sent.address.casefold()))


class _Localized:
    """The whole result in the languages of its readers, with pseudonyms for channels."""

    def __init__(self, result: Result, sending: MailJob) -> None:
        self._result = result
        self._key = sending.pseudonyms
        self._redacted: Result | None = None
        self._results: dict[tuple[str, bool], Result] = {}

    def to(self, envelope: Envelope) -> Result:
        """Return the result as a reader gets it; an action keeps its text even if some of its findings are left out."""
        private = envelope.channel is not Channel.MAIL and self._key is not None
        place = envelope.locale, private
        if place not in self._results:
            self._results[place] = localised(self._pseudonymous() if private else self._result, envelope.locale)
        return self._results[place]

    def _pseudonymous(self) -> Result:
        if self._redacted is None:
            self._redacted = self._result if self._key is None else redacted(self._result, self._key)
        return self._redacted


def _histories(result: Result, chosen: Sequence[Envelope], sending: MailJob) -> Sequence[tuple[EarlierRun, ...]]:
    if sending.history is None:
        return [()] * len(chosen)
    from auditor.app.history.earlier_runs import earlier_of  # noqa: PLC0415  a mail without curves needs none of it

    portions = [(envelope, portion(result, envelope)) for envelope in chosen]
    return earlier_of(sending.history, portions, sending.warn)


def _planned(sending: MailJob) -> Callable[[Envelope, Result], tuple[Attachment, ...]]:
    """Return what finds the files of a reader. Raises SnapshotError for folders that cannot be read."""
    if not sending.approvals:
        return lambda _, __: ()
    from auditor.app.mail.owner_files import approvals_for, planned_approvals  # noqa: PLC0415  with approvals only

    planned = planned_approvals(sending.approvals)
    return lambda envelope, result: approvals_for(envelope, result, planned)


def _prepared(
    result: Result, envelope: Envelope, sending: MailJob, log: SentLog, beside: Beside
) -> _Prepared | DeliveryReport:
    """Return a reader's message; a DeliveryReport if there is none to send."""
    own = own_waivers(portion(result, envelope))
    week = week_of(result.run.as_of)
    sent = sending.dry_run is None and log.weekly_sent(envelope.address, week)
    why = reason(sending.settings.send(envelope.channel), own, envelope, weekly_sent=sent)
    if why is None:
        return DeliveryReport(address=envelope.address, end=DeliveryStatus.NOT_DUE)
    try:
        letter = _letter(own, envelope, sending, beside, weekly=why is Reason.WEEKLY)
    except DeliveryError as error:
        return DeliveryReport(
            address=envelope.address, end=DeliveryStatus.REFUSED, message=error.message, hint=error.hint
        )
    mailing = Mailing(
        key=letter.key,
        run=result.run.id,
        recipient=envelope.address,
        message_id=letter.message_id,
        week=week,
    )
    before = None if sending.dry_run is not None or sending.resend else log.state(letter.key)
    if before is not None:
        return _reported_before(envelope.address, before, sending.log)
    return _Prepared(letter=letter, mailing=mailing)


def _letter(
    own: Result, envelope: Envelope, sending: MailJob, beside: Beside, *, weekly: bool
) -> MailMessage | WebhookMessage:
    """Return what is sent; raises DeliveryError for an address that is none."""
    if envelope.channel is not Channel.MAIL:
        sending.notice(Message("writing the message to {address}", address=envelope.address))
        return channel_message_of(own, envelope, sending, weekly=weekly, history=beside.history)
    mail = check_mail(sending.settings, sending.environ)
    for address in (mail.sender, envelope.address):
        split_address(address)
    sending.notice(Message("writing the mail to {address}", address=envelope.address))
    return mail_of(own, envelope, mail, sending, beside, weekly=weekly)


def _reported_before(address: str, state: LogState, log: Path) -> DeliveryReport:
    mail = channel_of(address)[0] is Channel.MAIL
    earlier_message = (_BEFORE if mail else _MESSAGE_BEFORE)[state]
    if state is LogState.ACCEPTED:
        return DeliveryReport(address=address, end=DeliveryStatus.ALREADY, message=earlier_message)
    hint = (
        Message("check the sending mailbox; --resend sends it again (the list is {log})", log=log)
        if mail
        else Message("check the channel; --resend sends it again (the list is {log})", log=log)
    )
    return DeliveryReport(address=address, end=DeliveryStatus.UNKNOWN, message=earlier_message, hint=hint)


def _written(letter: MailMessage | WebhookMessage, folder: Path) -> DeliveryReport:
    name = "".join(sign if sign.isalnum() or sign in "@.-_+" else "_" for sign in letter.recipient).lstrip(".")
    ending, body = ("json", letter.body) if isinstance(letter, WebhookMessage) else ("eml", message(letter).as_bytes())
    path = folder / f"{name}.{ending}"
    write_all([(path, [body])])
    return DeliveryReport(address=letter.recipient, end=DeliveryStatus.WRITTEN, file=path)


async def _carried(ready: Sequence[_Prepared], sending: MailJob, log: SentLog) -> list[DeliveryReport]:
    done: list[DeliveryReport] = []
    async with AsyncExitStack() as stack:
        routes = Routes(sending, stack)
        for one in ready:
            address = one.letter.recipient
            try:
                send = await routes.sender(one.letter)
            except (GraphError, SettingsError) as error:
                # The reports exist already: a route that cannot be opened is a failed message and nothing else.
                done.append(
                    DeliveryReport(address=address, end=DeliveryStatus.REFUSED, message=error.message, hint=error.hint)
                )
                continue
            claim = log.claim(one.mailing, sending.now, again=sending.resend)
            if claim is None:
                done.append(_reported_before(address, log.state(one.letter.key) or LogState.SENDING, sending.log))
                continue
            sending.notice(Message("sending to {recipient}", recipient=address))
            attempt = await send()
            log.record(one.mailing, LogState(attempt.status.value), sending.now, claim)
            status = DeliveryStatus(attempt.status.value)
            done.append(DeliveryReport(address=address, end=status, message=attempt.message, hint=attempt.hint))
    return done
