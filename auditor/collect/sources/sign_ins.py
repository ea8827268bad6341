"""Reads when users last signed in, in separate requests: their pages are smaller, costlier and less reliable."""

import asyncio
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.context import CollectionContext
from auditor.collect.permissions import Permission
from auditor.collect.shards import Shards
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.users import USERS, shortfall_of
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.page_decoder import MALFORMED, Decoder
from auditor.collect.tables.row_groups import UserRows, one_array
from auditor.collect.tables.timestamps import timestamps
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.graph import requests
from auditor.graph.errors import Fault, FaultError, FaultKind
from auditor.graph.paging import pages
from auditor.graph.rate_limit import IntervalLimiter
from auditor.graph.response_body import decode_object
from auditor.snapshot.schema import SIGN_IN_COLUMNS

_SELECT = ("id", "signInActivity")
_SMALL_PAGE = 100
"""A page size at which Graph has not been seen to omit activity."""
_MAX_CONCURRENCY = 8
_PROBES = 8
"""Users without activity that are read one by one; such requests are throttled at about ten a minute."""
_MAX_INTERVAL = 2.0
"""Seconds between requests that stay within the limit of the reporting service (5 in 10 s)."""


async def _read(context: CollectionContext) -> SourceResult:
    """Read the sign-in activity of all users; read it again in small pages if Graph omitted users or activity."""
    decoder = Decoder(_SELECT)
    spool = Spool(context.folder, "sign-ins", decoder.schema)
    shards = await context.shards
    faults = await _read_pages(context, decoder, spool, shards, top=requests.SIGN_IN_PAGE_SIZE)
    too_large = any(fault.kind is FaultKind.TOO_LARGE for fault in faults)
    count = spool.distinct()
    omitted = not faults and await _is_activity_omitted(context, spool)
    if too_large or omitted or (not faults and await _shortfall(context, count)):
        faults = await _read_pages(context, decoder, spool, shards, top=_SMALL_PAGE)
        count = spool.distinct()
    shortfall = None if faults else await _shortfall(context, count)
    if omitted and not faults and await _is_activity_omitted(context, spool):
        shortfall = Message("Graph twice omitted the sign-ins of users who have some; collect again later")
    coverage = context.make_coverage(
        Source.SIGN_IN_ACTIVITY,
        count,
        faults,
        asked=("signInActivity",),
        shortfall=shortfall,
    )
    return SourceResult(coverage=(coverage,), users=spool)


async def _shortfall(context: CollectionContext, count: int) -> Message | None:
    """Return a shortfall if users are missing who are in the list of users, as after a link that Graph lost."""
    users = await context.user_coverage
    return shortfall_of(users.count, count) if users.status is SourceStatus.COMPLETE else None


def _join(users: UserRows, rows: pa.Table) -> None:
    """Add the timestamps of the users; those without a row are marked as not collected."""
    users.mark_not_collected("signInActivity", pc.is_null(one_array(rows["id"])))
    activity = one_array(rows["signInActivity"])
    for name in SIGN_IN_COLUMNS:
        instants, malformed = timestamps(pc.struct_field(activity, name))
        users.set_column(name, instants)
        users.mark_not_collected("signInActivity", malformed)
    users.mark_not_collected("signInActivity", pc.is_valid(one_array(rows[MALFORMED])))


async def _read_pages(
    context: CollectionContext, decoder: Decoder, spool: Spool, shards: Shards, *, top: int
) -> list[Fault]:
    limiter = IntervalLimiter(sleep=context.graph.retry_policy.sleep, clock=context.graph.retry_policy.clock)
    slots = asyncio.Semaphore(_MAX_CONCURRENCY)

    def slow_down() -> None:
        limiter.slow(minimum=0.5, maximum=_MAX_INTERVAL)

    async def read_shard(filter_: str | None) -> Fault | None:
        call = requests.users(context.graph, _SELECT, top=top, filter_=filter_)
        try:
            async with slots:
                async for batch in pages(context.graph, call, decoder, before_page=limiter.wait, throttled=slow_down):
                    spool.add(batch)
                    context.progress.advance(context.tenant, Source.SIGN_IN_ACTIVITY, batch.num_rows)
        except FaultError as error:
            return error.fault
        return None

    return await shards.read(read_shard)


async def _is_activity_omitted(context: CollectionContext, spool: Spool) -> bool:
    """Read a sample of the users without activity one by one, and return whether one of them has activity after all.

    Large pages have been seen to omit it for some users without an error.
    """
    for user in _without_activity(spool):
        try:
            answer = await context.graph.answer(requests.user(context.graph, user, _SELECT), decode_object)
        except FaultError as error:
            if error.fault.kind is FaultKind.MISSING:
                continue
            return False
        activity = answer.value.get("signInActivity")
        if isinstance(activity, dict) and any(
            isinstance(value, str) and value and not value.startswith("0001-")
            for name, value in activity.items()
            if name.endswith("DateTime")
        ):
            return True
    return False


def _without_activity(spool: Spool) -> list[str]:
    """Return at most _PROBES users without any sign-in, spread over all users."""
    ids: list[str] = []
    for table in spool.tables():
        activity = table["signInActivity"].combine_chunks()
        texts = [pc.struct_field(activity, name) for name in activity.type.names]
        never = pc.and_(pc.and_(_is_never(texts[0]), _is_never(texts[1])), _is_never(texts[2]))
        ids.extend(table["id"].filter(never).to_pylist()[: 1 << 14])
    step = max(1, len(ids) // _PROBES)
    return ids[::step][:_PROBES]


def _is_never(texts: pa.Array) -> pa.Array:
    return pc.or_(pc.is_null(texts), pc.fill_null(pc.or_(pc.equal(texts, ""), pc.starts_with(texts, "0001-")), True))  # noqa: FBT003


SIGN_INS: Final = CollectionSource(
    fills=(Source.SIGN_IN_ACTIVITY,),
    permissions=(Permission(name="AuditLog.Read.All", role_id="b0afded3-3588-46d8-8b3d-9842eff778da"),),
    read=_read,
    requires=(USERS,),
    join=_join,
)
