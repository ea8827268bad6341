"""Puts the bytes of an attachment to the address of an upload session: another host, and never with a token."""

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from auditor.domain.message import Message
from auditor.graph.client import Graph
from auditor.graph.errors import REMEDIES, FaultError, GraphErrorKind, fault
from auditor.graph.request_guard import Root
from auditor.graph.transport.ca_bundle import context
from auditor.graph.transport.proxy import proxy_of

if TYPE_CHECKING:
    import httpx

RANGE: Final = 3 * 327_680
"""Bytes of one PUT: a multiple of 320 KiB, far under 4 MB, and small enough to be sent again without regret."""
_ATTEMPTS: Final = 5


async def upload(graph: Graph, address: str, body: bytes, *, name: str) -> None:
    """PUT every range of `body`; one that fails is sent again, which changes nothing. Raises FaultError.

    The address comes from Graph and holds its own authorization, so it is never shown. It has to be https, or on this
    machine where Graph's root is too.
    """
    import httpx  # noqa: PLC0415 - only live work needs these

    from auditor.graph.transport.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    root = _checked(address, graph.root)
    transport = AiohttpTransport(verify=context(graph.sign_in.authorities), connections=1, proxy=proxy_of(root))
    async with (
        transport,
        httpx.AsyncClient(
            transport=transport, timeout=httpx.Timeout(120.0, connect=20.0), follow_redirects=False
        ) as client,
    ):
        start = 0
        while start < len(body):
            start = await _put(graph, client, address, body, start=start, name=name)


async def _put(graph: Graph, client: "httpx.AsyncClient", address: str, body: bytes, *, start: int, name: str) -> int:
    """Send the range that begins at `start`; return where the next one begins."""
    import httpx  # noqa: PLC0415

    piece = body[start : start + RANGE]
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Range": f"bytes {start}-{start + len(piece) - 1}/{len(body)}",
    }
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            response = await client.put(address, content=piece, headers=headers)
        except httpx.TransportError as error:
            told = type(error).__name__
        else:
            if response.status_code in {200, 201, 202}:
                return _next(response.content, start, start + len(piece), len(body))
            told = f"HTTP {response.status_code}"
            if response.status_code < 500 and response.status_code not in {408, 429}:
                break
        if attempt < _ATTEMPTS:
            await graph.patience.sleep(graph.patience.wait(attempt))
    raise FaultError(
        fault(
            GraphErrorKind.FAILING,
            Message("the attachment {name} could not be uploaded: {told}", name=name, told=told),
            remedy=REMEDIES[GraphErrorKind.FAILING],
        )
    )


def _next(answer: bytes, start: int, sent: int, whole: int) -> int:
    """Return the first byte that the service still wants; what was sent last where it does not tell."""
    if sent >= whole:
        return whole
    try:
        document: Any = json.loads(answer)
        wanted = int(str(document["nextExpectedRanges"][0]).partition("-")[0])
    except (ValueError, IndexError, KeyError, TypeError):
        return sent
    # A service that asks for the same bytes again and again would keep this going for ever.
    return wanted if start < wanted <= sent else sent


def _checked(address: str, graph_root: Root) -> Root:
    parts = urlsplit(address)
    root = Root(origin=f"{parts.scheme}://{parts.netloc}".lower(), path="")
    here = parts.scheme == "http" and root.loopback and graph_root.loopback
    if parts.username or not parts.hostname or not (parts.scheme == "https" or here):
        raise FaultError(
            fault(
                GraphErrorKind.FOREIGN,
                Message("Graph gave an address for the attachment that is not https; nothing was sent there"),
                remedy=Message("check what answers in Graph's place (a proxy, the endpoint setting)"),
            )
        )
    return root
