"""Returns one page of a directory collection for a parsed query: filters, sorts, counts, links and caches."""

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
    starting: Callable[[str, str], Sequence[int] | None] = lambda name, prefix: None  # noqa: ARG005


class PageCache:
    """Caches rendered pages, evicting the least recently used, and the positions that match a query."""

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self._limit = limit
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
        while self._size > self._limit and len(self._pages) > 1:
            self._size -= len(self._pages.popitem(last=False)[1].plain)
        return body

    def matches(self, key: tuple[Any, ...], compute: Callable[[], Sequence[int]]) -> Sequence[int]:
        positions = self._matches.get(key)
        if positions is None:
            positions = self._matches[key] = compute()
            if len(self._matches) > 256:
                self._matches.popitem(last=False)
        return positions


def matching(rows: Rows, query: Query, kind: Kind) -> Sequence[int]:
    """Return the positions that match $filter and $search, sorted by $orderby."""
    positions: Sequence[int] = rows.positions
    if query.filter is not None:
        prefix = query.filter.prefix
        indexed = rows.starting(*prefix) if prefix is not None else None
        if indexed is not None:
            positions = indexed
        else:
            predicate = query.filter.matches
            positions = [position for position in positions if predicate(partial(rows.value, position))]
    if query.search:
        positions = [position for position in positions if _matches_search(rows, position, query.search)]
    for name, descending in reversed(query.order):
        if name not in kind.names:
            raise GraphError(400, "BadRequest", f"Could not find a property named '{name}' on type '{kind.name}'.")
        positions = sorted(positions, key=partial(_sort_key, rows, name), reverse=descending)
    return positions


def _sort_key(rows: Rows, name: str, position: int) -> str:
    return str(rows.value(position, name) or "").casefold()


def _matches_search(rows: Rows, position: int, text: str) -> bool:
    name, _, wanted = text.partition(":")
    return wanted.casefold() in str(rows.value(position, name) or "").casefold()


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


def next_link(request: Request, token: str, *, parameter: str = "$skiptoken") -> str:
    """Return the request's URL with a page token: it keeps every parameter, but no header."""
    carried = [(name, value) for name, value in request.query if name.lower() not in {"$skiptoken", "$deltatoken"}]
    pairs = [*carried, (parameter, token)]
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
    matched = (*key, query.filter_text, query.search, query.order)
    found = cache.matches(matched, lambda: matching(rows, query, kind))
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


def count(request: Request, query: Query, rows: Rows, *, tenant: Tenant, kind: Kind, cache: PageCache) -> Answer:
    """Answer a `/$count` segment: plain text, only with ConsistencyLevel."""
    if not request.eventual:
        raise GraphError(400, "Request_BadRequest", "$count is not currently supported.")
    accept = request.headers.get("accept", "*/*").lower()
    if "text/plain" not in accept and "*/*" not in accept:
        message = "A supported MIME type could not be found that matches the acceptable MIME types for the request."
        raise GraphError(415, "UnsupportedMediaType", message)
    if "signInActivity" in (query.filter.properties if query.filter else ()):
        raise GraphError(502, "BadGateway", "")
    key = (tenant.tenant_id, tenant.version, request.path, query.filter_text, query.search, query.order)
    positions = cache.matches(key, lambda: matching(rows, query, kind))
    return Answer(body=Body(str(len(positions)).encode()), headers={"Content-Type": "text/plain"})
