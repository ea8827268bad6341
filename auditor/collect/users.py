"""All users of a tenant into a spool, in shards where the tenant is large, and counted against what Graph counts."""

import asyncio
from dataclasses import dataclass

from auditor.collect.pages import number
from auditor.collect.people import Decoder
from auditor.collect.reading import Reading
from auditor.collect.sharding import SHARDED_FROM, Shards, plan, sample_names
from auditor.collect.spool import Spool
from auditor.domain.result import Coverage
from auditor.domain.words import Source
from auditor.graph import requests
from auditor.graph.faults import Fault, FaultError, Kind
from auditor.graph.paging import pages
from auditor.graph.quota import units_per_ten_seconds

_CHEAP = 20_000
"""Users up to which the list is read again for the sake of a single one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsersRead:
    """What the pass over the users brought."""

    coverage: Coverage
    spool: Spool


async def count_users(reading: Reading) -> int | None:
    """Return how many users Graph counts; None where it does not tell (B2C tenants, an outage)."""
    try:
        answer = await reading.graph.answer(requests.user_count(reading.graph), number)
    except FaultError:
        return None
    reading.graph.quota.allow(units_per_ten_seconds(answer.value))
    return answer.value


async def read_users(reading: Reading, shards: "asyncio.Future[Shards]") -> UsersRead:
    """Read every user with the properties the needs name. `shards` is set as soon as it is known how to divide them."""
    select = tuple(sorted({*reading.needs.user_properties, "id"} - {"signInActivity", "mailboxType"}))
    decoder = Decoder(select)
    spool = Spool(reading.folder, "users", decoder.schema)
    try:
        expected = await count_users(reading)
        reading.progress.expect(reading.tenant, Source.USERS, expected)
        divided = Shards.whole()
        if expected is not None and expected >= SHARDED_FROM:
            divided = await plan(reading, expected, await sample_names(reading))
        shards.set_result(divided)
    finally:
        if not shards.done():
            shards.set_result(Shards.whole())
    faults = await _pass(reading, select, decoder, spool, divided)
    shortfall = None
    if not faults and expected is not None:
        missing = expected - spool.distinct()
        if missing > (0 if expected <= _CHEAP else _tolerance(expected)):
            # Read once more: users that were moved between pages, or cut off with a lost link, show up now.
            faults = await _pass(reading, select, decoder, spool, Shards.whole())
            missing = expected - spool.distinct()
            if not faults and missing > _tolerance(expected):
                shortfall = (
                    f"Graph counts {expected} users and listed {expected - missing} of them, twice;"
                    " collect again later, when its index has caught up"
                )
    if decoder.without_id:
        shortfall = f"{decoder.without_id} users came without an id; {shortfall or 'report it to Microsoft'}"
    coverage = reading.covered(Source.USERS, spool.distinct(), faults, asked=select, shortfall=shortfall)
    return UsersRead(coverage=coverage, spool=spool)


def _tolerance(expected: int) -> int:
    """Return how many users may be missing: the count comes from an index of its own that lags behind."""
    return max(1, expected // 1000)


async def _pass(
    reading: Reading, select: tuple[str, ...], decoder: Decoder, spool: Spool, shards: Shards
) -> list[Fault]:
    """Read all shards at once; a filter that Graph does not take here turns into one list without it."""

    async def one(where: str | None) -> Fault | None:
        call = requests.users(reading.graph, select, where=where)
        try:
            async for batch in pages(reading.graph, call, decoder):
                spool.add(batch)
                reading.progress.advance(reading.tenant, Source.USERS, batch.num_rows)
        except FaultError as error:
            return error.fault
        return None

    faults = [fault for fault in await asyncio.gather(*map(one, shards.filters)) if fault is not None]
    if shards.divided and any(fault.kind is Kind.UNSUPPORTED for fault in faults):
        found = await one(None)
        return [] if found is None else [found]
    return faults
