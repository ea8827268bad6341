"""A large tenant's users into shares of like size that together are everybody, whatever the order of names is."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa

from auditor.collect.context import CollectionContext
from auditor.collect.json_pages import number
from auditor.collect.tables.user_decoder import Decoder
from auditor.graph import requests
from auditor.graph.errors import FaultError

SHARDED_FROM = 8_000
"""Users from which on dividing pays."""
_MOST = 32
_SMALLEST = 2_000
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """Filters over users that leave nobody out; None is the filter that lets everybody through."""

    filters: tuple[str | None, ...]

    @classmethod
    def whole(cls) -> "Shards":
        """One share: everybody."""
        return cls(filters=(None,))

    @property
    def divided(self) -> bool:
        """Whether there is more than one."""
        return len(self.filters) > 1


def between(bounds: list[str]) -> Shards:
    """Return shares with these bounds, each in both of its neighbours.

    Whatever order Graph sorts by, going through the bounds from the first to the last passes every name at least
    once, so nobody is left out; who is a bound comes twice and is kept once.
    """
    if not bounds:
        return Shards.whole()
    marks = [requests.quoted(bound) for bound in bounds]
    name = "userPrincipalName"
    inner = [f"{name} ge {low} and {name} le {high}" for low, high in pairwise(marks)]
    return Shards(filters=(f"{name} le {marks[0]}", *inner, f"{name} ge {marks[-1]}"))


async def sample_names(reading: CollectionContext) -> list[str]:
    """Return the names on a first page, sorted; none where there is no such page."""
    decoder = Decoder(("id", "userPrincipalName"))
    try:
        call = requests.users(reading.graph, ("id", "userPrincipalName"))
        page = (await reading.graph.answer(call, decoder)).value.rows
    except FaultError:
        return []
    return names_of(page)


def names_of(page: pa.RecordBatch) -> list[str]:
    """Return the names of users, sorted."""
    return sorted({name.lower() for name in page.column("userPrincipalName").to_pylist() if name})


async def plan(reading: CollectionContext, expected: int, sample: list[str]) -> Shards:
    """Choose bounds from the names on a first page, and from counts where that page is no fair sample."""
    wanted = min(_MOST, max(2, expected // _SMALLEST))
    try:
        if len(sample) < 2 * wanted:
            return Shards.whole()
        bounds = _quantiles(sample, wanted)
        below = await _counts(reading, bounds)
        if _even(below, expected, wanted):
            return between(bounds)
        bounds = await _by_prefix(reading, sample, expected)
        return between(_balanced(bounds, await _counts(reading, bounds), expected, wanted))
    except FaultError:
        # What keeps the plan from being made will be told by the reading itself, if it keeps that from being done.
        return Shards.whole()


def _quantiles(sample: list[str], wanted: int) -> list[str]:
    return sorted({sample[len(sample) * place // wanted] for place in range(1, wanted)})


def _even(below: list[int], expected: int, wanted: int) -> bool:
    edges = [0, *below, expected]
    return max(high - low for low, high in pairwise(edges)) <= 2 * expected / wanted + _SMALLEST


async def _counts(reading: CollectionContext, bounds: list[str]) -> list[int]:
    """Return how many users each bound has below it."""
    calls = [
        requests.user_count(reading.graph, filter_=f"userPrincipalName le {requests.quoted(bound)}") for bound in bounds
    ]
    return [answer.value for answer in await asyncio.gather(*(reading.graph.answer(call, number) for call in calls))]


async def _by_prefix(reading: CollectionContext, sample: list[str], expected: int) -> list[str]:
    """Return bounds below the longest prefix that most users share: names such as user000001 differ late."""
    name = sample[len(sample) // 2].split("@")[0]
    prefixes = [name[:length] for length in range(1, min(len(name), 12) + 1)]
    calls = [
        requests.user_count(reading.graph, filter_=f"startswith(userPrincipalName,{requests.quoted(prefix)})")
        for prefix in prefixes
    ]
    counts = await asyncio.gather(*(reading.graph.answer(call, number) for call in calls))
    common = ""
    for prefix, answer in zip(prefixes, counts, strict=True):
        if answer.value >= 0.7 * expected:
            common = prefix
    return [common + character for character in _ALPHABET]


def _balanced(bounds: list[str], below: list[int], expected: int, wanted: int) -> list[str]:
    """Leave out bounds that would make shares smaller than wanted."""
    kept, edge = [], 0
    for bound, count in zip(bounds, below, strict=True):
        if count - edge >= expected / wanted / 2:
            kept.append(bound)
            edge = count
    return kept
