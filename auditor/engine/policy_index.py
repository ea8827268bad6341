"""A policy set into what follows from policies alone: worked out once, however many tenants are judged by it."""

from collections.abc import Callable
from typing import TypeVar

from auditor.domain.enums import Source
from auditor.domain.policy import (
    Assignments,
    Attributes,
    Health,
    Policy,
    PolicySet,
    Seats,
    Waiver,
)
from auditor.domain.selector import AnyOf, Matches, OneOf, Scalar, Selector, atoms
from auditor.policy.data_needs import selector_needs
from auditor.snapshot.schema import SIGN_IN_COLUMNS

Merged = tuple[tuple[Selector, ...], tuple[tuple[str, tuple[str, ...]], ...]]
"""Selectors, and properties with shell globs."""
Columns = tuple[tuple[str, ...], tuple[str, ...]]
"""Columns of users and of assignments."""

_HOLDINGS = ("user", "skuId", "held")
_PATHS = (*_HOLDINGS, "state", "assignedByGroup", "error", "disabledPlans", "pathDisabledPlans")

_Value = TypeVar("_Value")


class Rules:
    """What policies say, whoever is judged by them; to hash a policy is to walk it whole, so ids stand for them."""

    def __init__(self, policies: PolicySet) -> None:
        self.policies = policies
        self.ordered = tuple(sorted(policies.policies, key=lambda policy: (policy.severity.rank, policy.id)))
        """The policies in the order of findings."""
        self._columns: dict[tuple[int, ...], Columns] = {}
        self._atoms: dict[int, tuple[Selector, ...]] = {}
        self._equal: dict[Selector, Selector] = {}
        self._known: dict[int, tuple[Selector, Selector]] = {}
        self._merged: dict[int, Merged] = {}
        self._listed: dict[tuple[str, tuple[Scalar | None, ...]], OneOf] = {}

    def columns(self, policies: tuple[Policy, ...], waivers: tuple[Waiver, ...]) -> Columns:
        """Return the columns that some of the policies and waivers look at."""
        return _once(self._columns, tuple(map(id, (*policies, *waivers))), lambda: _columns(policies, waivers))

    def atoms(self, policy: Policy) -> tuple[Selector, ...]:
        """Return the tests that the policy's population is made of."""
        return _once(self._atoms, id(policy), lambda: atoms(policy.users))

    def one(self, selector: Selector) -> Selector:
        """Return the one object that stands for all selectors that say the same."""
        known = self._known.get(id(selector))
        if known is None:
            known = self._known[id(selector)] = (selector, self._equal.setdefault(selector, selector))
        return known[1]

    def merged(self, selector: AnyOf) -> Merged:
        """Split alternatives into the globs for each property, which are looked for at once, and all others."""
        return _once(self._merged, id(selector), lambda: _merged(selector))

    def listed(self, name: str, values: tuple[Scalar | None, ...]) -> OneOf:
        """Return the selector for a property that has one of the values."""
        return _once(self._listed, (name, values), lambda: OneOf(property=name, values=values))


def rules_of(policies: PolicySet) -> Rules:
    """Return what follows from a policy set; that of the latest sets is kept."""
    if id(policies) not in _KNOWN and len(_KNOWN) >= _MOST:
        _KNOWN.clear()
    # The rules hold the policies, so that their id stays theirs.
    return _once(_KNOWN, id(policies), lambda: Rules(policies))


_KNOWN: dict[int, Rules] = {}
_MOST = 4


def _once(known: "dict[_Key, _Value]", key: "_Key", make: Callable[[], _Value]) -> _Value:
    found = known.get(key)
    if found is None:
        found = known[key] = make()
    return found


_Key = TypeVar("_Key")


def _merged(selector: AnyOf) -> Merged:
    globs: dict[str, list[str]] = {}
    others: list[Selector] = []
    for part in selector.parts:
        if isinstance(part, Matches):
            globs.setdefault(part.property, []).append(part.pattern)
        else:
            others.append(part)
    return tuple(others), tuple((name, tuple(patterns)) for name, patterns in globs.items())


def looks_at_people(policy: Policy) -> bool:
    """Whether the policy has to see every user."""
    match policy.constraint:
        case Assignments() | Attributes():
            return True
        case Health(errors=errors):
            return errors
        case Seats(quota=quota):
            return quota is not None
        case _:
            return False


def _columns(policies: tuple[Policy, ...], waivers: tuple[Waiver, ...]) -> Columns:
    populations = [policy.users for policy in policies if looks_at_people(policy)]
    populations += [waiver.users for waiver in waivers if waiver.users is not None]
    wanted = {"id", "notCollected"}
    paths = False
    for population in populations:
        found = selector_needs(population)
        # Graph gives the extension attributes in one property, the snapshot each in its own column.
        wanted.update(found.user_properties, _attributes(population))
        wanted.update(SIGN_IN_COLUMNS if Source.SIGN_IN_ACTIVITY in found.sources else ())
        wanted.update({"mailboxType"} if Source.MAILBOXES in found.sources else ())
    for policy in policies:
        match policy.constraint:
            case Attributes(require=require, allow=allow):
                wanted.update(require, (name for name, _ in allow))
            case Assignments(via=via, duplicates=duplicates, services=services):
                paths = paths or via is not None or duplicates or bool(services.require or services.deny)
            case Health(errors=errors):
                paths = paths or errors
            case _:
                pass
    return tuple(sorted(wanted)), _PATHS if paths else _HOLDINGS


def _attributes(population: Selector) -> set[str]:
    """Return the extension attributes that a population is told by."""
    tested = (atom for atom in atoms(population) if isinstance(atom, OneOf | Matches))
    return {atom.property for atom in tested if atom.property.startswith("extensionAttribute")}
