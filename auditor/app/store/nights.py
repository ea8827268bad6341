"""Stores snapshots and results; lists, prunes and restores the nights of a store."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.locations import store_at
from auditor.app.saved_results import saved_result
from auditor.domain.errors import AuditorError, SnapshotError, UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.similar_name import tenants_hint
from auditor.failures import TenantBoundary
from auditor.files import input as input_files
from auditor.files.names import instant_of
from auditor.findings.spill import spill_file
from auditor.history.logged_result import LoggedResult, commit_tenant
from auditor.history.result_log import ResultLog, results_by_tenant
from auditor.snapshot.folders import Damaged, snapshots
from auditor.store.commit import Night
from auditor.store.plans import change_log_names, plan_names
from auditor.store.removal import announced, of_tenant, old_files
from auditor.store.retention import SAMPLE_SIZE, Keep, Pruning, check_not_ahead, check_not_behind, parse_keep, prune
from auditor.store.store import Store

_HINT: Final = Message("specify a snapshot, a folder of them, or a result.json")


class Stored(Struct, frozen=True, kw_only=True):
    """The outcome of storing one snapshot or result."""

    what: str
    tenant: str
    instant: datetime
    new: bool
    """False if it was already in the store."""
    size: int
    """Bytes that were added to the store."""


def keep(
    location: Path | str, folders: Sequence[Path], result: Result | None = None
) -> Iterator[Stored | AuditorError]:
    """Store the snapshots of a run and their result; a failure is yielded, and does not stop the others."""
    try:
        store = store_at(location).create()
    except AuditorError as error:
        yield error
        return
    yield from _stored(store, folders, () if result is None else (result,))


def put(location: Path | str, paths: Sequence[Path]) -> Iterator[Stored | AuditorError]:
    """Store snapshots by instant, then the results of each tenant by instant; a missing store is created.

    A snapshot or result that cannot be read is yielded as a failure, and does not stop the others. Raises AuditorError
    before anything is written if nothing can be read.
    """
    with spill_file(None) as spill:
        folders, failures = _readable_snapshots(paths)
        results: list[Result] = []
        for path in paths:
            if not input_files.is_folder(path):
                with TenantBoundary(str(path)) as boundary:
                    results.append(saved_result(path, spill=spill, hint=_HINT))
                failures += [] if boundary.failure is None else [boundary.failure]
        if failures and not folders and not results:
            raise failures[0]
        yield from failures
        store = store_at(location).create()
        yield from _stored(store, folders, results, only_one=len(folders) + len(results) + len(failures) == 1)


def _readable_snapshots(paths: Sequence[Path]) -> tuple[list[Path], list[AuditorError]]:
    """Return the snapshot folders in some folders, and the errors of those that cannot be read."""
    folders: list[Path] = []
    errors: list[AuditorError] = []
    for path in paths:
        for entry in snapshots(path) if input_files.is_folder(path) else ():
            if isinstance(entry, Damaged):
                errors.append(entry.error)
            else:
                folders.append(entry[1])
    return folders, errors


def _stored(
    store: Store, folders: Sequence[Path], results: Sequence[Result], *, only_one: bool = False
) -> Iterator[Stored | AuditorError]:
    """Store snapshots, then the results of each tenant, by instant; a failure is yielded, with `only_one` raised."""
    for folder in sorted(folders, key=lambda folder: folder.name):
        with TenantBoundary(folder.parent.name, only_tenant=only_one) as boundary:
            night, new = store.put(folder)
            size = night.own_size if new else 0
            stored = Stored(what="snapshot", tenant=night.tenant, instant=night.instant, new=new, size=size)
        yield boundary.named_failure or stored
    for name, results_of_tenant in results_by_tenant(results).items():
        result_log = ResultLog(store.backend, name)
        for result, tenant in results_of_tenant:
            with TenantBoundary(name, only_tenant=only_one and len(result.tenants) == 1) as boundary:
                size = result_log.put(result, tenant, tenant.findings.stats.money)
                stored = Stored(what="result", tenant=name, instant=result.run.as_of, new=size > 0, size=size)
            yield boundary.named_failure or stored


def nights(location: Path | str, tenants: Sequence[str] = ()) -> tuple[Night, ...]:
    """Return the nights of a store. Raises UsageError for a tenant without nights."""
    all_nights = store_at(location).require().nights()
    known_tenants(tenants, {night.tenant for night in all_nights})
    return tuple(night for night in all_nights if not tenants or night.tenant in tenants)


def stored_results(location: Path | str, tenants: Sequence[str]) -> int:
    """Return the number of stored results of the tenants; without `tenants`, of all."""
    owners = map(commit_tenant, store_at(location).require().backend.names(""))
    return sum(owner is not None and (not tenants or owner in tenants) for owner in owners)


def known_tenants(requested: Sequence[str], tenants: AbstractSet[str]) -> None:
    """Raise UsageError for an unknown tenant."""
    for name in requested:
        if name not in tenants:
            message = Message("the store has no night of a tenant '{name}'", name=name)
            raise UsageError("tenant-unknown", message, hint=tenants_hint(name, tenants))


class TenantRetention(Struct, frozen=True, kw_only=True):
    """The effect of the retention policy on one tenant."""

    nights: Pruning
    results: tuple[LoggedResult, ...]
    """Results whose findings, which contain names, are deleted; their counts are kept."""
    temporary: tuple[str, ...]
    """Temporary files of writers that were killed."""
    plans: tuple[str, ...] = ()
    """Remediation plans, which contain names of users."""
    change_logs: tuple[str, ...] = ()
    """Logs of changes, which contain the names of those who made them."""


def apply_retention(
    location: Path | str,
    keep: str,
    now: datetime,
    *,
    tenants: Sequence[str] = (),
    delete: bool,
    confirmed: bool = False,
) -> list[TenantRetention]:
    """Apply a retention policy such as `35d,24m` to every tenant; without `delete` nothing is changed.

    Nothing is deleted before all tenants were checked. Raises SnapshotError if a night to keep is damaged, and
    UsageError if `now` is far from the newest nights and not `confirmed`.
    """
    policy = parse_keep(keep)
    store = store_at(location).require()
    # Findings contain names, so tenants with results but without nights are included.
    by_tenant: dict[str, list[Night]] = {
        tenant: [] for name in store.backend.names("") if (tenant := commit_tenant(name)) is not None
    }
    for night in store.nights():
        by_tenant.setdefault(night.tenant, []).append(night)
    known_tenants(tenants, by_tenant.keys())
    if not confirmed:
        logs = (ResultLog(store.backend, name) for name in by_tenant)
        results = (entry.as_of for log in logs for entry in log.newest(SAMPLE_SIZE))
        nights_ = (night.instant for tenant_nights in by_tenant.values() for night in tenant_nights)
        check_not_ahead(chain(nights_, results), now)
    temporary = store.backend.temporary()
    retentions = [
        _retention(store, name, by_tenant[name], policy, now, temporary)
        for name in sorted(by_tenant)
        if not tenants or name in tenants
    ]
    for retention in retentions:
        # Reading every kept night takes time: only needed if it may be the only copy of what is deleted.
        store.check_restorable(retention.nights.kept, content=delete and bool(retention.nights.deleted))
    return [_delete(store, retention, temporary) for retention in retentions] if delete else retentions


def _retention(
    store: Store,
    tenant: str,
    tenant_nights: Sequence[Night],
    policy: Keep,
    now: datetime,
    temporary: Mapping[str, datetime | None],
) -> TenantRetention:
    result_log = ResultLog(store.backend, tenant)
    if tenant_nights:
        pruning = prune(tenant_nights, policy, now)
    else:
        for entry in result_log.entries()[-1:]:
            check_not_behind(tenant, entry.as_of, now)
        pruning = Pruning(tenant=tenant, kept=(), deleted=(), removed=(), still_needed=())
    old = old_files(of_tenant(temporary, tenant), now)
    oldest = now - policy.longest
    plans = tuple(name for name in plan_names(store.backend, tenant)[:-1] if instant_of(name) < oldest)
    logs = tuple(name for name in change_log_names(store.backend, tenant) if instant_of(name) < oldest)
    return TenantRetention(
        nights=pruning, results=result_log.delete_findings(oldest), temporary=old, plans=plans, change_logs=logs
    )


def _delete(store: Store, retention: TenantRetention, temporary: Mapping[str, datetime | None]) -> TenantRetention:
    """Delete the selected objects and the temporary files of killed writers; return what was deleted."""
    tenant = retention.nights.tenant
    result_log = ResultLog(store.backend, tenant)
    with announced(store.backend, tenant) as now:
        old = old_files(of_tenant(temporary, tenant), now)
        store.remove(retention.nights, now)
        result_log.remove(retention.results)
        for name in (*old_files(result_log.superseded(), now), *old, *retention.plans, *retention.change_logs):
            store.backend.remove(name)
    return replace(retention, temporary=old)


def restore(location: Path | str, tenant: str, as_of: datetime | None, root: Path) -> Path:
    """Write the latest night of a tenant that is not after `as_of` as a snapshot folder below `root`.

    Raises UsageError for an unknown tenant, and SnapshotError if there is no such night.
    """
    candidates = [night for night in nights(location, [tenant]) if as_of is None or night.instant <= as_of]
    if not candidates:
        raise SnapshotError(
            "snapshot-later",
            Message("{where} has no night of {tenant} at or before this time", where=location, tenant=tenant),
            hint=Message("`auditor store list` lists them"),
        )
    return store_at(location).restore(candidates[-1], root)
