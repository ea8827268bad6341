"""Selects from folders and stores the one snapshot of each tenant that is audited."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.audit.failed_tenants import Unaudited, unaudited_of
from auditor.app.locations import is_store, store_at
from auditor.domain.errors import SnapshotError, UsageError
from auditor.domain.message import Message
from auditor.failures import TenantBoundary, reason_of
from auditor.files.names import instant_of
from auditor.files.temporary import temporary_folder
from auditor.snapshot.folders import Damaged, snapshots
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Manifest

if TYPE_CHECKING:
    from auditor.store.commit import Night
    from auditor.store.store import Store


class TenantSnapshot(Struct, frozen=True, kw_only=True):
    """The state of a tenant at one instant, in a folder or in a store."""

    manifest: Manifest
    location: str
    """The path, or the store and instant, for messages."""
    folder: Path | None = None
    """The snapshot folder; None for a night in a store."""
    store: "Store | None" = None
    night: "Night | None" = None

    def opened(self, root: Path) -> Path:
        """Return its snapshot folder; a night in a store is restored below `root`."""
        if self.folder is not None:
            return self.folder
        assert self.store is not None
        assert self.night is not None
        return self.store.restore(self.night, root)


@contextmanager
def snapshot_folders(
    locations: Sequence[Path | str], as_of: datetime | None, select: Callable[[Sequence[str]], Sequence[str]]
) -> Iterator[Sequence[Path | Unaudited]]:
    """Yield a snapshot folder for each selected tenant: the latest, or the latest that is not after `as_of`.

    `select` chooses tenants by name before anything is restored. A tenant with only later snapshots is reported as not
    audited. Raises SnapshotError if all tenants have only later snapshots.
    """
    by_tenant = states(locations, as_of)
    names = select(tuple(by_tenant))
    with temporary_folder("auditor-nights-") as root:
        yield [_folder(by_tenant[name], root, only_tenant=len(names) == 1) for name in names]


def _folder(state: TenantSnapshot | Unaudited, root: Path, *, only_tenant: bool) -> Path | Unaudited:
    if isinstance(state, Unaudited):
        return state
    with TenantBoundary(state.manifest.tenant, only_tenant=only_tenant) as boundary:
        return state.opened(root)
    assert boundary.failure is not None
    return unaudited_of(state.manifest, reason_of(boundary.failure))


def states(locations: Sequence[Path | str], as_of: datetime | None) -> Mapping[str, TenantSnapshot | Unaudited]:
    """Return the state of every tenant in some locations.

    A tenant whose snapshot is damaged is reported as not audited. Raises UsageError if two locations have the same
    tenant, and SnapshotError if no tenant in any location has a readable snapshot.
    """
    by_tenant: dict[str, TenantSnapshot | Unaudited] = {}
    for location in locations:
        for name, state in _states_in_location(location, as_of).items():
            previous = by_tenant.get(name)
            if previous is not None and _description(previous) != _description(state):
                raise UsageError(
                    "snapshot-twice",
                    Message(
                        "both {known} and {state} are snapshots of the tenant {name}",
                        known=_description(previous),
                        state=_description(state),
                        name=name,
                    ),
                    hint=Message("specify one of them"),
                )
            by_tenant[name] = state
    if not any(isinstance(state, TenantSnapshot) for state in by_tenant.values()):
        for state in by_tenant.values():
            if isinstance(state, Unaudited) and state.error is not None:
                raise state.error
    return {name: by_tenant[name] for name in sorted(by_tenant)}


def _description(state: TenantSnapshot | Unaudited) -> str:
    return state.reason if isinstance(state, Unaudited) else state.location


def _states_in_location(location: Path | str, as_of: datetime | None) -> Mapping[str, TenantSnapshot | Unaudited]:
    if is_store(location):
        in_store, damaged = _snapshots_in_store(store_at(location).require())
        latest = _latest(in_store, as_of, str(location)) if in_store else {}
        return _with_damaged(latest, damaged, as_of)
    folder = Path(location)
    damaged = []
    readable: list[TenantSnapshot] = []
    for entry in snapshots(folder):
        if isinstance(entry, Damaged):
            damaged.append(entry)
        else:
            manifest, path = entry
            readable.append(TenantSnapshot(manifest=manifest, location=str(path.resolve()), folder=path))
    _check_tenant_known(damaged, readable, folder)
    return _with_damaged(_states_in_folder(readable, as_of, location) if readable else {}, damaged, as_of)


def _check_tenant_known(damaged: Sequence[Damaged], readable: Sequence[TenantSnapshot], folder: Path) -> None:
    """Raise the error of a damaged snapshot directly in a folder that has snapshots of tenants with other names.

    It may be the latest of any of them, so none can be audited.
    """
    others = {state.manifest.tenant for state in readable}
    for snapshot in damaged:
        if snapshot.folder.parent == folder and snapshot.instant is not None and others - {snapshot.tenant}:
            raise snapshot.error


def _states_in_folder(
    tenant_snapshots: Sequence[TenantSnapshot], as_of: datetime | None, location: Path | str
) -> Mapping[str, TenantSnapshot | Unaudited]:
    by_tenant = {state.manifest.tenant: state for state in tenant_snapshots}
    if (
        as_of is not None
        and len(by_tenant) == len(tenant_snapshots)
        and all(state.manifest.instant > as_of for state in tenant_snapshots)
    ):
        # One snapshot per tenant, all after `as_of`: a single one is audited regardless of its instant, and several
        # were collected after `as_of` was set for all parts of a run.
        return by_tenant
    return _latest(tenant_snapshots, as_of, str(location))


def _with_damaged(
    readable: Mapping[str, TenantSnapshot | Unaudited], damaged: Sequence[Damaged], as_of: datetime | None
) -> Mapping[str, TenantSnapshot | Unaudited]:
    """Add the tenants whose latest snapshot cannot be read; an older one is not used instead.

    A damaged snapshot after `as_of` does not replace a state at or before it, but its tenant is never left out.
    Raises SnapshotError if the path of a snapshot does not contain its tenant, which could be any tenant.
    """
    states = dict(readable)
    for snapshot in damaged:
        if snapshot.tenant is None:
            raise snapshot.error
        known, latest = states.get(snapshot.tenant), readable.get(snapshot.tenant)
        if known is not None and _is_after(snapshot.instant, as_of) and not _is_accepted_late(known, as_of):
            continue
        if (
            isinstance(latest, TenantSnapshot)
            and snapshot.instant is not None
            and snapshot.instant < latest.manifest.instant
        ):
            continue
        manifest = latest.manifest if isinstance(latest, TenantSnapshot) else None
        unaudited = unaudited_of(manifest, reason_of(snapshot.error), name=snapshot.tenant)
        states[snapshot.tenant] = replace(unaudited, error=snapshot.error)
    return states


def _is_accepted_late(state: TenantSnapshot | Unaudited, as_of: datetime | None) -> bool:
    """Return whether a state is audited although it is later than `as_of`, as `_states_in_folder` allows."""
    return isinstance(state, TenantSnapshot) and _is_after(state.manifest.instant, as_of)


def _is_after(instant: datetime | None, as_of: datetime | None) -> bool:
    return instant is not None and as_of is not None and instant > as_of


def _snapshots_in_store(store: "Store") -> tuple[list[TenantSnapshot], list[Damaged]]:
    """Return the nights of a store, and its damaged commits. Raises SnapshotError if it has neither."""
    tenant_snapshots: list[TenantSnapshot] = []
    damaged: list[Damaged] = []
    for name, night in store.commits():
        if isinstance(night, SnapshotError):
            damaged.append(_damaged_commit(name, night))
        else:
            where = f"{store.address}: {format_instant(night.instant)}"
            tenant_snapshots.append(TenantSnapshot(manifest=night.manifest, location=where, store=store, night=night))
    if not tenant_snapshots and not damaged:
        raise SnapshotError(
            "snapshot-missing",
            Message("{root} has no snapshot", root=store.address),
            hint=Message("`auditor store put` adds a snapshot"),
        )
    return tenant_snapshots, damaged


def _damaged_commit(name: str, error: SnapshotError) -> Damaged:
    try:
        instant = instant_of(name)
    except ValueError:
        instant = None
    return Damaged(tenant=name.partition("/")[0], folder=Path(name), instant=instant, error=error)


def _latest(
    tenant_snapshots: Sequence[TenantSnapshot], as_of: datetime | None, location: str
) -> Mapping[str, TenantSnapshot | Unaudited]:
    latest: dict[str, TenantSnapshot | Unaudited] = {}
    for state in sorted(tenant_snapshots, key=lambda state: state.manifest.instant):
        manifest = state.manifest
        if as_of is None or manifest.instant <= as_of:
            latest[manifest.tenant] = state
        elif manifest.tenant not in latest:
            reason = Message(
                "{where} has no snapshot of it at or before {at}", where=location, at=format_instant(as_of)
            )
            first = format_instant(manifest.instant)
            latest[manifest.tenant] = unaudited_of(
                manifest, Message("{reason}; the first is from {instant}", reason=reason, instant=first)
            )
    if not any(isinstance(state, TenantSnapshot) for state in latest.values()):
        first = format_instant(min(state.manifest.instant for state in tenant_snapshots))
        instant = "now" if as_of is None else format_instant(as_of)
        raise SnapshotError(
            "snapshot-later",
            Message(
                "{where} has no snapshot at or before {asked}: the first is from {first}",
                where=location,
                asked=instant,
                first=first,
            ),
            hint=Message("specify a later instant, or the folder of one snapshot to evaluate it as of an earlier day"),
        )
    return latest
