"""Reads the pages of a Graph list; restarts the list when Graph rejects a page token, and stops at loops."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar

from msgspec import Struct

from auditor.domain.message import Count, Message
from auditor.graph.client import Call, Graph
from auditor.graph.errors import FaultError, FaultKind, fault_error

T = TypeVar("T")

MAX_RESTARTS = 4
"""Restarts of one list before its fault is raised."""
MAX_PAGES = 100_000
"""Pages of one list: ten times what the largest tenants need, in case a server never ends a list."""


class ObjectPage(Struct, Generic[T], frozen=True, kw_only=True):
    """A decoded page of a list; a page may be empty although others follow."""

    rows: T
    link: str | None
    """`@odata.nextLink`: the address of the next page, or None on the last one."""


_LOST_PAGE: Final = frozenset({FaultKind.PAGE_EXPIRED, FaultKind.PAGE_UNKNOWN})
"""Rejections of a link; the list is then read again from an earlier link."""


async def pages(
    graph: Graph,
    call: Call,
    decode: Callable[[bytes], ObjectPage[T]],
    *,
    start: str | None = None,
    before_page: Callable[[], Awaitable[None]] | None = None,
    throttled: Callable[[], None] | None = None,
) -> AsyncIterator[T]:
    """Yield the rows of every page of a list. Rows repeat after a restart, so the caller deduplicates them by id.

    The list begins at `start`, a link that Graph gave earlier, if there is one. `before_page` is
    awaited before each request. Graph may reject the page token of an answer that took a retry: the list then continues
    from the last token of an answer without one. An expired token restarts the list.

    Raises FaultError after MAX_RESTARTS restarts or MAX_PAGES pages, and for any fault that is not about a page token.
    """
    # Every link that was followed → whether the list may continue from it. The last one is that of the current page.
    links: dict[str | None, bool] = {None: True}
    if start is not None:
        links[start] = False
    restarts = 0
    for _ in range(MAX_PAGES):
        link = next(reversed(links))
        if before_page is not None:
            await before_page()
        try:
            answer = await graph.answer(call, decode, link=link, throttled=throttled)
        except FaultError as error:
            restarts += 1
            if error.fault.kind not in _LOST_PAGE or link is None or restarts > MAX_RESTARTS:
                raise
            links = _usable_links(links) if error.fault.kind is FaultKind.PAGE_UNKNOWN else {None: True}
            continue
        yield answer.value.rows
        next_link = answer.value.link
        if next_link is None:
            return
        if next_link in links:
            restarts += 1
            if restarts > MAX_RESTARTS:
                text = Message("{name} has pages that link back to an earlier page", name=call.name)
                raise fault_error(FaultKind.LOOP, text)
            links = {None: True}
            continue
        links[next_link] = not answer.retried
    text = Message("{name} has more than {most_pages} pages", name=call.name, most_pages=Count(MAX_PAGES))
    raise fault_error(FaultKind.LOOP, text)


def _usable_links(links: Mapping[str | None, bool]) -> dict[str | None, bool]:
    """Drop the rejected link and every link before it whose answer took a retry."""
    remaining = list(links.items())[:-1]
    while len(remaining) > 1 and not remaining[-1][1]:
        remaining.pop()
    return dict(remaining)
