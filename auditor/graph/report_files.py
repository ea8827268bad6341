"""Downloads usage reports: Graph redirects to a file on another host, and the address of the file is a credential.

No token or cookie is sent to that host. The address is never logged, stored or quoted; messages contain only the host.
"""

import re
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn
from urllib.parse import urljoin, urlsplit

from auditor.domain.message import Message
from auditor.graph.attempt_outcome import AttemptError, Fail, Retry, retry_after
from auditor.graph.client import Call, Graph
from auditor.graph.errors import FaultKind, fault, fault_error
from auditor.graph.request_guard import ADDRESS_CHARACTER, Root, root_of
from auditor.graph.transport.body_file import KEY, BodyFile
from auditor.graph.transport.proxy import proxy_of

if TYPE_CHECKING:
    import httpx

MAX_HOPS: Final = 5
"""Redirects that are followed for one report."""
_MAX_ATTEMPTS: Final = 3
"""Addresses that are tried for one report if the host rejects them."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TIMEOUTS: Final = {"connect": 20.0, "read": 60.0}
_REST: Final = rf"(?P<rest>[/?]{ADDRESS_CHARACTER}*)?"
"""Path and query."""
_MICROSOFT: Final = re.compile(
    r"(?P<origin>https://(?:reports[a-z]*\.office\.com|reports\.office365\.com))(?::443)?" + _REST,
    re.ASCII | re.IGNORECASE,
)
_LOOPBACK: Final = re.compile(
    r"(?P<origin>https?://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?)" + _REST, re.ASCII | re.IGNORECASE
)


async def download(graph: Graph, path: str, file: BinaryIO) -> None:
    """Download a report as CSV and replace the content of a file by it; `path` is relative to the Graph root.

    The retry policy covers the request and the download: after a failure, a new address is requested from Graph. Raises
    FaultError if either fails, if a redirect leads to a host other than Microsoft's report hosts (or this machine, if
    the Graph root is on it), and if the report is larger than the retry policy allows.

    The report is recorded under the request to Graph, because the address to which that is redirected expires.
    """
    import httpx  # noqa: PLC0415 - only collection needs it

    name = f"GET {path}"
    body = BodyFile(file=file, limit=graph.retry_policy.report_bytes, name=name)
    request = httpx.Request("GET", f"{graph.root.url}{path}")
    if graph.record is not None and (recorded := graph.record.take(request)) is not None:
        body.begin(len(recorded))
        body.write(recorded)
        return

    async def send(_link: str | None) -> "httpx.Response | None":
        # The SDK neither follows redirects nor repeats the request.
        headers = {"Accept": "application/octet-stream, text/csv, application/json"}
        response = await graph.send("GET", path, headers=headers, options=[body])
        return None if response is None else await _follow(graph, response, body)

    await graph.answer(Call(name=name, units=1, send=send), lambda _: None)
    if graph.record is not None:
        graph.record.add_file(request, file)


async def _follow(graph: Graph, response: "httpx.Response", body: BodyFile) -> "httpx.Response":
    """Follow at most MAX_HOPS redirects, each checked, and return the last answer."""
    address = graph.root.url
    for _ in range(MAX_HOPS):
        if response.status_code not in _REDIRECTS:
            return response
        address = checked_address(response.headers.get("location", ""), address, graph.root, body.name)
        response = await _get(graph, address, body)
    if response.status_code in _REDIRECTS:
        text = Message("{asked} was redirected more than {hops} times", asked=body.name, hops=MAX_HOPS)
        raise fault_error(FaultKind.FOREIGN, text)
    return response


async def _get(graph: Graph, address: str, body: BodyFile) -> "httpx.Response":
    """Request a checked address without a token; raises AttemptError for any status but 200 and redirects."""
    import httpx  # noqa: PLC0415 - only collection needs these

    from auditor.graph.transport.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    root = root_of(address)
    # Use the transport without an httpx client, because clients log addresses.
    transport = AiohttpTransport(
        graph.connections.graph(graph.sign_in.authorities),
        proxy=None if _LOOPBACK.fullmatch(root.origin) else proxy_of(root),
    )
    headers = {"Accept-Encoding": "gzip, deflate"}
    extensions = {KEY: body, "timeout": _TIMEOUTS}
    try:
        request = httpx.Request("GET", address, headers=headers, extensions=extensions)
        response = await transport.handle_async_request(request)
    except (httpx.TransportError, httpx.InvalidURL, ValueError) as error:
        _fail(error, root.host, body.name)
    if response.status_code == 200 or response.status_code in _REDIRECTS:
        return response
    throttled = response.status_code == 429
    kind = FaultKind.THROTTLED if throttled else FaultKind.FAILING
    text = Message(
        "{asked}: {host} returned HTTP {status}", asked=body.name, host=root.host, status=response.status_code
    )
    # A refused address may have expired. Graph returns a new one, but only a few in ten minutes.
    refused = not throttled and response.status_code < 500
    attempts = _MAX_ATTEMPTS if refused else graph.retry_policy.failures
    raise AttemptError(Retry(fault=fault(kind, text), wait=retry_after(response.headers), max_attempts=attempts))


def _fail(error: Exception, host: str, name: str) -> NoReturn:
    """Raise the AttemptError of a failed download, without the text of the error, which may quote the address."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        text = Message("{asked}: the certificate of {host} is not trusted", asked=name, host=host)
        raise AttemptError(Fail(fault=fault(FaultKind.UNREACHABLE, text))) from None
    failure = type(error).__name__
    text = Message("{asked}: the download from {host} failed: {name}", asked=name, host=host, name=failure)
    raise AttemptError(Retry(fault=fault(FaultKind.UNREACHABLE, text))) from None


def checked_address(location: str, base: str, graph_root: Root, name: str) -> str:
    """Return the address of a redirect from `base` if it may be followed, without port 443 and fragment.

    Raises FaultError for any other address; its message contains only the host.
    """
    try:
        address = urljoin(base, location).partition("#")[0] if location else ""
    except ValueError:
        address = ""
    match = _MICROSOFT.fullmatch(address)
    if match is None and graph_root.loopback:
        match = _LOOPBACK.fullmatch(address)
    if match is not None:
        rest = match["rest"] or ""
        return f"{match['origin'].lower()}{rest if rest.startswith('/') else f'/{rest}'}"
    text = Message(
        "{asked} was redirected to {host}, which is not one of Microsoft's report hosts; nothing was requested there",
        asked=name,
        host=_origin(address),
    )
    raise fault_error(FaultKind.FOREIGN, text)


def _origin(address: str) -> str:
    """Return scheme, host and port of a rejected address for a message; never user, password, path or query."""
    try:
        parts = urlsplit(address)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return "?"
    return f"{parts.scheme}://{parts.hostname}{port}"[:120] if parts.hostname else "?"
