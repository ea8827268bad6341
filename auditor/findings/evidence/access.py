"""Builds the evidence about access: a user's directory roles and the Conditional Access policies that cover them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from auditor.domain.policy.selector import ELIGIBLE, CoveredBy, HasRole, Selector
from auditor.engine.columns.users import UserColumns
from auditor.engine.policy.binding import BoundPolicies

Quote = dict[str, Any]

ROLES: Final = "directoryRoles"
POLICIES: Final = "conditionalAccess"


def reads_access(atom: Selector) -> bool:
    """Return whether a selector tests directory roles or Conditional Access."""
    return isinstance(atom, HasRole | CoveredBy)


def access_quotes(bound: BoundPolicies, people: UserColumns, atoms: Iterable[Selector]) -> Sequence[Quote]:
    """Return the evidence for the selectors of a policy, for each user of a batch; only certain facts are included."""
    quotes: list[Quote] = [{} for _ in range(people.count)]
    for atom in atoms:
        match atom:
            case HasRole(assigned=assigned):
                _quote(quotes, ROLES, _roles(bound, people, ELIGIBLE[assigned]))
            case CoveredBy():
                names = bound.conditional_access.names(people, atom)
                _quote(quotes, POLICIES, [[{"displayName": name} for name in user_names] for user_names in names])
            case _:
                pass
    return quotes


def _quote(quotes: Sequence[Quote], key: str, quoted: Iterable[Sequence[Quote]]) -> None:
    """Add the values of one selector to the evidence of each user, without duplicates."""
    for quote, additional in zip(quotes, quoted, strict=True):
        values = quote.get(key, [])
        if additional:
            quote[key] = [*values, *(value for value in additional if value not in values)]


def _roles(bound: BoundPolicies, people: UserColumns, kinds: Sequence[bool]) -> Iterable[Sequence[Quote]]:
    roles, names = bound.conditional_access.roles, {group.id.lower(): group.name for group in bound.facts.groups}
    for user in people.lowered_ids.to_pylist():
        user_roles: list[Quote] = []
        for role in roles.held_by(user):
            if role.eligible in kinds:
                quote: Quote = {"displayName": role.name, "assigned": "eligible" if role.eligible else "active"}
                quote |= {"privileged": True} if role.privileged else {}
                quote |= {} if role.group is None else {"assignedByGroup": role.group}
                quote |= {"groupName": names[role.group]} if role.group is not None and names.get(role.group) else {}
                user_roles.append(quote)
        yield user_roles
