"""Group names into who is a member: three-valued, because a list of members may be missing or half read."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.words import Source, SourceStatus
from auditor.engine.bitsets import distinct, indices
from auditor.engine.facts import Facts, GroupFact
from auditor.engine.people import People
from auditor.engine.product_masks import Mask
from auditor.engine.texts import Flags, beginnings, flags_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """One group as a policy names it; `reason` tells why its members are not all known."""

    group: GroupFact | None
    reason: str | None


class Members:
    """The ids of a group's members, letter case aside, to be found among the users of any batch."""

    def __init__(self, ids: pa.Array) -> None:
        lowered = pc.ascii_lower(ids) if len(ids) else pa.array([], pa.string())
        self._ids = lowered.take(pc.sort_indices(lowered))
        self._beginnings = beginnings(self._ids)

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
        sizes = np.searchsorted(users, near, side="right") - starts
        rows = np.arange(sizes.sum()) + np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
        near_ids = pc.ascii_lower(people.column("id").take(indices(rows)))
        same = pc.is_in(near_ids, value_set=self._ids.slice(first, end - first))
        listed = people.nobody.copy()
        listed[rows[flags_of(same)]] = True
        return listed


class Membership:
    """Resolves the groups that policies name, and tells for each batch who belongs to them."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._members: dict[tuple[str, bool], Members] = {}

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

    def resolve(self, name: str, *, transitive: bool) -> Resolved:
        """Find a group by id or display name; a name that no group or two groups bear resolves to nothing."""
        for source in (Source.GROUPS, Source.MEMBERS):
            status = self._facts.status(source)
            if status not in {SourceStatus.COMPLETE, SourceStatus.PARTIAL}:
                reason = self._facts.coverage(source).reason or f"the source {source} was {status}"
                return Resolved(group=None, reason=reason)
        wanted = name.casefold()
        found = [group for group in self._facts.groups if group.id.casefold() == wanted]
        if not found:
            found = [group for group in self._facts.groups if group.name.casefold() == wanted]
            if found and self._facts.status(Source.GROUPS) is SourceStatus.PARTIAL:
                # A list of groups that was read in part may hide a second bearer of the name.
                reason = f"groups were read in part only, so that another may bear the name '{name}': name it by its id"
                return Resolved(group=None, reason=reason)
        if not found:
            return Resolved(group=None, reason=f"the tenant has no group '{name}', or it was not read")
        if len(found) > 1:
            ids = ", ".join(group.id for group in found)
            return Resolved(
                group=None, reason=f"{len(found)} groups bear the name '{name}': name one by its id ({ids})"
            )
        group = found[0]
        status = group.transitive_members_status if transitive else group.members_status
        if status is SourceStatus.COMPLETE:
            return Resolved(group=group, reason=None)
        kind = "transitive members" if transitive else "members"
        return Resolved(group=group, reason=f"the {kind} of the group '{name}' were not all read ({status})")

    def _members_of(self, group: str, *, transitive: bool) -> Members:
        key = (group, transitive)
        if key not in self._members:
            table = self._facts.snapshot.table("members")
            chosen = pc.and_(pc.equal(table["groupId"], group), pc.equal(table["transitive"], transitive))
            self._members[key] = Members(table.filter(chosen)["userId"].combine_chunks())
        return self._members[key]
