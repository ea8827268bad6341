"""Returns one page of a directory collection for a parsed query: filters, counts, links and caches."""

import base64
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from tests.emulator.odata.query import Kind, Query
from tests.emulator.tenant.directory import Tenant
from tests.emulator.wire import JSON_TYPE, Answer, Body, GraphError, Request, encoded

CACHE_BYTES = 2_000_000_000


class Rows(Struct, frozen=True, kw_only=True):
    """A collection to page through: its positions in order, and functions that read a value or document by position."""

    positions: Sequence[int]
    value: Callable[[int, str], Any]
    document: Callable[[int, tuple[str, ...]], dict[str, Any]]


class PageCache:
    """Caches rendered pages, evicting the least recently used, and the positions that match a query."""

    def __init__(self) -> None:
        self._size = 0
        self._pages: OrderedDict[tuple[Any, ...], Body] = OrderedDict()
        self._matches: OrderedDict[tuple[Any, ...], Sequence[int]] = OrderedDict()

    def page(self, key: tuple[Any, ...], render: Callable[[], bytes]) -> Body:
        body = self._pages.get(key)
        if body is not None:
            self._pages.move_to_end(key)
            return body
        body = self._pages[key] = Body(render())
        self._size += len(body.plain)
        while self._size > CACHE_BYTES and len(self._pages) > 1:
            self._size -= len(self._pages.popitem(last=False)[1].plain)
        return body

    def matches(self, key: tuple[Any, ...], compute: Callable[[], Sequence[int]]) -> Sequence[int]:
        positions = self._matches.get(key)
        if positions is None:
            positions = self._matches[key] = compute()
            if len(self._matches) > 256:
                self._matches.popitem(last=False)
        return positions


def matching(rows: Rows, query: Query) -> Sequence[int]:
    """Return the positions that match $filter."""
    if query.filter is None:
        return rows.positions
    return [position for position in rows.positions if query.filter.matches(partial(rows.value, position))]


def page_token(offset: int, size: int, suffix: str = "") -> str:
    """Return an opaque page token; `suffix` marks a token, for example one that a later request must refuse."""
    packed = json.dumps([offset, size]).encode()
    return "RFNwdAoAAQ" + base64.urlsafe_b64encode(packed).decode().rstrip("=") + suffix


def read_token(token: str) -> tuple[int, int]:
    """Return offset and size of a page token; raises GraphError 400 for anything that `page_token` did not write."""
    text = token.removeprefix("RFNwdAoAAQ").split(".", 1)[0]
    try:
        offset, size = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError):
        raise GraphError(400, "Directory_InvalidPageToken", "The specified page token value is invalid.") from None
    return int(offset), int(size)


def next_link(request: Request, token: str) -> str:
    """Return the request's URL with a page token: it keeps every parameter, but no header."""
    carried = [(name, value) for name, value in request.query if name.lower() != "$skiptoken"]
    pairs = [*carried, ("$skiptoken", token)]
    return f"{request.root}{quote(request.path)}?" + "&".join(
        f"{quote(n, safe='$')}={quote(v, safe='$,()/:')}" for n, v in pairs
    )


def context(request: Request, entity: str, query: Query) -> str:
    """Return the value of @odata.context."""
    names = f"({','.join(query.names)})" if query.explicit else ""
    return f"{request.root}/$metadata#{entity}{names}"


def page(
    request: Request,
    query: Query,
    rows: Rows,
    *,
    tenant: Tenant,
    kind: Kind,
    cache: PageCache,
    readable: frozenset[str] | None,
) -> Answer:
    """Return one page; properties that are not in `readable` are null (None: all are readable)."""
    key = (tenant.tenant_id, tenant.version, request.path)
    found = cache.matches((*key, query.filter_text), lambda: matching(rows, query))
    offset, size = read_token(query.skiptoken) if query.skiptoken else (0, query.size)
    names = query.names

    def render() -> bytes:
        document: dict[str, Any] = {"@odata.context": context(request, f"{kind.name}s", query)}
        if query.count and not query.skiptoken:
            document["@odata.count"] = len(found)
        if offset + size < len(found):
            document["@odata.nextLink"] = next_link(request, page_token(offset + size, size))
        made = [rows.document(position, names) for position in found[offset : offset + size]]
        if readable is not None:
            made = [{name: value if name in readable else None for name, value in row.items()} for row in made]
        document["value"] = made
        return encoded(document)

    rendered = (*key, request.root, request.query, query.count, query.names, readable)
    return Answer(body=cache.page(rendered, render), headers={"Content-Type": JSON_TYPE})


def count(request: Request, query: Query, rows: Rows, *, tenant: Tenant, cache: PageCache) -> Answer:
    """Answer a `/$count` segment: plain text, only with ConsistencyLevel."""
    if not request.eventual:
        raise GraphError(400, "Request_BadRequest", "$count is not currently supported.")
    accept = request.headers.get("accept", "*/*").lower()
    if "text/plain" not in accept and "*/*" not in accept:
        message = "A supported MIME type could not be found that matches the acceptable MIME types for the request."
        raise GraphError(415, "UnsupportedMediaType", message)
    key = (tenant.tenant_id, tenant.version, request.path, query.filter_text)
    positions = cache.matches(key, lambda: matching(rows, query))
    return Answer(body=Body(str(len(positions)).encode()), headers={"Content-Type": "text/plain"})
