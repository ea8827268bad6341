"""Stores the results of one tenant as a log: what was found, fixed and waived, and since when."""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.syntax.limits import count, run_instant
from auditor.files import json_document
from auditor.history.finding_events import EVENTS, checked_summary, happened, lasting, summary_of
from auditor.store.commit import check_directory, check_tenant, checked_document, checked_name, damaged, sealed
from auditor.store.objects.backends import Backend

SCHEMA: Final = "auditor/ledger/v1"
_NAME: Final = re.compile(r"[a-z0-9-]{1,63}/findings/[0-9]{6,}-[0-9a-f]{16}\.parquet")
_NUMBERED: Final = re.compile(r"[a-z0-9-]{1,63}/findings/([0-9]{6,15})-[0-9a-f]{16}\.parquet")
_TRIES: Final = 20
"""Numbers that a writer tries to get beside others."""
_COMMIT: Final = re.compile(r"([a-z0-9-]{1,63})/results/[0-9]{6,15}\.json")
_HELD: Final = frozenset({"held", "opened", "waived", "unwaived"})


class Entry(Struct, frozen=True, kw_only=True):
    """One result in the log: its counts, and where its events are."""

    number: int
    as_of: datetime
    run: str
    events: str
    """The object of its events."""
    sha256: str
    size: int
    checkpoint: bool
    """Whether the events show everything that is held, so that nothing earlier is needed."""
    summary: Mapping[str, Any]


def commit_tenant(name: str) -> str | None:
    """Return the tenant in the name of the commit of a result, or None for another object."""
    match = _COMMIT.fullmatch(name)
    return None if match is None else match[1]


class Ledger:
    """The log of one tenant; entries are numbered, so that of two writers one comes first and the other says so."""

    def __init__(self, backend: Backend, tenant: str) -> None:
        self._backend = backend
        self._tenant = tenant

    def entries(self) -> tuple[Entry, ...]:
        """Return every result in order; SnapshotError where one is damaged."""
        entries = []
        for _, entry in self.commits():
            if isinstance(entry, SnapshotError):
                raise entry
            entries.append(entry)
        return tuple(entries)

    def commits(self) -> Iterator[tuple[str, Entry | SnapshotError]]:
        """Yield every result by the name of its commit, in order; what is wrong with one stops none."""
        # Other names are of other programs, as the desktop.ini that a file manager leaves.
        names = [name for name in self._backend.names(f"{self._tenant}/results") if commit_tenant(name)]
        for name, body in zip(names, self._backend.read_many(names), strict=True):
            where = f"{self._backend.address}/{name}"
            try:
                if body is None:
                    raise damaged(where, Message("is listed and cannot be read"))
                entry = decode_entry(body, where, self._tenant)
                if name != self.commit_name(entry.number):
                    raise damaged(
                        where,
                        Message("is the commit of another result, {number}", number=self.commit_name(entry.number)),
                    )
            except SnapshotError as error:
                yield name, error
            else:
                yield name, entry

    def commit_name(self, number: int) -> str:
        """Return the name of the commit of a result."""
        return f"{self._tenant}/results/{number:06}.json"

    def put(self, result: Result, tenant: TenantResult, money: Mapping[str, Decimal]) -> int:
        """Add a result; returns the bytes that it took, 0 where the same run, or what it says, is there already.

        Of several writers at one moment each gets the next number, or finds that the same result is there. Raises
        SnapshotError for a result older than the newest one, and where another run of that instant is stored, or
        another directory under that name.
        """
        for _ in range(_TRIES):
            entries = self.entries()
            if self._is_there(entries, result, tenant, money):
                return 0
            if entries:
                where = self._backend.address
                check_directory(where, self._tenant, entries[-1].summary.get("tenantId", ""), tenant.tenant_id)
                self._same_key(entries[-1], result)
            number = entries[-1].number + 1 if entries else 1
            document, body = self._document(entries, number, result, tenant, money)
            findings = document["events"]["name"]
            mine = self._backend.create(findings, body)
            commit = sealed(document)
            if self._backend.create(self.commit_name(number), commit):
                if not mine and self._backend.read(findings) != body:  # cut short by a writer that was killed
                    self._backend.remove(findings)
                if findings not in self._backend.names(f"{self._tenant}/findings"):
                    self._backend.create(findings, body)
                return len(body) + len(commit)
            if mine and all(entry.events != findings for entry in self.entries()):
                self._backend.remove(findings)
        raise self._refused(
            "store-exists",
            Message(
                "another process is storing results of {tenant} in {address}",
                address=self._backend.address,
                tenant=self._tenant,
            ),
        )

    def _same_key(self, newest: Entry, result: Result) -> None:
        """Raise SnapshotError where the newest result has pseudonyms of another key, or where one has none."""
        key = None if result.run.redaction is None else result.run.redaction.key
        if newest.summary.get("redaction") != key:
            raise SnapshotError(
                "store-pseudonyms",
                Message(
                    (
                        "{address} has results of {tenant} with other pseudonyms or with names: the key is "
                        "another one, or there was none"
                    ),
                    address=self._backend.address,
                    tenant=self._tenant,
                ),
                hint=Message("redact all results of a tenant with one AUDITOR_REDACT_KEY, or none of them"),
            )

    def _is_there(
        self, entries: Sequence[Entry], result: Result, tenant: TenantResult, money: Mapping[str, Decimal]
    ) -> bool:
        """Whether a result is stored; SnapshotError where another one of its instant, or a later one, is."""
        where = self._backend.address
        for entry in entries:
            if entry.as_of == result.run.as_of:
                if entry.run == result.run.id or self._says_the_same(entry, result, tenant, money):
                    return True
                raise self._refused(
                    "store-exists",
                    Message(
                        "{where} has another result of {tenant} at {as_of}",
                        where=where,
                        tenant=self._tenant,
                        as_of=result.run.as_of.isoformat(),
                    ),
                )
        if entries and result.run.as_of < entries[-1].as_of:
            raise self._refused(
                "store-order",
                Message(
                    "{where} has a later result of {tenant}, of {as_of}",
                    where=where,
                    tenant=self._tenant,
                    as_of=entries[-1].as_of.isoformat(),
                ),
            )
        return False

    def _document(
        self,
        entries: Sequence[Entry],
        number: int,
        result: Result,
        tenant: TenantResult,
        money: Mapping[str, Decimal],
    ) -> tuple[dict[str, Any], bytes]:
        """Return the commit of a result that comes after those known, and the object of its events."""
        rows, standing = happened(result, tenant, self._replayed(since_checkpoint(entries)))
        checkpoint = not entries or _month(entries[-1].as_of) != _month(result.run.as_of)
        if checkpoint:
            written = {row["fingerprint"] for row in rows}
            rows += [
                {**row, "at": result.run.as_of, "event": "held"} for f, row in standing.items() if f not in written
            ]
        sink = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, EVENTS), sink, compression="zstd", compression_level=9)
        body = sink.getvalue()
        digest = hashlib.sha256(body).hexdigest()
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "tenant": self._tenant,
            "number": number,
            "asOf": result.run.as_of.isoformat(),
            "run": result.run.id,
            "events": {
                "name": f"{self._tenant}/findings/{number:06}-{digest[:16]}.parquet",
                "sha256": digest,
                "bytes": len(body),
                "checkpoint": checkpoint,
            },
            "summary": summary_of(result, tenant, rows, standing.values(), money),
        }
        return document, body

    def _says_the_same(self, entry: Entry, result: Result, tenant: TenantResult, money: Mapping[str, Decimal]) -> bool:
        """Whether another run says of this tenant what an entry says, as the part of a fleet and the whole do."""
        before = self.held_at(entry)
        if before is None:
            return False
        rows, standing = happened(result, tenant, before)
        return not rows and lasting(summary_of(result, tenant, rows, standing.values(), money)) == lasting(
            entry.summary
        )

    def held(self) -> dict[str, dict[str, Any]]:
        """Return what stood after the newest result, by fingerprint: rows as in EVENTS."""
        return self._replayed(since_checkpoint(self.entries()))

    def held_at(self, entry: Entry) -> dict[str, dict[str, Any]] | None:
        """Return what was open after a result; None where retention may have deleted the events for it.

        SnapshotError where it is missing, and retention would have left it.
        """
        entries = self.entries()
        replay = since_checkpoint([each for each in entries if each.number <= entry.number])
        existing = set(self._backend.names(f"{self._tenant}/findings"))
        needed = {each.number for each in since_checkpoint(entries)}
        if any(each.events not in existing and each.number not in needed for each in replay):
            return None
        return self._replayed(replay)

    def _replayed(self, entries: Sequence[Entry]) -> dict[str, dict[str, Any]]:
        by_fingerprint: dict[str, dict[str, Any]] = {}
        for row in self.events(entries).to_pylist():
            if row["event"] in _HELD:
                by_fingerprint[row["fingerprint"]] = row
            else:
                by_fingerprint.pop(row["fingerprint"], None)
        return by_fingerprint

    def events(self, entries: Sequence[Entry] | None = None) -> pa.Table:
        """Return the events of some results, or of all whose events are still kept, in order.

        SnapshotError where some are missing that retention would have left.
        """
        wanted = self.entries() if entries is None else entries
        needed = wanted if entries is not None else since_checkpoint(wanted)
        tables = [EVENTS.empty_table()]
        for entry, body in zip(wanted, self._backend.read_many([e.events for e in wanted]), strict=True):
            if body is None and entry not in needed:
                continue  # retention took it
            whole = self._whole(entry, body)
            tables.append(pq.read_table(io.BytesIO(whole)).select(EVENTS.names).cast(EVENTS))
        return pa.concat_tables(tables)

    def check(self, entry: Entry) -> None:
        """Read the events of a result; SnapshotError where they are missing or damaged."""
        self._whole(entry, self._backend.read(entry.events))

    def _whole(self, entry: Entry, body: bytes | None) -> bytes:
        where = f"{self._backend.address}/{entry.events}"
        if body is None:
            raise damaged(
                where, Message("is missing: the findings of this time cannot be distinguished from older ones")
            )
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise damaged(where, Message("is not the object that its result describes"))
        return body

    def thin(self, before: datetime) -> tuple[Entry, ...]:
        """Return the results whose events retention may take: older than an instant, and not needed by the newest.

        SnapshotError where it would take some while those that stay are not all there.
        """
        entries = self.entries()
        first = max((i for i, entry in enumerate(entries) if entry.checkpoint), default=0)
        existing = set(self._backend.names(f"{self._tenant}/findings"))
        removable = tuple(e for e in entries[:first] if e.as_of < before and e.events in existing)
        lost = next((e for e in entries[first:] if e.events not in existing), None)
        if removable and lost is not None:
            self._whole(lost, None)
        return removable

    def remove(self, entries: Iterable[Entry]) -> None:
        """Delete the events of results; their counts stay."""
        for entry in entries:
            self._backend.remove(entry.events)

    def superseded(self) -> dict[str, datetime | None]:
        """Return findings of writers that came second or were killed, and when the place says they were written.

        Only those whose number another result has: findings of a number that no result has may be all that is left of
        a result that was lost.
        """
        written = self._backend.written(f"{self._tenant}/findings")
        events_of = {entry.number: entry.events for entry in self.entries()}
        numbered = ((match, name) for name in written if (match := _NUMBERED.fullmatch(name)))
        return {name: written[name] for match, name in numbered if events_of.get(int(match[1]), name) != name}

    def _refused(self, slug: str, message: Message) -> SnapshotError:
        hint = Message("store results in the order of their instants, each once; nothing was changed")
        return SnapshotError(slug, message, hint=hint)


def since_checkpoint(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return the results whose events contain what is open now: retention never deletes these."""
    return entries[max((i for i, entry in enumerate(entries) if entry.checkpoint), default=0) :]


def decode_entry(body: bytes, where: str, tenant: str) -> Entry:
    """Read one entry of the log of `tenant`; an AuditorError names `where` when it is damaged or another tenant's."""
    document = checked_document(body, where, SCHEMA)
    try:
        events = document["events"]
        # Commits of earlier versions name the tenant in the name of their findings alone.
        for named in (events["name"].partition("/")[0], document.get("tenant", tenant)):
            check_tenant(named, tenant, where)
        return Entry(
            number=count(document["number"]),
            as_of=run_instant(document["asOf"]),
            run=json_document.checked(document["run"], str),
            events=checked_name(events["name"], _NAME),
            sha256=json_document.checked(events["sha256"], str),
            size=count(events["bytes"]),
            checkpoint=events["checkpoint"] is True,
            summary=checked_summary(document["summary"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(where, Message("has a missing or damaged value: {error}", error=error)) from error


def _month(instant: datetime) -> tuple[int, int]:
    return instant.year, instant.month
