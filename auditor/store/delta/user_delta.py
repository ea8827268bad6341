"""Computes and applies the changes of one range of users, with their assignments, between two nights."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.arrays.columns import Flags
from auditor.arrays.rows import runs
from auditor.snapshot.schema import ASSIGNMENTS, SIGN_IN_COLUMNS, USERS
from auditor.store.delta.column_diff import Indices, deltas_of, differs, indices_of, kept_rows, plain

Delta = dict[str, pa.Array]
"""Name → array: the removed and added rows, and for each column the changed rows and their new values."""
LINKS: Final = tuple(name for name in ASSIGNMENTS.names if name != "user")
_NULL: Final = np.int64(np.iinfo(np.int64).min)
"""The number for null in arrays of timestamps."""
_SECOND: Final = 1_000_000


LINK_TYPES: Final = {
    name: kind.value_type if pa.types.is_dictionary(kind) else kind
    for name, kind in zip(ASSIGNMENTS.names, ASSIGNMENTS.types, strict=True)
    if name in LINKS
}
"""The columns of assignments but `user`, without dictionary encoding."""


class UserPartition(Struct, frozen=True, kw_only=True):
    """Users of a range of ids, sorted by id, with their assignments; `owners` is the user row of each assignment."""

    users: pa.Table
    links: pa.Table
    owners: Indices

    @classmethod
    def empty(cls, columns: tuple[str, ...]) -> "UserPartition":
        """Return a partition without users."""
        return cls(
            users=pa.schema([USERS.field(name) for name in columns]).empty_table(),
            links=pa.schema(list(LINK_TYPES.items())).empty_table(),
            owners=np.empty(0, dtype=np.int64),
        )

    @property
    def counts(self) -> Indices:
        """The number of assignments of each user."""
        return np.bincount(self.owners, minlength=self.users.num_rows).astype(np.int64)

    def tables(self) -> tuple[pa.Table, pa.Table]:
        """Return the two tables whose digests are computed."""
        return self.users, self.links.append_column("user", pa.array(self.owners))


def difference(old: UserPartition, new: UserPartition, *, second: int) -> Delta:
    """Return the delta between two partitions; timestamps are counted backwards from `second`."""
    old_index = pc.index_in(plain(new.users.column("id")), value_set=plain(old.users.column("id")))
    added = np.nonzero(~old_index.is_valid().to_numpy(zero_copy_only=False))[0]
    origin = pc.fill_null(old_index, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    is_kept = np.zeros(old.users.num_rows, dtype=bool)
    is_kept[np.delete(origin, added)] = True
    steps: Delta = {"removed": deltas_of(np.nonzero(~is_kept)[0]), "added": deltas_of(added)}
    instants: dict[str, tuple[Indices, Flags]] = {}
    for name in new.users.column_names:
        new_column = plain(new.users.column(name))
        old_column = plain(old.users.column(name)).take(old_index)
        if pa.types.is_timestamp(new_column.type):
            values, old_values = _numbers(new_column), _numbers(old_column)
            expected = _expected(name, old_values, instants)
            instants[name] = (values, values != old_values)
            changed = np.nonzero(values != expected)[0]
            steps |= _instant_steps(name, values[changed], second)
        else:
            changed = np.nonzero(differs(new_column, old_column))[0]
            steps[f"{name}_is"] = new_column.take(pa.array(changed))
        steps[f"{name}_at"] = deltas_of(changed)
    return {name: step for name, step in (steps | _link_steps(old, new, origin, added)).items() if len(step)}


class PartitionBuilder:
    """Applies the deltas of successive nights to a partition; columns are assembled at the end."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._size = 0
        self._instants = {n: np.empty(0, dtype=np.int64) for n in columns if pa.types.is_timestamp(USERS.field(n).type)}
        self._sources: dict[str, list[pa.Array]] = {n: [] for n in columns if n not in self._instants}
        self._rows = {name: np.empty(0, dtype=np.int64) for name in self._sources}
        self._lengths = dict.fromkeys(self._sources, 0)
        self._links: list[pa.Table] = []
        self._link_rows = 0
        self._first = np.empty(0, dtype=np.int64)
        self._count = np.empty(0, dtype=np.int64)

    def apply(self, steps: Mapping[str, Any], *, second: int) -> None:
        """Apply the delta of one night."""
        self._move(_array(steps, "removed"), _array(steps, "added"))
        changed: dict[str, tuple[Indices, Flags]] = {}
        for name in self._columns:
            rows = _array(steps, f"{name}_at")
            if name in self._instants:
                old = self._instants[name]
                new = _expected(name, old, changed).copy()
                new[rows] = _instants_of(steps, name, second)
                changed[name] = (new, new != old)
                self._instants[name] = new
            elif len(rows):
                self._sources[name].append(plain(steps[f"{name}_is"]))
                self._rows[name] = self._rows[name].copy()
                self._rows[name][rows] = self._lengths[name] + np.arange(len(rows))
                self._lengths[name] += len(rows)
        self._relink(steps)

    def build(self) -> UserPartition:
        """Return the partition."""
        arrays = []
        for name in self._columns:
            kind = USERS.field(name).type
            if name in self._instants:
                numbers = self._instants[name]
                arrays.append(pa.array(numbers, pa.int64(), mask=numbers == _NULL).cast(kind))
            else:
                rows = self._rows[name]
                values = pa.concat_arrays([pa.array([], kind), *(part.cast(kind) for part in self._sources[name])])
                arrays.append(values.take(pa.array(rows, mask=rows < 0)))
        users = pa.table(arrays, schema=pa.schema([USERS.field(name) for name in self._columns]))
        owners = np.repeat(np.arange(self._size), self._count)
        rows = runs(self._first, self._count)
        links = pa.concat_tables([pa.schema(list(LINK_TYPES.items())).empty_table(), *self._links])
        return UserPartition(users=users, links=links.take(pa.array(rows)), owners=owners)

    def _move(self, removed: Indices, added: Indices) -> None:
        if not len(removed) and not len(added):
            return
        before, after = kept_rows(self._size, removed, added)

        def shift(values: Indices, nothing: int) -> Indices:
            result = np.full(len(after), nothing, dtype=np.int64)
            result[after] = values[before]
            return result

        self._instants = {name: shift(values, int(_NULL)) for name, values in self._instants.items()}
        self._rows = {name: shift(values, -1) for name, values in self._rows.items()}
        self._first, self._count = shift(self._first, 0), shift(self._count, 0)
        self._size = len(after)

    def _relink(self, steps: Mapping[str, Any]) -> None:
        owners = _array(steps, "links_at")
        if not len(owners):
            return
        counts = np.asarray(steps["links_count"], dtype=np.int64)
        rows = {name: plain(steps.get(f"links_{name}", pa.array([], kind))) for name, kind in LINK_TYPES.items()}
        self._first, self._count = self._first.copy(), self._count.copy()
        self._first[owners] = self._link_rows + np.cumsum(counts) - counts
        self._count[owners] = counts
        self._links.append(pa.table([rows[n].cast(kind) for n, kind in LINK_TYPES.items()], names=list(LINK_TYPES)))
        self._link_rows += int(counts.sum())


def _link_steps(old: UserPartition, new: UserPartition, origin: Indices, added: Indices) -> Delta:
    """Return every user with changed assignments, and all assignments of these: most users have only two or three."""
    old_counts = old.counts[origin] if len(old.counts) else np.zeros(len(origin), dtype=np.int64)
    new_counts = new.counts
    old_counts[added] = 0
    changed = new_counts != old_counts
    first = (np.cumsum(old.counts) - old.counts)[origin] if len(old.counts) else origin
    same_count = np.nonzero(~changed & (new_counts > 0))[0]
    new_rows = pa.array(runs((np.cumsum(new_counts) - new_counts)[same_count], new_counts[same_count]))
    old_rows = pa.array(runs(first[same_count], new_counts[same_count]))
    owners = np.repeat(same_count, new_counts[same_count])
    for name in LINKS:
        new_column = plain(new.links.column(name)).take(new_rows)
        old_column = plain(old.links.column(name)).take(old_rows)
        changed[owners[differs(new_column, old_column)]] = True
    users = np.nonzero(changed)[0]
    rows = pa.array(np.nonzero(changed[new.owners])[0])
    steps: Delta = {"links_at": deltas_of(users), "links_count": pa.array(new_counts[users].astype(np.int32))}
    return steps | {f"links_{name}": plain(new.links.column(name)).take(rows) for name in LINKS}


def _expected(name: str, old: Indices, changed: Mapping[str, tuple[Indices, Flags]]) -> Indices:
    """Predict a column of timestamps: unchanged, except that the last successful sign-in follows the other two."""
    interactive, non_interactive, successful = SIGN_IN_COLUMNS
    if name != successful or interactive not in changed or non_interactive not in changed:
        return old
    (first, first_changed), (second, second_changed) = changed[interactive], changed[non_interactive]
    return np.asarray(np.where(first_changed | second_changed, np.maximum(first, second), old))


def _numbers(column: pa.Array) -> Indices:
    numbers = pc.fill_null(column.cast(pa.int64()), pa.scalar(int(_NULL), pa.int64()))
    return np.asarray(numbers.to_numpy(zero_copy_only=False))


def _instant_steps(name: str, values: Indices, second: int) -> Delta:
    """Encode timestamps as seconds before the night if that is exact, else as microseconds since 1970."""
    is_set = values != _NULL
    instants = values[is_set]
    back = second - instants // _SECOND
    if not (instants % _SECOND).any() and (not len(back) or np.abs(back).max() < 2**31):
        short = np.zeros(len(values), dtype=np.int32)
        short[is_set] = back
        return {f"{name}_back": pa.array(short, mask=~is_set)}
    return {f"{name}_us": pa.array(values, mask=~is_set)}


def _instants_of(steps: Mapping[str, Any], name: str, second: int) -> Indices:
    exact = steps.get(f"{name}_us")
    if exact is not None and len(exact):
        return _numbers(exact)
    back = steps.get(f"{name}_back")
    if back is None:
        return np.empty(0, dtype=np.int64)
    numbers = _numbers(back)
    return np.where(numbers == _NULL, _NULL, (second - numbers) * _SECOND)


def _array(steps: Mapping[str, Any], name: str) -> Indices:
    array = steps.get(name)
    return np.empty(0, dtype=np.int64) if array is None else indices_of(array)
