"""Posts messages to Teams, Slack and signed webhooks, over TLS and without following redirects.

A message is only repeated if it was certainly not taken, or if the receiver can detect duplicates.

Signatures follow the Standard Webhooks specification: HMAC-SHA256 over id, timestamp and body.
"""

import base64
import hmac
import http.client
import re
import ssl
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from auditor import __version__
from auditor.deliver.https_connection import CERTIFICATE_HINT, connection_error, open_connection
from auditor.deliver.send_attempt import SendAttempt, SendStatus
from auditor.deliver.webhooks.webhook_address import WebhookTarget
from auditor.domain.errors import printable
from auditor.domain.message import Message, detailed
from auditor.domain.settings import Channel
from auditor.graph.attempt_outcome import retry_after
from auditor.graph.transport.ca_bundle import authorities

TIMEOUT: Final = 30.0
"""Seconds for each step of a request."""
ATTEMPTS: Final = 4
MAX_WAIT: Final = 300.0
"""Maximum seconds of all waits together."""
_MAX_RESPONSE: Final = 4096
_MAX_QUOTED: Final = 200
_MIN_SECRET: Final = 6
"""Minimum characters of a part of the URL that is removed from a quoted response."""
_UNUSABLE: Final = frozenset({401, 403, 404, 410})


class WebhookMessage(Struct, frozen=True, kw_only=True):
    """A message to one channel."""

    recipient: str
    """The address of the channel, such as `teams:NAME`."""
    body: bytes
    """The JSON that is posted."""
    key: str
    """Hexadecimal digits; equal if run, channel and content are equal."""

    @property
    def message_id(self) -> str:
        """The id with which a receiver can detect duplicates."""
        return f"msg_{self.key[:40]}"


class _Retryable(Struct, frozen=True):
    """A failed attempt that may be repeated."""

    attempt: SendAttempt
    wait: float | None = None
    """Seconds to wait, as requested by the service; None if it did not say."""


def post(
    target: WebhookTarget,
    message: WebhookMessage,
    *,
    environ: Mapping[str, str],
    clock: Callable[[], float] = time.time,
    pause: Callable[[float], None] = time.sleep,
    timeout: float = TIMEOUT,
) -> SendAttempt:
    """Post a message. A refused one was certainly not taken; one with an unknown outcome may have been.

    It is repeated if no connection was made, if the service is overloaded (429, or 503 with Retry-After), and after any
    failure if the receiver can detect duplicates by the id of a message. `timeout` is in seconds. Raises
    SettingsError if the environment names a CA bundle that cannot be read.
    """
    bundle = authorities(environ)
    trusted = ssl.create_default_context(cafile=bundle)
    waited = 0.0
    attempts = 1
    while True:
        outcome = _attempt(target, message, trusted, clock(), timeout)
        if isinstance(outcome, SendAttempt):
            return outcome
        wait = float(2**attempts) if outcome.wait is None else outcome.wait
        if attempts == ATTEMPTS or waited + wait > MAX_WAIT:
            return outcome.attempt
        pause(wait)
        waited += wait
        attempts += 1


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature of a message: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii")


def _attempt(
    target: WebhookTarget, message: WebhookMessage, trusted: ssl.SSLContext, now: float, timeout: float
) -> SendAttempt | _Retryable:
    try:
        connection = open_connection(target.url, trusted, timeout)
    except ssl.SSLCertVerificationError as error:
        return _refused(connection_error(error), CERTIFICATE_HINT)
    except (OSError, http.client.HTTPException) as error:
        return _Retryable(_refused(Message("no connection: {error}", error=connection_error(error)), None))
    try:
        connection.request("POST", target.path, body=message.body, headers=_headers(target, message, int(now)))
        response = connection.getresponse()
        answer = response.read(_MAX_RESPONSE)
    except (OSError, http.client.HTTPException) as error:
        ended = Message("the connection ended before a response: {error}", error=connection_error(error))
        return _unknown(target, message, ended)
    finally:
        connection.close()
    return _outcome_of(target, message, response, answer)


def _headers(target: WebhookTarget, message: WebhookMessage, timestamp: int) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": f"auditor/{__version__}", "Connection": "close"}
    if target.channel is Channel.WEBHOOK:
        headers |= {"webhook-id": message.message_id, "webhook-timestamp": str(timestamp)}
    if target.secrets:
        signed = (signature(key, message.message_id, timestamp, message.body) for key in target.secrets)
        headers["webhook-signature"] = " ".join(signed)
    return headers


def _outcome_of(
    target: WebhookTarget, message: WebhookMessage, response: http.client.HTTPResponse, answer: bytes
) -> SendAttempt | _Retryable:
    status = response.status
    if 200 <= status < 300:
        return SendAttempt(status=SendStatus.ACCEPTED, missing_secret=target.missing_secret)
    if 300 <= status < 400:
        return _refused(Message("it returned a redirect (HTTP {status}), which is not followed", status=status), None)
    description = detailed(Message("it returned HTTP {status}", status=status), _quoted(target, answer))
    wait = retry_after({name.lower(): value for name, value in response.getheaders()})
    if status == 429 or (status == 503 and wait is not None):
        return _Retryable(_refused(description, Message("send it again later")), wait)
    if status >= 500 or status == 408:
        return _unknown(target, message, description, wait)
    hint = (
        Message(
            "create a new webhook in the same service, and put its address into {variable}", variable=target.variable
        )
        if status in _UNUSABLE
        else None
    )
    return _refused(description, hint)


def _quoted(target: WebhookTarget, answer: bytes) -> str:
    """Return the beginning of a response without parts of the URL, because many servers repeat the secret path."""
    text = " ".join(answer.decode("utf-8", "replace").split())
    for part in sorted(re.split(r"[/?&=;:]", urllib.parse.unquote(target.path)), key=len, reverse=True):
        if len(part) >= _MIN_SECRET:
            text = text.replace(part, "…").replace(urllib.parse.quote(part, safe=""), "…")
    return printable(text)[:_MAX_QUOTED]


def _unknown(
    target: WebhookTarget, message: WebhookMessage, description: Message, wait: float | None = None
) -> SendAttempt | _Retryable:
    """Return an unknown outcome; the attempt may be repeated if the receiver can detect duplicates."""
    check = Message("check the channel; the id of the message is {message_id}", message_id=message.message_id)
    attempt = SendAttempt(status=SendStatus.UNKNOWN, message=description, hint=check)
    return _Retryable(attempt, wait) if target.channel is Channel.WEBHOOK else attempt


def _refused(description: Message, hint: Message | None) -> SendAttempt:
    return SendAttempt(status=SendStatus.REFUSED, message=description, hint=hint)
