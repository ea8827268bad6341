"""Reads done.jsonl: one line for each change that the script of a plan made or tried."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from json import JSONDecodeError
from pathlib import Path
from typing import Any, NoReturn

from auditor.app.named_files import read_named
from auditor.domain.errors import AuditorError, SnapshotError, Span
from auditor.domain.message import Message
from auditor.domain.result.saved_plan import SavedPlan, SavedTenantPlan
from auditor.domain.result.verification import Execution
from auditor.domain.saved_field import Label
from auditor.files import input as files
from auditor.files import json_document
from auditor.result.codec.decoder import read


class ChangeOutcome(StrEnum):
    """What became of a change."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """The state was the planned one already."""
    SKIPPED = "skipped"
    """The state differed from the plan's."""
    FAILED = "failed"


MADE = frozenset({ChangeOutcome.DONE, ChangeOutcome.UNCHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLog:
    """The changes of one tenant's plan, the number of each action being that in the plan."""

    entries: Mapping[int, Sequence[LogEntry]]

    @property
    def done(self) -> frozenset[tuple[int, int]]:
        """The steps whose last entry says that they were done."""
        last = {(number, entry.step): entry.outcome for number, own in self.entries.items() for entry in own}
        return frozenset(step for step, outcome in last.items() if outcome in MADE)

    def execution(self, number: int) -> Execution | None:
        """Return what the log says about an action; None if it does not mention it."""
        own = self.entries.get(number, ())
        if not own:
            return None
        last = {entry.step: entry.outcome for entry in own}.values()
        return Execution(
            by=tuple(dict.fromkeys(entry.by for entry in own)),
            first=min(entry.time for entry in own),
            last=max(entry.time for entry in own),
            done=sum(outcome in MADE for outcome in last),
            skipped=sum(outcome is ChangeOutcome.SKIPPED for outcome in last),
            failed=sum(outcome is ChangeOutcome.FAILED for outcome in last),
        )


NO_LOG = TenantLog(entries={})


def change_logs(path: Path, plan: SavedPlan) -> Mapping[str, TenantLog]:
    """Return the log of each tenant of a plan, by name; lines about actions of other plans are left out.

    Raises SnapshotError with the line of a mistake, and where no line is about the plan.
    """
    hint = Message("name the done.jsonl that plan.ps1 wrote")
    body = read_named(path, most=files.RESULT, slug="log-unreadable", hint=hint)
    tenants = {tenant.tenant_id.casefold(): tenant for tenant in plan.tenants}
    found: dict[str, dict[int, list[LogEntry]]] = {tenant.name: {} for tenant in plan.tenants}
    lines = 0
    for number, entry in _entries(body, str(path)):
        lines += 1
        tenant = tenants.get(entry.tenant.casefold())
        if tenant is None:
            _refuse(str(path), number, Message("the plan has no tenant {tenant}", tenant=repr(entry.tenant)))
        action = _action(tenant, entry)
        if action is None:
            continue
        if not 1 <= entry.step <= len(tenant.actions[action - 1].requests):
            _refuse(
                str(path),
                number,
                Message("action {action} of the plan has no step {step}", action=action, step=entry.step),
            )
        found[tenant.name].setdefault(action, []).append(entry)
    if lines and not any(found.values()):
        _refuse(str(path), 1, Message("no line is about an action of the plan"))
    for entries in found.values():
        for own in entries.values():
            own.sort(key=lambda entry: entry.time)
    return {name: TenantLog(entries=entries) for name, entries in found.items()}


def _action(tenant: SavedTenantPlan, entry: LogEntry) -> int | None:
    """Return the number of the action in the plan; None for an action of another plan."""
    numbers = [number for number, action in enumerate(tenant.actions, start=1) if action.id == entry.fingerprint]
    return entry.action if entry.action in numbers else next(iter(numbers), None)


def _entries(body: bytes, where: str) -> Iterator[tuple[int, LogEntry]]:
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            document = json_document.decode(line.strip())
        except ValueError as error:
            column = error.colno if isinstance(error, JSONDecodeError) else 1
            _refuse(where, number, Message("is not JSON text: {error}", error=error), column)
        try:
            entry = read(LogEntry, document, where="$")
        except AuditorError as error:
            _refuse(where, number, error.message)
        yield number, entry


def _refuse(where: str, line: int, message: Message, column: int = 1) -> NoReturn:
    raise SnapshotError(
        "log-damaged",
        message,
        span=Span(file=where, line=line, column=column),
        hint=Message("name the done.jsonl of this plan; a line that a stopped script left unfinished can be removed"),
    )
