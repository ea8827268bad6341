"""Records logs of changes in a store, and reads the logged changes of a tenant from stores and files."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.locations import store_at
from auditor.app.verification.change_log import LogEntry, log_entries, read_log
from auditor.app.verification.plan_file import decoded_plan
from auditor.domain.errors import AuditorError, Level, SnapshotError, Warn
from auditor.domain.message import Message
from auditor.domain.result.saved_plan import SavedPlan
from auditor.store.plans import add_change_log, change_log_names, plan_names, read_change_log
from auditor.store.store import Store


class RecordedChanges(Struct, frozen=True, kw_only=True):
    """The number of recorded changes of a tenant."""

    tenant: str
    count: int
    """The number of lines that were not in the store before."""


def record_changes(location: Path | str, log: Path) -> Iterator[RecordedChanges]:
    """Record the lines of a done.jsonl in a store that has a plan of each of its tenants; existing lines are skipped.

    Raises SnapshotError if the log is damaged or cannot be read, or if the store has no readable plan of a tenant;
    nothing is recorded then.
    """
    store = store_at(location).require()
    lines: dict[str, list[tuple[bytes, LogEntry]]] = defaultdict(list)
    for _, line, entry in log_entries(read_log(log), str(log)):
        lines[entry.tenant.casefold()].append((line, entry))
    names, unreadable = _tenants_with_plan(store)
    for tenant_id in lines:
        if tenant_id not in names:
            if unreadable:  # one of these plans may be the tenant's
                raise unreadable[0]
            raise SnapshotError(
                "log-foreign",
                Message("{log}: the store has no plan of the tenant {tenant}", log=log, tenant=repr(tenant_id)),
                hint=Message("`auditor plan --store` keeps the plan that the log belongs to"),
            )
    for tenant_id, tenant_lines in sorted(lines.items()):
        yield RecordedChanges(tenant=names[tenant_id], count=_add_new_lines(store, names[tenant_id], tenant_lines))


def _tenants_with_plan(store: Store) -> tuple[dict[str, str], list[SnapshotError]]:
    """Return the names of the tenants with a plan, by lower-case id, and the errors of plans that cannot be read."""
    tenants = {name.partition("/")[0] for name in store.backend.names("") if "/plans/" in name}
    by_id: dict[str, str] = {}
    unreadable: list[SnapshotError] = []
    for tenant in sorted(tenants):
        for name in plan_names(store.backend, tenant)[-1:]:
            try:
                plan = stored_plan(store, name)
            except SnapshotError as error:
                unreadable.append(error)
                continue
            by_id |= {
                planned.tenant_id.casefold(): tenant
                for planned in (plan.tenants if plan else ())
                if planned.name == tenant
            }
    return by_id, unreadable


def _add_new_lines(store: Store, tenant: str, lines: Iterable[tuple[bytes, LogEntry]]) -> int:
    recorded = {
        line
        for name in change_log_names(store.backend, tenant)
        for line in read_change_log(store.backend, name).splitlines()
    }
    new_lines = {line: entry.time for line, entry in lines if line not in recorded}
    if new_lines:
        add_change_log(store.backend, tenant, max(new_lines.values()), b"\n".join(new_lines) + b"\n")
    return len(new_lines)


def stored_entries(stores: Iterable[Store], tenant: str, until: datetime, warn: Warn) -> list[LogEntry]:
    """Return the logged changes of a tenant in stores until an instant; `warn` is called for unreadable logs."""
    entries: list[LogEntry] = []
    for store in stores:
        try:
            entries += [
                entry
                for name in change_log_names(store.backend, tenant)
                for _, _, entry in log_entries(read_change_log(store.backend, name), f"{store.address}/{name}")
            ]
        except AuditorError as error:
            warn_of(error, warn)
    return [entry for entry in entries if entry.time <= until]


def stored_plan(store: Store, name: str) -> SavedPlan | None:
    """Return a plan in a store; None if it was deleted since it was listed. Raises SnapshotError if it is damaged."""
    body = store.backend.read(name)
    return None if body is None else decoded_plan(body, where=f"{store.address}/{name}")


def warn_of(error: AuditorError, warn: Warn) -> None:
    """Report the errors of an unreadable file of a store as warnings."""
    for diagnostic in error.diagnostics:
        warn(replace(diagnostic, level=Level.WARNING))
