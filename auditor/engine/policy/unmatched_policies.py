"""Notices about policies that match nothing, with the values that nobody has and the nearest values in use."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from auditor.catalogue import builtin
from auditor.catalogue.directory_roles import builtin_role
from auditor.domain.message import Message, joined, truncated
from auditor.domain.policy.model import Policy, Seats, Subscriptions
from auditor.domain.policy.product_set import ProductSet, Sku
from auditor.domain.policy.selector import (
    BOOLEAN_PROPERTIES,
    TEXT_PROPERTIES,
    CoveredBy,
    HasRole,
    HeldFor,
    Holds,
    Matches,
    MemberOf,
    OneOf,
    Selector,
    atoms,
)
from auditor.domain.result.model import Notice
from auditor.engine.columns.strings import ALL_DIFFERENT
from auditor.engine.columns.users import UserColumns
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.selection.selectors import SelectorMasks

Value = tuple[str, str]
"""A property of people, or the key of a selector, and its value as written in the policy."""

_MAX_VALUES: Final = 5
"""The maximum number of values that a notice names."""
_MAX_LENGTH: Final = 60
"""The maximum length of a value in a notice, in characters."""
_MAX_PRODUCTS: Final = 3
"""The maximum number of products of a set that a notice names."""
CANDIDATES: Final = 5_000
"""The nearest value is searched among this many distinct values of a property: the first ones in the snapshot."""


def no_match_notices(bound: BoundPolicies, indices: Iterable[int]) -> tuple[Notice, ...]:
    """Return a notice `policy.no-match` for each of the policies with these indices, which evaluated nothing.

    The users are read again, but only the properties that the policies' populations name. Values of properties that
    identify a person are never suggested.
    """
    policies = [bound.policies[index] for index in sorted(indices)]
    populations = {policy.id: policy for policy in policies if bound.rules.reads_users(policy)}
    tests = {name: _tests(policy.users) for name, policy in populations.items()}
    usage = _ValuesInUse(bound, [value for policy_tests in tests.values() for value, _ in policy_tests])
    usage.read([test for policy_tests in tests.values() for test in policy_tests])
    return tuple(
        Notice(
            code="policy.no-match",
            message=_nobody_message(bound, policy, tests[policy.id], usage)
            if policy.id in tests
            else _nothing_message(policy),
            subject=policy.id,
        )
        for policy in policies
    )


def no_match(policy: str, products: ProductSet) -> Notice:
    """Return the notice for a policy about a product set of which no tenant has anything."""
    text = _products(products.written)
    if _names_products(products):
        message = Message("the policy {policy} evaluates nothing: there is no {products}", policy=policy, products=text)
    else:
        message = Message(
            "the policy {policy} evaluates nothing: no product or subscription matches 'of: {products}'",
            policy=policy,
            products=text,
        )
    return Notice(code="policy.no-match", message=message, subject=policy)


_Test = tuple[Value, Selector]


def _tests(selector: Selector) -> tuple[_Test, ...]:
    """Return every text or boolean value that a population requires, with a selector for that value alone."""
    tests: list[_Test] = []
    for condition in atoms(selector, negated=False):  # that nobody meets a negated one excludes nobody
        match condition:
            case OneOf(property=name, values=values) if name in _TESTABLE:
                present = [value for value in values if isinstance(value, str | bool) and value != ""]
                tests += [((name, _written(value)), OneOf(property=name, values=(value,))) for value in present]
            case Matches(property=name, pattern=pattern):
                tests.append(((name, pattern), condition))
            case _:
                pass
    return tuple(tests)


_TESTABLE: Final = frozenset({*TEXT_PROPERTIES, *BOOLEAN_PROPERTIES})


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _ValuesInUse:
    """Which values of the policies are in use, and the values that are in use instead."""

    def __init__(self, bound: BoundPolicies, values: Iterable[Value]) -> None:
        self._bound = bound
        self._candidates: dict[str, dict[str, str]] = {
            name: {} for name, _ in values if name not in ALL_DIFFERENT and name in TEXT_PROPERTIES
        }
        """Property → its values, by casefolded value, as written."""
        self._present: set[Value] = set()
        self._unknown: set[str] = set()
        """Properties that were not collected for all users."""

    def read(self, tests: Sequence[_Test]) -> None:
        """Read the users once, if there are values to look for."""
        tests_of = dict(tests)
        if not tests_of:
            return
        facts = self._bound.facts
        columns = tuple(sorted({"id", "notCollected", *(name for name, _ in tests_of)}))
        for batch in facts.snapshot.batches(columns, ()):
            people = UserColumns(batch, facts)
            bound = self._bound
            selectors = SelectorMasks(people, bound.masks, bound.membership, bound.conditional_access, bound.rules)
            for value, test in tests_of.items():
                name = value[0]
                if people.unknown(name).any():
                    self._unknown.add(name)
                elif value not in self._present and selectors.of(test).true.any():
                    self._present.add(value)
            for name, values in self._candidates.items():
                _gather(people, name, values)

    def absent(self, value: Value) -> bool:
        """Return whether it is certain that no user has the value."""
        return value[0] not in self._unknown and value not in self._present

    def nearest(self, value: Value) -> str | None:
        """Return the most similar value of the same property that is in use, if one is similar enough."""
        name, written = value
        candidates = self._candidates.get(name, {})
        folded = written.strip("*?").casefold()
        close = get_close_matches(folded, sorted(candidates), n=1)
        return candidates[close[0]] if close else None


def _gather(people: UserColumns, name: str, values: dict[str, str]) -> None:
    """Add the distinct values of a batch, up to `CANDIDATES`."""
    if len(values) >= CANDIDATES:
        return
    for text in people.column(name).unique().to_pylist():
        if text and len(values) < CANDIDATES:
            folded = text.casefold()
            values[folded] = min(text, values.get(folded, text))


def _nobody_message(bound: BoundPolicies, policy: Policy, tests: Sequence[_Test], usage: _ValuesInUse) -> Message:
    missing = [value for value in dict.fromkeys(value for value, _ in tests) if usage.absent(value)]
    reasons = truncated(dict.fromkeys(_empty_conditions(bound, policy.users)), _MAX_VALUES)
    listed = missing[:_MAX_VALUES]
    values = _listed(listed) + (", …" if len(missing) > _MAX_VALUES else "")
    near = {(name, close) for name, written in listed if (close := usage.nearest((name, written))) is not None}
    # Arguments are included only if the message has them: the terminal looks for `near`.
    facts: dict[str, str] = {"policy": policy.id}
    facts |= {"values": values} if listed else {}
    facts |= {"near": _listed(sorted(near))} if near else {}
    facts |= {"reasons": joined("; ", reasons)} if reasons else {}
    match bool(near), bool(listed), bool(reasons):
        case True, _, True:
            return Message(
                "the policy {policy} matches nobody: no user meets the condition {values} (nearest in use: {near});"
                " {reasons}",
                **facts,
            )
        case True, _, False:
            return Message(
                "the policy {policy} matches nobody: no user meets the condition {values} (nearest in use: {near})",
                **facts,
            )
        case False, True, True:
            return Message(
                "the policy {policy} matches nobody: no user meets the condition {values}; {reasons}", **facts
            )
        case False, True, False:
            return Message("the policy {policy} matches nobody: no user meets the condition {values}", **facts)
        case False, False, True:
            return Message("the policy {policy} matches nobody: {reasons}", **facts)
        case _:
            return Message("the policy {policy} matches nobody", **facts)


def _listed(values: Sequence[Value]) -> str:
    """Return the quoted values, grouped by property."""
    by_name: dict[str, list[str]] = {}
    for name, value in values:
        by_name.setdefault(name, []).append(f"'{_short(value)}'")
    return ", ".join(f"{name} {', '.join(quoted)}" for name, quoted in by_name.items())


def _empty_conditions(bound: BoundPolicies, selector: Selector) -> Iterator[Message]:
    """Yield the product sets that nobody holds, the groups without members, and the roles that nobody has."""
    facts = bound.facts
    for condition in atoms(selector, negated=False):  # that nobody meets a negated one excludes nobody
        match condition:
            case Holds(products=products) | HeldFor(products=products):
                held = [facts.index[sku_id.lower()] for sku_id in facts.snapshot.sku_ids]
                if facts.is_requested("assignedLicenses") and not bound.masks.of(products).maybe[held].any():
                    yield _unheld(products)
            case MemberOf(groups=groups, transitive=transitive):
                for name in groups:
                    resolution = bound.membership.resolve(name, transitive=transitive)
                    group = resolution.group if resolution.reason is None else None
                    if group is not None and _empty(bound, group.id, transitive=transitive):
                        yield Message("the group '{group}' has no members", group=_short(name))
            case HasRole() if bound.conditional_access.roles.nobody_has(condition):
                yield from _unheld_roles(condition)
            case CoveredBy() if bound.conditional_access.nobody_is_covered(condition):
                yield Message("no Conditional Access policy covers a user")
            case _:
                pass


def _unheld_roles(condition: HasRole) -> Iterator[Message]:
    if condition.roles is None:
        yield _UNHELD_ROLES[condition.privileged, condition.assigned == "eligible"]
        return
    for role in condition.roles:
        known = builtin_role(role)
        if condition.privileged and (known is None or not known.privileged):
            yield Message("the role '{role}' is not in Microsoft's list of privileged roles", role=_short(role))
        elif condition.assigned == "eligible":
            yield Message("no user is eligible for the role '{role}'", role=_short(role))
        else:
            yield Message("no user has the role '{role}'", role=_short(role))


_UNHELD_ROLES: Final = {
    (False, False): Message("no user has a directory role"),
    (False, True): Message("no user is eligible for a directory role"),
    (True, False): Message("no user has a privileged role"),
    (True, True): Message("no user is eligible for a privileged role"),
}
"""Whether only privileged roles count, and only eligible assignments → the message."""


def _unheld(products: ProductSet) -> Message:
    text = _products(products.written)
    if not _names_products(products):
        return Message("no user holds a product of '{products}'", products=text)
    if len(products.elements) > 1:
        return Message("no user holds any of {products}", products=text)
    return Message("no user holds {products}", products=text)


def _names_products(products: ProductSet) -> bool:
    """Return whether a set consists of names of products."""
    return bool(products.elements) and all(isinstance(element, Sku) for element in products.elements)


def _empty(bound: BoundPolicies, group: str, *, transitive: bool) -> bool:
    snapshot = bound.facts.snapshot
    if snapshot.members is not None:
        return not snapshot.members.likely(group, transitive=transitive)
    return not len(snapshot.members_of(group, transitive=transitive))


def _nothing_message(policy: Policy) -> Message:
    match policy.constraint:
        case Seats(of=products) | Subscriptions(of=products):
            return no_match(policy.id, products).message
        case _:
            return Message(
                "the policy {policy} evaluates nothing: the tenant has nothing that it applies to", policy=policy.id
            )


def _products(written: str) -> str:
    """Return a product set as written, with names for known part numbers, limited to the first products."""
    if not written:
        return "[]"
    names = dict.fromkeys(map(builtin().title, written.split("|")))
    return ", ".join(truncated(names, _MAX_PRODUCTS))


def _short(text: str) -> str:
    """Return a text on one line, shortened and without the characters that end a value in a notice."""
    plain = " ".join(text.split()).replace(";", ",").replace("'", "\u2019")
    return plain if len(plain) <= _MAX_LENGTH else plain[: _MAX_LENGTH - 1] + "…"
