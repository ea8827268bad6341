"""Group names into who is a member: three-valued, because a list of members may be missing or half read."""

from collections.abc import Mapping
from functools import cached_property
from threading import Lock

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.engine.columns.bitsets import distinct, indices, runs
from auditor.engine.columns.strings import Flags, beginnings, flags_of
from auditor.engine.columns.users import People
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import GroupFact, TenantFacts
from auditor.snapshot.model import MemberParts

Beginnings = npt.NDArray[np.uint64]


class Resolved(Struct, frozen=True, kw_only=True):
    """One group as a policy names it; `reason` shows why its members are not all known."""

    group: GroupFact | None = None
    reason: Message | None = None


class Members:
    """The ids of a group's members, letter case aside, to be found among the users of any batch."""

    def __init__(self, ids: pa.Array) -> None:
        self._ids = pc.ascii_lower(ids) if len(ids) else pa.array([], pa.string())
        self._beginnings = beginnings(self._ids)
        if self._beginnings is None:
            self._ids = self._ids.take(pc.sort_indices(self._ids))
            self._beginnings = beginnings(self._ids)

    @property
    def size(self) -> int:
        """Bytes that they take."""
        return int(self._ids.nbytes) + (0 if self._beginnings is None else self._beginnings.nbytes)

    @property
    def bounds(self) -> tuple[int, int]:
        """How the first and the last id begin; the first is the greater one where there is none."""
        return _bounds(self._ids, self._beginnings)

    def among(self, people: People) -> Flags:
        """Tell which users of a batch are members."""
        if not len(self._ids):
            return people.nobody
        users = people.id_beginnings
        if self._beginnings is None or users is None:
            return flags_of(pc.is_in(people.lowered_ids, value_set=self._ids))
        # Users stand in the order of their ids: what begins as a member's id does is found by halving, not by a walk.
        first, end = np.searchsorted(self._beginnings, users[[0, -1]] + np.array([0, 1], dtype=np.uint64))
        near = distinct(self._beginnings[first:end])
        starts = np.searchsorted(users, near)
        rows = runs(starts, np.searchsorted(users, near, side="right") - starts)
        near_ids = pc.ascii_lower(people.column("id").take(indices(rows)))
        same = pc.is_in(near_ids, value_set=self._ids.slice(first, end - first))
        listed = people.nobody.copy()
        listed[rows[flags_of(same)]] = True
        return listed


def _bounds(lowered: pa.Array, numbers: Beginnings | None) -> tuple[int, int]:
    """Return how the least and the greatest of some ids begin, as numbers that ascend as the texts do."""
    if not len(lowered):
        return _BEYOND, 0
    if numbers is not None:
        return int(numbers[0]), int(numbers[-1])
    ends = pc.min_max(lowered.cast(pa.binary()))
    return _beginning(ends["min"].as_py()), _beginning(ends["max"].as_py())


def _beginning(text: bytes) -> int:
    return int.from_bytes(text[:8].ljust(8, b"\0"), "big")


_BEYOND = (1 << 64) - 1
"""No text begins like this: it is no UTF-8."""


_CACHE_BYTES = 32 << 20
"""Bytes of parts that are in memory together; of members in order a batch of people needs one or two parts a group."""


class _PartCache:
    """Parts of groups that were read last; the budget grows by what has to be read a second time."""

    def __init__(self, budget: int) -> None:
        self._lock = Lock()
        self._parts: dict[tuple[str, bool, int], Members] = {}
        self._size = 0
        self._budget = budget

    def find(self, key: tuple[str, bool, int]) -> Members | None:
        """Return a part, if it is in the cache."""
        with self._lock:
            members = self._parts.pop(key, None)
            if members is not None:
                self._parts[key] = members
            return members

    def keep(self, key: tuple[str, bool, int], members: Members, *, again: bool) -> None:
        """Keep a part; the least recently used ones are dropped for it."""
        with self._lock:
            if key in self._parts:  # another thread read it too
                return
            self._budget += members.size if again else 0
            self._parts[key] = members
            self._size += members.size
            while self._size > self._budget and len(self._parts) > 1:
                self._size -= self._parts.pop(next(iter(self._parts))).size


class _InParts:
    """The members of one group in a file of many: only parts that a batch's ids may stand in are looked at."""

    def __init__(self, rows: MemberParts, group: str, cache: _PartCache, *, transitive: bool) -> None:
        self._rows = rows
        self._group, self._transitive = group, transitive
        self._cache = cache
        likely = rows.likely(group, transitive=transitive)
        self._parts = tuple(likely)
        # A capital comes before its small letter: no id begins with less in lower case than as it is written. How far
        # the ids of a part go in lower case is known when they were read.
        self._first = np.array([_beginning(text) for text in likely.values()], dtype=np.uint64)
        self._last = np.full(len(likely), _BEYOND, dtype=np.uint64)

    def among(self, people: People) -> Flags:
        """Tell which users of a batch are members."""
        flags = people.nobody
        if not people.count:
            return flags
        begun = people.id_beginnings
        first, last = _bounds(people.lowered_ids if begun is None else people.column("id"), begun)
        for index in np.flatnonzero((self._first <= np.uint64(last)) & (self._last >= np.uint64(first))).tolist():
            flags = flags | self._members(index).among(people)
        return flags

    def _members(self, place: int) -> Members:
        key = (self._group, self._transitive, self._parts[place])
        members = self._cache.find(key)
        if members is None:
            members = Members(self._rows.ids(self._parts[place], self._group, transitive=self._transitive))
            self._cache.keep(key, members, again=bool(self._last[place] != _BEYOND))
            self._first[place], self._last[place] = members.bounds
        return members


class Membership:
    """Resolves the groups that policies name, and shows for each batch who belongs to them."""

    def __init__(self, facts: TenantFacts, *, cache_bytes: int = _CACHE_BYTES) -> None:
        """`cache_bytes`: bytes of members that are kept in memory, where they are read in parts."""
        self._facts = facts
        self._members: dict[tuple[str, bool], Members | _InParts] = {}
        self._cache = _PartCache(cache_bytes)

    def of(self, people: People, groups: tuple[str, ...], *, transitive: bool) -> Mask:
        """Return who is a member of one of the groups."""
        mask = Mask(people.nobody, people.nobody, sure=True)
        for name in groups:
            mask = mask | self._one(people, name, transitive=transitive)
        return mask

    def _one(self, people: People, name: str, *, transitive: bool) -> Mask:
        resolved = self.resolve(name, transitive=transitive)
        if resolved.group is None:
            return Mask(people.nobody, people.everybody)
        listed = self._members_of(resolved.group.id, transitive=transitive).among(people)
        if resolved.reason is None:
            return Mask(listed, people.nobody, sure=True)
        return Mask(listed, ~listed)

    def of_id(self, people: People, group: str, *, transitive: bool) -> Mask:
        """Return who is a member of the group with a lower-case id; one that the tenant no longer has has nobody."""
        if not self.knows(group):
            return Mask(people.nobody, people.nobody, sure=True)
        listed = self._members_of(self._by_id[group].id, transitive=transitive).among(people)
        if self.whole(group, transitive=transitive):
            return Mask(listed, people.nobody, sure=True)
        return Mask(listed, ~listed)

    def knows(self, group: str) -> bool:
        """Return whether a lower-case id is that of a group that was read, or could not be."""
        return group in self._by_id

    def whole(self, group: str, *, transitive: bool) -> bool:
        """Return whether all members of the group with a lower-case id were read."""
        fact = self._by_id[group]
        status = fact.transitive_members_status if transitive else fact.members_status
        return status is SourceStatus.COMPLETE

    def ids_of(self, group: str) -> list[str]:
        """Return the lower-case ids of the direct members of the group with a lower-case id."""
        members = self._facts.snapshot.members_of(self._by_id[group].id, transitive=False)
        return [user.lower() for user in members.to_pylist()]

    @cached_property
    def _by_id(self) -> Mapping[str, GroupFact]:
        return {group.id.lower(): group for group in self._facts.groups}

    def resolve(self, name: str, *, transitive: bool) -> Resolved:
        """Find a group by id or display name; a name that no group or two groups bear resolves to nothing."""
        for source in (Source.GROUPS, Source.MEMBERS):
            status = self._facts.status(source)
            if not status.is_read:
                reason = self._facts.coverage(source).reason or Message(
                    "the source {source} was {status}", source=source, status=status
                )
                return Resolved(reason=reason)
        wanted = name.casefold()
        groups = [group for group in self._facts.groups if group.id.casefold() == wanted]
        if not groups:
            groups = [group for group in self._facts.groups if group.name.casefold() == wanted]
            if groups and self._facts.status(Source.GROUPS) is SourceStatus.PARTIAL:
                # A list of groups that was read in part may hide a second bearer of the name.
                return Resolved(
                    reason=Message(
                        "groups were only partly read, so another group may have the name '{name}': use its id",
                        name=name,
                    )
                )
        if not groups:
            return Resolved(reason=Message("the tenant has no group '{name}', or it was not read", name=name))
        if len(groups) > 1:
            values = {"count": len(groups), "name": name, "ids": ", ".join(group.id for group in groups)}
            return Resolved(
                reason=Message("{count} groups have the name '{name}': use the id of one ({ids})", **values)
            )
        group = groups[0]
        status = group.transitive_members_status if transitive else group.members_status
        if status is SourceStatus.COMPLETE:
            return Resolved(group=group)
        values = {"name": name, "state": status}
        unread = Message("the members of the group '{name}' were not all read ({state})", **values)
        if transitive:
            unread = Message("the transitive members of the group '{name}' were not all read ({state})", **values)
        return Resolved(group=group, reason=unread)

    def _members_of(self, group: str, *, transitive: bool) -> Members | _InParts:
        key = (group, transitive)
        if key not in self._members:
            snapshot = self._facts.snapshot
            if snapshot.members is None:
                self._members[key] = Members(snapshot.members_of(group, transitive=transitive))
            else:
                self._members[key] = _InParts(snapshot.members, group, self._cache, transitive=transitive)
        return self._members[key]
