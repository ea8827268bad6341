"""Selects from folders and stores the one snapshot of each tenant that is audited."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from auditor.app.audit.failed_tenants import Unaudited, unaudited_of
from auditor.app.locations import is_store, store_at
from auditor.domain.errors import SnapshotError, UsageError
from auditor.domain.message import Message
from auditor.failures import TenantBoundary, reason_of
from auditor.files import input as files
from auditor.files.temporary import temporary_folder
from auditor.snapshot.folders import Damaged, snapshots
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Manifest
from auditor.snapshot.reader import manifest_of

if TYPE_CHECKING:
    from auditor.store.commit import Night
    from auditor.store.store import Store


class TenantSnapshot(Struct, frozen=True, kw_only=True):
    """The state of a tenant at one instant, wherever it is kept."""

    manifest: Manifest
    location: str
    """Where it is, for people."""
    folder: Path | None = None
    """The snapshot, where it is one already."""
    store: "Store | None" = None
    night: "Night | None" = None

    def opened(self, root: Path) -> Path:
        """Return a snapshot folder of it; one of a store is put together below `root`."""
        if self.folder is not None:
            return self.folder
        assert self.store is not None
        assert self.night is not None
        return self.store.restore(self.night, root)


@contextmanager
def opened_places(
    places: Sequence[Path | str], at: datetime | None, chosen: Callable[[Sequence[str]], Sequence[str]]
) -> Iterator[Sequence[Path | Unaudited]]:
    """Yield a snapshot folder for each tenant that is chosen: the latest, or the latest not after `at`.

    `chosen` picks tenants by name before anything is put together. A tenant that has only later snapshots is not
    audited, and says so; SnapshotError where that is true of all of them.
    """
    found = states(places, at)
    names = chosen(tuple(found))
    with temporary_folder("auditor-nights-") as root:
        yield [_folder(found[name], root, alone=len(names) == 1) for name in names]


def _folder(state: TenantSnapshot | Unaudited, root: Path, *, alone: bool) -> Path | Unaudited:
    if isinstance(state, Unaudited):
        return state
    with TenantBoundary(state.manifest.tenant, alone=alone) as boundary:
        return state.opened(root)
    assert boundary.failure is not None
    return unaudited_of(state.manifest, reason_of(boundary.failure))


def states(places: Sequence[Path | str], at: datetime | None) -> Mapping[str, TenantSnapshot | Unaudited]:
    """Return the state of every tenant of some places; one tenant may come from one place only."""
    found: dict[str, TenantSnapshot | Unaudited] = {}
    for where in places:
        for name, state in _of_place(where, at).items():
            known = found.get(name)
            if known is not None and _where(known) != _where(state):
                raise UsageError(
                    "snapshot-twice",
                    Message(
                        "both {known} and {state} are snapshots of the tenant {name}",
                        known=_where(known),
                        state=_where(state),
                        name=name,
                    ),
                    hint=Message("specify one of them"),
                )
            found[name] = state
    return {name: found[name] for name in sorted(found)}


def _where(state: TenantSnapshot | Unaudited) -> str:
    return state.reason if isinstance(state, Unaudited) else state.location


def _of_place(where: Path | str, at: datetime | None) -> Mapping[str, TenantSnapshot | Unaudited]:
    if is_store(where):
        return _latest(_stored(store_at(where).require()), at, str(where))
    folder = Path(where)
    if files.is_file(folder / "manifest.json"):
        # A single snapshot is audited whatever its instant is: `at` only evaluates it.
        state = _plain(folder, manifest_of(folder))
        return {state.manifest.tenant: state}
    read = snapshots(folder)
    damaged = [each for each in read if isinstance(each, Damaged)]
    found = [_plain(path, manifest) for manifest, path in (each for each in read if not isinstance(each, Damaged))]
    if not found:
        raise damaged[0].error
    return _with_damaged(_of_folder(found, at, where), damaged, at)


def _of_folder(
    found: Sequence[TenantSnapshot], at: datetime | None, where: Path | str
) -> Mapping[str, TenantSnapshot | Unaudited]:
    by_tenant = {state.manifest.tenant: state for state in found}
    if at is not None and len(by_tenant) == len(found) and all(state.manifest.instant > at for state in found):
        # Collected once, after `at` was set for all parts of a run: so is a folder of such snapshots.
        return by_tenant
    return _latest(found, at, str(where))


def _with_damaged(
    found: Mapping[str, TenantSnapshot | Unaudited], damaged: Sequence[Damaged], at: datetime | None
) -> Mapping[str, TenantSnapshot | Unaudited]:
    """Add the tenants whose latest snapshot cannot be read: an older one does not stand in for it."""
    states = dict(found)
    for each in damaged:
        known = states.get(each.tenant)
        later = each.instant is not None and at is not None and each.instant > at
        older = isinstance(known, TenantSnapshot) and each.instant is not None and each.instant < known.manifest.instant
        if later or older:
            continue
        manifest = known.manifest if isinstance(known, TenantSnapshot) else None
        states[each.tenant] = unaudited_of(manifest, each.error.message, name=each.tenant)
    return states


def _stored(store: "Store") -> list[TenantSnapshot]:
    found = [
        TenantSnapshot(
            manifest=night.manifest,
            location=f"{store.address}: {format_instant(night.instant)}",
            store=store,
            night=night,
        )
        for night in store.nights()
    ]
    if not found:
        raise SnapshotError(
            "snapshot-missing",
            Message("{root} has no snapshot", root=store.address),
            hint=Message("`auditor store put` adds one"),
        )
    return found


def _plain(folder: Path, manifest: Manifest) -> TenantSnapshot:
    return TenantSnapshot(manifest=manifest, location=str(folder.resolve()), folder=folder)


def _latest(
    found: Sequence[TenantSnapshot], at: datetime | None, where: str
) -> Mapping[str, TenantSnapshot | Unaudited]:
    latest: dict[str, TenantSnapshot | Unaudited] = {}
    for state in sorted(found, key=lambda state: state.manifest.instant):
        manifest = state.manifest
        if at is None or manifest.instant <= at:
            latest[manifest.tenant] = state
        elif manifest.tenant not in latest:
            reason = Message("{where} has no snapshot of it at or before {at}", where=where, at=format_instant(at))
            first = format_instant(manifest.instant)
            latest[manifest.tenant] = unaudited_of(
                manifest, Message("{reason}; the first is of {instant}", reason=reason, instant=first)
            )
    if not any(isinstance(state, TenantSnapshot) for state in latest.values()):
        first = format_instant(min(state.manifest.instant for state in found))
        asked = "now" if at is None else format_instant(at)
        raise SnapshotError(
            "snapshot-later",
            Message(
                "{where} has no snapshot at or before {asked}: the first is of {first}",
                where=where,
                asked=asked,
                first=first,
            ),
            hint=Message("specify a later instant, or the folder of one snapshot to evaluate it as of an earlier day"),
        )
    return latest
