"""All users of a tenant into a spool, in shards where the tenant is large, and counted against what Graph counts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pyarrow as pa

from auditor.collect.context import CollectionContext
from auditor.collect.json_pages import number
from auditor.collect.sharding import SHARDED_FROM, Shards, names_of, plan, sample_names
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.user_decoder import Decoder
from auditor.domain.enums import Source
from auditor.domain.message import Message
from auditor.domain.result import Coverage
from auditor.failures import in_task
from auditor.graph import requests
from auditor.graph.errors import Fault, FaultError, GraphErrorKind
from auditor.graph.paging import pages
from auditor.graph.rate_limit import units_per_ten_seconds

_CHEAP = 20_000
"""Users up to which the list is read again for the sake of a single one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersRead:
    """What the pass over the users brought."""

    coverage: Coverage
    spool: Spool


async def count_users(reading: CollectionContext) -> int | None:
    """Return how many users Graph counts; None where it does not tell (B2C tenants, an outage)."""
    try:
        answer = await reading.graph.answer(requests.user_count(reading.graph), number)
    except FaultError:
        return None
    reading.graph.quota.set_limit(units_per_ten_seconds(answer.value))
    return answer.value


async def read_users(reading: CollectionContext, shards: "asyncio.Future[Shards]") -> UsersRead:
    """Read every user with the properties the needs name. `shards` is set as soon as it is known how to divide them."""
    select = tuple(sorted({*reading.needs.user_properties, "id"} - {"signInActivity", "mailboxType"}))
    decoder = Decoder(select)
    spool = Spool(reading.folder, "users", decoder.schema)
    beginning = _Beginning(pages(reading.graph, requests.users(reading.graph, select), decoder))
    try:
        # A small tenant's first page is its only one, a large tenant's is a sample of it: neither waits for the count.
        expected, _ = await asyncio.gather(in_task(count_users, reading), in_task(beginning.read))
        reading.progress.expect(reading.tenant, Source.USERS, expected)
        divided = Shards.whole()
        if expected is not None and expected >= SHARDED_FROM:
            divided = await plan(reading, expected, await _names(reading, beginning))
        shards.set_result(divided)
    finally:
        if not shards.done():
            shards.set_result(Shards.whole())
    if divided.divided:
        faults = await _pass(reading, select, decoder, spool, divided)
    else:
        fault = await _all(reading, beginning.batches(), spool)
        faults = [] if fault is None else [fault]
    shortfall = None
    if not faults and expected is not None:
        missing = expected - spool.distinct()
        if missing > (0 if expected <= _CHEAP else _tolerance(expected)):
            # Read once more: users that were moved between pages, or cut off with a lost link, show up now.
            faults = await _pass(reading, select, decoder, spool, Shards.whole())
            missing = expected - spool.distinct()
            if not faults and missing > _tolerance(expected):
                shortfall = Message(
                    "Graph counts {expected} users and listed {expected2} of them, twice; collect again "
                    "later, when its index has caught up",
                    expected=expected,
                    expected2=expected - missing,
                )
    if decoder.without_id:
        shortfall = Message(
            "users that came without an id: {without_id}; {shortfall}",
            without_id=decoder.without_id,
            shortfall=shortfall or "report it to Microsoft",
        )
    coverage = reading.covered(Source.USERS, spool.distinct(), faults, asked=select, shortfall=shortfall)
    return UsersRead(coverage=coverage, spool=spool)


class _Beginning:
    """A list of everybody whose first page is read before it is known whether the rest will be."""

    def __init__(self, batches: AsyncIterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._fault: FaultError | None = None
        self.first: pa.RecordBatch | None = None

    async def read(self) -> None:
        """Read the first page; what keeps it from being read is told to whoever reads on."""
        try:
            self.first = await anext(self._batches)
        except FaultError as error:
            self._fault = error

    async def batches(self) -> AsyncIterator[pa.RecordBatch]:
        """Yield every page, the first among them."""
        if self._fault is not None:
            raise self._fault
        if self.first is not None:
            first, self.first = self.first, None
            yield first
        async for batch in self._batches:
            yield batch


async def _names(reading: CollectionContext, beginning: _Beginning) -> list[str]:
    """Return the sorted names on a first page; where it came without names, it is read once more with them."""
    if beginning.first is None:
        return []
    if "userPrincipalName" not in beginning.first.schema.names:
        return await sample_names(reading)
    return names_of(beginning.first)


def _tolerance(expected: int) -> int:
    """Return how many users may be missing: the count comes from an index of its own that lags behind."""
    return max(1, expected // 1000)


async def _pass(
    reading: CollectionContext, select: tuple[str, ...], decoder: Decoder, spool: Spool, shards: Shards
) -> list[Fault]:
    """Read all shards at once; a filter that Graph does not take here turns into one list without it."""

    async def one(filter_: str | None) -> Fault | None:
        call = requests.users(reading.graph, select, filter_=filter_)
        return await _all(reading, pages(reading.graph, call, decoder), spool)

    ended = await asyncio.gather(*(in_task(one, each) for each in shards.filters))
    faults = [fault for fault in ended if fault is not None]
    if shards.divided and any(fault.kind is GraphErrorKind.UNSUPPORTED for fault in faults):
        found = await one(None)
        return [] if found is None else [found]
    return faults


async def _all(reading: CollectionContext, batches: AsyncIterator[pa.RecordBatch], spool: Spool) -> Fault | None:
    """Put every page of a list into the spool; returns what ended it early, if something did."""
    try:
        async for batch in batches:
            spool.add(batch)
            reading.progress.advance(reading.tenant, Source.USERS, batch.num_rows)
    except FaultError as error:
        return error.fault
    return None
