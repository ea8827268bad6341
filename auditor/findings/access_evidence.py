"""Builds the evidence about access: directory roles of a user, and Conditional Access policies that cover them."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from auditor.domain.policy.selector import CoveredBy, HasRole, Selector
from auditor.engine.columns.users import People
from auditor.engine.policy.binding import BoundPolicies

Quote = dict[str, Any]

ROLES: Final = "directoryRoles"
POLICIES: Final = "conditionalAccess"


def judges_access(atom: Selector) -> bool:
    """Whether a test looks at roles or at Conditional Access."""
    return isinstance(atom, HasRole | CoveredBy)


def access_quotes(bound: BoundPolicies, people: People, atoms: Iterable[Selector]) -> Sequence[Quote]:
    """Return what to quote of each user of a batch for the tests of a policy: what is certain."""
    quotes: list[Quote] = [{} for _ in range(people.count)]
    for atom in atoms:
        match atom:
            case HasRole(assigned=assigned):
                kinds = {"active": (False,), "eligible": (True,), "any": (False, True)}[assigned]
                _quote(quotes, ROLES, _roles(bound, people, kinds))
            case CoveredBy():
                names = bound.conditional_access.names(people, atom)
                _quote(quotes, POLICIES, [[{"displayName": name} for name in own] for own in names])
            case _:
                pass
    return quotes


def _quote(quotes: Sequence[Quote], key: str, quoted: Iterable[Sequence[Quote]]) -> None:
    """Add what one test quotes to what others quoted, each once."""
    for quote, own in zip(quotes, quoted, strict=True):
        values = quote.get(key, [])
        if own:
            quote[key] = [*values, *(each for each in own if each not in values)]


def _roles(bound: BoundPolicies, people: People, kinds: Sequence[bool]) -> Iterable[Sequence[Quote]]:
    roles, names = bound.conditional_access.roles, {group.id.lower(): group.name for group in bound.facts.groups}
    for user in people.lowered_ids.to_pylist():
        own: list[Quote] = []
        for held in roles.held_by(user):
            if held.eligible in kinds:
                quote: Quote = {"displayName": held.name, "assigned": "eligible" if held.eligible else "active"}
                quote |= {"privileged": True} if held.privileged else {}
                quote |= {} if held.group is None else {"assignedByGroup": held.group}
                quote |= {"groupName": names[held.group]} if held.group is not None and names.get(held.group) else {}
                own.append(quote)
        yield own
