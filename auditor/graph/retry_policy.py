"""Turns an HTTP answer into a verdict: usable, to be tried again (and when), to be signed in again for, or a fault."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from auditor.domain.errors import printable
from auditor.domain.message import Message
from auditor.graph.errors import REMEDIES, Fault, GraphErrorKind

_LONGEST = 300
"""Characters of a service's own message that are quoted."""

_AGAIN = frozenset({408, 423, 425, 429, 500, 502, 503, 504, 507, 509})
_PREMIUM = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
_EXPIRED = frozenset({"directory_expiredpagetoken", "resyncrequired", "syncstatenotfound", "syncstateinvalid"})
_UNKNOWN_PAGE = frozenset({"directorypagetokennotfoundexception"})
_NO_MAILBOX = frozenset({"mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "resourcenotfound"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ok:
    """The answer holds what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The answer may be another one later."""

    fault: Fault
    """What to report when patience ends."""
    wait: float | None = None
    """Seconds that the service asked for."""
    most: int | None = None
    """Attempts that are worth while; None for as many as patience has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAgain:
    """The token was refused."""

    fault: Fault
    token: str = field(default="", repr=False)
    """The token itself, to be told from one that was renewed in the meantime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """No later attempt would fare better."""

    fault: Fault


Verdict = Ok | Retry | SignInAgain | Fail


def judge(status: int, headers: Mapping[str, str], body: bytes, *, asked: str) -> Verdict:
    """Return the verdict on an answer; `asked` names the request in words for people."""
    if 200 <= status < 300:
        return Ok()
    code, message = error_of(body)
    kind = _kind(status, code, message, body)
    found = Fault(
        kind=kind,
        message=_words(kind, status, code, message, asked),
        remedy=REMEDIES[kind],
        status=status,
        code=code,
        request_id=headers.get("request-id", ""),
    )
    if status == 401:
        return SignInAgain(fault=found)
    if status in _AGAIN:
        return Retry(fault=found, wait=retry_after(headers))
    if kind is GraphErrorKind.NO_PREMIUM:
        # Seen now and then on tenants that have the licence.
        return Retry(fault=found, most=3)
    return Fail(fault=found)


def error_of(body: bytes) -> tuple[str, str]:
    """Return code and message of an error body; both empty where the body is no such thing."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    error = document.get("error")
    if isinstance(error, dict):
        return _text(error.get("code")), _text(error.get("message"))
    # The reporting service answers without OData's error object.
    return _text(error), _text(document.get("value") or document.get("error_description") or document.get("message"))


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return how many seconds to wait: whole or decimal seconds or an HTTP date; None for none, or for nonsense."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        moment = moment_of(text)
        if moment is None:
            return None
        # The service's own clock counts, where it tells the time.
        here = now or moment_of(headers.get("date", "")) or datetime.now(UTC)
        seconds = max(0.0, (moment - here).total_seconds())
    return seconds if 0 <= seconds < 1e7 else None


def moment_of(text: str) -> datetime | None:
    """Return the instant of an HTTP date; None for any other text."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _kind(status: int, code: str, message: str, body: bytes) -> GraphErrorKind:
    word = code.lower()
    if status == 401:
        return GraphErrorKind.SIGNED_OUT
    if status == 429:
        return GraphErrorKind.THROTTLED
    if status >= 500:
        return GraphErrorKind.UNSUPPORTED if status == 501 else GraphErrorKind.FAILING
    if status == 403:
        return (
            GraphErrorKind.NO_PREMIUM
            if code == _PREMIUM
            else GraphErrorKind.NOT_GRAPH
            if not code and _markup(body)
            else GraphErrorKind.DENIED
        )
    if word in _UNKNOWN_PAGE or "pagetokennotfound" in message.lower():
        return GraphErrorKind.PAGE_UNKNOWN
    if word in _EXPIRED or status == 410:
        return GraphErrorKind.PAGE_EXPIRED
    if status == 404:
        return (
            GraphErrorKind.NO_MAILBOX
            if word in _NO_MAILBOX
            else GraphErrorKind.NOT_GRAPH
            if not code
            else GraphErrorKind.MISSING
        )
    if status == 400 and "more than 120 users" in message:
        return GraphErrorKind.TOO_LARGE
    if 300 <= status < 400:
        return GraphErrorKind.FOREIGN
    return GraphErrorKind.UNSUPPORTED if code else GraphErrorKind.NOT_GRAPH


def _words(kind: GraphErrorKind, status: int, code: str, message: str, asked: str) -> str:
    said = printable(f"{code}: {message}" if code and message else code or message)[:_LONGEST]
    match kind:
        case GraphErrorKind.FOREIGN:
            return Message(
                "{asked} was answered with a redirect (HTTP {status}), which is not followed with a token",
                asked=asked,
                status=status,
            )
        case GraphErrorKind.NOT_GRAPH:
            return Message(
                "{asked} was answered with HTTP {status} and a body that is not Graph's", asked=asked, status=status
            )
        case GraphErrorKind.NO_PREMIUM:
            return Message("{asked} was refused: the tenant has no premium licence ({said})", asked=asked, said=said)
        case _:
            return Message("{asked} was answered with HTTP {status}", asked=asked, status=status) + (
                f" ({said})" if said else ""
            )


def _markup(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
