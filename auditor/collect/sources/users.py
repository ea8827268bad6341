"""Reads all users of a tenant, in shards if there are many, and compares their number with Graph's count."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pyarrow as pa

from auditor.collect.context import CollectionContext
from auditor.collect.permissions import Permission
from auditor.collect.shards import MIN_SHARDED_USERS, Shards, plan_shards, sample_names
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.page_decoder import AGENT, PARENT, Decoder
from auditor.domain.enums import Source
from auditor.domain.message import Count, Message
from auditor.failures import in_task
from auditor.graph import requests
from auditor.graph.errors import Fault, FaultError, FaultKind
from auditor.graph.paging import pages
from auditor.graph.rate_limit import units_per_ten_seconds
from auditor.graph.response_body import decode_count

_REREAD_USERS = 20_000
"""Number of users up to which a single missing user causes the list to be read again."""


async def _count_users(context: CollectionContext) -> int | None:
    """Return Graph's count of users, and set the quota by it; None if Graph returns no count."""
    try:
        answer = await context.graph.answer(requests.user_count(context.graph), decode_count)
    except FaultError:
        return None
    context.graph.quota.set_limit(units_per_ten_seconds(answer.value))
    return answer.value


async def _read(context: CollectionContext) -> SourceResult:
    """Read every user with the properties that the needs name; sets `context.shards` and then `context.users`."""
    select = tuple(sorted({*context.needs.user_properties, "id"} - {"signInActivity", "mailboxType"}))
    decoder = Decoder(select)
    spool = Spool(context.folder, "users", decoder.schema)
    asked = tuple(PARENT if name == AGENT else name for name in select)
    batches = pages(context.graph, requests.users(context.graph, asked), decoder)
    try:
        # Read count and first page concurrently: the page is complete for a small tenant, and a sample of a large one.
        expected, first = await asyncio.gather(in_task(_count_users, context), in_task(_first_page, batches))
        if AGENT in select and isinstance(first, Fault) and first.kind is FaultKind.UNSUPPORTED:
            # In this cloud users have no identityParentId; the object type, which is always sent, identifies agents.
            asked = tuple(name for name in asked if name != PARENT)
            batches = pages(context.graph, requests.users(context.graph, asked), decoder)
            first = await _first_page(batches)
        context.progress.expect(context.tenant, Source.USERS, expected)
        shards = Shards()
        if expected is not None and expected >= MIN_SHARDED_USERS and not isinstance(first, Fault):
            sample = await sample_names(context.graph, first)
            shards = await plan_shards(context.graph, expected, sample)
        context.shards.set_result(shards)
    finally:
        if not context.shards.done():
            context.shards.set_result(Shards())
    if shards.is_divided:
        faults = await _read_shards(context, asked, decoder, spool, shards)
    else:
        fault = first if isinstance(first, Fault) else await _read_list(context, _chained(first, batches), spool)
        faults = [] if fault is None else [fault]
    shortfall, without_id = None, decoder.without_id
    if not faults and expected is not None:
        missing = expected - spool.distinct()
        if missing > (0 if expected <= _REREAD_USERS else _tolerance(expected)):
            # Read the list again for users that moved between pages or were lost with a link.
            faults = await _read_shards(context, asked, decoder, spool, Shards())
            without_id = decoder.without_id - without_id
            shortfall = None if faults else shortfall_of(expected, spool.distinct())
    if without_id:
        shortfall = Message(
            "users without an id: {without_id}; {shortfall}",
            without_id=Count(without_id),
            shortfall=shortfall or Message("report it to Microsoft"),
        )
    coverage = context.make_coverage(Source.USERS, spool.distinct(), faults, asked=select, shortfall=shortfall)
    context.users.set_result(spool)
    context.user_coverage.set_result(coverage)
    return SourceResult(coverage=(coverage,), users=spool)


def shortfall_of(expected: int, listed: int) -> Message | None:
    """Return why a list of users that was read twice is incomplete; None if it is as long as expected, or nearly."""
    if expected - listed <= _tolerance(expected):
        return None
    return Message(
        "Graph counts {expected} users, but twice listed only {expected2} of them; "
        "collect again later, when its index is up to date",
        expected=Count(expected),
        expected2=Count(listed),
    )


async def _first_page(batches: AsyncIterator[pa.RecordBatch]) -> pa.RecordBatch | Fault:
    """Read the first page of a list; return the fault if that fails."""
    try:
        return await anext(batches)
    except FaultError as error:
        return error.fault


async def _chained(first: pa.RecordBatch, others: AsyncIterator[pa.RecordBatch]) -> AsyncIterator[pa.RecordBatch]:
    yield first
    async for batch in others:
        yield batch


def _tolerance(expected: int) -> int:
    """Return how many users may be missing: the count comes from a separate index that lags behind."""
    return max(1, expected // 1000)


async def _read_shards(
    context: CollectionContext, select: tuple[str, ...], decoder: Decoder, spool: Spool, shards: Shards
) -> list[Fault]:
    async def read_shard(filter_: str | None) -> Fault | None:
        call = requests.users(context.graph, select, filter_=filter_)
        return await _read_list(context, pages(context.graph, call, decoder), spool)

    return await shards.read(read_shard)


async def _read_list(context: CollectionContext, batches: AsyncIterator[pa.RecordBatch], spool: Spool) -> Fault | None:
    """Add every page of a list to the spool; return the fault that ended the list early, if any."""
    try:
        async for batch in batches:
            spool.add(batch)
            context.progress.advance(context.tenant, Source.USERS, batch.num_rows)
    except FaultError as error:
        return error.fault
    return None


USERS: Final = CollectionSource(
    fills=(Source.USERS,),
    permissions=(
        Permission(
            name="User.Read.All",
            role_id="df021288-bdef-4463-88db-98f22de89214",
            included_in=("Directory.Read.All", "User.ReadWrite.All", "Directory.ReadWrite.All"),
        ),
    ),
    read=_read,
)
