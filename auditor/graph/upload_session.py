"""Uploads an attachment to an upload session of Graph, which is on another host, without a token."""

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from auditor.domain.message import Message
from auditor.graph.client import Graph
from auditor.graph.errors import FaultKind, fault_error
from auditor.graph.request_guard import Root, root_of
from auditor.graph.transport.proxy import proxy_of

if TYPE_CHECKING:
    import httpx

RANGE_BYTES: Final = 3 * 327_680
"""Bytes per PUT: a multiple of 320 KiB, far below the limit of 4 MB."""
_MAX_ATTEMPTS: Final = 5


async def upload(graph: Graph, address: str, body: bytes, *, name: str) -> None:
    """PUT every range of `body`; a range that fails is sent again, which is idempotent.

    The address comes from Graph and contains the authorization, so messages never show it. It must use https,
    except on this machine if Graph's root is there too. Raises FaultError if a range cannot be uploaded.
    """
    import httpx  # noqa: PLC0415 - only live work needs these

    from auditor.graph.transport.aiohttp_transport import AiohttpTransport  # noqa: PLC0415

    root = _check_address(address, graph.root)
    transport = AiohttpTransport(graph.connections.graph(graph.sign_in.authorities), proxy=proxy_of(root))
    timeout = httpx.Timeout(120.0, connect=20.0)
    async with httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False) as client:
        start = 0
        while start < len(body):
            start = await _put(graph, client, address, body, start=start, name=name)


async def _put(graph: Graph, client: "httpx.AsyncClient", address: str, body: bytes, *, start: int, name: str) -> int:
    """Send the range that begins at `start`; return the offset of the next one."""
    import httpx  # noqa: PLC0415

    chunk = body[start : start + RANGE_BYTES]
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Range": f"bytes {start}-{start + len(chunk) - 1}/{len(body)}",
    }
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        try:
            response = await client.put(address, content=chunk, headers=headers)
        except httpx.TransportError as error:
            failure = type(error).__name__
        else:
            if response.status_code in {200, 201, 202}:
                return _next_offset(response.content, start, start + len(chunk), len(body))
            failure = f"HTTP {response.status_code}"
            if response.status_code < 500 and response.status_code not in {408, 429}:
                break
        if attempt < _MAX_ATTEMPTS:
            await graph.retry_policy.sleep(graph.retry_policy.wait(attempt))
    raise fault_error(
        FaultKind.FAILING, Message("the attachment {name} could not be uploaded: {failure}", name=name, failure=failure)
    )


def _next_offset(answer: bytes, start: int, sent: int, total: int) -> int:
    """Return the offset of the first byte that the service still expects; `sent` if the answer does not say."""
    if sent >= total:
        return total
    try:
        document: Any = json.loads(answer)
        expected = int(str(document["nextExpectedRanges"][0]).partition("-")[0])
    except (ValueError, IndexError, KeyError, TypeError):
        return sent
    # Ignore offsets at or before `start`, so that a faulty service cannot cause an endless loop.
    return expected if start < expected <= sent else sent


def _check_address(address: str, graph_root: Root) -> Root:
    parts, root = urlsplit(address), root_of(address)
    local = parts.scheme == "http" and root.loopback and graph_root.loopback
    if parts.username or not parts.hostname or not (parts.scheme == "https" or local):
        raise fault_error(
            FaultKind.FOREIGN,
            Message("Graph returned an address for the attachment that is not https; nothing was sent there"),
            remedy=Message("check which server responds at Graph's address (a proxy, the endpoint setting)"),
        )
    return root
