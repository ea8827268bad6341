"""Builds mails to send in tests."""

import hashlib
from datetime import UTC, datetime

from auditor.deliver.mail.mail_message import Attachment, MailMessage

AT = datetime(2026, 11, 20, 2, 20, tzinfo=UTC)


def mail_message(
    *,
    recipient: str = "ann@contoso.example",
    sender: str = "audit@contoso.example",
    subject: str = "[Contoso] Licences: 1 critical",
    text: str = "One finding.\n",
    attachment: Attachment | None = None,
    html: str = "<p>One finding.</p>",
) -> MailMessage:
    key = hashlib.sha256(f"{recipient}{subject}{text}".encode()).hexdigest()
    return MailMessage(
        sender=sender, recipient=recipient, subject=subject, text=text, html=html, language="en", attachment=attachment,
        key=key, date=AT,
    )  # fmt: skip


def attachment(size: int) -> Attachment:
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    return Attachment(name="report.zip", media_type="application/zip", body=body)
