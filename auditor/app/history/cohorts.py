"""Compares the licence holders of two nights."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from auditor.app.audit.failed_tenants import Unaudited
from auditor.app.audit.snapshot_selection import TenantSnapshot, states
from auditor.app.history.queries import check_order
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.trends import Cohorts
from auditor.files.temporary import temporary_folder
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import read
from auditor.store.delta.licence_cohorts import ASSIGNED, HolderCounts, gaps_of, was_read
from auditor.store.delta.partitions import NotInOrderError, layout_of, partitions_of
from auditor.store.delta.user_delta import UserPartition

_COLUMNS = ("id", "notCollected")


def compared(locations: Sequence[Path | str], tenant: str, first: datetime, last: datetime) -> dict[str, Cohorts]:
    """Return, by SKU, how many licence holders are kept, new, reclaimed and lapsed between two instants.

    Reads the users of both nights. Raises UsageError for the wrong order, and SnapshotError if there is no night, or
    if the licences of its users are not known.
    """
    check_order(first, last)
    with temporary_folder("auditor-nights-") as folder:
        nights = []
        for index, as_of in enumerate((first, last)):
            state = states(locations, as_of).get(tenant)
            if isinstance(state, Unaudited) and state.error is not None:
                raise state.error
            if not isinstance(state, TenantSnapshot):
                raise SnapshotError(
                    "snapshot-later",
                    Message(
                        "there is no snapshot of {tenant} at or before {at}", tenant=tenant, at=format_instant(as_of)
                    ),
                    hint=Message("`auditor store list` lists the nights"),
                )
            if not was_read(state.manifest, ASSIGNED):
                raise _unknown_licences(tenant, state.manifest.instant)
            nights.append(read(state.opened(folder / str(index))))
        counts = HolderCounts()
        for old, new in zip(*_user_partitions(nights), strict=True):
            counts.compare(old, new)
            if counts.doubtful:
                raise _unknown_licences(tenant, nights[0 if ASSIGNED in gaps_of(old) else 1].manifest.instant)
    return {sku: Cohorts(nights=1, **counts_of_sku) for sku, counts_of_sku in counts.by_sku().items()}


def _user_partitions(nights: Sequence[Snapshot]) -> Iterator[Iterator[UserPartition]]:
    """Yield the users of each night in the same ranges of ids, or in one range if a night is unsorted."""
    try:
        bounds, _ = (layout_of(night).bounds for night in nights)
    except NotInOrderError:
        bounds = ()
    for night in nights:
        yield partitions_of(night, _columns(night), bounds)


def _columns(night: Snapshot) -> tuple[str, ...]:
    batch = next(iter(night.batches(_COLUMNS, ("user",))), None)
    return _COLUMNS if batch is None else tuple(name for name in _COLUMNS if name in batch.users.schema.names)


def _unknown_licences(tenant: str, instant: datetime) -> SnapshotError:
    return SnapshotError(
        "history-people",
        Message(
            "the licences of all users of {tenant} at {instant} are not known",
            tenant=tenant,
            instant=format_instant(instant),
        ),
        hint=Message("choose nights whose users and licences were read completely"),
    )
