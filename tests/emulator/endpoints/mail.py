"""Mail, sent directly or as draft, attachments and send (Graph: user: sendMail, attachment: createUploadSession).

Sent messages are recorded in `tenant.sent`.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from msgspec import Struct, field

from tests.emulator.endpoints.graph import Call, find_user, not_found, route
from tests.emulator.tenant.directory import Tenant
from tests.emulator.wire import Answer, Body, GraphError, Request, answer, encoded

MAXIMUM_REQUEST = 4 * 1024 * 1024
MINIMUM_UPLOAD = 3 * 1024 * 1024
MAXIMUM_UPLOAD = 150 * 1024 * 1024
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class Upload(Struct, kw_only=True):
    """An upload session: its draft, the attachment's name and size, and the bytes received so far."""

    tenant: Tenant
    draft: dict[str, Any]
    name: str
    size: int
    content: bytearray = field(default_factory=bytearray)


def _message(call: Call) -> dict[str, Any]:
    """Return the message of a sendMail body: JSON with `message` or `Message`, or base64 MIME."""
    if len(call.request.body) > MAXIMUM_REQUEST:
        raise GraphError(413, "RequestEntityTooLarge", "Maximum request length exceeded.")
    if call.request.headers.get("content-type", "").startswith("text/plain"):
        try:
            mime = base64.b64decode(call.request.body, validate=True)
        except binascii.Error:
            raise GraphError(
                400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."
            ) from None
        return {
            "mime": mime.decode("utf-8", "replace"),
            "toRecipients": [{"emailAddress": {"address": "mime@emulator"}}],
        }
    document = call.request.document()
    message = document.get("message") or document.get("Message")
    if not isinstance(message, dict):
        raise GraphError(400, "ErrorInvalidParameter", "The parameter 'message' is missing.")
    return message


def _check_recipients(message: Mapping[str, Any]) -> None:
    rows = [row for name in ("toRecipients", "ccRecipients", "bccRecipients") for row in message.get(name) or ()]
    if not rows:
        raise GraphError(
            400,
            "ErrorInvalidRecipients",
            "At least one recipient isn't valid., A message can't be sent because it contains no recipients.",
        )
    for row in rows:
        if "@" not in str(row.get("emailAddress", {}).get("address", "")):
            raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")


def send_mail(call: Call) -> Answer:
    """Record the message and answer 202 without a body: accepted, not yet delivered."""
    position = find_user(call)
    message = _message(call)
    _check_recipients(message)
    sender = call.tenant.people.value(position, "userPrincipalName")
    call.tenant.sent.append({"from": sender, "message": message})
    return Answer(status=202)


def create_draft(call: Call) -> Answer:
    """Create a draft (Graph: Create message)."""
    if len(call.request.body) > MAXIMUM_REQUEST:
        raise GraphError(413, "RequestEntityTooLarge", "Maximum request length exceeded.")
    position = find_user(call)
    identifier = f"AAMk{uuid4().hex}"
    draft = {"id": identifier, "isDraft": True} | call.request.document()
    sender = call.tenant.people.value(position, "userPrincipalName")
    call.uploads[identifier] = Upload(tenant=call.tenant, draft={"from": sender, "message": draft}, name="", size=0)
    return answer(
        {"@odata.context": f"{call.request.root}/$metadata#users('{call.key}')/messages/$entity"} | draft, status=201
    )


def _draft(call: Call) -> Upload:
    """Return the draft whose id is in the path; raises GraphError 404."""
    upload: Upload | None = call.uploads.get(call.second)
    if upload is None or upload.tenant is not call.tenant:
        raise not_found(call.second)
    return upload


def upload_session(call: Call) -> Answer:
    """Create an upload session whose URL is on another host and contains its own authorization."""
    draft = _draft(call)
    item = call.request.document().get("AttachmentItem") or {}
    size = int(item.get("size", 0))
    if size > MAXIMUM_UPLOAD:
        raise GraphError(
            400,
            "ErrorAttachmentSizeShouldNotExceedLimit",
            f"The size of attachment must not exceed {MAXIMUM_UPLOAD} bytes.",
        )
    if size < MINIMUM_UPLOAD:
        raise GraphError(
            400,
            "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
            "The size of attachment must be at least 3 MB for an upload session.",
        )
    key = uuid4().hex
    call.uploads[key] = Upload(tenant=call.tenant, draft=draft.draft, name=str(item.get("name", "")), size=size)
    document = {
        "@odata.context": f"{call.request.root}/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": f"{call.request.elsewhere}/uploads/{key}?authtoken=preauthenticated",
        "expirationDateTime": "2026-12-31T00:00:00Z",
        "nextExpectedRanges": ["0-"],
    }
    return answer(document, status=201)


def put_range(uploads: dict[str, Upload], request: Request) -> Answer:
    """Receive one range of an upload, at most 4 MB and in order; the last one creates the attachment."""
    upload = uploads.get(request.path.rsplit("/", 1)[-1])
    content_range = RANGE.fullmatch(request.headers.get("content-range", ""))
    if upload is None or content_range is None:
        return _refusal(404 if upload is None else 400, "ErrorInvalidUpload")
    if "authorization" in request.headers:
        return _refusal(401, "InvalidAudienceForResource")
    first, last, total = (int(text) for text in content_range.groups())
    if len(request.body) != last - first + 1 or len(request.body) > MAXIMUM_REQUEST or total != upload.size:
        return _refusal(400, "ErrorInvalidContentRange")
    if first != len(upload.content):
        return _refusal(416, "ErrorRangeOutOfOrder")
    upload.content += request.body
    if len(upload.content) < upload.size:
        return answer({"nextExpectedRanges": [f"{len(upload.content)}-"], "expirationDateTime": "2026-12-31T00:00:00Z"})
    attachment = {"name": upload.name, "size": upload.size, "contentBytes": base64.b64encode(upload.content).decode()}
    upload.draft["message"].setdefault("attachments", []).append(attachment)
    return Answer(status=201, headers={"Location": f"{request.root}/attachments/{uuid4().hex}"})


def _refusal(status: int, code: str) -> Answer:
    body = encoded({"error": {"code": code, "message": code}})
    return Answer(status=status, body=Body(body), headers={"Content-Type": "application/json"})


def send_draft(call: Call) -> Answer:
    """Send a draft (Graph: message: send)."""
    draft = _draft(call)
    _check_recipients(draft.draft["message"])
    call.tenant.sent.append(json.loads(json.dumps(draft.draft)))
    del call.uploads[call.second]
    return Answer(status=202)


ROUTES = (
    route("POST", "/users/{key}/sendMail", "sendMail", send_mail),
    route("POST", "/users/{key}/messages", "messages", create_draft),
    route("POST", "/users/{key}/messages/{second}/attachments/createUploadSession", "messages", upload_session),
    route("POST", "/users/{key}/messages/{second}/send", "sendMail", send_draft),
)
