"""Builds the message to a reader: a mail with its attachment, or a message to a channel."""

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.mail.attachment import MAX_ATTACHMENT, attach_report
from auditor.app.mail.job import MailJob
from auditor.app.recipients.envelopes import Envelope
from auditor.deliver.mail.mail_message import Attachment, MailMessage
from auditor.deliver.webhooks.webhook import WebhookMessage
from auditor.domain.result.model import Result
from auditor.domain.settings import Mail, SmtpMail
from auditor.render.chat.message import render_message
from auditor.render.mail.message import render_mail
from auditor.render.mail.view import Reader
from auditor.render.text.earlier_run import EarlierRun
from auditor.render.view.content import PageContent
from auditor.result.redaction.pseudonyms import PSEUDONYM

MAX_APPROVALS: Final = 500_000
"""The maximum size of an owner's files in bytes; they are attached in addition to the report."""
_PSEUDONYM: Final = re.compile(PSEUDONYM.pattern.encode())


class ReaderExtras(Struct, frozen=True, kw_only=True):
    """Data for a reader in addition to their part of the result."""

    history: tuple[EarlierRun, ...]
    approvals: tuple[Attachment, ...]


def mail_of(
    part: Result, envelope: Envelope, mail: Mail, job: MailJob, extras: ReaderExtras, *, weekly: bool
) -> MailMessage:
    """Return the mail to a reader; `part` is their part of the result."""
    size = sum(len(file.body) for file in extras.approvals)
    approvals = extras.approvals if size <= MAX_APPROVALS else ()
    fits = _size_check(mail, size if approvals else 0)
    content = PageContent(part, envelope.locale, extras.history)
    attachment = attach_report(content, envelope.attach, fits=fits)
    large = attachment is not None and len(attachment.body) > MAX_ATTACHMENT
    if attachment is not None and not large and not fits(len(attachment.body)):
        approvals = ()
    reader = replace(
        _reader(envelope, job, weekly=weekly, history=extras.history),
        approvals=tuple(file.name for file in approvals),
        approvals_too_large=bool(extras.approvals) and not approvals,
        attachment=attachment.name if attachment is not None and not large else "",
        too_large=attachment.name if attachment is not None and large else "",
    )
    parts = render_mail(part, reader, content.indexes)
    message = MailMessage(
        sender=mail.sender,
        recipient=envelope.address,
        subject=parts.subject,
        text=parts.text,
        html=parts.html,
        language=parts.language,
        attachment=None if large else attachment,
        approvals=approvals,
        key="",
        date=job.now,
    )
    texts = (part.run.id, message.recipient.casefold(), message.sender, message.subject, message.text, message.html)
    redaction = part.run.redaction
    is_stable = redaction is None or redaction.stable
    files = (file.body if is_stable else file.name.encode() for file in message.attachments)
    return replace(message, key=_key((*map(_without_pseudonyms, map(str.encode, texts)), *files)))


def channel_message_of(
    part: Result, envelope: Envelope, job: MailJob, *, weekly: bool, history: tuple[EarlierRun, ...]
) -> WebhookMessage:
    """Return the message to a channel; `part` is its part of the result."""
    reader = _reader(envelope, job, weekly=weekly, history=history)
    body = render_message(part, reader, envelope.channel)
    key = _key((part.run.id.encode(), envelope.address.encode(), _without_pseudonyms(body)))
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


def _size_check(mail: Mail, other_bytes: int) -> Callable[[int], bool]:
    """Return a function that tests whether a mail can carry an attachment of a size, with `other_bytes` of files."""
    if isinstance(mail.route, SmtpMail):
        return lambda _: True
    from auditor.deliver.mail.graph_mail import fits  # noqa: PLC0415 - only mail by Graph needs the SDK

    return lambda size: fits(size, other_bytes)


def _without_pseudonyms(content: bytes) -> bytes:
    """Return content in which all pseudonyms are equal.

    Without a key of the user, they differ between processes; the message is still the same.
    """
    return _PSEUDONYM.sub(b"user", content)


def _key(parts: Iterable[bytes]) -> str:
    """Return the identifier of a message: a digest of the run, the reader and the complete content."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()
