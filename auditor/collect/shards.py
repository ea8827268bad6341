"""Divides the users of a large tenant into shards of similar size that together cover every user."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pyarrow as pa
from msgspec import Struct

from auditor.collect.tables.page_decoder import Decoder
from auditor.failures import in_task
from auditor.graph import requests
from auditor.graph.client import Graph
from auditor.graph.errors import Fault, FaultError, FaultKind
from auditor.graph.response_body import decode_count

MIN_SHARDED_USERS = 8_000
"""Users from which sharding is faster than one list."""
_MAX_SHARDS = 32
_MIN_SHARD_USERS = 2_000
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class Shards(Struct, frozen=True, kw_only=True):
    """OData filters over users that together match every user; None matches all, as the single default filter."""

    filters: tuple[str | None, ...] = (None,)

    @classmethod
    def between(cls, bounds: list[str]) -> "Shards":
        """Return the shards between user principal names; each bound belongs to both of its neighbours.

        In whichever collation Graph compares names, the shards together contain every name, so no user is omitted. A
        user whose name is a bound is read twice and deduplicated by id.
        """
        if not bounds:
            return cls()
        literals = [requests.quoted(bound) for bound in bounds]
        name = "userPrincipalName"
        inner = [f"{name} ge {low} and {name} le {high}" for low, high in pairwise(literals)]
        return cls(filters=(f"{name} le {literals[0]}", *inner, f"{name} ge {literals[-1]}"))

    @property
    def is_divided(self) -> bool:
        """Whether there is more than one shard."""
        return len(self.filters) > 1

    async def read(self, read_list: Callable[[str | None], Awaitable[Fault | None]]) -> list[Fault]:
        """Read all shards concurrently; return the faults that ended lists early.

        If Graph rejects a filter in this tenant, one list without filters is read instead.
        """
        results = await asyncio.gather(*(in_task(read_list, filter_) for filter_ in self.filters))
        faults = [fault for fault in results if fault is not None]
        if self.is_divided and any(fault.kind is FaultKind.UNSUPPORTED for fault in faults):
            fault = await read_list(None)
            return [] if fault is None else [fault]
        return faults


async def sample_names(graph: Graph, page: pa.RecordBatch) -> list[str]:
    """Return the sorted user principal names of a page; if it has none, of one that is requested, if it can be read."""
    if "userPrincipalName" not in page.schema.names:
        select = ("id", "userPrincipalName")
        try:
            page = (await graph.answer(requests.users(graph, select), Decoder(select))).value.rows
        except FaultError:
            return []
    return sorted({name.lower() for name in page.column("userPrincipalName").to_pylist() if name})


async def plan_shards(graph: Graph, expected: int, sample: list[str]) -> Shards:
    """Return shards with bounds from a sample of names, corrected by counts if the sample is not representative."""
    shard_count = min(_MAX_SHARDS, max(2, expected // _MIN_SHARD_USERS))
    try:
        if len(sample) < 2 * shard_count:
            return Shards()
        bounds = _quantiles(sample, shard_count)
        counts = await _count_up_to(graph, bounds)
        if _is_balanced(counts, expected, shard_count):
            return Shards.between(bounds)
        bounds = await _prefix_bounds(graph, sample, expected)
        return Shards.between(_without_small_shards(bounds, await _count_up_to(graph, bounds), expected, shard_count))
    except FaultError:
        # If the fault persists, it also ends the list of users and is reported there.
        return Shards()


def _quantiles(sample: list[str], shard_count: int) -> list[str]:
    return sorted({sample[len(sample) * index // shard_count] for index in range(1, shard_count)})


def _is_balanced(counts: list[int], expected: int, shard_count: int) -> bool:
    edges = [0, *counts, expected]
    return max(high - low for low, high in pairwise(edges)) <= 2 * expected / shard_count + _MIN_SHARD_USERS


async def _count_up_to(graph: Graph, bounds: list[str]) -> list[int]:
    """Return the number of users up to each bound."""
    calls = [requests.user_count(graph, filter_=f"userPrincipalName le {requests.quoted(bound)}") for bound in bounds]
    return [answer.value for answer in await asyncio.gather(*(graph.answer(call, decode_count) for call in calls))]


async def _prefix_bounds(graph: Graph, sample: list[str], expected: int) -> list[str]:
    """Return bounds that begin with the longest common prefix of most users, for names such as user000001."""
    name = sample[len(sample) // 2].split("@")[0]
    prefixes = [name[:length] for length in range(1, min(len(name), 12) + 1)]
    calls = [
        requests.user_count(graph, filter_=f"startswith(userPrincipalName,{requests.quoted(prefix)})")
        for prefix in prefixes
    ]
    counts = await asyncio.gather(*(graph.answer(call, decode_count) for call in calls))
    common = ""
    for prefix, answer in zip(prefixes, counts, strict=True):
        if answer.value >= 0.7 * expected:
            common = prefix
    return [common + character for character in _ALPHABET]


def _without_small_shards(bounds: list[str], counts: list[int], expected: int, shard_count: int) -> list[str]:
    """Drop bounds that would make shards smaller than half of the intended size."""
    remaining, lower_count = [], 0
    for bound, count in zip(bounds, counts, strict=True):
        if count - lower_count >= expected / shard_count / 2:
            remaining.append(bound)
            lower_count = count
    return remaining
