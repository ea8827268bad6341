"""Turns a call into the pages of its list: restarted when Graph forgets the place, and never round in circles."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from auditor.domain.message import Message
from auditor.graph.client import Call, Graph
from auditor.graph.errors import REMEDIES, FaultError, GraphErrorKind, fault

T = TypeVar("T")

RESTARTS = 4
"""How often one list may be begun again."""
MOST_PAGES = 100_000
"""Pages of one list; ten times as many as the largest tenants need, where a server never says that a list is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPage(Generic[T]):
    """Some objects of a list; a page may be empty though others follow."""

    rows: T
    link: str | None
    """Where the list goes on."""


_LOST_PAGE: Final = frozenset({GraphErrorKind.PAGE_EXPIRED, GraphErrorKind.PAGE_UNKNOWN})
"""Refusals of a link after which a list is read again from an earlier one."""


async def pages(
    graph: Graph,
    call: Call,
    decode: Callable[[bytes], ObjectPage[T]],
    *,
    start: str | None = None,
    turn: "Callable[[], object] | None" = None,
    throttled: Callable[[], None] | None = None,
) -> AsyncIterator[T]:
    """Yield the rows of every page; after a restart rows come again, so whoever takes them tells them apart by id.

    With `start`, a link that Graph gave, the list goes on from there; a restart may still begin it anew.
    A place that a retried request gave may be refused: the list goes on from the last one that an unretried request
    gave; a place that has expired begins the list anew. Raises FaultError after RESTARTS of either.
    """
    trail: list[tuple[str | None, bool]] = [(None, True)]
    known: set[str] = set()
    if start is not None:
        trail.append((start, False))
        known.add(start)
    restarts = 0
    for _ in range(MOST_PAGES):
        link = trail[-1][0]
        if turn is not None:
            waiting = turn()
            if hasattr(waiting, "__await__"):
                await waiting
        try:
            answer = await graph.answer(call, decode, link=link, throttled=throttled)
        except FaultError as error:
            restarts += 1
            if error.fault.kind not in _LOST_PAGE or link is None or restarts > RESTARTS:
                raise
            trail = _clean(trail) if error.fault.kind is GraphErrorKind.PAGE_UNKNOWN else [(None, True)]
            known = {seen for seen, _ in trail if seen is not None}
            continue
        yield answer.value.rows
        following = answer.value.link
        if following is None:
            return
        if following in known:
            restarts += 1
            if restarts > RESTARTS:
                raise _endless(Message("{name} leads round in circles", name=call.name))
            trail, known = [(None, True)], set()
            continue
        known.add(following)
        trail.append((following, not answer.retried))
    raise _endless(Message("{name} goes on after {most_pages} pages", name=call.name, most_pages=f"{MOST_PAGES:,}"))


def _endless(message: str) -> FaultError:
    return FaultError(fault(GraphErrorKind.LOOP, message, remedy=REMEDIES[GraphErrorKind.LOOP]))


def _clean(trail: list[tuple[str | None, bool]]) -> list[tuple[str | None, bool]]:
    """Drop the refused place and every place before it that a retried request gave."""
    shorter = trail[:-1]
    while len(shorter) > 1 and not shorter[-1][1]:
        shorter.pop()
    return shorter
