"""Builds Internet messages (RFC 5322) from rendered mails; equal mails give equal bytes."""

import re
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any, Final

from msgspec import Struct

from auditor.domain.errors import DeliveryError, printable
from auditor.domain.message import Message

_LOCAL: Final = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")


class _SubjectPolicy(EmailPolicy):
    """Encodes a subject in one go, because the standard library leaves empty encoded words around a single dash."""

    def fold(self, name: str, value: Any) -> str:
        """Return a folded header; a subject with non-ASCII letters consists of encoded words only (RFC 2047)."""
        if name.lower() == "subject" and not str(value).isascii():
            encoded = Header(str(value), "utf-8", header_name=name).encode(linesep=self.linesep)
            return f"{name}: {encoded}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return a folded header as bytes."""
        if name.lower() == "subject" and not str(value).isascii():
            return self.fold(name, value).encode("ascii")
        return bytes(super().fold_binary(name, value))


_POLICY: Final = _SubjectPolicy(linesep="\r\n")
_UTF8_POLICY: Final = _SubjectPolicy(linesep="\r\n", utf8=True)
"""For addresses that require SMTPUTF8."""


class Attachment(Struct, frozen=True, kw_only=True):
    """A file attached to a mail."""

    name: str
    media_type: str
    body: bytes


class MailMessage(Struct, frozen=True, kw_only=True):
    """A mail to one reader."""

    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    language: str
    attachment: Attachment | None
    approvals: tuple[Attachment, ...] = ()
    """Small files in addition to the attachment."""
    key: str
    """Hexadecimal digits; equal if run, reader and content are equal."""
    date: datetime

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """All attached files."""
        return self.approvals if self.attachment is None else (self.attachment, *self.approvals)

    @property
    def message_id(self) -> str:
        """The Message-ID, including angle brackets."""
        return f"<{self.key[:40]}@{split_address(self.sender)[1]}>"

    @property
    def request_id(self) -> str:
        """A GUID with which Microsoft support can find the mail."""
        digits = self.key[:32]
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def split_address(address: str) -> tuple[str, str]:
    """Return the local part of a mail address, and the domain in DNS form. Raises DeliveryError if it is invalid."""
    local, _, domain = address.rpartition("@")
    try:
        plain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        plain = ""
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(plain):
        raise DeliveryError(
            "mail-address",
            Message("'{address}' is not a supported mail address", address=printable(address)[:100]),
            hint=Message("correct it in the tenants file; quoted local parts and address literals are not supported"),
        )
    return local, plain


def mailbox(address: str) -> str:
    """Return an address with its domain in DNS form."""
    local, domain = split_address(address)
    return f"{local}@{domain}"


def needs_smtputf8(mail: MailMessage) -> bool:
    """Return whether a local part has non-ASCII characters, which require SMTPUTF8."""
    return not (mailbox(mail.sender).isascii() and mailbox(mail.recipient).isascii())


def mime_message(mail: MailMessage) -> EmailMessage:
    """Return the message: text and HTML as alternatives, then the attachment and the small files."""
    message = EmailMessage(policy=_UTF8_POLICY if needs_smtputf8(mail) else _POLICY)
    for name, address in (("From", mail.sender), ("To", mail.recipient)):
        local, domain = split_address(address)
        message[name] = Address(username=local, domain=domain)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.date)
    message["Message-ID"] = mail.message_id
    # RFC 3834, and Exchange's own header: suppress automatic replies.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(mail.text, cte="base64")
    message.add_alternative(mail.html, subtype="html", cte="base64")
    for file in mail.attachments:
        kind, _, subtype = file.media_type.partition("/")
        message.add_attachment(file.body, maintype=kind, subtype=subtype, filename=file.name)
    # Set after adding the parts, because they move existing Content- headers into the first part.
    message["Content-Language"] = mail.language
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{number}_{mail.key[:32]}")
    return message
