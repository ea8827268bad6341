"""Reads done.jsonl: one line for each change that the script of a plan made or attempted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from json import JSONDecodeError
from pathlib import Path
from typing import Any, Final, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.errors import AuditorError, SnapshotError, Span
from auditor.domain.message import Message
from auditor.domain.result.saved_plan import SavedPlan, SavedTenantPlan
from auditor.domain.result.verification import Execution
from auditor.domain.saved_field import Label
from auditor.files import input as files
from auditor.files import json_document
from auditor.files.saved_file import read_saved_file
from auditor.remedy.verification.request_verdicts import Step
from auditor.result.codec.decoder import read


class ChangeOutcome(StrEnum):
    """The outcome of a change."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """The state was already as planned."""
    SKIPPED = "skipped"
    """The state was not the one that the plan expects."""
    FAILED = "failed"


_BASE_END: Final = "/v1.0"
"""The end of the base URL of requests in every cloud."""
MADE = frozenset({ChangeOutcome.DONE, ChangeOutcome.UNCHANGED})


class LogEntry(Struct, frozen=True, kw_only=True):
    """One line of the log."""

    time: datetime
    by: str
    tenant: str
    """The tenant's id."""
    action: int
    fingerprint: str
    """The id of the action."""
    step: int
    outcome: ChangeOutcome
    method: Label = ""
    url: Label = ""
    body: Any = None
    answer: Any = None
    plan: datetime | None = None
    """The instant of the plan; None in logs of earlier versions."""


class TenantLog(Struct, frozen=True, kw_only=True):
    """The changes of one tenant's plan, by the number of the action in the plan."""

    entries: Mapping[int, Sequence[LogEntry]]

    @property
    def done(self) -> frozenset[tuple[int, int]]:
        """The steps (action, step) whose last outcome is that they are done."""
        last_outcomes = {
            (number, entry.step): entry.outcome for number, entries in self.entries.items() for entry in entries
        }
        return frozenset(step for step, outcome in last_outcomes.items() if outcome in MADE)

    @property
    def executions(self) -> dict[int, Execution]:
        """The execution of each action that the log has entries about."""
        return {number: _execution(entries) for number, entries in self.entries.items()}


def _execution(entries: Sequence[LogEntry]) -> Execution:
    last_outcomes = {entry.step: entry.outcome for entry in entries}.values()
    return Execution(
        by=tuple(dict.fromkeys(entry.by for entry in entries)),
        first=min(entry.time for entry in entries),
        last=max(entry.time for entry in entries),
        done=sum(outcome in MADE for outcome in last_outcomes),
        skipped=sum(outcome is ChangeOutcome.SKIPPED for outcome in last_outcomes),
        failed=sum(outcome is ChangeOutcome.FAILED for outcome in last_outcomes),
    )


def plan_entries(log: Path, plan: SavedPlan) -> list[LogEntry]:
    """Return the entries of a done.jsonl, or of all `*.jsonl` files in a folder.

    Raises SnapshotError with the line of an error, and if no line is about the plan.
    """
    tenants = {tenant.tenant_id.casefold(): tenant for tenant in plan.tenants}
    entries: list[LogEntry] = []
    for name, number, entry in _entries_in(log):
        tenant = tenants.get(entry.tenant.casefold())
        if tenant is None:
            _raise_damaged(name, number, Message("the plan has no tenant {tenant}", tenant=repr(entry.tenant)))
        action = next(
            (planned_action for planned_action in tenant.actions if planned_action.id == entry.fingerprint), None
        )
        if not entry.url and action is not None and not 1 <= entry.step <= len(action.requests):
            message = Message("action {action} of the plan has no step {step}", action=entry.action, step=entry.step)
            _raise_damaged(name, number, message)
        entries.append(entry)
    if entries and not any(tenant_log(entries, tenant, plan.as_of).entries for tenant in plan.tenants):
        _raise_damaged(str(log), 1, Message("no line refers to an action of the plan"))
    return entries


def entries_of(log: Path) -> list[LogEntry]:
    """Return the entries of a done.jsonl, or of all `*.jsonl` files in a folder.

    Raises SnapshotError if a file is damaged or cannot be read.
    """
    return [entry for _, _, entry in _entries_in(log)]


def _entries_in(log: Path) -> Iterator[tuple[str, int, LogEntry]]:
    """Yield (file name, line number, entry) for each line of a done.jsonl, or of all `*.jsonl` files in a folder."""
    for path in sorted(log.glob("*.jsonl")) if files.is_folder(log) else [log]:
        for number, _, entry in log_entries(read_log(path), str(path)):
            yield str(path), number, entry


def read_log(path: Path) -> bytes:
    """Return the bytes of a done.jsonl. Raises SnapshotError if it cannot be read."""
    hint = Message("specify the done.jsonl that plan.ps1 wrote")
    return read_saved_file(path, max_bytes=files.RESULT, slug="log-unreadable", hint=hint)


def tenant_log(entries: Iterable[LogEntry], tenant: SavedTenantPlan, planned_at: datetime) -> TenantLog:
    """Return the log of a tenant's plan.

    Entries are skipped if they are about another tenant, if they match none of the plan's requests, or if they are of
    an earlier plan and older than this plan: their changes must have been reverted, or they would not be planned again.

    A request is matched by its method, path and body, because its number differs between plans; if the log has no
    requests, it is matched by number.
    """
    steps: dict[tuple[str, str], list[Step]] = defaultdict(list)
    for number, action in enumerate(tenant.actions, start=1):
        for step, request in enumerate(action.requests, start=1):
            steps[request["method"], request["path"]].append((number, step))
    by_action: dict[int, list[LogEntry]] = defaultdict(list)
    tenant_entries = (
        entry
        for entry in entries
        if entry.tenant.casefold() == tenant.tenant_id.casefold()
        and (entry.plan == planned_at or entry.time >= planned_at)
    )
    for entry in sorted(tenant_entries, key=lambda entry: entry.time):
        position = _position(entry, tenant, steps)
        if position is not None:
            by_action[position[0]].append(replace(entry, action=position[0], step=position[1]))
    return TenantLog(entries=dict(by_action))


def _position(entry: LogEntry, tenant: SavedTenantPlan, steps: Mapping[tuple[str, str], Sequence[Step]]) -> Step | None:
    """Return the number of the action and the step of an entry in a plan; None if the plan has no such request."""
    if entry.url:
        path = entry.url.partition(_BASE_END)[2] or entry.url
        candidates = [
            (number, step)
            for number, step in steps.get((entry.method, path), ())
            if (tenant.actions[number - 1].requests[step - 1]["body"] or None) == (entry.body or None)
        ]
    else:
        candidates = [
            (number, entry.step)
            for number, action in enumerate(tenant.actions, start=1)
            if entry.step <= len(action.requests)
        ]
    same_action = [position for position in candidates if tenant.actions[position[0] - 1].id == entry.fingerprint]
    exact = (entry.action, entry.step)
    return exact if exact in same_action else next(iter(same_action or (candidates if entry.url else ())), None)


def log_entries(body: bytes, name: str) -> Iterator[tuple[int, bytes, LogEntry]]:
    """Yield (line number, line, entry) for each line of a log. Raises SnapshotError with the line of an error."""
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            document = json_document.decode(line.strip())
        except ValueError as error:
            column = error.colno if isinstance(error, JSONDecodeError) else 1
            _raise_damaged(name, number, json_document.invalid(error), column)
        try:
            entry = read(LogEntry, document, where="$")
        except AuditorError as error:
            _raise_damaged(name, number, error.message)
        yield number, line.strip(), entry


def _raise_damaged(name: str, line: int, message: Message, column: int = 1) -> NoReturn:
    raise SnapshotError(
        "log-damaged",
        message,
        span=Span(file=name, line=line, column=column),
        hint=Message(
            "specify the done.jsonl of this plan; a line that a stopped script left unfinished can be removed"
        ),
    )
