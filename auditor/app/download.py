"""Reads a file or downloads an https address, with its origin and date."""

import datetime as dt
import email.utils
import errno
import http.client
import os
import ssl
import urllib.parse
from contextlib import closing, suppress
from http import HTTPStatus
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from msgspec import Struct

from auditor.deliver.https_connection import CERTIFICATE_HINT, connection_error, is_private, open_connection
from auditor.domain.errors import AuditorError
from auditor.domain.message import Count, Message, unreadable
from auditor.files import input as files
from auditor.graph.transport.ca_bundle import authorities, tls_context

LIMIT: Final = files.TABLE
"""The maximum size of a table in bytes."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_REQUESTS: Final = 10
"""Maximum number of requests of a download, including those that are redirected."""
_HINT: Final = Message("try again later, or download the file with a browser and specify the file")
_TIMEOUT: Final = 30.0
"""The socket timeout in seconds."""
DEADLINE: Final = 180.0
"""The time limit of a complete download in seconds, from the DNS lookup to the last byte, including redirects."""


class Fetched(Struct, frozen=True, kw_only=True):
    """The fetched bytes with their origin and date."""

    content: bytes
    source: str
    date: dt.date


def fetch(origin: str) -> Fetched:
    """Return the content of a file or of an https address (http on this machine).

    Raises AuditorError if it cannot be read or is larger than LIMIT.
    """
    return _download_with_deadline(origin) if "://" in origin else _read(Path(origin))


def _read(path: Path) -> Fetched:
    try:
        with files.opened(path, max_bytes=LIMIT) as file:
            content = file.read(LIMIT + 1)
            changed = os.fstat(file.fileno()).st_mtime
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _too_large(str(path)) from error
        hint = Message("specify a file or an address")
        raise AuditorError("products-file", unreadable(path, error), hint=hint) from error
    _check_size(len(content), str(path))
    return Fetched(content=content, source=path.name, date=dt.datetime.fromtimestamp(changed, tz=dt.UTC).date())


def _download_with_deadline(address: str) -> Fetched:
    """Download within the deadline, in a thread that is abandoned when the deadline has passed.

    Socket timeouts apply to single steps and do not limit the total time.
    """
    url = _check_address(address)
    source = urllib.parse.urlunsplit(url._replace(query="", fragment=""))
    queue: SimpleQueue[Fetched | Exception] = SimpleQueue()

    def work() -> None:
        try:
            queue.put(_download(url, source))
        except Exception as error:  # noqa: BLE001  raised again by the waiting thread
            queue.put(error)

    Thread(target=work, name="download", daemon=True).start()
    try:
        outcome = queue.get(timeout=DEADLINE)
    except Empty:
        raise _failed(source, Message("not complete after {deadline} seconds", deadline=f"{DEADLINE:.0f}")) from None
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _download(url: urllib.parse.SplitResult, source: str) -> Fetched:
    """Download a URL; a redirect is followed only to an allowed address with the same scheme."""
    trusted = tls_context(authorities(os.environ))
    try:
        for _ in range(_MAX_REQUESTS):
            with closing(open_connection(url, trusted, _TIMEOUT)) as connection:
                target = (url.path or "/") + (f"?{url.query}" if url.query else "")
                connection.request("GET", target, headers={"User-Agent": "auditor", "Accept-Encoding": "identity"})
                with connection.getresponse() as response:
                    location = response.headers.get("Location")
                    if response.status == HTTPStatus.OK:
                        modified = response.headers.get("Last-Modified", "")
                        return Fetched(content=_body(response, source), source=source, date=_day(modified))
            if response.status not in _REDIRECTS or location is None:
                break
            url = _redirected(url, location)
    except ssl.SSLCertVerificationError as error:
        raise _failed(source, connection_error(error), CERTIFICATE_HINT) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(source, connection_error(error)) from error
    reason = Message("the server returned {code} {reason}", code=response.status, reason=response.reason)
    raise _failed(source, reason)


def _redirected(url: urllib.parse.SplitResult, location: str) -> urllib.parse.SplitResult:
    """Return the URL to which a redirect leads. Raises AuditorError if it is not allowed or has another scheme."""
    target = _check_address(urllib.parse.urljoin(url.geturl(), location))
    if target.scheme != url.scheme:
        message = Message(
            "redirected from {type}://{host} to {scheme}://{hostname}",
            type=url.scheme,
            host=url.netloc,
            scheme=target.scheme,
            hostname=target.hostname,
        )
        hint = Message("specify the address to which the redirects lead")
        raise AuditorError("products-address", message, hint=hint)
    return target


def _body(response: http.client.HTTPResponse, source: str) -> bytes:
    """Return the complete body. Raises AuditorError if it is too large or truncated."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.read1(65_536):
        pieces.append(piece)
        size += len(piece)
        _check_size(size, source)
    declared = response.headers.get("Content-Length", "")
    if declared.isdecimal() and int(declared) != size:
        raise _failed(
            source,
            Message(
                "the connection ended after {size} of {declared} bytes", size=Count(size), declared=Count(declared)
            ),
        )
    return b"".join(pieces)


def _day(modified: str) -> dt.date:
    """Return the day of a Last-Modified header, or today if there is none, in UTC."""
    now = dt.datetime.now(tz=dt.UTC)
    with suppress(ValueError):
        instant = email.utils.parsedate_to_datetime(modified)
        return (
            min(instant if instant.tzinfo is not None else instant.replace(tzinfo=dt.UTC), now)
            .astimezone(dt.UTC)
            .date()
        )
    return now.date()


def _check_address(address: str) -> urllib.parse.SplitResult:
    """Return the parts of an allowed address: https, or http on this machine, without user information."""
    hint = Message("specify an https address (http only for this machine), without a user name, or a file")
    try:
        parts = urllib.parse.urlsplit(address)
        host, user, _ = parts.hostname or "", parts.username, parts.port
    except ValueError as error:
        raise AuditorError("products-address", Message("not an address: {error}", error=error), hint=hint) from error
    if user is not None or not host:
        raise AuditorError("products-address", Message("the address has a user name, or no host"), hint=hint)
    if not is_private(parts):
        raise AuditorError(
            "products-address",
            Message("{scheme}://{host} is neither https nor on this machine", scheme=parts.scheme, host=host),
            hint=hint,
        )
    return parts


def _check_size(size: int, source: str) -> None:
    if size > LIMIT:
        raise _too_large(source)


def _too_large(source: str) -> AuditorError:
    message = Message("{shown} is larger than {limit} MB", shown=source, limit=Count(LIMIT // 1024 // 1024))
    return AuditorError(
        "products-file", message, hint=Message("Microsoft's file is about 1 MB: is this the right one?")
    )


def _failed(source: str, reason: Message, hint: Message = _HINT) -> AuditorError:
    return AuditorError(
        "products-download", Message("cannot download {shown}: {reason}", shown=source, reason=reason), hint=hint
    )
