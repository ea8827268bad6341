"""When users last signed in, in a pass of its own, because its pages are smaller, dearer and less to be trusted."""

import asyncio
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.context import CollectionContext
from auditor.collect.json_pages import whole
from auditor.collect.sharding import Shards
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.user_decoder import Decoder
from auditor.domain.enums import Source
from auditor.domain.result import Coverage
from auditor.failures import in_task
from auditor.graph import requests
from auditor.graph.errors import Fault, FaultError, GraphErrorKind
from auditor.graph.paging import pages
from auditor.graph.rate_limit import IntervalLimiter

_SELECT = ("id", "signInActivity")
_SMALL_PAGE = 100
"""A page at which Graph has not been seen to leave activity out."""
_PROBES = 8
"""Users without activity that are asked for singly; single reads are throttled at about ten a minute."""
_SLOWEST = 2.0
"""Seconds between requests that stay below the documented limit of the reporting service (5 in 10 s)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInsRead:
    """What the pass over sign-in activity brought."""

    coverage: Coverage
    spool: Spool


async def read_sign_ins(reading: CollectionContext, shards: "asyncio.Future[Shards]") -> SignInsRead:
    """Read the sign-in activity of everybody; where it seems to have been left out, in small pages once more."""
    decoder = Decoder(_SELECT)
    spool = Spool(reading.folder, "sign-ins", decoder.schema)
    divided = await shards
    faults = await _pass(reading, decoder, spool, divided, top=requests.SIGN_IN_PAGE_SIZE)
    too_large = any(fault.kind is GraphErrorKind.TOO_LARGE for fault in faults)
    if too_large or (not faults and await _left_out(reading, spool)):
        faults = await _pass(reading, decoder, spool, divided, top=_SMALL_PAGE)
    count = spool.distinct()
    coverage = reading.covered(Source.SIGN_IN_ACTIVITY, count, faults, asked=("signInActivity",))
    return SignInsRead(coverage=coverage, spool=spool)


async def _pass(reading: CollectionContext, decoder: Decoder, spool: Spool, shards: Shards, *, top: int) -> list[Fault]:
    pace = IntervalLimiter(sleep=reading.graph.retry_policy.sleep, clock=reading.graph.retry_policy.clock)
    at_once = asyncio.Semaphore(8)

    def slower() -> None:
        pace.slow(minimum=0.5, maximum=_SLOWEST)

    async def one(filter_: str | None) -> Fault | None:
        call = requests.users(reading.graph, _SELECT, top=top, filter_=filter_)
        try:
            async with at_once:
                async for batch in pages(reading.graph, call, decoder, before_page=pace.wait, throttled=slower):
                    spool.add(batch)
                    reading.progress.advance(reading.tenant, Source.SIGN_IN_ACTIVITY, batch.num_rows)
        except FaultError as error:
            return error.fault
        return None

    ended = await asyncio.gather(*(in_task(one, each) for each in shards.filters))
    faults = [fault for fault in ended if fault is not None]
    if shards.divided and any(fault.kind is GraphErrorKind.UNSUPPORTED for fault in faults):
        found = await one(None)
        return [] if found is None else [found]
    return faults


async def _left_out(reading: CollectionContext, spool: Spool) -> bool:
    """Ask for some of those who seem never to have signed in one by one, to see whether there is activity after all.

    Large pages have silently come back without it for some users.
    """
    suspects = _without_activity(spool)
    for user in suspects:
        try:
            answer = await reading.graph.answer(requests.user(reading.graph, user, _SELECT), whole)
        except FaultError as error:
            if error.fault.kind is GraphErrorKind.MISSING:
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
    """Return some users without any stamp, spread over all of them."""
    found: list[str] = []
    for table in spool.tables():
        activity = table["signInActivity"].combine_chunks()
        stamps = [pc.struct_field(activity, name) for name in activity.type.names]
        never = pc.and_(pc.and_(_none(stamps[0]), _none(stamps[1])), _none(stamps[2]))
        found.extend(table["id"].filter(never).to_pylist()[: 1 << 14])
    step = max(1, len(found) // _PROBES)
    return found[::step][:_PROBES]


def _none(stamps: pa.Array) -> pa.Array:
    return pc.or_(pc.is_null(stamps), pc.fill_null(pc.or_(pc.equal(stamps, ""), pc.starts_with(stamps, "0001-")), True))  # noqa: FBT003
