"""What kind of mailbox each user has, asked for in batches of twenty (docs/decisions/0006-mailbox-type.md)."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import pyarrow as pa

from auditor.collect.batch import ITEMS, answers
from auditor.collect.context import CollectionContext
from auditor.collect.json_pages import whole
from auditor.collect.tables.external_sort import Spool
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.result import Coverage
from auditor.failures import in_task
from auditor.graph.errors import Fault, GraphErrorKind

SCHEMA = pa.schema([("id", pa.string()), ("mailboxType", pa.string())])
"""A row for each user whose mailbox is known; null where there is none."""

_AT_ONCE = 4
_EXTERNAL = "#ext#"
"""Stands in the names of people from elsewhere, whose mailbox is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxesRead:
    """What the pass over mailboxes brought."""

    coverage: Coverage
    spool: Spool


@dataclass(slots=True)
class _Tally:
    """What became of the questions."""

    known: int = 0
    faults: list[Fault] = field(default_factory=list)
    unknown: int = 0


async def read_mailboxes(reading: CollectionContext, users: Spool) -> MailboxesRead:
    """Ask for the mailbox of everybody who can have one here."""
    spool = Spool(reading.folder, "mailboxes", SCHEMA)
    tally = _Tally()
    batches = _batches(users, spool)

    async def worker() -> None:
        for ids in batches:
            await _ask(reading, ids, spool, tally)
            if tally.unknown >= ITEMS and not tally.known:
                # Nobody's mailbox may be seen: the others would be refused too.
                return

    if await _first(reading, batches, spool, tally):
        await asyncio.gather(*(in_task(worker) for _ in range(_AT_ONCE)))
    return MailboxesRead(coverage=_coverage(reading, spool, tally), spool=spool)


async def _first(reading: CollectionContext, batches: Iterator[list[str]], spool: Spool, tally: _Tally) -> bool:
    """Ask for twenty alone: and see whether anything is answered."""
    ids = next(batches, None)
    if ids is None:
        return False
    await _ask(reading, ids, spool, tally)
    return tally.known > 0 or not tally.faults


def _batches(users: Spool, spool: Spool) -> Iterator[list[str]]:
    """Yield the ids of everybody who can have a mailbox here, by twenties; the others are known to have none."""
    waiting: list[str] = []
    named = "userPrincipalName" in users.schema.names
    for table in users.tables(columns=["id", "userPrincipalName"] if named else ["id"]):
        ids = table["id"].to_pylist()
        names = table["userPrincipalName"].to_pylist() if named else [None] * len(ids)
        elsewhere = []
        for user, name in zip(ids, names, strict=True):
            if name is not None and _EXTERNAL in name.lower():
                elsewhere.append(user)
                continue
            waiting.append(user)
            if len(waiting) == ITEMS:
                yield waiting
                waiting = []
        spool.add(
            pa.RecordBatch.from_arrays(
                [pa.array(elsewhere, pa.string()), pa.nulls(len(elsewhere), pa.string())], schema=SCHEMA
            )
        )
    if waiting:
        yield waiting


async def _ask(reading: CollectionContext, ids: list[str], spool: Spool, tally: _Tally) -> None:
    """Ask for up to twenty mailboxes."""
    addresses = {user: f"/users/{quote(user, safe='')}/mailboxSettings?$select=userPurpose" for user in ids}
    found = await answers(reading.graph, addresses, _purpose, name="GET /users/{id}/mailboxSettings", units=0)
    known: dict[str, str | None] = {}
    for user, answer in found.items():
        if isinstance(answer, str):
            known[user] = answer
        elif answer.kind is GraphErrorKind.NO_MAILBOX:
            known[user] = None
        elif answer.kind is not GraphErrorKind.MISSING:
            _give_up(tally, answer)
    tally.known += len(known)
    reading.progress.advance(reading.tenant, Source.MAILBOXES, len(ids))
    columns = [pa.array(list(known), pa.string()), pa.array(list(known.values()), pa.string())]
    spool.add(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))


def _give_up(tally: _Tally, fault: Fault) -> None:
    tally.unknown += 1
    if all(fault.kind is not known.kind for known in tally.faults):
        tally.faults.append(fault)


def _purpose(body: bytes) -> str | Fault:
    """Decode the kind of a mailbox."""
    document = whole(body)
    purpose = document.get("userPurpose", document.get("value"))
    if isinstance(purpose, str):
        return purpose
    return Fault(kind=GraphErrorKind.NOT_GRAPH, message=Message("a mailbox came without its userPurpose"))


def _coverage(reading: CollectionContext, spool: Spool, tally: _Tally) -> Coverage:
    status = None
    if tally.faults:
        status = SourceStatus.PARTIAL if tally.known else tally.faults[0].coverage(read=0)
    return reading.covered(
        Source.MAILBOXES,
        spool.distinct() if tally.known or not tally.faults else 0,
        tally.faults,
        asked=("userPurpose",),
        status=status,
    )
