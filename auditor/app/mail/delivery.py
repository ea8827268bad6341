"""Mails a result: decides who gets what, in which language, and by which route, and never sends a mail twice."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from auditor.app.mail.attachment import MAX_ATTACHMENT, attached
from auditor.app.report.localization import localised
from auditor.app.report.subset import portion
from auditor.app.report.waiver_subset import own_waivers
from auditor.deliver import smtp_mail
from auditor.deliver.letter import Attachment, MailMessage, SendAttempt, SendStatus, message, split_address
from auditor.deliver.report_folder import write_all
from auditor.deliver.routing import Envelope, Reason, envelopes, reason, week_of
from auditor.deliver.sent_log import LogState, Mailing, SentLog
from auditor.domain.errors import DeliveryError, Diagnostic, GraphError, SettingsError
from auditor.domain.message import NOTHING, Message
from auditor.domain.result.model import Result
from auditor.domain.tenant import GraphMail, Mail, Settings, SmtpMail
from auditor.render.mail.message import render_mail
from auditor.render.mail.view import Reader
from auditor.render.text.earlier_run import EarlierRun

_BEFORE: Final = {
    LogState.ACCEPTED: Message("a mail of this run with the same content was sent before"),
    LogState.SENDING: Message("a mail of this run with the same content may have been sent"),
    LogState.UNKNOWN: Message("a mail of this run with the same content may have been sent"),
}


class DeliveryStatus(StrEnum):
    """The outcome of a reader's mail."""

    ACCEPTED = "accepted"
    WRITTEN = "written"
    """A file was written instead of sending."""
    ALREADY = "already"
    """It was sent before."""
    NOT_DUE = "not-due"
    """There is no reason to send it."""
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """It may have been sent."""

    @property
    def is_fine(self) -> bool:
        """Whether nothing needs attention."""
        return self not in {DeliveryStatus.REFUSED, DeliveryStatus.UNKNOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """A reader and the outcome of their mail."""

    address: str
    end: DeliveryStatus
    message: Message = NOTHING
    hint: Message | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailJob:
    """How a result is to be mailed."""

    settings: Settings
    now: datetime
    environ: Mapping[str, str]
    log: Path
    dry_run: Path | None = None
    """The folder for .eml files; nothing is sent then."""
    resend: bool = False
    only: tuple[str, ...] = ()
    """Addresses; empty for every recipient."""
    link: str = ""
    report_link: bool = False
    """Whether the link leads to the HTML report."""
    fallback: str = "en"
    history: Path | str | None = None
    """Earlier results, for the curves: a folder of them, or a store."""
    notice: Callable[[Message], None] = lambda _: None
    warn: Callable[[Diagnostic], None] = lambda _: None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A mail with its line for the log."""

    letter: MailMessage
    mailing: Mailing


def check_mail(settings: Settings, environ: Mapping[str, str]) -> Mail:
    """Return how mail is sent. Raises SettingsError if settings, variables or recipients are missing."""
    if settings.mail is None:
        raise SettingsError(
            "mail-missing",
            Message("the tenants file does not say how mail is sent"),
            hint=Message("add `mail:` with `from` and one of `graph` and `smtp`: see docs/mail.md"),
        )
    if not any(tenant.recipients for tenant in settings.tenants):
        raise SettingsError(
            "mail-nobody",
            Message("no tenant in the tenants file has recipients"),
            hint=Message("add `recipients: [{address: …}]` to a tenant"),
        )
    needed = ["css_inline"]
    if isinstance(settings.mail.route, SmtpMail):
        smtp_mail.open_relay(settings.mail.route, environ)
    else:
        needed += ["msgraph", "azure", "aiohttp"]
    for module in needed:
        # Found, not imported: modules that the audit needs later must exist now.
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named '{module}'", name=module)
    return settings.mail


def send_result(result: Result, sending: MailJob) -> tuple[DeliveryReport, ...]:
    """Mail a result to every recipient, sorted by address; a failure of one mail does not stop the others.

    Raises SettingsError for missing settings, and DeliveryError if the log of sent mails cannot be written.
    """
    mail = check_mail(sending.settings, sending.environ)
    log = SentLog(sending.log)
    done: list[DeliveryReport] = []
    ready: list[_Prepared] = []
    spoken: dict[str, Result] = {}
    chosen = tuple(_chosen(result, sending))
    for envelope, history in zip(chosen, _histories(result, chosen, sending), strict=True):
        if envelope.locale not in spoken:
            # The whole result: an action keeps its text even if a reader sees only some of its findings.
            spoken[envelope.locale] = localised(result, envelope.locale)
        outcome = _prepared(spoken[envelope.locale], envelope, mail, sending, log, history)
        if isinstance(outcome, DeliveryReport):
            done.append(outcome)
        elif sending.dry_run is not None:
            done.append(_written(outcome.letter, sending.dry_run))
        else:
            ready.append(outcome)
    if ready:
        done += asyncio.run(_carried(ready, mail, sending, log))
    return tuple(sorted(done, key=lambda sent: sent.address.casefold()))


def _chosen(result: Result, sending: MailJob) -> Iterator[Envelope]:
    audited = {tenant.name for tenant in result.tenants}
    found = envelopes(sending.settings.tenants, audited, fallback=sending.fallback)
    wanted = {address.casefold() for address in sending.only}
    unknown = wanted - {envelope.address.casefold() for envelope in found}
    if unknown:
        raise SettingsError(
            "mail-recipient",
            Message("{unknown} is not a recipient of the tenants in this result", unknown=min(unknown)),
            hint=Message("add it to `recipients` in the tenants file"),
        )
    return (envelope for envelope in found if not wanted or envelope.address.casefold() in wanted)


def _histories(result: Result, chosen: Sequence[Envelope], sending: MailJob) -> Sequence[tuple[EarlierRun, ...]]:
    if sending.history is None:
        return [()] * len(chosen)
    from auditor.app.history.earlier_runs import earlier_of  # noqa: PLC0415  a mail without curves needs none of it

    portions = [(envelope, portion(result, envelope)) for envelope in chosen]
    return earlier_of(sending.history, portions, sending.warn)


def _prepared(
    result: Result, envelope: Envelope, mail: Mail, sending: MailJob, log: SentLog, history: tuple[EarlierRun, ...]
) -> _Prepared | DeliveryReport:
    """Return a reader's mail; a DeliveryReport if there is none to send."""
    own = own_waivers(portion(result, envelope))
    week = week_of(result.run.as_of)
    sent = sending.dry_run is None and log.weekly_sent(envelope.address, week)
    why = reason(mail.send, own, envelope, weekly_sent=sent)
    if why is None:
        return DeliveryReport(address=envelope.address, end=DeliveryStatus.NOT_DUE)
    try:
        for address in (mail.sender, envelope.address):
            split_address(address)
    except DeliveryError as error:
        return DeliveryReport(
            address=envelope.address, end=DeliveryStatus.REFUSED, message=error.message, hint=error.hint
        )
    sending.notice(Message("writing the mail to {address}", address=envelope.address))
    letter = _letter(own, envelope, mail, sending, weekly=why is Reason.WEEKLY, history=history)
    mailing = Mailing(
        key=letter.key,
        run=result.run.id,
        recipient=envelope.address,
        message_id=letter.message_id,
        week=week,
    )
    before = None if sending.dry_run is not None or sending.resend else log.state(letter.key)
    if before is not None:
        return _told_before(envelope.address, before, sending.log)
    return _Prepared(letter=letter, mailing=mailing)


def _told_before(address: str, state: LogState, log: Path) -> DeliveryReport:
    words = _BEFORE[state]
    if state is LogState.ACCEPTED:
        return DeliveryReport(address=address, end=DeliveryStatus.ALREADY, message=words)
    hint = Message("look into the sending mailbox; --resend sends it all the same (the list is {log})", log=log)
    return DeliveryReport(address=address, end=DeliveryStatus.UNKNOWN, message=words, hint=hint)


def _letter(
    mine: Result, envelope: Envelope, mail: Mail, sending: MailJob, *, weekly: bool, history: tuple[EarlierRun, ...]
) -> MailMessage:
    attachment = attached(mine, envelope.attach, locale=envelope.locale, suits=_suits(mail), history=history)
    large = attachment is not None and len(attachment.body) > MAX_ATTACHMENT
    severities, owners, tags = envelope.scope()
    reader = Reader(
        locale=envelope.locale,
        weekly=weekly,
        severities=severities,
        owners=owners,
        tags=tags,
        link=sending.link,
        anchors=sending.report_link,
        attachment=attachment.name if attachment is not None and not large else "",
        too_large=attachment.name if attachment is not None and large else "",
        history=history,
    )
    parts = render_mail(mine, reader)
    goes = None if large else attachment
    letter = MailMessage(
        sender=mail.sender,
        recipient=envelope.address,
        subject=parts.subject,
        text=parts.text,
        html=parts.html,
        language=parts.language,
        attachment=goes,
        key="",
        at=sending.now,
    )
    return replace(letter, key=_key(mine.run.id, letter, goes))


def _suits(mail: Mail) -> Callable[[int], bool]:
    if isinstance(mail.route, SmtpMail):
        return lambda _: True
    from auditor.deliver.graph_mail import fits  # noqa: PLC0415 - the SDK is for mail by Graph only

    return fits


def _key(run: str, letter: MailMessage, attachment: Attachment | None) -> str:
    """Return what identifies a mail: the run, the reader and the whole content."""
    digest = hashlib.sha256()
    file = b"" if attachment is None else hashlib.sha256(attachment.body).digest()
    for part in (run, letter.recipient.casefold(), letter.sender, letter.subject, letter.text, letter.html):
        digest.update(hashlib.sha256(part.encode()).digest())
    digest.update(file)
    return digest.hexdigest()


def _written(letter: MailMessage, folder: Path) -> DeliveryReport:
    name = "".join(sign if sign.isalnum() or sign in "@.-_+" else "_" for sign in letter.recipient)
    path = folder / f"{name.lstrip('.')}.eml"
    write_all([(path, [message(letter).as_bytes()])])
    return DeliveryReport(address=letter.recipient, end=DeliveryStatus.WRITTEN, file=path)


async def _carried(ready: Sequence[_Prepared], mail: Mail, sending: MailJob, log: SentLog) -> list[DeliveryReport]:
    done: list[DeliveryReport] = []
    async with AsyncExitStack() as stack:
        try:
            carry = await _carrier(mail, sending, stack)
        except (GraphError, SettingsError) as error:
            # The reports exist already: a route that cannot be opened is a failed mail and nothing else.
            return [
                DeliveryReport(
                    address=one.letter.recipient, end=DeliveryStatus.REFUSED, message=error.message, hint=error.hint
                )
                for one in ready
            ]
        for one in ready:
            claim = log.claim(one.mailing, sending.now, again=sending.resend)
            if claim is None:
                done.append(
                    _told_before(one.letter.recipient, log.state(one.letter.key) or LogState.SENDING, sending.log)
                )
                continue
            sending.notice(Message("sending to {recipient}", recipient=one.letter.recipient))
            attempt = await carry(one.letter)
            log.record(one.mailing, LogState(attempt.fate.value), sending.now, claim)
            done.append(_told(one.letter.recipient, attempt))
    return done


async def _carrier(
    mail: Mail, sending: MailJob, stack: AsyncExitStack
) -> Callable[[MailMessage], Awaitable[SendAttempt]]:
    match mail.route:
        case SmtpMail() as relay:
            opened = smtp_mail.open_relay(relay, sending.environ)
            return lambda letter: asyncio.to_thread(smtp_mail.send, opened, letter)
        case GraphMail(tenant=name):
            from auditor.deliver import graph_mail  # noqa: PLC0415 - the SDK is for mail by Graph only
            from auditor.graph.auth.credentials import SignIn  # noqa: PLC0415
            from auditor.graph.client import open_graph  # noqa: PLC0415

            tenant = next(tenant for tenant in sending.settings.tenants if tenant.name == name)
            sign_in = await stack.enter_async_context(SignIn(tenant, environ=sending.environ))
            graph = await stack.enter_async_context(open_graph(tenant, sign_in, mail=True))
            return lambda letter: graph_mail.send(graph, letter)


def _told(address: str, attempt: SendAttempt) -> DeliveryReport:
    ends = {
        SendStatus.ACCEPTED: DeliveryStatus.ACCEPTED,
        SendStatus.REFUSED: DeliveryStatus.REFUSED,
        SendStatus.UNKNOWN: DeliveryStatus.UNKNOWN,
    }
    return DeliveryReport(address=address, end=ends[attempt.fate], message=attempt.message, hint=attempt.hint)
