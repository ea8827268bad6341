"""Resolves groups to their members among the users; member lists may be missing or incomplete."""

from collections.abc import Mapping
from functools import cached_property
from threading import Lock

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.arrays.columns import Flags, flags_of
from auditor.arrays.rows import arrow_rows, distinct, runs
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Count, Message
from auditor.engine.columns.strings import id_prefixes
from auditor.engine.columns.users import UserColumns
from auditor.engine.groups import GroupFact
from auditor.engine.not_evaluated import unread_source
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.model import MemberParts

Prefixes = npt.NDArray[np.uint64]


class Resolved(Struct, frozen=True, kw_only=True):
    """A group that a policy names; `reason` says why its members are not all known."""

    group: GroupFact | None = None
    reason: Message | None = None


class GroupMembers:
    """The ids of a group's members, in lower case, for lookup among the users of any batch."""

    def __init__(self, ids: pa.Array) -> None:
        self._ids = pc.ascii_lower(ids) if len(ids) else pa.array([], pa.string())
        self._prefixes = id_prefixes(self._ids)
        if self._prefixes is None:
            self._ids = self._ids.take(pc.sort_indices(self._ids))
            self._prefixes = id_prefixes(self._ids)

    @property
    def size(self) -> int:
        """The size of the ids in memory, in bytes."""
        return int(self._ids.nbytes) + (0 if self._prefixes is None else self._prefixes.nbytes)

    @property
    def bounds(self) -> tuple[int, int]:
        """The prefixes of the least and the greatest id; the first one is greater if there are no ids."""
        return _bounds(self._ids, self._prefixes)

    def among(self, people: UserColumns) -> Flags:
        """Return flags of the users of a batch who are members."""
        if not len(self._ids):
            return people.nobody
        users = people.id_prefixes
        if self._prefixes is None or users is None:
            return flags_of(pc.is_in(people.lowered_ids, value_set=self._ids))
        # Users are sorted by id, so that candidates with the prefix of a member's id are found by binary search.
        first, end = np.searchsorted(self._prefixes, users[[0, -1]] + np.array([0, 1], dtype=np.uint64))
        prefixes = distinct(self._prefixes[first:end])
        starts = np.searchsorted(users, prefixes)
        rows = runs(starts, np.searchsorted(users, prefixes, side="right") - starts)
        candidate_ids = pc.ascii_lower(people.column("id").take(arrow_rows(rows)))
        matches = pc.is_in(candidate_ids, value_set=self._ids.slice(first, end - first))
        members = people.nobody.copy()
        members[rows[flags_of(matches)]] = True
        return members


def _bounds(lowered: pa.Array, prefixes: Prefixes | None) -> tuple[int, int]:
    """Return the prefixes of the least and the greatest id, as numbers with the order of the texts."""
    if not len(lowered):
        return _MAX_PREFIX, 0
    if prefixes is not None:
        return int(prefixes[0]), int(prefixes[-1])
    ends = pc.min_max(lowered.cast(pa.binary()))
    return _prefix(ends["min"].as_py()), _prefix(ends["max"].as_py())


def _prefix(text: bytes) -> int:
    return int.from_bytes(text[:8].ljust(8, b"\0"), "big")


_MAX_PREFIX = (1 << 64) - 1
"""Greater than the prefix of any text: it is not valid UTF-8."""


_CACHE_BYTES = 32 << 20
"""Default budget for member parts in memory, in bytes; a batch of users needs one or two parts of a sorted group."""


class _PartCache:
    """An LRU cache for parts of member lists; its budget grows by each part that has to be read again."""

    def __init__(self, budget: int) -> None:
        self._lock = Lock()
        self._parts: dict[tuple[str, bool, int], GroupMembers] = {}
        self._size = 0
        self._budget = budget

    def find(self, key: tuple[str, bool, int]) -> GroupMembers | None:
        """Return a part, if it is in the cache."""
        with self._lock:
            members = self._parts.pop(key, None)
            if members is not None:
                self._parts[key] = members
            return members

    def keep(self, key: tuple[str, bool, int], members: GroupMembers, *, again: bool) -> None:
        """Add a part to the cache and evict the least recently used ones; `again` says that it was read before."""
        with self._lock:
            if key in self._parts:  # another thread read it too
                return
            self._budget += members.size if again else 0
            self._parts[key] = members
            self._size += members.size
            while self._size > self._budget and len(self._parts) > 1:
                self._size -= self._parts.pop(next(iter(self._parts))).size


class _PartedMembers:
    """The members of one group in a file of many groups: only parts that may contain ids of a batch are read."""

    def __init__(self, rows: MemberParts, group: str, cache: _PartCache, *, transitive: bool) -> None:
        self._rows = rows
        self._group, self._transitive = group, transitive
        self._cache = cache
        likely = rows.likely(group, transitive=transitive)
        self._parts = tuple(likely)
        # Upper-case letters sort before lower-case ones, so that the prefix as written is a lower bound of the prefix
        # in lower case. The upper bound is known only after the part was read.
        self._first = np.array([_prefix(text) for text in likely.values()], dtype=np.uint64)
        self._last = np.full(len(likely), _MAX_PREFIX, dtype=np.uint64)

    def among(self, people: UserColumns) -> Flags:
        """Return flags of the users of a batch who are members."""
        flags = people.nobody
        if not people.count:
            return flags
        prefixes = people.id_prefixes
        first, last = _bounds(people.lowered_ids if prefixes is None else people.column("id"), prefixes)
        for index in np.flatnonzero((self._first <= np.uint64(last)) & (self._last >= np.uint64(first))).tolist():
            flags = flags | self._members(index).among(people)
        return flags

    def _members(self, index: int) -> GroupMembers:
        key = (self._group, self._transitive, self._parts[index])
        members = self._cache.find(key)
        if members is None:
            members = GroupMembers(self._rows.ids(self._parts[index], self._group, transitive=self._transitive))
            self._cache.keep(key, members, again=bool(self._last[index] != _MAX_PREFIX))
            self._first[index], self._last[index] = members.bounds
        return members


class Membership:
    """Resolves the groups that policies name, and returns the users of a batch who are members."""

    def __init__(self, facts: TenantFacts, *, cache_bytes: int = _CACHE_BYTES) -> None:
        """`cache_bytes` is the memory budget for member lists that are read in parts."""
        self._facts = facts
        self._members: dict[tuple[str, bool], GroupMembers | _PartedMembers] = {}
        self._cache = _PartCache(cache_bytes)

    def of(self, people: UserColumns, groups: tuple[str, ...], *, transitive: bool) -> Mask:
        """Return the users who are members of at least one of the groups."""
        mask = Mask(people.nobody, people.nobody, sure=True)
        for name in groups:
            resolved = self.resolve(name, transitive=transitive)
            if resolved.group is None:
                mask = mask | Mask(people.nobody, people.everybody)
            else:
                mask = mask | self.of_id(people, resolved.group.id.lower(), transitive=transitive)
        return mask

    def of_id(self, people: UserColumns, group: str, *, transitive: bool) -> Mask:
        """Return the members of the group with a lower-case id; a group that was deleted has no members."""
        if not self.knows(group):
            return Mask(people.nobody, people.nobody, sure=True)
        members = self._members_of(self._by_id[group].id, transitive=transitive).among(people)
        if self.is_complete(group, transitive=transitive):
            return Mask(members, people.nobody, sure=True)
        return Mask(members, ~members)

    def knows(self, group: str) -> bool:
        """Return whether a lower-case id is that of a group in the snapshot, even if the group could not be read."""
        return group in self._by_id

    def is_complete(self, group: str, *, transitive: bool) -> bool:
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

    @cached_property
    def _by_name(self) -> Mapping[str, list[GroupFact]]:
        """Casefolded display name → the groups with this name."""
        by_name: dict[str, list[GroupFact]] = {}
        for group in self._facts.groups:
            by_name.setdefault(group.name.casefold(), []).append(group)
        return by_name

    def resolve(self, name: str, *, transitive: bool) -> Resolved:
        """Find a group by id or display name; a name without a group, or with several, does not resolve."""
        for source in (Source.GROUPS, Source.MEMBERS):
            unread = unread_source(self._facts, source)
            if unread is not None and not self._facts.status(source).is_read:
                return Resolved(reason=unread.reasons[0])
        key = name.casefold()
        groups = [self._by_id[key]] if key in self._by_id else []
        if not groups:
            groups = self._by_name.get(key, [])
            if groups and self._facts.status(Source.GROUPS) is SourceStatus.PARTIAL:
                # If groups were only partly read, another group may have the same name.
                return Resolved(
                    reason=Message(
                        "groups were only partly read, so another group may have the name '{name}': use its id",
                        name=name,
                    )
                )
        if not groups:
            return Resolved(reason=Message("the tenant has no group '{name}', or it was not read", name=name))
        if len(groups) > 1:
            values = {"count": Count(len(groups)), "name": name, "ids": ", ".join(group.id for group in groups)}
            return Resolved(
                reason=Message("{count} groups have the name '{name}': use the id of one ({ids})", **values)
            )
        group = groups[0]
        status = group.transitive_members_status if transitive else group.members_status
        if status is SourceStatus.COMPLETE:
            return Resolved(group=group)
        values = {"name": name, "state": status}
        incomplete = Message("not all members of the group '{name}' were read ({state})", **values)
        if transitive:
            incomplete = Message("not all transitive members of the group '{name}' were read ({state})", **values)
        return Resolved(group=group, reason=incomplete)

    def _members_of(self, group: str, *, transitive: bool) -> GroupMembers | _PartedMembers:
        key = (group, transitive)
        if key not in self._members:
            snapshot = self._facts.snapshot
            if snapshot.members is None:
                self._members[key] = GroupMembers(snapshot.members_of(group, transitive=transitive))
            else:
                self._members[key] = _PartedMembers(snapshot.members, group, self._cache, transitive=transitive)
        return self._members[key]
