"""What kind of mailbox each user has, asked for in batches of twenty (docs/decisions/0006-mailbox-type.md)."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from auditor.collect.pages import whole
from auditor.collect.reading import Reading
from auditor.collect.spool import Spool
from auditor.domain.result import Coverage
from auditor.domain.words import Source, SourceStatus
from auditor.failures import in_task
from auditor.graph import requests
from auditor.graph.client import NotGraphError
from auditor.graph.faults import Fault, FaultError, Kind
from auditor.graph.verdict import Again, Final, SignInAgain, Usable, judge

SCHEMA = pa.schema([("id", pa.string()), ("mailboxType", pa.string())])
"""A row for each user whose mailbox is known; null where there is none."""

_AT_ONCE = 4
_ITEMS = 20
_ROUNDS = 6
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


async def read_mailboxes(reading: Reading, users: Spool) -> MailboxesRead:
    """Ask for the mailbox of everybody who can have one here."""
    spool = Spool(reading.folder, "mailboxes", SCHEMA)
    tally = _Tally()
    batches = _batches(users, spool)

    async def worker() -> None:
        for ids in batches:
            await _ask(reading, ids, spool, tally)
            if tally.unknown >= _ITEMS and not tally.known:
                # Nobody's mailbox may be seen: the others would be refused too.
                return

    if await _first(reading, batches, spool, tally):
        await asyncio.gather(*(in_task(worker) for _ in range(_AT_ONCE)))
    return MailboxesRead(coverage=_coverage(reading, spool, tally), spool=spool)


async def _first(reading: Reading, batches: Iterator[list[str]], spool: Spool, tally: _Tally) -> bool:
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
            if len(waiting) == _ITEMS:
                yield waiting
                waiting = []
        spool.add(
            pa.RecordBatch.from_arrays(
                [pa.array(elsewhere, pa.string()), pa.nulls(len(elsewhere), pa.string())], schema=SCHEMA
            )
        )
    if waiting:
        yield waiting


async def _ask(reading: Reading, ids: list[str], spool: Spool, tally: _Tally) -> None:
    """Ask for up to twenty mailboxes, and again for those whose answer may be another one later."""
    patience = reading.graph.patience
    left = {str(number): user for number, user in enumerate(ids)}
    answers: dict[str, str | None] = {}
    for attempt in range(1, _ROUNDS + 1):
        items = tuple(
            {"id": key, "method": "GET", "url": f"/users/{quote(user, safe='')}/mailboxSettings?$select=userPurpose"}
            for key, user in left.items()
        )
        try:
            found = (await reading.graph.answer(requests.batch(reading.graph, items, units=1), _responses)).value
        except FaultError as error:
            tally.faults.append(error.fault)
            tally.unknown += len(left)
            break
        wait = 0.0
        for key, (status, headers, body) in found.items():
            if key not in left:
                continue
            verdict = _verdict(status, headers, body)
            match verdict:
                case str() | None:
                    answers[left.pop(key)] = verdict
                case Again(wait=asked):
                    wait = max(wait, asked if asked is not None else patience.wait(attempt))
                    if attempt == _ROUNDS:
                        _give_up(tally, verdict.fault)
                case Final(fault=fault) | SignInAgain(fault=fault):
                    left.pop(key)
                    if fault.kind is not Kind.MISSING:
                        _give_up(tally, fault)
        if not left or attempt == _ROUNDS or wait > patience.budget:
            tally.unknown += len(left) if wait > patience.budget else 0
            break
        await patience.sleep(wait or patience.wait(attempt))
    tally.known += len(answers)
    reading.progress.advance(reading.tenant, Source.MAILBOXES, len(ids))
    columns = [pa.array(list(answers), pa.string()), pa.array(list(answers.values()), pa.string())]
    spool.add(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))


def _give_up(tally: _Tally, fault: Fault) -> None:
    tally.unknown += 1
    if all(fault.kind is not known.kind for known in tally.faults):
        tally.faults.append(fault)


def _verdict(status: int, headers: dict[str, str], body: Any) -> str | Again | Final | SignInAgain | None:
    """Return the kind of mailbox, None where there is none, or why neither is known."""
    import json  # noqa: PLC0415

    verdict = judge(status, headers, json.dumps(body).encode(), asked="GET /users/{id}/mailboxSettings")
    match verdict:
        case Usable():
            purpose = body.get("userPurpose", body.get("value")) if isinstance(body, dict) else None
            if isinstance(purpose, str):
                return purpose
            return Final(fault=Fault(kind=Kind.NOT_GRAPH, message="a mailbox came without its userPurpose"))
        case Final(fault=fault) if fault.kind is Kind.NO_MAILBOX:
            return None
        case _:
            return verdict


def _responses(body: bytes) -> dict[str, tuple[int, dict[str, str], Any]]:
    """Decode the body of a batch into (status, headers, body) by item id."""
    found = whole(body).get("responses")
    if not isinstance(found, list):
        raise NotGraphError("it holds no list named 'responses'")
    result = {}
    for item in found:
        if not isinstance(item, dict) or not isinstance(item.get("status"), int):
            raise NotGraphError("an answer in the batch has no status")
        headers = item.get("headers")
        lower = {
            str(name).lower(): str(value) for name, value in (headers if isinstance(headers, dict) else {}).items()
        }
        result[str(item.get("id"))] = (item["status"], lower, item.get("body"))
    return result


def _coverage(reading: Reading, spool: Spool, tally: _Tally) -> Coverage:
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
