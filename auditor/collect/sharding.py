"""Divides the users of a large tenant into shards of similar size that together cover every user."""

import asyncio
from itertools import pairwise

import pyarrow as pa

from auditor.collect.context import CollectionContext
from auditor.collect.json_pages import decode_count
from auditor.collect.shards import Shards
from auditor.collect.tables.page_decoder import Decoder
from auditor.graph import requests
from auditor.graph.errors import FaultError

MIN_SHARDED_USERS = 8_000
"""Users from which sharding is faster than one list."""
_MAX_SHARDS = 32
_MIN_SHARD_USERS = 2_000
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


async def sample_names(context: CollectionContext) -> list[str]:
    """Return the sorted user principal names of a first page; an empty list if the page cannot be read."""
    decoder = Decoder(("id", "userPrincipalName"))
    try:
        call = requests.users(context.graph, ("id", "userPrincipalName"))
        page = (await context.graph.answer(call, decoder)).value.rows
    except FaultError:
        return []
    return names_of(page)


def names_of(page: pa.RecordBatch) -> list[str]:
    """Return the sorted user principal names of a page."""
    return sorted({name.lower() for name in page.column("userPrincipalName").to_pylist() if name})


async def plan_shards(context: CollectionContext, expected: int, sample: list[str]) -> Shards:
    """Return shards with bounds from a sample of names, corrected by counts if the sample is not representative."""
    shard_count = min(_MAX_SHARDS, max(2, expected // _MIN_SHARD_USERS))
    try:
        if len(sample) < 2 * shard_count:
            return Shards.whole()
        bounds = _quantiles(sample, shard_count)
        below = await _counts(context, bounds)
        if _even(below, expected, shard_count):
            return Shards.between(bounds)
        bounds = await _by_prefix(context, sample, expected)
        return Shards.between(_balanced(bounds, await _counts(context, bounds), expected, shard_count))
    except FaultError:
        # The same fault, if it persists, will end the list of users and be reported there.
        return Shards.whole()


def _quantiles(sample: list[str], shard_count: int) -> list[str]:
    return sorted({sample[len(sample) * index // shard_count] for index in range(1, shard_count)})


def _even(below: list[int], expected: int, shard_count: int) -> bool:
    edges = [0, *below, expected]
    return max(high - low for low, high in pairwise(edges)) <= 2 * expected / shard_count + _MIN_SHARD_USERS


async def _counts(context: CollectionContext, bounds: list[str]) -> list[int]:
    """Return for each bound the number of users up to it."""
    calls = [
        requests.user_count(context.graph, filter_=f"userPrincipalName le {requests.quoted(bound)}") for bound in bounds
    ]
    return [
        answer.value for answer in await asyncio.gather(*(context.graph.answer(call, decode_count) for call in calls))
    ]


async def _by_prefix(context: CollectionContext, sample: list[str], expected: int) -> list[str]:
    """Return bounds after the longest prefix that most users share: names such as user000001 differ late."""
    name = sample[len(sample) // 2].split("@")[0]
    prefixes = [name[:length] for length in range(1, min(len(name), 12) + 1)]
    calls = [
        requests.user_count(context.graph, filter_=f"startswith(userPrincipalName,{requests.quoted(prefix)})")
        for prefix in prefixes
    ]
    counts = await asyncio.gather(*(context.graph.answer(call, decode_count) for call in calls))
    common = ""
    for prefix, answer in zip(prefixes, counts, strict=True):
        if answer.value >= 0.7 * expected:
            common = prefix
    return [common + character for character in _ALPHABET]


def _balanced(bounds: list[str], below: list[int], expected: int, shard_count: int) -> list[str]:
    """Drop bounds that would make shards smaller than half of the intended size."""
    balanced, edge = [], 0
    for bound, count in zip(bounds, below, strict=True):
        if count - edge >= expected / shard_count / 2:
            balanced.append(bound)
            edge = count
    return balanced
