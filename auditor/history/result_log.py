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

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.result.model import Result, TenantResult
from auditor.history.finding_events import EVENTS, compute_events, independent_part, summary_of
from auditor.history.logged_result import SCHEMA, LoggedResult, commit_tenant, decode_entry, since_checkpoint
from auditor.snapshot.manifest import format_instant
from auditor.store.commit import check_directory, damaged, with_digest
from auditor.store.objects.backends import Backend

_EVENTS_NUMBER: Final = re.compile(r"[a-z0-9-]{1,63}/findings/([0-9]{6,15})-[0-9a-f]{16}\.parquet")
_MAX_ATTEMPTS: Final = 20
"""Maximum number of attempts to get the next number while other processes write."""
CURRENT_EVENTS: Final = frozenset({"held", "opened", "waived", "unwaived"})
"""Events after which the finding still exists."""


def results_by_tenant(results: Iterable[Result]) -> dict[str, list[tuple[Result, TenantResult]]]:
    """Return the results of each tenant that did not fail, in the order in which a log takes them: by instant."""
    by_tenant: dict[str, list[tuple[Result, TenantResult]]] = {}
    for result in sorted(results, key=lambda result: result.run.as_of):
        for tenant in result.tenants:
            if tenant.failure is None:
                by_tenant.setdefault(tenant.name, []).append((result, tenant))
    return by_tenant


class ResultLog:
    """The log of one tenant. Entries have consecutive numbers; only one of two concurrent writers gets a number."""

    def __init__(self, backend: Backend, tenant: str) -> None:
        self._backend = backend
        self._tenant = tenant
        self._entries: tuple[LoggedResult, ...] | None = None
        self._newest: tuple[str, dict[str, dict[str, Any]]] | None = None
        """The events that `put` added last, by the name of their object, and the findings after them."""

    def entries(self) -> tuple[LoggedResult, ...]:
        """Return all results in order, read once; `put` reads those that were added since.

        Raises SnapshotError if one is damaged.
        """
        return self._read_entries() if self._entries is None else self._entries

    def _read_entries(self) -> tuple[LoggedResult, ...]:
        """Return the results that are stored now; commits never change, so that only new ones are decoded."""
        known = {self.commit_name(entry.number): entry for entry in self._entries or ()}
        names = self._commit_names()
        unread = [name for name in names if name not in known]
        known.update(zip(unread, self._undamaged(unread), strict=True))
        self._entries = tuple(known[name] for name in names)
        return self._entries

    def newest(self, count: int) -> tuple[LoggedResult, ...]:
        """Return the last `count` results, without reading others. Raises SnapshotError if one is damaged."""
        return self._undamaged(self._commit_names()[-count:])

    def _undamaged(self, names: Sequence[str]) -> tuple[LoggedResult, ...]:
        entries = []
        for _, entry in self._decoded(names):
            if isinstance(entry, SnapshotError):
                raise entry
            entries.append(entry)
        return tuple(entries)

    def commits(self) -> Iterator[tuple[str, LoggedResult | SnapshotError]]:
        """Yield the name of each commit with its result, in order; for a damaged commit with the error instead."""
        return self._decoded(self._commit_names())

    def _commit_names(self) -> list[str]:
        # Other names belong to other programs, such as the desktop.ini of a file manager.
        return [name for name in self._backend.names(f"{self._tenant}/results") if commit_tenant(name)]

    def _decoded(self, names: Sequence[str]) -> Iterator[tuple[str, LoggedResult | SnapshotError]]:
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
        """Add a result; returns the number of bytes written, or 0 if the same run or an equal result is already stored.

        Concurrent writers get consecutive numbers, or find that an equal result is already stored. Raises SnapshotError
        for a result that is older than the newest one, for a different result of an instant that is already stored, and
        for results of another directory under the name of the tenant.
        """
        for _ in range(_MAX_ATTEMPTS):
            entries = self._read_entries()
            if self._is_stored(entries, result, tenant, money):
                return 0
            if entries:
                where = self._backend.address
                check_directory(where, self._tenant, entries[-1].summary.get("tenantId", ""), tenant.tenant_id)
                self.check_key(entries[-1], result)
            number = entries[-1].number + 1 if entries else 1
            document, body, current = self._document(entries, number, result, tenant, money)
            findings = document["events"]["name"]
            created = self._backend.create(findings, body)
            commit = with_digest(document)
            if self._backend.create(self.commit_name(number), commit):
                if not created and self._backend.read(findings) != body:  # incomplete: its writer was killed
                    self._backend.remove(findings)
                if findings not in self._backend.names(f"{self._tenant}/findings"):
                    self._backend.create(findings, body)
                self._newest = findings, current
                return len(body) + len(commit)
            if created and all(entry.events != findings for entry in self._read_entries()):
                self._backend.remove(findings)
        raise self._refused(
            "store-exists",
            Message(
                "another process is storing results of {tenant} in {address}",
                address=self._backend.address,
                tenant=self._tenant,
            ),
        )

    def check_key(self, newest: LoggedResult, result: Result) -> None:
        """Raise SnapshotError if the newest result has pseudonyms of another key, or only one has pseudonyms."""
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

    def _is_stored(
        self, entries: Sequence[LoggedResult], result: Result, tenant: TenantResult, money: Mapping[str, Decimal]
    ) -> bool:
        """Return whether a result is stored. Raises SnapshotError for another result of its instant, or a later one."""
        where = self._backend.address
        for entry in entries:
            if entry.as_of == result.run.as_of:
                if entry.run == result.run.id or self._has_same_content(entry, result, tenant, money):
                    return True
                raise self._refused(
                    "store-exists",
                    Message(
                        "{where} has another result of {tenant} at {as_of}",
                        where=where,
                        tenant=self._tenant,
                        as_of=format_instant(result.run.as_of),
                    ),
                )
        if entries and result.run.as_of < entries[-1].as_of:
            raise self._refused(
                "store-order",
                Message(
                    "{where} has a later result of {tenant}, from {as_of}",
                    where=where,
                    tenant=self._tenant,
                    as_of=format_instant(entries[-1].as_of),
                ),
            )
        return False

    def _document(
        self,
        entries: Sequence[LoggedResult],
        number: int,
        result: Result,
        tenant: TenantResult,
        money: Mapping[str, Decimal],
    ) -> tuple[dict[str, Any], bytes, dict[str, dict[str, Any]]]:
        """Return the commit document of a result that follows `entries`, the bytes of its events, and its findings."""
        rows, current = compute_events(result, tenant, self._newest_findings(entries))
        checkpoint = not entries or f"{entries[-1].as_of:%Y-%m}" != f"{result.run.as_of:%Y-%m}"
        if checkpoint:
            reported = {row["fingerprint"] for row in rows}
            rows += [
                {**row, "at": result.run.as_of, "event": "held"} for f, row in current.items() if f not in reported
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
            "summary": summary_of(result, tenant, rows, current.values(), money),
        }
        return document, body, current

    def _newest_findings(self, entries: Sequence[LoggedResult]) -> Mapping[str, dict[str, Any]]:
        """Return the findings after the newest result, which are read unless the previous `put` added it."""
        if self._newest is not None and entries and entries[-1].events == self._newest[0]:
            return self._newest[1]
        return self._replay(since_checkpoint(entries))

    def _has_same_content(
        self, entry: LoggedResult, result: Result, tenant: TenantResult, money: Mapping[str, Decimal]
    ) -> bool:
        """Return whether another run has the same result for this tenant, for example alone and as part of a fleet."""
        before = self.findings_at(entry)
        if before is None:
            return False
        rows, current = compute_events(result, tenant, before)
        return not rows and independent_part(
            summary_of(result, tenant, rows, current.values(), money)
        ) == independent_part(entry.summary)

    def findings_at(self, entry: LoggedResult) -> dict[str, dict[str, Any]] | None:
        """Return the findings that were current after a result; None if retention may have deleted their events.

        Raises SnapshotError if events are missing that retention never deletes.
        """
        entries = self.entries()
        replay = since_checkpoint([item for item in entries if item.number <= entry.number])
        existing = set(self._backend.names(f"{self._tenant}/findings"))
        needed = {item.number for item in since_checkpoint(entries)}
        if any(item.events not in existing and item.number not in needed for item in replay):
            return None
        return self._replay(replay)

    def _replay(self, entries: Sequence[LoggedResult]) -> dict[str, dict[str, Any]]:
        by_fingerprint: dict[str, dict[str, Any]] = {}
        for row in self.events(entries).to_pylist():
            if row["event"] in CURRENT_EVENTS:
                by_fingerprint[row["fingerprint"]] = row
            else:
                by_fingerprint.pop(row["fingerprint"], None)
        return by_fingerprint

    def events(self, entries: Sequence[LoggedResult] | None = None) -> pa.Table:
        """Return the events of the given results, else of all results whose events are still kept, in order.

        Raises SnapshotError if events are missing that retention never deletes.
        """
        selected = self.entries() if entries is None else entries
        needed = selected if entries is not None else since_checkpoint(selected)
        tables = [EVENTS.empty_table()]
        for entry, body in zip(selected, self._backend.read_many([e.events for e in selected]), strict=True):
            if body is None and entry not in needed:
                continue  # deleted by retention
            content = self._verified(entry, body)
            tables.append(pq.read_table(io.BytesIO(content)).select(EVENTS.names).cast(EVENTS))
        return pa.concat_tables(tables)

    def check(self, entry: LoggedResult) -> None:
        """Read the events of a result. Raises SnapshotError if they are missing or damaged."""
        self._verified(entry, self._backend.read(entry.events))

    def _verified(self, entry: LoggedResult, body: bytes | None) -> bytes:
        where = f"{self._backend.address}/{entry.events}"
        if body is None:
            raise damaged(
                where, Message("is missing: the findings of this time cannot be distinguished from older ones")
            )
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise damaged(where, Message("is not the object that its result describes"))
        return body

    def delete_findings(self, before: datetime) -> tuple[LoggedResult, ...]:
        """Return the results whose events may be deleted: older than an instant, and not needed by the newest result.

        Raises SnapshotError if there are such results, but some of the events that must stay are missing.
        """
        entries = self.entries()
        needed = since_checkpoint(entries)
        existing = set(self._backend.names(f"{self._tenant}/findings"))
        older = entries[: len(entries) - len(needed)]
        removable = tuple(entry for entry in older if entry.as_of < before and entry.events in existing)
        missing = next((entry for entry in needed if entry.events not in existing), None)
        if removable and missing is not None:
            self._verified(missing, None)
        return removable

    def remove(self, entries: Iterable[LoggedResult]) -> None:
        """Delete the events of results; their counts are kept."""
        for entry in entries:
            self._backend.remove(entry.events)

    def superseded(self) -> dict[str, datetime | None]:
        """Return objects of events without result, from writers that were too late or killed, and their write times.

        Only objects whose number another result has are returned: objects of other numbers may be all that is left of a
        lost result.
        """
        written = self._backend.modified_times(f"{self._tenant}/findings")
        number_of = {name: int(match[1]) for name in written if (match := _EVENTS_NUMBER.fullmatch(name))}
        # Only the results whose events are still there are read.
        commits = set(map(self.commit_name, number_of.values())).intersection(self._commit_names())
        events_of = {entry.number: entry.events for entry in self._undamaged(sorted(commits))}
        return {name: written[name] for name, number in number_of.items() if events_of.get(number, name) != name}

    def _refused(self, slug: str, message: Message) -> SnapshotError:
        hint = Message("store results in the order of their instants, each once; nothing was changed")
        return SnapshotError(slug, message, hint=hint)
