"""Resolves Conditional Access policies to the users they cover; groups, roles and guests may be unknown."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import pyarrow as pa

from auditor.domain.enums import Source
from auditor.domain.message import Message
from auditor.domain.policy.selector import CoveredBy
from auditor.engine.columns.strings import one_of
from auditor.engine.columns.users import UserColumns
from auditor.engine.not_evaluated import NotEvaluated, uncollected_property, unread_source
from auditor.engine.selection.directory_roles import DirectoryRoles
from auditor.engine.selection.group_membership import GroupMembers, Membership
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.schema import CONDITIONAL_ACCESS_LIST

Row = Mapping[str, Any]

ENABLED = "enabled"
_COVERING_NOBODY = frozenset({"disabled", "enabledforreportingbutnotenforced"})
_GUESTS = "guestsorexternalusers"
_DISTINGUISHABLE = frozenset({"b2bcollaborationguest", "internalguest"})
_EXTERNAL = "*#ext#*"
"""Matches the user principal names of guests with an account in another tenant."""


class ConditionalAccess:
    """Evaluates which users of a batch the Conditional Access policies of a tenant cover."""

    def __init__(self, facts: TenantFacts, membership: Membership, roles: DirectoryRoles) -> None:
        self._facts = facts
        self._membership = membership
        self._ids: dict[tuple[str, ...], GroupMembers] = {}
        self.roles = roles

    def of(self, people: UserColumns, selector: CoveredBy) -> Mask:
        """Return the users who are covered by at least one policy."""
        batch = _Batch(people, self._membership, self.roles, self._ids)
        mask = Mask(people.nobody, people.nobody, sure=True)
        for row in self._policies(selector):
            mask = mask | self._covered(batch, row)
            if mask.true.all():
                return mask
        if CONDITIONAL_ACCESS_LIST not in self._facts.coverage(Source.CONDITIONAL_ACCESS).asked:
            return Mask(mask.true, ~mask.true)
        return mask

    def nobody_is_covered(self, selector: CoveredBy) -> bool:
        """Return whether no policy can cover anybody."""
        read = CONDITIONAL_ACCESS_LIST in self._facts.coverage(Source.CONDITIONAL_ACCESS).asked
        return read and not any(True for _ in self._policies(selector))

    def missing_facts(self, selector: CoveredBy) -> NotEvaluated:
        """Return why it is not known for all users whether they are covered; without reasons if it is known."""
        not_evaluated = NotEvaluated()
        not_evaluated.add_all(unread_source(self._facts, Source.CONDITIONAL_ACCESS))
        for row in self._policies(selector):
            for role in {*row["includeRoles"], *row["excludeRoles"]}:
                not_evaluated.add_all(self.roles.missing_facts(role.lower()))
            if _names_guests(row):
                not_evaluated.add_all(uncollected_property(self._facts, "userType"))
                not_evaluated.add_all(uncollected_property(self._facts, "userPrincipalName"))
            name = row["displayName"] or row["id"]
            if _unclear_guests(row):
                reason = Message(
                    "the Conditional Access policy '{name}' names kinds of guests that Graph does not distinguish",
                    name=name,
                )
                not_evaluated.add(Source.CONDITIONAL_ACCESS.value, reason)
            if (row["state"] or "").lower() != ENABLED:
                reason = Message("the state of the Conditional Access policy '{name}' is not known", name=name)
                not_evaluated.add(Source.CONDITIONAL_ACCESS.value, reason)
        return not_evaluated

    def names(self, people: UserColumns, selector: CoveredBy) -> list[tuple[str, ...]]:
        """Return for each user of a batch the names of the policies that certainly cover them, sorted."""
        batch = _Batch(people, self._membership, self.roles, self._ids)
        names_of: list[list[str]] = [[] for _ in range(people.count)]
        for row in self._policies(selector):
            for index in self._covered(batch, row).true.nonzero()[0].tolist():
                names_of[index].append(row["displayName"] or row["id"])
        return [tuple(sorted(names)) for names in names_of]

    def _policies(self, selector: CoveredBy) -> Iterator[Row]:
        """Yield the policies that the selector counts and that cover people, or may."""
        for row in self._rows:
            risky = bool(row["userRiskLevels"] or row["signInRiskLevels"])
            if selector.conditional_access == "any" or risky:
                yield row

    @cached_property
    def _rows(self) -> tuple[Row, ...]:
        if not self._facts.status(Source.CONDITIONAL_ACCESS).is_read:
            return ()
        rows = self._facts.snapshot.table("conditional_access_policies").to_pylist()
        lists = ("Users", "Groups", "Roles", "GuestOrExternalUserTypes")
        names = [f"{side}{kind}" for side in ("include", "exclude") for kind in lists]
        return tuple(
            {**row, **{name: row[name] or [] for name in names}}
            for row in rows
            if (row["state"] or "").lower() not in _COVERING_NOBODY
        )

    def _covered(self, batch: "_Batch", row: Row) -> Mask:
        included = batch.side(row, "include")
        if not included.possible:
            return included
        mask = included & ~batch.side(row, "exclude")
        if (row["state"] or "").lower() == ENABLED:
            return mask
        return Mask(batch.people.nobody, mask.maybe)


class _Batch:
    """The users of one batch that policies include or exclude; groups and roles are resolved once for all policies."""

    def __init__(
        self,
        people: UserColumns,
        membership: Membership,
        roles: DirectoryRoles,
        ids: dict[tuple[str, ...], GroupMembers],
    ) -> None:
        self.people = people
        self._membership = membership
        self._roles = roles
        self._ids = ids
        self._masks: dict[tuple[str, str], Mask] = {}

    def side(self, row: Row, side: str) -> Mask:
        """Return the users whom a policy includes or excludes: by All, id, group, role or kind of guest."""
        people = self.people
        users = tuple(user.lower() for user in row[f"{side}Users"])
        if "all" in users:
            return Mask(people.everybody, people.nobody, sure=True)
        if users not in self._ids:
            self._ids[users] = GroupMembers(pa.array(users, pa.string()))
        mask = Mask(self._ids[users].among(people), people.nobody, sure=True)
        for group in row[f"{side}Groups"]:
            mask = mask | self._cached("group", group.lower())
        for role in row[f"{side}Roles"]:
            mask = mask | self._cached("role", role.lower())
        return mask | self._guests(row, side, users)

    def _cached(self, kind: str, name: str) -> Mask:
        """Return the members of a group, the holders of a role, or the guests of a kind; cached."""
        if (kind, name) not in self._masks:
            match kind:
                case "group":
                    mask = self._membership.of_id(self.people, name, transitive=True)
                case "role":
                    mask = self._roles.of(self.people, name)
                case _:
                    mask = self._guest(name)
            self._masks[kind, name] = mask
        return self._masks[kind, name]

    def _guests(self, row: Row, side: str, users: tuple[str, ...]) -> Mask:
        kinds = {kind.lower() for kind in row[f"{side}GuestOrExternalUserTypes"]}
        mask = Mask(self.people.nobody, self.people.nobody, sure=True)
        if _GUESTS in users:
            mask = mask | self._cached("guest", "guest")
        if (row[f"{side}ExternalTenants"] or "all").lower() != "all" and kinds:
            return mask | self._unknown_for_guests()
        for kind in sorted(kinds):
            mask = mask | (self._cached("guest", kind) if kind in _DISTINGUISHABLE else self._unknown_for_guests())
        return mask

    def _unknown_for_guests(self) -> Mask:
        return Mask(self.people.nobody, self._cached("guest", "guest").maybe)

    def _guest(self, kind: str) -> Mask:
        """Return the guests of a kind: all, or those with or without `#EXT#` in their user principal name."""
        people = self.people
        guests = self._property("userType", people.texts("userType").where(one_of(("guest",))))
        if kind == "guest":
            return guests
        external = self._property("userPrincipalName", people.texts("userPrincipalName").like((_EXTERNAL,)))
        return guests & (external if kind == "b2bcollaborationguest" else ~external)

    def _property(self, name: str, true: Any) -> Mask:
        unknown = self.people.unknown(name)
        return Mask(true & ~unknown, unknown)


def _names_guests(row: Row) -> bool:
    return any(
        row[f"{side}GuestOrExternalUserTypes"] or _GUESTS in map(str.lower, row[f"{side}Users"])
        for side in ("include", "exclude")
    )


def _unclear_guests(row: Row) -> bool:
    for side in ("include", "exclude"):
        kinds = {kind.lower() for kind in row[f"{side}GuestOrExternalUserTypes"]}
        if kinds and (kinds - _DISTINGUISHABLE or (row[f"{side}ExternalTenants"] or "all").lower() != "all"):
            return True
    return False
