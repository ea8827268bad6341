"""Sends a mail through Microsoft Graph: in one request if small, by draft and upload session above 3 MB."""

import base64
import json
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from msgspec.structs import replace

from auditor.deliver.mail.mail_message import Attachment, MailMessage, mailbox, mime_message
from auditor.deliver.send_attempt import SendAttempt, SendStatus
from auditor.domain.errors import printable
from auditor.domain.message import Message, joined
from auditor.graph.client import Graph
from auditor.graph.errors import Fault, FaultError, FaultKind
from auditor.graph.single_send import Accepted, Refused, Reply, UnknownOutcome, post_once
from auditor.graph.upload_session import upload

MAX_REQUEST: Final = 4_000_000
"""Bytes of a request that Graph accepts: about 4 MB."""
MAX_INLINE: Final = 2_900_000
"""Bytes of an attachment that fits into a request in base64, together with the mail."""
MIN_SESSION: Final = 3 * 1024 * 1024
"""Minimum size in bytes of an attachment for which Graph opens an upload session."""
_TIMEOUT: Final = 120.0


async def send(graph: Graph, mail: MailMessage, *, time_limit: float = _TIMEOUT) -> SendAttempt:
    """Send a mail once. A refused mail was certainly not sent; one with an unknown outcome may have been.

    Small mails are sent as MIME with text and HTML; larger ones as JSON with HTML only, from which Exchange derives the
    text. Attachments between `MAX_INLINE` and `MIN_SESSION` fit neither way: see `fits`.
    """
    post = _Post(graph, mail, time_limit)
    mime = base64.b64encode(mime_message(mail).as_bytes())
    if len(mime) <= MAX_REQUEST:
        return _attempt(await post(f"{post.mailbox}/sendMail", mime, "text/plain", "sendMail"), mail)
    attachment = mail.attachment
    if attachment is None or sum(len(file.body) for file in mail.attachments) <= MAX_INLINE:
        body = {"message": _json(mail, mail.attachments), "saveToSentItems": True}
        return _attempt(await post(f"{post.mailbox}/sendMail", _encoded(body), "application/json", "sendMail"), mail)
    try:
        return await _by_session(post, mail, attachment)
    except FaultError as error:
        # Raised before the draft was sent, because sending itself returns a reply.
        return _with_draft_hint(_attempt(Refused(fault=error.fault), mail))


def fits(size: int, beside: int = 0) -> bool:
    """Return whether Graph accepts an attachment of `size` bytes, together with small files of `beside` bytes."""
    return size + beside <= MAX_INLINE or size >= MIN_SESSION


async def _by_session(post: "_Post", mail: MailMessage, attachment: Attachment) -> SendAttempt:
    """Create a draft, upload the attachment, send the draft; only the last step can send the mail."""
    draft_reply = await post(
        f"{post.mailbox}/messages", _encoded(_json(mail, mail.approvals)), "application/json", "messages"
    )
    if not isinstance(draft_reply, Accepted):
        return _attempt(Refused(fault=draft_reply.fault), mail)
    draft = f"{post.mailbox}/messages/{quote(_text(draft_reply.body, 'id'), safe='=_-')}"
    item = {"AttachmentItem": {"attachmentType": "file", "name": attachment.name, "size": len(attachment.body)}}
    session_reply = await post(
        f"{draft}/attachments/createUploadSession", _encoded(item), "application/json", "messages/…/createUploadSession"
    )
    if not isinstance(session_reply, Accepted):
        return _with_draft_hint(_attempt(Refused(fault=session_reply.fault), mail))
    await upload(post.graph, _text(session_reply.body, "uploadUrl"), attachment.body, name=attachment.name)
    return _attempt(await post(f"{draft}/send", b"", "application/json", "messages/…/send"), mail)


class _Post:
    """Posts the requests of one mail."""

    def __init__(self, graph: Graph, mail: MailMessage, time_limit: float) -> None:
        self.graph = graph
        self.mailbox = f"/users/{quote(mailbox(mail.sender), safe='@')}"
        self._request_id = mail.request_id
        self._time_limit = time_limit

    async def __call__(self, path: str, body: bytes, media_type: str, request_name: str) -> Reply:
        return await post_once(
            self.graph,
            path,
            body,
            media_type=media_type,
            request_name=f"POST /users/{{mailbox}}/{request_name}",
            request_id=self._request_id,
            time_limit=self._time_limit,
        )


def _json(mail: MailMessage, attachments: Sequence[Attachment]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "subject": mail.subject,
        "body": {"contentType": "HTML", "content": mail.html},
        "toRecipients": [{"emailAddress": {"address": mailbox(mail.recipient)}}],
        "internetMessageId": mail.message_id,
        "internetMessageHeaders": [{"name": "x-auto-response-suppress", "value": "All"}],
    }
    if attachments:
        document["attachments"] = [
            {
                "@odata.type": "#microsoft.graph.fileAttachment",
                "name": file.name,
                "contentType": file.media_type,
                "contentBytes": base64.b64encode(file.body).decode("ascii"),
            }
            for file in attachments
        ]
    return document


def _encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


def _text(body: bytes, key: str) -> str:
    try:
        value = json.loads(body)[key]
    except (ValueError, KeyError, TypeError):
        value = None
    if not isinstance(value, str) or not value:
        raise FaultError(
            Fault(kind=FaultKind.NOT_GRAPH, message=Message("the response from Graph has no '{key}'", key=key))
        )
    return value


def _attempt(reply: Reply, mail: MailMessage) -> SendAttempt:
    match reply:
        case Accepted():
            return SendAttempt(status=SendStatus.ACCEPTED)
        case Refused(fault=fault):
            return SendAttempt(
                status=SendStatus.REFUSED, message=fault.message.rewritten(printable), hint=_hint(fault, mail)
            )
        case UnknownOutcome(fault=fault):
            return SendAttempt(
                status=SendStatus.UNKNOWN,
                message=fault.message.rewritten(printable),
                hint=Message(
                    "check the sent items of {sender} (client-request-id {request_id})",
                    sender=mail.sender,
                    request_id=mail.request_id,
                ),
            )


def _hint(fault: Fault, mail: MailMessage) -> Message | None:
    if fault.kind is FaultKind.DENIED:
        return Message(
            "the application may not send as {sender}: docs/mail.md says how to allow only that mailbox",
            sender=mail.sender,
        )
    if fault.kind in {FaultKind.NO_MAILBOX, FaultKind.MISSING} or fault.code.lower() == "errorinvaliduser":
        return Message(
            "{sender} must be a mailbox of the tenant that sends: see `mail.from` in the tenants file",
            sender=mail.sender,
        )
    return fault.remedy


def _with_draft_hint(attempt: SendAttempt) -> SendAttempt:
    remains = Message("a draft without its attachment stays in the sending mailbox and can be deleted")
    return replace(attempt, hint=joined("; ", [hint for hint in (attempt.hint, remains) if hint]))
