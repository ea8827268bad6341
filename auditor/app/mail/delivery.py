"""Sends a result: selects the recipients, their part of it, language and route, and never sends a message twice."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct

from auditor.app.mail.job import DeliveryReport, DeliveryStatus, MailJob
from auditor.app.mail.messages import ReaderExtras, channel_message_of, mail_of
from auditor.app.mail.recipients import check_mail, check_recipients, select_envelopes
from auditor.app.mail.routes import Routes
from auditor.app.policy_files import free_id
from auditor.app.recipients.envelopes import Envelope, MailReason, reason, week_of
from auditor.app.recipients.portion import own_waivers, portion
from auditor.app.report.localization import localized_result
from auditor.deliver.mail.mail_message import Attachment, MailMessage, mime_message, split_address
from auditor.deliver.mail.sent_log import LogState, Mailing, SentLog
from auditor.deliver.report_folder import write_all
from auditor.deliver.webhooks.webhook import WebhookMessage
from auditor.domain.errors import AuditorError, DeliveryError, GraphError, SettingsError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.settings import Channel, channel_of
from auditor.render.text.earlier_run import EarlierRun
from auditor.result.redaction.redact import redacted

_MAX_NAME: Final = 200
"""Characters of an address in the name of a file; an address may have more than a name."""


class _Prepared(Struct, frozen=True, kw_only=True):
    """A message with its entry in the log."""

    message: MailMessage | WebhookMessage
    mailing: Mailing


def send_result(result: Result, job: MailJob) -> tuple[DeliveryReport, ...]:
    """Send a result to every recipient, and return the reports sorted by address.

    A failure of one message does not stop the others. Raises SettingsError for missing settings, and DeliveryError if
    the log of sent mails cannot be written.
    """
    check_recipients(job.settings, job.environ, job.only)
    log = SentLog(job.log)
    reports: list[DeliveryReport] = []
    prepared: list[_Prepared] = []
    names: set[str] = set()
    localized = _localizer(result, job)
    find_approvals = _approvals_finder(job)
    envelopes = tuple(select_envelopes(result, job.settings, job.only, fallback=job.fallback))
    for envelope, history in zip(envelopes, _histories(result, envelopes, job), strict=True):
        extras = ReaderExtras(history=history, approvals=find_approvals(envelope, result))
        outcome = _prepare(localized(envelope), envelope, job, log, extras)
        if isinstance(outcome, DeliveryReport):
            reports.append(outcome)
        elif job.dry_run is not None:
            reports.append(_write_message(outcome.message, job.dry_run, names))
        else:
            prepared.append(outcome)
    if prepared:
        reports += asyncio.run(_send_all(prepared, job, log))
    return tuple(sorted(reports, key=lambda sent: sent.address.casefold()))


def _localizer(result: Result, job: MailJob) -> Callable[[Envelope], Result]:
    """Return a function that returns the complete result in the language of a reader, with pseudonyms for channels.

    An action keeps its text even if some of its findings are omitted.
    """
    original = cache(lambda key: result if key is None else redacted(result, key))
    localized = cache(lambda key, locale: localized_result(original(key), locale))
    return lambda envelope: localized(None if envelope.channel is Channel.MAIL else job.pseudonyms, envelope.locale)


def _histories(result: Result, chosen: Sequence[Envelope], job: MailJob) -> Sequence[tuple[EarlierRun, ...]]:
    if job.history is None:
        return [()] * len(chosen)
    from auditor.app.history.earlier_runs import earlier_of  # noqa: PLC0415  not needed for a mail without charts

    portions = [(envelope, portion(result, envelope)) for envelope in chosen]
    return earlier_of(job.history, portions, job.warn)


def _approvals_finder(job: MailJob) -> Callable[[Envelope, Result], tuple[Attachment, ...]]:
    """Return a function that returns the files of a reader. Raises SnapshotError if a folder cannot be read."""
    if not job.approvals:
        return lambda _, __: ()
    from auditor.app.mail.owner_files import approvals_for, planned_approvals  # noqa: PLC0415  only with approvals

    planned = planned_approvals(job.approvals)
    return lambda envelope, result: approvals_for(envelope, result, planned)


def _prepare(
    result: Result, envelope: Envelope, job: MailJob, log: SentLog, extras: ReaderExtras
) -> _Prepared | DeliveryReport:
    """Return the message to a reader, or a DeliveryReport if there is no message to send."""
    part = own_waivers(portion(result, envelope))
    week = week_of(result.run.as_of)
    weekly_sent = job.dry_run is None and log.weekly_sent(envelope.address, week)
    send_reason = reason(job.settings.send(envelope.channel), part, envelope, weekly_sent=weekly_sent)
    if send_reason is None:
        return DeliveryReport(address=envelope.address, end=DeliveryStatus.NOT_DUE)
    try:
        message = _message(part, envelope, job, extras, weekly=send_reason is MailReason.WEEKLY)
    except DeliveryError as error:
        return _refused(envelope.address, error)
    mailing = Mailing(
        key=message.key, run=result.run.id, recipient=envelope.address, message_id=message.message_id, week=week
    )
    earlier_state = None if job.dry_run is not None or job.resend else log.state(message.key)
    if earlier_state is not None:
        return _already_sent(envelope.address, earlier_state, job.log)
    return _Prepared(message=message, mailing=mailing)


def _message(
    part: Result, envelope: Envelope, job: MailJob, extras: ReaderExtras, *, weekly: bool
) -> MailMessage | WebhookMessage:
    """Return the mail or channel message. Raises DeliveryError for an invalid address."""
    if envelope.channel is not Channel.MAIL:
        job.notice(Message("writing the message to {address}", address=envelope.address))
        return channel_message_of(part, envelope, job, weekly=weekly, history=extras.history)
    mail = check_mail(job.settings, job.environ)
    for address in (mail.sender, envelope.address):
        split_address(address)
    job.notice(Message("writing the mail to {address}", address=envelope.address))
    return mail_of(part, envelope, mail, job, extras, weekly=weekly)


def _refused(address: str, error: AuditorError) -> DeliveryReport:
    return DeliveryReport(address=address, end=DeliveryStatus.REFUSED, message=error.message, hint=error.hint)


def _already_sent(address: str, state: LogState, log: Path) -> DeliveryReport:
    mail = channel_of(address)[0] is Channel.MAIL
    if state is LogState.ACCEPTED:
        message = Message("a message of this run with the same content was sent before")
        if mail:
            message = Message("a mail of this run with the same content was sent before")
        return DeliveryReport(address=address, end=DeliveryStatus.ALREADY, message=message)
    message = Message("a message of this run with the same content may have been sent")
    hint = Message("check the channel; --resend sends it again (the list is {log})", log=log)
    if mail:
        message = Message("a mail of this run with the same content may have been sent")
        hint = Message("check the sending mailbox; --resend sends it again (the list is {log})", log=log)
    return DeliveryReport(address=address, end=DeliveryStatus.UNKNOWN, message=message, hint=hint)


def _write_message(message: MailMessage | WebhookMessage, folder: Path, names: set[str]) -> DeliveryReport:
    """Write a message to a file with the name of its recipient; `names` are those of the files before it."""
    safe = "".join(sign if sign.isalnum() or sign in "@.-_+" else "_" for sign in message.recipient)
    name = free_id(safe.lstrip(".")[:_MAX_NAME], names)
    ending, body = (
        ("json", message.body) if isinstance(message, WebhookMessage) else ("eml", mime_message(message).as_bytes())
    )
    path = folder / f"{name}.{ending}"
    write_all([(path, [body])])
    return DeliveryReport(address=message.recipient, end=DeliveryStatus.WRITTEN, file=path)


async def _send_all(prepared: Sequence[_Prepared], job: MailJob, log: SentLog) -> list[DeliveryReport]:
    reports: list[DeliveryReport] = []
    async with AsyncExitStack() as stack:
        routes = Routes(job, stack)
        for entry in prepared:
            address = entry.message.recipient
            try:
                send = await routes.sender(entry.message)
            except (GraphError, SettingsError) as error:
                # The reports are already written: a route that cannot be opened fails only this message.
                reports.append(_refused(address, error))
                continue
            claim = log.claim(entry.mailing, job.now, again=job.resend)
            if claim is None:
                reports.append(_already_sent(address, log.state(entry.message.key) or LogState.SENDING, job.log))
                continue
            job.notice(Message("sending to {recipient}", recipient=address))
            attempt = await send()
            log.record(entry.mailing, LogState(attempt.status.value), job.now, claim)
            reports.append(
                DeliveryReport(
                    address=address,
                    end=DeliveryStatus(attempt.status.value),
                    message=attempt.message,
                    hint=attempt.hint,
                    missing_secret=attempt.missing_secret,
                )
            )
    return reports
