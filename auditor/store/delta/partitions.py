"""Splits snapshots into partitions by user id, and joins partitions into the row groups of a snapshot."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.snapshot.model import Snapshot, UserBatch, one_batch
from auditor.snapshot.schema import ASSIGNMENTS, USERS
from auditor.store.delta.column_diff import plain
from auditor.store.delta.user_delta import LINK_TYPES, LINKS, UserPartition

PARTITION_USERS: Final = 65_536
"""Users per new partition; later nights may add more."""


class NotInOrderError(Exception):
    """Raised if the users of a snapshot are not sorted by id or repeat: it is then stored verbatim."""


class Layout(Struct, frozen=True, kw_only=True):
    """The columns of a snapshot, and its division into row groups and partitions."""

    columns: tuple[str, ...]
    row_groups: tuple[int, ...]
    bounds: tuple[str, ...]
    """The first id of every partition but the first, for a new division."""


def layout_of(snapshot: Snapshot) -> Layout:
    """Return the layout of a snapshot. Raises NotInOrderError if ids are not in ascending order."""
    columns: tuple[str, ...] | None = None
    groups: list[int] = []
    bounds: list[str] = []
    last: str | None = None
    count = 0
    for batch in snapshot.batches(assignments=("user",)):
        names = tuple(name for name in USERS.names if name in batch.users.schema.names)
        if columns is not None and names != columns:
            raise NotInOrderError
        columns = names
        ids = plain(batch.users.column("id"))
        groups.append(len(ids))
        if len(ids) == 0:
            continue
        if not pc.all(pc.greater(ids[1:], ids[:-1]), min_count=0).as_py() or (
            last is not None and ids[0].as_py() <= last
        ):
            raise NotInOrderError
        first = -count % PARTITION_USERS
        bounds.extend(ids[index].as_py() for index in range(first, len(ids), PARTITION_USERS) if count + index)
        count += len(ids)
        last = ids[-1].as_py()
    return Layout(columns=columns or ("id",), row_groups=tuple(groups), bounds=tuple(bounds))


def partitions_of(snapshot: Snapshot, columns: Sequence[str], bounds: Sequence[str]) -> Iterator[UserPartition]:
    """Yield the users of each range of ids, including empty ranges."""
    pending: list[UserPartition] = []
    number = 0
    for batch in snapshot.batches():
        partition = _partition(batch, columns)
        ids = partition.users.column("id")
        start = 0
        while number < len(bounds):
            index = bisect_left(range(len(ids)), bounds[number], lo=start, key=lambda row: ids[row].as_py())
            if index == len(ids):
                break
            pending.append(_slice(partition, start, index))
            yield _concatenated(pending, columns)
            pending, start, number = [], index, number + 1
        pending.append(_slice(partition, start, len(ids)))
    while number <= len(bounds):
        yield _concatenated(pending, columns)
        pending, number = [], number + 1


def row_groups(partitions: Iterable[UserPartition], sizes: Sequence[int]) -> Iterator[UserBatch]:
    """Yield users and assignments in row groups of the original sizes; `user` is a row number in the whole snapshot."""
    pending: list[UserPartition] = []
    source = iter(partitions)
    offset = 0
    for size in sizes:
        while sum(partition.users.num_rows for partition in pending) < size:
            pending.append(next(source))
        joined = _concatenated(pending, ()) if pending else None
        if joined is None:
            pending = [joined := next(source)]
        group = _slice(joined, 0, size)
        pending = [_slice(joined, size, joined.users.num_rows)]
        owners = pa.array(group.owners + offset)
        links = pa.table(
            [owners, *(group.links.column(name).combine_chunks() for name in LINKS)], names=["user", *LINKS]
        ).cast(ASSIGNMENTS)
        yield UserBatch(users=one_batch(group.users), assignments=one_batch(links), offset=offset)
        offset += size


def _partition(batch: UserBatch, columns: Sequence[str]) -> UserPartition:
    users = pa.table(
        [plain(batch.users.column(name)).cast(USERS.field(name).type) for name in columns],
        schema=pa.schema([USERS.field(name) for name in columns]),
    )
    links = pa.table(
        [plain(batch.assignments.column(name)).cast(kind) for name, kind in LINK_TYPES.items()], names=list(LINK_TYPES)
    )
    owners = batch.assignments.column("user").to_numpy(zero_copy_only=False).astype(np.int64) - batch.offset
    return UserPartition(users=users, links=links, owners=owners)


def _slice(partition: UserPartition, start: int, stop: int) -> UserPartition:
    first, last = np.searchsorted(partition.owners, [start, stop])
    return UserPartition(
        users=partition.users.slice(start, stop - start),
        links=partition.links.slice(first, last - first),
        owners=partition.owners[first:last] - start,
    )


def _concatenated(parts: Sequence[UserPartition], columns: Sequence[str]) -> UserPartition:
    if not parts:
        return UserPartition.empty(tuple(columns))
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(part.users.num_rows for part in parts[:-1])])
    return UserPartition(
        users=pa.concat_tables([part.users for part in parts]).combine_chunks(),
        links=pa.concat_tables([part.links for part in parts]).combine_chunks(),
        owners=np.concatenate([part.owners + rows for part, rows in zip(parts, before, strict=True)]),
    )
