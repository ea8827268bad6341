"""Reads the mailbox type of each user, in batches (docs/decisions/0006-mailbox-type.md)."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from auditor.collect.batch import MAX_ITEMS, answers
from auditor.collect.context import CollectionContext
from auditor.collect.json_pages import decode_object
from auditor.collect.permissions import Permission
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.users import USERS
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.row_groups import UserRows, one_array
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.result.model import Coverage
from auditor.failures import in_task
from auditor.graph.errors import Fault, GraphErrorKind

SCHEMA = pa.schema([("id", pa.string()), ("mailboxType", pa.string())])
"""One row per user whose mailbox is known; null for a user without a mailbox."""

_MAX_CONCURRENCY = 4
_EXTERNAL = "#ext#"
"""Part of the user principal names of guests, whose mailbox is in another tenant."""


@dataclass(slots=True)
class _Counts:
    """How many mailboxes were read, and what kept others from being read."""

    known: int = 0
    unknown: int = 0
    faults: list[Fault] = field(default_factory=list)
    """One fault of each kind."""


async def _read(context: CollectionContext) -> SourceResult:
    """Read the mailbox type of every user who can have a mailbox in this tenant."""
    users = await context.users
    spool = Spool(context.folder, "mailboxes", SCHEMA)
    counts = _Counts()
    batches = _batches(users, spool)

    async def worker() -> None:
        for ids in batches:
            await _ask(context, ids, spool, counts)
            if counts.unknown >= MAX_ITEMS and not counts.known:
                # No mailbox can be read: requests for the others would be refused too.
                return

    if await _first(context, batches, spool, counts):
        await asyncio.gather(*(in_task(worker) for _ in range(_MAX_CONCURRENCY)))
    return SourceResult(coverage=(_coverage(context, spool, counts),), users=spool)


def _join(users: UserRows, rows: pa.Table) -> None:
    """Add the mailbox types of the users; those without a row are marked as not collected."""
    users.mark_not_collected("mailboxType", pc.is_null(one_array(rows["id"])))
    users.set_column("mailboxType", one_array(rows["mailboxType"]))


async def _first(context: CollectionContext, batches: Iterator[list[str]], spool: Spool, counts: _Counts) -> bool:
    """Read the first batch alone; return whether it makes sense to read the others."""
    ids = next(batches, None)
    if ids is None:
        return False
    await _ask(context, ids, spool, counts)
    return counts.known > 0 or not counts.faults


def _batches(users: Spool, spool: Spool) -> Iterator[list[str]]:
    """Yield the ids of users who can have a mailbox here, MAX_ITEMS at a time; guests are recorded as having none."""
    batch: list[str] = []
    has_names = "userPrincipalName" in users.schema.names
    for table in users.tables(columns=["id", "userPrincipalName"] if has_names else ["id"]):
        ids = table["id"].to_pylist()
        names = table["userPrincipalName"].to_pylist() if has_names else [None] * len(ids)
        guests = []
        for user, name in zip(ids, names, strict=True):
            if name is not None and _EXTERNAL in name.lower():
                guests.append(user)
                continue
            batch.append(user)
            if len(batch) == MAX_ITEMS:
                yield batch
                batch = []
        spool.add(
            pa.RecordBatch.from_arrays(
                [pa.array(guests, pa.string()), pa.nulls(len(guests), pa.string())], schema=SCHEMA
            )
        )
    if batch:
        yield batch


async def _ask(context: CollectionContext, ids: list[str], spool: Spool, counts: _Counts) -> None:
    """Read the mailbox types of at most MAX_ITEMS users."""
    addresses = {user: f"/users/{quote(user, safe='')}/mailboxSettings?$select=userPurpose" for user in ids}
    results = await answers(context.graph, addresses, _purpose, name="GET /users/{id}/mailboxSettings", units=0)
    known: dict[str, str | None] = {}
    for user, answer in results.items():
        if isinstance(answer, str):
            known[user] = answer
        elif answer.kind is GraphErrorKind.NO_MAILBOX:
            known[user] = None
        elif answer.kind is not GraphErrorKind.MISSING:
            _add_fault(counts, answer)
    counts.known += len(known)
    context.progress.advance(context.tenant, Source.MAILBOXES, len(ids))
    columns = [pa.array(list(known), pa.string()), pa.array(list(known.values()), pa.string())]
    spool.add(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))


def _add_fault(counts: _Counts, fault: Fault) -> None:
    counts.unknown += 1
    if all(fault.kind is not known.kind for known in counts.faults):
        counts.faults.append(fault)


def _purpose(body: bytes) -> str | Fault:
    """Decode the type of a mailbox."""
    document = decode_object(body)
    purpose = document.get("userPurpose", document.get("value"))
    if isinstance(purpose, str):
        return purpose
    return Fault(kind=GraphErrorKind.NOT_GRAPH, message=Message("a mailbox came without its userPurpose"))


def _coverage(context: CollectionContext, spool: Spool, counts: _Counts) -> Coverage:
    status = None
    if counts.faults:
        status = SourceStatus.PARTIAL if counts.known else counts.faults[0].coverage(read=0)
    return context.make_coverage(
        Source.MAILBOXES,
        spool.distinct() if counts.known or not counts.faults else 0,
        counts.faults,
        asked=("userPurpose",),
        status=status,
    )


MAILBOXES: Final = CollectionSource(
    fills=(Source.MAILBOXES,),
    permissions=(
        Permission(
            name="MailboxSettings.Read",
            role_id="40f97065-369a-49f4-947c-6a255697ae91",
            included_in=("MailboxSettings.ReadWrite",),
        ),
    ),
    read=_read,
    requires=(USERS,),
    join=_join,
)
