"""Records logs of changes in a store, and finds what a store and files say about a tenant."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.locations import store_at
from auditor.app.verification.change_log import LogEntry, log_entries, log_paths, read_log
from auditor.app.verification.plan_file import decoded_plan
from auditor.domain.errors import AuditorError, Diagnostic, Level, SnapshotError
from auditor.domain.message import Message
from auditor.store.plans import add_change_log, change_log_names, plan_names, read_change_log
from auditor.store.store import Store


class RecordedChanges(Struct, frozen=True, kw_only=True):
    """How many changes of a tenant were recorded."""

    tenant: str
    count: int
    """Lines that the store did not have."""


def record_changes(where: Path | str, log: Path) -> Iterator[RecordedChanges]:
    """Record the lines of a done.jsonl in a store that has a plan of each of its tenants; known lines are left out.

    Raises SnapshotError for a log that cannot be read or is damaged, and where the store has no plan of a tenant:
    nothing is recorded then.
    """
    store = store_at(where).require()
    lines: dict[str, list[tuple[bytes, LogEntry]]] = defaultdict(list)
    for _, line, entry in log_entries(read_log(log), str(log)):
        lines[entry.tenant.casefold()].append((line, entry))
    names = _tenants(store)
    for tenant_id in lines:
        if tenant_id not in names:
            raise SnapshotError(
                "log-foreign",
                Message("{log}: the store has no plan of the tenant {tenant}", log=log, tenant=repr(tenant_id)),
                hint=Message("`auditor plan --store` keeps the plan that the log belongs to"),
            )
    for tenant_id, own in sorted(lines.items()):
        yield RecordedChanges(tenant=names[tenant_id], count=_add(store, names[tenant_id], own))


def _tenants(store: Store) -> dict[str, str]:
    """Return the names of tenants with a plan, by id in lower case."""
    newest = {name.partition("/")[0]: name for name in store.backend.names("") if "/plans/" in name}
    by_id: dict[str, str] = {}
    for tenant in sorted(newest):
        for name in plan_names(store.backend, tenant)[-1:]:
            body = store.backend.read(name)
            plan = None if body is None else decoded_plan(body, where=f"{store.address}/{name}")
            by_id |= {
                planned.tenant_id.casefold(): tenant
                for planned in (plan.tenants if plan else ())
                if planned.name == tenant
            }
    return by_id


def _add(store: Store, tenant: str, lines: Iterable[tuple[bytes, LogEntry]]) -> int:
    recorded = {
        line
        for name in change_log_names(store.backend, tenant)
        for line in read_change_log(store.backend, name).splitlines()
    }
    fresh = {line: entry.time for line, entry in lines if line not in recorded}
    if fresh:
        add_change_log(store.backend, tenant, max(fresh.values()), b"\n".join(fresh) + b"\n")
    return len(fresh)


def recorded_entries(store: Store, tenant: str) -> list[LogEntry]:
    """Return what the logs of a store say about a tenant. Raises SnapshotError for a damaged log."""
    return [
        entry
        for name in change_log_names(store.backend, tenant)
        for _, _, entry in log_entries(read_change_log(store.backend, name), f"{store.address}/{name}")
    ]


Warn = Callable[[Diagnostic], None]


class StoredLogs(Struct, frozen=True, kw_only=True):
    """The logs of changes in stores; `warn` hears of those that cannot be read."""

    stores: Sequence[Store]
    warn: Warn

    def entries(self, tenant: str, until: datetime) -> list[LogEntry]:
        """Return what was done in a tenant until an instant."""
        return [entry for store in self.stores for entry in self._readable(store, tenant) if entry.time <= until]

    def _readable(self, store: Store, tenant: str) -> Sequence[LogEntry]:
        try:
            return recorded_entries(store, tenant)
        except AuditorError as error:
            warn_of(error, self.warn)
            return ()


def warn_of(error: AuditorError, warn: Warn) -> None:
    """Report what makes a file of a store unreadable as warnings."""
    for diagnostic in error.diagnostics:
        warn(replace(diagnostic, level=Level.WARNING))


def entries_of(log: Path) -> list[LogEntry]:
    """Return what a done.jsonl says, or all files `*.jsonl` of a folder. Raises SnapshotError as `read_log`."""
    return [entry for path in log_paths(log) for _, _, entry in log_entries(read_log(path), str(path))]
