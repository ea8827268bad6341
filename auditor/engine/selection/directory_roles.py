"""Resolves directory roles to the users who have them; assignments, definitions or members may be incomplete."""

from collections.abc import Callable
from functools import cached_property

import pyarrow as pa
from msgspec import Struct

from auditor.catalogue.directory_roles import DirectoryRole, builtin_roles
from auditor.catalogue.model import GUID
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.policy.selector import ELIGIBLE, HasRole
from auditor.engine.columns.users import UserColumns
from auditor.engine.not_evaluated import NotEvaluated, unread_source
from auditor.engine.selection.group_membership import GroupMembers, Membership
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.schema import ROLE_ASSIGNMENT_LISTS, ROLE_DEFINITION_LIST

RolePredicate = Callable[[str], bool | None]
"""Returns whether a selector matches the role with this definition id; None if that is not known."""


class _Assignment(Struct, frozen=True):
    role: str
    principal: str
    eligible: bool


class _Principals(Struct, frozen=True):
    """Users and groups to which roles are assigned."""

    users: GroupMembers
    groups: tuple[str, ...]
    none: bool
    """Whether there is no principal."""

    def mask(self, people: UserColumns, membership: Membership) -> Mask:
        """Return the users who are principals themselves, or direct members of one of the groups."""
        mask = Mask(self.users.among(people), people.nobody, sure=True)
        for group in self.groups:
            mask = mask | membership.of_id(people, group, transitive=False)
        return mask


class _Holders(Struct, frozen=True):
    certain: _Principals
    doubtful: _Principals
    """Principals of roles whose names are not known."""
    complete: bool
    """Whether all assignments of the requested kind were read."""


class HeldRole(Struct, frozen=True, kw_only=True):
    """A role that a user has."""

    name: str
    eligible: bool
    """Whether it has to be activated first."""
    privileged: bool
    """Whether Microsoft labels the role as privileged."""
    group: str | None
    """The lower-case id of the group with the assignment; None if the role is assigned to the user."""


class DirectoryRoles:
    """Resolves the roles that policies name, and returns the users of a batch who have them."""

    def __init__(self, facts: TenantFacts, membership: Membership) -> None:
        self._facts = facts
        self._membership = membership
        self._holders: dict[HasRole | str, _Holders] = {}

    def of(self, people: UserColumns, roles: HasRole | str) -> Mask:
        """Return the users with at least one role of a selector, or with an active role that has this template id."""
        holders = self._of(roles)
        mask = holders.certain.mask(people, self._membership)
        if not holders.complete:
            return Mask(mask.true, ~mask.true)
        if holders.doubtful.none:
            return mask
        return mask | Mask(people.nobody, holders.doubtful.mask(people, self._membership).maybe)

    def nobody_has(self, selector: HasRole) -> bool:
        """Return whether it is certain that no user or group has one of the roles."""
        holders = self._of(selector)
        return holders.complete and holders.certain.none and holders.doubtful.none

    def missing_facts(self, roles: HasRole | str) -> NotEvaluated | None:
        """Return why it is not known for all users whether `of` includes them; None if it is known."""
        holders = self._of(roles)
        members_complete = all(
            self._membership.is_complete(group, transitive=False) for group in holders.certain.groups
        )
        if holders.complete and members_complete and holders.doubtful.none:
            return None
        eligible = isinstance(roles, HasRole) and roles.assigned != "active"
        if eligible and not holders.complete and self._facts.status(Source.DIRECTORY_ROLES) is SourceStatus.COMPLETE:
            reason = Message("eligible role assignments were not collected; collect the snapshot again")
            return NotEvaluated(missing=[Source.DIRECTORY_ROLES.value], reasons=[reason])
        unread = unread_source(self._facts, Source.DIRECTORY_ROLES)
        if unread is None and not holders.doubtful.none:
            reason = Message("Graph returned no names of some directory roles: use the ids of roles")
            return NotEvaluated(missing=[Source.DIRECTORY_ROLES.value], reasons=[reason])
        return unread

    def held_by(self, user: str) -> tuple[HeldRole, ...]:
        """Return the sorted roles that a user certainly has, directly or by a group; `user` is a lower-case id."""
        return self._roles_by_user.get(user, ())

    # Matching assignments.

    def _of(self, roles: HasRole | str) -> _Holders:
        if roles not in self._holders:
            if isinstance(roles, str):
                self._holders[roles] = self._resolve(lambda role: roles in self._ids(role), (False,))
            else:
                self._holders[roles] = self._resolve(lambda role: self._matches(roles, role), ELIGIBLE[roles.assigned])
        return self._holders[roles]

    def _resolve(self, matches: RolePredicate, kinds: tuple[bool, ...]) -> _Holders:
        answers: dict[str, bool | None] = {}
        chosen: dict[bool | None, set[str]] = {True: set(), None: set(), False: set()}
        for item in self._assignments:
            if item.eligible in kinds:
                if item.role not in answers:
                    answers[item.role] = matches(item.role)
                chosen[answers[item.role]].add(item.principal)
        read = self._facts.coverage(Source.DIRECTORY_ROLES).asked
        return _Holders(
            certain=self._principals(chosen[True]),
            doubtful=self._principals(chosen[None]),
            complete=all(ROLE_ASSIGNMENT_LISTS[kind] in read for kind in kinds),
        )

    def _principals(self, ids: set[str]) -> _Principals:
        groups = tuple(sorted(group for group in ids if self._membership.knows(group)))
        return _Principals(GroupMembers(pa.array(sorted(ids.difference(groups)), pa.string())), groups, none=not ids)

    def _matches(self, selector: HasRole, role: str) -> bool | None:
        """Return whether a selector matches the role with this definition id; None if that is not known."""
        ids, builtin = self._ids(role), self._builtin(role)
        if selector.privileged and not any(role_template.privileged for role_template in builtin):
            return False
        if selector.roles is None:
            return True
        definition = self._facts.role_definitions.get(role)
        names = {role_template.name.casefold() for role_template in builtin}
        if definition is not None and definition["displayName"]:
            names.add(definition["displayName"].casefold())
        role_names = {name.casefold() for name in selector.roles}
        if not role_names.isdisjoint((*names, *ids)):
            return True
        read = ROLE_DEFINITION_LIST in self._facts.coverage(Source.DIRECTORY_ROLES).asked
        by_id = all(GUID.fullmatch(name) for name in role_names)
        if definition is not None and not builtin and not definition["displayName"] and not by_id:
            return None
        return False if definition is not None or builtin or read or by_id else None

    def _ids(self, role: str) -> tuple[str, ...]:
        """Return the ids of a role: that of its definition, and that of its template if there is one."""
        definition = self._facts.role_definitions.get(role)
        template = None if definition is None else definition["templateId"]
        return (role,) if template is None else (role, template.lower())

    def _builtin(self, role: str) -> list[DirectoryRole]:
        """Return the templates of a role in Microsoft's list."""
        return [builtin_roles()[role_id] for role_id in self._ids(role) if role_id in builtin_roles()]

    @cached_property
    def _assignments(self) -> tuple[_Assignment, ...]:
        if not self._facts.status(Source.DIRECTORY_ROLES).is_read:
            return ()
        table = self._facts.snapshot.table("role_assignments")
        columns = (table.column(name).to_pylist() for name in ("roleDefinitionId", "principalId", "eligible"))
        return tuple(
            _Assignment(role.lower(), principal.lower(), eligible)
            for role, principal, eligible in zip(*columns, strict=True)
        )

    # Evidence.

    @cached_property
    def _roles_by_user(self) -> dict[str, tuple[HeldRole, ...]]:
        roles_by_user: dict[str, set[HeldRole]] = {}
        for item in self._assignments:
            is_group = self._membership.knows(item.principal)
            held = HeldRole(
                name=self._name(item.role),
                eligible=item.eligible,
                privileged=any(role_template.privileged for role_template in self._builtin(item.role)),
                group=item.principal if is_group else None,
            )
            for user in self._membership.ids_of(item.principal) if is_group else [item.principal]:
                roles_by_user.setdefault(user, set()).add(held)
        return {
            user: tuple(sorted(roles, key=lambda role: (role.eligible, role.name, role.group or "")))
            for user, roles in roles_by_user.items()
        }

    def _name(self, role: str) -> str:
        """Return the name of a role: Microsoft's English name, else the tenant's, else the id."""
        builtin, definition = self._builtin(role), self._facts.role_definitions.get(role)
        if builtin:
            return builtin[0].name
        return str((None if definition is None else definition["displayName"]) or role)
