"""Builds what is sent to a reader: a mail with its attachment, or a message to a channel."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from auditor.app.mail.attachment import MAX_ATTACHMENT, attached
from auditor.app.mail.job import MailJob
from auditor.deliver.letter import MailMessage
from auditor.deliver.routing import Envelope
from auditor.deliver.webhook import WebhookMessage
from auditor.domain.result.model import Result
from auditor.domain.tenant import Mail, SmtpMail
from auditor.render.chat.message import render_message
from auditor.render.mail.message import render_mail
from auditor.render.mail.view import Reader
from auditor.render.text.earlier_run import EarlierRun

_PSEUDONYM: Final = re.compile(rb"user-[0-9a-f]{16}")


def mail_of(
    mine: Result, envelope: Envelope, mail: Mail, job: MailJob, *, weekly: bool, history: tuple[EarlierRun, ...]
) -> MailMessage:
    """Return the mail to a reader, whose part of the result is `mine`."""
    attachment = attached(mine, envelope.attach, locale=envelope.locale, suits=_suits(mail), history=history)
    large = attachment is not None and len(attachment.body) > MAX_ATTACHMENT
    reader = replace(
        _reader(envelope, job, weekly=weekly, history=history),
        attachment=attachment.name if attachment is not None and not large else "",
        too_large=attachment.name if attachment is not None and large else "",
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
        at=job.now,
    )
    texts = (mine.run.id, letter.recipient.casefold(), letter.sender, letter.subject, letter.text, letter.html)
    return replace(letter, key=_key((text.encode() for text in texts), b"" if goes is None else goes.body))


def channel_message_of(
    mine: Result, envelope: Envelope, job: MailJob, *, weekly: bool, history: tuple[EarlierRun, ...]
) -> WebhookMessage:
    """Return the message to a channel, whose part of the result is `mine`."""
    reader = _reader(envelope, job, weekly=weekly, history=history)
    body = render_message(mine, reader, envelope.channel)
    # Without a key of the user's, pseudonyms differ from process to process, and the message is the same.
    same = _PSEUDONYM.sub(b"user", body)
    key = _key((mine.run.id.encode(), envelope.address.encode(), same), b"")
    return WebhookMessage(recipient=envelope.address, body=body, key=key)


def _reader(envelope: Envelope, job: MailJob, *, weekly: bool, history: tuple[EarlierRun, ...]) -> Reader:
    severities, owners, tags = envelope.scope()
    return Reader(
        locale=envelope.locale,
        weekly=weekly,
        severities=severities,
        owners=owners,
        tags=tags,
        link=job.link,
        anchors=job.report_link,
        history=history,
    )


def _suits(mail: Mail) -> Callable[[int], bool]:
    if isinstance(mail.route, SmtpMail):
        return lambda _: True
    from auditor.deliver.graph_mail import fits  # noqa: PLC0415 - the SDK is for mail by Graph only

    return fits


def _key(parts: Iterable[bytes], file: bytes) -> str:
    """Return what identifies a message: the run, the reader and the whole content."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    digest.update(hashlib.sha256(file).digest() if file else b"")
    return digest.hexdigest()
