"""Reads the mailbox type of each user, in batches (docs/decisions/0006-mailbox-type.md)."""

from collections.abc import Iterator
from functools import partial
from typing import Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from auditor.collect.context import CollectionContext
from auditor.collect.permissions import Permission
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.users import USERS
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.row_groups import UserRows, one_array
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.graph.batch import MAX_ITEMS, answers, read_batches
from auditor.graph.errors import Fault, FaultKind
from auditor.graph.response_body import decode_object

SCHEMA = pa.schema([("id", pa.string()), ("mailboxType", pa.string())])
"""One row per user whose mailbox is known; null for a user without a mailbox."""

_UNNAMED = "unknownfuturevalue"
"""Graph's value for a type that it does not name in this version."""
_EXTERNAL = "#ext#"
"""Part of the user principal names of guests, whose mailbox is in another tenant."""


class _Counts(Struct):
    """How many mailboxes were read and how many were not, with the faults of the latter."""

    known: int = 0
    unknown: int = 0
    faults: dict[FaultKind, Fault] = field(default_factory=dict)
    """The first fault of each kind."""
    missing: Fault | None = None
    """The first answer that a user does not exist; a fault only if there is no other answer."""


async def _read(context: CollectionContext) -> SourceResult:
    """Read the mailbox type of every user who can have a mailbox in this tenant.

    If not all users were read, the mailboxes are not complete either, for the same reason.
    """
    users, listed = await context.users, await context.user_coverage
    spool = Spool(context.folder, "mailboxes", SCHEMA)
    counts = _Counts()
    await read_batches(
        _batches(users, spool),
        partial(_read_batch, context, spool, counts),
        lambda: counts.known > 0 or counts.unknown < MAX_ITEMS,
    )
    missing = () if counts.missing is None or counts.known else (counts.missing,)
    status, faults = None, [*counts.faults.values(), *missing]
    if faults:
        status = SourceStatus.PARTIAL if counts.known else faults[0].coverage(read=0)
    elif listed.reason:
        status = listed.status
    count = spool.distinct() if counts.known or not faults else 0
    coverage = context.make_coverage(
        Source.MAILBOXES, count, faults, asked=("userPurpose",), shortfall=listed.reason, status=status
    )
    return SourceResult(coverage=(coverage,), users=spool)


def _join(users: UserRows, rows: pa.Table) -> None:
    """Add the mailbox types of the users; those without a row are marked as not collected."""
    users.mark_not_collected("mailboxType", pc.is_null(one_array(rows["id"])))
    users.set_column("mailboxType", one_array(rows["mailboxType"]))


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


async def _read_batch(context: CollectionContext, spool: Spool, counts: _Counts, ids: list[str]) -> None:
    """Read the mailbox types of at most MAX_ITEMS users."""
    addresses = {user: f"/users/{quote(user, safe='')}/mailboxSettings?$select=userPurpose" for user in ids}
    results = await answers(context.graph, addresses, _decode_purpose, name="GET /users/{id}/mailboxSettings", units=0)
    types: dict[str, str | None] = {}
    for user, answer in results.items():
        if isinstance(answer, str):
            types[user] = answer
        elif answer.kind is FaultKind.NO_MAILBOX:
            types[user] = None
        elif answer.kind is FaultKind.MISSING:
            counts.missing = counts.missing or answer
        else:
            counts.unknown += 1
            counts.faults.setdefault(answer.kind, answer)
    counts.known += len(types)
    context.progress.advance(context.tenant, Source.MAILBOXES, len(ids))
    columns = [pa.array(list(types), pa.string()), pa.array(list(types.values()), pa.string())]
    spool.add(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))


def _decode_purpose(body: bytes) -> str | Fault:
    """Decode the type of a mailbox."""
    document = decode_object(body)
    purpose = document.get("userPurpose", document.get("value"))
    if isinstance(purpose, str) and purpose.casefold() != _UNNAMED:
        return purpose
    return Fault(kind=FaultKind.NOT_GRAPH, message=Message("Graph returned a mailbox without its userPurpose"))


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
