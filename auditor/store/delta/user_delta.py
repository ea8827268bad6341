"""Users of one range of ids, with what they hold, into what changed since another night, and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.snapshot.schema import ASSIGNMENTS, SIGN_IN_COLUMNS, USERS
from auditor.store.delta.column_diff import Mask, Places, differs, gaps, places, plain

Steps = dict[str, pa.Array]
"""What changed, as named arrays: removed and added rows, and for each column where it changed and to what."""
LINKS: Final = tuple(name for name in ASSIGNMENTS.names if name != "user")
_NOTHING: Final = np.int64(np.iinfo(np.int64).min)
"""An instant that is not there."""
_SECOND: Final = 1_000_000


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


LINK_TYPES: Final = {name: _plain_type(ASSIGNMENTS.field(name).type) for name in LINKS}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPartition:
    """Some users in order of id, and their assignments; `owners` tells the user's row in `users` of each."""

    users: pa.Table
    links: pa.Table
    owners: Places

    @classmethod
    def empty(cls, columns: tuple[str, ...]) -> "UserPartition":
        """Return a bucket of nobody."""
        return cls(
            users=pa.schema([USERS.field(name) for name in columns]).empty_table(),
            links=pa.schema(list(LINK_TYPES.items())).empty_table(),
            owners=np.empty(0, dtype=np.int64),
        )

    @property
    def counts(self) -> Places:
        """Return how many assignments each user has."""
        return np.bincount(self.owners, minlength=self.users.num_rows).astype(np.int64)

    def tables(self) -> tuple[pa.Table, pa.Table]:
        """Return the two tables that a digest is taken of."""
        return self.users, self.links.append_column("user", pa.array(self.owners))


def difference(old: UserPartition, new: UserPartition, *, second: int) -> Steps:
    """Return the steps from one bucket to another; `second` is what instants are counted from, in seconds."""
    before = pc.index_in(plain(new.users.column("id")), value_set=plain(old.users.column("id")))
    added = np.nonzero(~before.is_valid().to_numpy(zero_copy_only=False))[0]
    origin = pc.fill_null(before, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    stays = np.zeros(old.users.num_rows, dtype=bool)
    stays[np.delete(origin, added)] = True
    steps: Steps = {"removed": gaps(np.nonzero(~stays)[0]), "added": gaps(added)}
    instants: dict[str, tuple[Places, Mask]] = {}
    for name in new.users.column_names:
        now = plain(new.users.column(name))
        then = plain(old.users.column(name)).take(before)
        if pa.types.is_timestamp(now.type):
            here, there = _numbers(now), _numbers(then)
            expected = _expected(name, there, instants)
            instants[name] = (here, here != there)
            changed = np.nonzero(here != expected)[0]
            steps |= _instant_steps(name, here[changed], second)
        else:
            changed = np.nonzero(differs(now, then))[0]
            steps[f"{name}_is"] = now.take(pa.array(changed))
        steps[f"{name}_at"] = gaps(changed)
    return {name: step for name, step in (steps | _link_steps(old, new, origin, added)).items() if len(step)}


class Restoring:
    """A bucket to which the steps of one night after the other are applied; columns are put together at the end."""

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
        """Take the steps of one night."""
        self._move(_array(steps, "removed"), _array(steps, "added"))
        changed: dict[str, tuple[Places, Mask]] = {}
        for name in self._columns:
            at = _array(steps, f"{name}_at")
            if name in self._instants:
                then = self._instants[name]
                now = _expected(name, then, changed).copy()
                now[at] = _instants_of(steps, name, second)
                changed[name] = (now, now != then)
                self._instants[name] = now
            elif len(at):
                self._sources[name].append(plain(steps[f"{name}_is"]))
                self._rows[name] = self._rows[name].copy()
                self._rows[name][at] = self._lengths[name] + np.arange(len(at))
                self._lengths[name] += len(at)
        self._relink(steps)

    def made(self) -> UserPartition:
        """Put the columns together."""
        arrays = []
        for name in self._columns:
            kind = USERS.field(name).type
            if name in self._instants:
                numbers = self._instants[name]
                arrays.append(pa.array(numbers, pa.int64(), mask=numbers == _NOTHING).cast(kind))
            else:
                rows = self._rows[name]
                every = pa.concat_arrays([pa.array([], kind), *(part.cast(kind) for part in self._sources[name])])
                arrays.append(every.take(pa.array(rows, mask=rows < 0)))
        users = pa.table(arrays, schema=pa.schema([USERS.field(name) for name in self._columns]))
        owners = np.repeat(np.arange(self._size), self._count)
        rows = _ranges(self._first, self._count)
        links = pa.concat_tables([pa.schema(list(LINK_TYPES.items())).empty_table(), *self._links])
        return UserPartition(users=users, links=links.take(pa.array(rows)), owners=owners)

    def _move(self, removed: Places, added: Places) -> None:
        if not len(removed) and not len(added):
            return
        stays = np.ones(self._size, dtype=bool)
        stays[removed] = False
        size = int(stays.sum()) + len(added)
        there = np.ones(size, dtype=bool)
        there[added] = False

        def moved(values: Places, nothing: int) -> Places:
            made = np.full(size, nothing, dtype=np.int64)
            made[there] = values[stays]
            return made

        self._instants = {name: moved(values, int(_NOTHING)) for name, values in self._instants.items()}
        self._rows = {name: moved(values, -1) for name, values in self._rows.items()}
        self._first, self._count = moved(self._first, 0), moved(self._count, 0)
        self._size = size

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


def _link_steps(old: UserPartition, new: UserPartition, origin: Places, added: Places) -> Steps:
    """Return every user whose assignments changed, with all of them: most change by one of two or three."""
    now, then = new.counts, old.counts[origin] if len(old.counts) else np.zeros(len(origin), dtype=np.int64)
    then[added] = 0
    changed = now != then
    first = (np.cumsum(old.counts) - old.counts)[origin] if len(old.counts) else origin
    same = np.nonzero(~changed & (now > 0))[0]
    here = _ranges((np.cumsum(now) - now)[same], now[same])
    there = _ranges(first[same], now[same])
    owners = np.repeat(same, now[same])
    for name in LINKS:
        left = plain(new.links.column(name)).take(pa.array(here))
        right = plain(old.links.column(name)).take(pa.array(there))
        changed[owners[differs(left, right)]] = True
    users = np.nonzero(changed)[0]
    rows = pa.array(np.nonzero(changed[new.owners])[0])
    steps: Steps = {"links_at": gaps(users), "links_count": pa.array(now[users].astype(np.int32))}
    return steps | {f"links_{name}": plain(new.links.column(name)).take(rows) for name in LINKS}


def _expected(name: str, then: Places, changed: Mapping[str, tuple[Places, Mask]]) -> Places:
    """Return what a column of instants most likely says: as before, but a successful sign-in follows the others."""
    interactive, other, successful = SIGN_IN_COLUMNS
    if name != successful or interactive not in changed or other not in changed:
        return then
    (one, one_changed), (two, two_changed) = changed[interactive], changed[other]
    return np.asarray(np.where(one_changed | two_changed, np.maximum(one, two), then))


def _numbers(column: pa.Array) -> Places:
    numbers = pc.fill_null(column.cast(pa.int64()), pa.scalar(int(_NOTHING), pa.int64()))
    return np.asarray(numbers.to_numpy(zero_copy_only=False))


def _instant_steps(name: str, values: Places, second: int) -> Steps:
    """Count instants back from the night in whole seconds where that is exact, else in microseconds since 1970."""
    there = values != _NOTHING
    known = values[there]
    back = second - known // _SECOND
    if not (known % _SECOND).any() and (not len(back) or np.abs(back).max() < 2**31):
        short = np.zeros(len(values), dtype=np.int32)
        short[there] = back
        return {f"{name}_back": pa.array(short, mask=~there)}
    return {f"{name}_us": pa.array(values, mask=~there)}


def _instants_of(steps: Mapping[str, Any], name: str, second: int) -> Places:
    exact = steps.get(f"{name}_us")
    if exact is not None and len(exact):
        return _numbers(exact)
    back = steps.get(f"{name}_back")
    if back is None:
        return np.empty(0, dtype=np.int64)
    numbers = _numbers(back)
    return np.where(numbers == _NOTHING, _NOTHING, (second - numbers) * _SECOND)


def _ranges(first: Places, count: Places) -> Places:
    """Return the rows first, first + 1, … of each range, one range after the other."""
    before = np.cumsum(count) - count
    return np.asarray(np.arange(int(count.sum())) + np.repeat(first - before, count))


def _array(steps: Mapping[str, Any], name: str) -> Places:
    found = steps.get(name)
    return np.empty(0, dtype=np.int64) if found is None else places(found)
