"""Stores snapshots and results; lists, thins out and restores the nights of a store."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import chain
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.locations import all_folders, store_at
from auditor.app.saved_results import saved_results
from auditor.domain.errors import AuditorError, SnapshotError, UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import Result, TenantResult
from auditor.failures import TenantBoundary
from auditor.files import input as input_files
from auditor.files.names import instant_of
from auditor.history.result_log import Entry, Ledger, commit_tenant
from auditor.snapshot.folders import find
from auditor.store.commit import Night
from auditor.store.plans import change_log_names, plan_names
from auditor.store.removal import announced, of_tenant, old_files
from auditor.store.retention import Keep, Pruning, check_not_ahead, check_not_behind, parse_keep, prune
from auditor.store.store import Store


class Stored(Struct, frozen=True, kw_only=True):
    """The outcome for one snapshot or result that was to be stored."""

    what: str
    tenant: str
    instant: datetime
    new: bool
    """False if the same was stored already."""
    size: int
    """Bytes that were added."""
    given: int
    """Bytes of the original; 0 if it was never a file."""


def keep(where: Path | str, folders: Sequence[Path], result: Result | None = None) -> Iterator[Stored | AuditorError]:
    """Store tonight's snapshots and their result; failures are yielded, and stop no other."""
    try:
        store = store_at(where).create()
    except AuditorError as error:
        yield error
        return
    for folder in sorted(folders, key=lambda folder: folder.name):
        with TenantBoundary(folder.parent.name) as boundary:
            stored = _put_night(store, folder)
        yield boundary.named_failure or stored
    for tenant in () if result is None else result.tenants:
        if result is not None and tenant.failure is None:
            with TenantBoundary(tenant.name) as boundary:
                stored = _put_result(store, result, tenant, 0)
            yield boundary.named_failure or stored


def put(where: Path | str, places: Sequence[Path]) -> Iterator[Stored | AuditorError]:
    """Store snapshots and results in order of their instants; the store is created if missing."""
    folders = [folder for path in places if input_files.is_folder(path) for folder in _snapshots(path)]
    files = [path for path in places if not input_files.is_folder(path)]
    hint = Message("specify a snapshot, a folder of them, or a result.json")
    with saved_results(files, None, hint=hint) as (results, _):
        store = store_at(where).create()
        alone = len(folders) + len(files) == 1
        for folder in sorted(folders, key=lambda folder: folder.name):
            with TenantBoundary(folder.parent.name, alone=alone) as boundary:
                stored = _put_night(store, folder)
            yield boundary.named_failure or stored
        sized_results = zip((file.stat().st_size for file in files), (result for _, result in results), strict=True)
        for size, result in sorted(sized_results, key=lambda item: item[1].run.as_of):
            for tenant in result.tenants:
                if tenant.failure is None:
                    with TenantBoundary(tenant.name, alone=alone and len(result.tenants) == 1) as boundary:
                        stored = _put_result(store, result, tenant, size)
                    yield boundary.named_failure or stored


def _put_night(store: Store, folder: Path) -> Stored:
    night, new = store.put(folder)
    return Stored(
        what="snapshot",
        tenant=night.tenant,
        instant=night.instant,
        new=new,
        size=night.own_size if new else 0,
        given=sum(entry.size for entry in night.files.values()),
    )


def _put_result(store: Store, result: Result, tenant: TenantResult, source_size: int) -> Stored:
    size = Ledger(store.backend, tenant.name).put(result, tenant, tenant.findings.stats.money)
    return Stored(
        what="result", tenant=tenant.name, instant=result.run.as_of, new=size > 0, size=size, given=source_size
    )


def nights(where: Path | str, tenants: Sequence[str] = ()) -> tuple[Night, ...]:
    """Return the nights of a store. Raises UsageError for a tenant without nights."""
    all_nights = store_at(where).require().nights()
    known_tenants(tenants, {night.tenant for night in all_nights})
    return tuple(night for night in all_nights if not tenants or night.tenant in tenants)


def known_tenants(requested: Sequence[str], tenants: AbstractSet[str]) -> None:
    """Raise UsageError for an unknown tenant."""
    for name in requested:
        if name not in tenants:
            names = ", ".join(sorted(tenants))
            raise UsageError(
                "tenant-unknown",
                Message("the store has no night of a tenant '{name}'", name=name),
                hint=Message("tenants: {known}", known=names),
            )


class Thinned(Struct, frozen=True, kw_only=True):
    """What retention does to one tenant."""

    nights: Pruning
    results: tuple[Entry, ...]
    """Results whose findings are deleted, with the names in them; their counts stay."""
    temporary: tuple[str, ...]
    """Temporary files of killed writers."""
    plans: tuple[str, ...] = ()
    """Remediation plans, which have names of people."""
    change_logs: tuple[str, ...] = ()
    """Logs of changes, which name who made them."""


def thin(
    where: Path | str, keep: str, now: datetime, *, tenants: Sequence[str] = (), delete: bool, confirmed: bool = False
) -> list[Thinned]:
    """Apply a policy such as `35d,24m` to every tenant; without `delete` nothing is changed.

    All tenants are decided about before anything is deleted; SnapshotError where a night that would stay lacks a part,
    UsageError where `now` lies far from the newest nights and nobody `confirmed` that it is right.
    """
    policy = parse_keep(keep)
    store = store_at(where).require()
    # A tenant with results only has findings with names too.
    by_tenant: dict[str, list[Night]] = {
        tenant: [] for name in store.backend.names("") if (tenant := commit_tenant(name)) is not None
    }
    for night in store.nights():
        by_tenant.setdefault(night.tenant, []).append(night)
    known_tenants(tenants, by_tenant.keys())
    if not confirmed:
        results = (entry.as_of for name in by_tenant for entry in Ledger(store.backend, name).entries())
        nights_ = (night.instant for tenant_nights in by_tenant.values() for night in tenant_nights)
        check_not_ahead(chain(nights_, results), now)
    temporary = store.backend.temporary()
    decided = [
        _thinned(store, name, by_tenant[name], policy, now, temporary)
        for name in sorted(by_tenant)
        if not tenants or name in tenants
    ]
    for thinned in decided:
        store.check_restorable(thinned.nights.kept)
    return [_deleted(store, thinned, temporary) for thinned in decided] if delete else decided


def _thinned(
    store: Store,
    tenant: str,
    tenant_nights: Sequence[Night],
    policy: Keep,
    now: datetime,
    temporary: Mapping[str, datetime | None],
) -> Thinned:
    ledger = Ledger(store.backend, tenant)
    if tenant_nights:
        pruning = prune(tenant_nights, policy, now)
    else:
        for entry in ledger.entries()[-1:]:
            check_not_behind(tenant, entry.as_of, now)
        pruning = Pruning(tenant=tenant, kept=(), deleted=(), removed=(), still_needed=())
    old = old_files(of_tenant(temporary, tenant), now)
    oldest = now - policy.longest
    plans = tuple(name for name in plan_names(store.backend, tenant)[:-1] if instant_of(name) < oldest)
    logs = tuple(name for name in change_log_names(store.backend, tenant) if instant_of(name) < oldest)
    return Thinned(nights=pruning, results=ledger.thin(oldest), temporary=old, plans=plans, change_logs=logs)


def _deleted(store: Store, thinned: Thinned, temporary: Mapping[str, datetime | None]) -> Thinned:
    """Delete what retention selected and what killed writers left; returns what was deleted."""
    tenant = thinned.nights.tenant
    ledger = Ledger(store.backend, tenant)
    with announced(store.backend, tenant) as present:
        old = old_files(of_tenant(temporary, tenant), present)
        store.remove(thinned.nights, present)
        ledger.remove(thinned.results)
        for name in (*old_files(ledger.superseded(), present), *old, *thinned.plans, *thinned.change_logs):
            store.backend.remove(name)
    return replace(thinned, temporary=old)


def restore(where: Path | str, tenant: str, at: datetime | None, root: Path) -> Path:
    """Write the latest night of a tenant, not after `at`, as a snapshot folder below `root`."""
    candidates = [night for night in nights(where, [tenant]) if at is None or night.instant <= at]
    if not candidates:
        raise SnapshotError(
            "snapshot-later",
            Message("{where} has no night of {tenant} at or before this time", where=where, tenant=tenant),
            hint=Message("`auditor store list` lists them"),
        )
    return store_at(where).restore(candidates[-1], root)


def _snapshots(path: Path) -> list[Path]:
    if input_files.is_file(path / "manifest.json"):
        return [path]
    find(path)  # raises if there is none
    return all_folders(path)
