"""Derives the outcome of an attempt from the response of Graph: ok, retry (and when), sign in again, or fail."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from msgspec import Struct

from auditor.domain.errors import printable
from auditor.domain.message import Message, detailed
from auditor.graph.errors import REMEDIES, Fault, FaultKind
from auditor.graph.scrubber import scrub_all

_MAX_QUOTED = 300
"""Characters quoted from a service's own message."""

_RETRIED_STATUSES = frozenset({408, 423, 425, 429, 500, 502, 503, 504, 507, 509})
_PREMIUM = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
_NO_P2 = "AadPremiumLicenseRequired"
_REMEDIES = {
    _NO_P2: Message("eligible roles need Microsoft Entra ID P2 or Microsoft Entra ID Governance in the tenant")
}
_EXPIRED = frozenset({"directory_expiredpagetoken", "resyncrequired", "syncstatenotfound", "syncstateinvalid"})
_UNKNOWN_PAGE = frozenset({"directorypagetokennotfoundexception"})
_INTUNE_THROTTLED = "rate limit reached"
"""Part of the message with which Intune throttles: its status may be 500 in place of 429."""
_NO_MAILBOX = frozenset({"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "resourcenotfound"})


class Retry(Struct, frozen=True, kw_only=True):
    """A later attempt may succeed."""

    fault: Fault
    """What to report when the retry policy is exhausted."""
    wait: float | None = None
    """Seconds that the service requested (`Retry-After`)."""
    max_attempts: int | None = None
    """Limit of attempts for this fault; None for the limit of the retry policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAgain:
    """The token was rejected."""

    fault: Fault
    token: str = field(default="", repr=False)
    """The rejected token, to distinguish it from one that was renewed meanwhile."""


class Fail(Struct, frozen=True, kw_only=True):
    """No later attempt can succeed."""

    fault: Fault


FailedAttempt = Retry | SignInAgain | Fail


class AttemptError(Exception):
    """Raised while a call is sent, with the outcome of its failed attempt."""

    def __init__(self, outcome: Retry | Fail) -> None:
        super().__init__(str(outcome.fault.message))
        self.outcome = outcome


def outcome_of(status: int, headers: Mapping[str, str], body: bytes, *, request_name: str) -> FailedAttempt | None:
    """Return the outcome of an attempt from the response, None if it succeeded; `request_name` is for messages."""
    if 200 <= status < 300:
        return None
    code, message = error_of(body)
    kind = _kind(status, code, message, body)
    fault = Fault(
        kind=kind,
        message=_message(kind, status, code, message, request_name),
        remedy=_REMEDIES.get(code, REMEDIES[kind]),
        status=status,
        code=code,
    )
    if status == 401:
        return SignInAgain(fault=fault)
    if status in _RETRIED_STATUSES:
        return Retry(fault=fault, wait=retry_after(headers))
    if kind is FaultKind.NO_PREMIUM and code == _PREMIUM:
        # Sometimes returned for tenants that do have the licence.
        return Retry(fault=fault, max_attempts=3)
    return Fail(fault=fault)


def error_of(body: bytes) -> tuple[str, str]:
    """Return code and message of an error body; both are empty if the body is not an error object."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    error = document.get("error")
    if isinstance(error, dict):
        return _text(error.get("code")), _text(error.get("message"))
    # The services of reports and roles do not use OData's error object.
    return _text(error) or _text(document.get("errorCode")), _text(
        document.get("value") or document.get("error_description") or document.get("message")
    )


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds of a `Retry-After` header, a number or an HTTP date; None if absent or invalid."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        retry_at = parse_http_date(text)
        if retry_at is None:
            return None
        # Prefer the service's clock, if it sends one.
        reference = now or parse_http_date(headers.get("date", "")) or datetime.now(UTC)
        seconds = max(0.0, (retry_at - reference).total_seconds())
    return seconds if 0 <= seconds < 1e7 else None


def parse_http_date(text: str) -> datetime | None:
    """Return the instant of an HTTP date; None for any other text."""
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _kind(status: int, code: str, message: str, body: bytes) -> FaultKind:
    normalized_code = code.lower()
    if status == 401:
        return FaultKind.SIGNED_OUT
    if status == 429 or (status == 500 and _INTUNE_THROTTLED in message.lower()):
        return FaultKind.THROTTLED
    if status >= 500:
        return FaultKind.UNSUPPORTED if status == 501 else FaultKind.FAILING
    if status == 403 and not code and body.lstrip()[:1] == b"<":  # an HTML page of a proxy
        return FaultKind.NOT_GRAPH
    if status == 403:
        return FaultKind.NO_PREMIUM if code == _PREMIUM else FaultKind.DENIED
    if normalized_code in _UNKNOWN_PAGE or "pagetokennotfound" in message.lower():
        return FaultKind.PAGE_UNKNOWN
    if normalized_code in _EXPIRED or status == 410:
        return FaultKind.PAGE_EXPIRED
    if status == 404 and normalized_code in _NO_MAILBOX:
        return FaultKind.NO_MAILBOX
    if status == 404:
        return FaultKind.MISSING if code else FaultKind.NOT_GRAPH
    if code == _NO_P2:
        return FaultKind.NO_PREMIUM
    if status == 400 and "more than 120 users" in message:
        return FaultKind.TOO_LARGE
    if 300 <= status < 400:
        return FaultKind.FOREIGN
    return FaultKind.UNSUPPORTED if code else FaultKind.NOT_GRAPH


def _message(kind: FaultKind, status: int, code: str, message: str, request_name: str) -> Message:
    detail = printable(scrub_all(f"{code}: {message}" if code and message else code or message))[:_MAX_QUOTED]
    match kind:
        case FaultKind.FOREIGN:
            return Message(
                "{asked} returned a redirect (HTTP {status}), which is not followed with a token",
                asked=request_name,
                status=status,
            )
        case FaultKind.NOT_GRAPH:
            return Message(
                "{asked} returned HTTP {status} and a body that is not from Microsoft Graph",
                asked=request_name,
                status=status,
            )
        case FaultKind.NO_PREMIUM:
            return Message(
                "{asked} was refused: the tenant has no premium licence ({said})", asked=request_name, said=detail
            )
        case _:
            return detailed(Message("{asked} returned HTTP {status}", asked=request_name, status=status), detail)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
