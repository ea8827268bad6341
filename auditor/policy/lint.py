"""Sound policies into what their authors hardly meant: populations of nobody, dead blocks, contradictions."""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import and_

from auditor.domain.errors import Diagnostic, Level, Span
from auditor.domain.message import Message
from auditor.domain.policy import Assignments, Balance, Policy, Purchases, Seats, Services, Subscriptions
from auditor.domain.product_set import Builtin, Element, ProductSet, Sku, builtins_of, leaves, size_of
from auditor.domain.selector import (
    ABSENT_READS_AS,
    AnyOf,
    Every,
    Holds,
    InactiveFor,
    Licensed,
    NeverSignedIn,
    Not,
    OneOf,
    Population,
    Selector,
)
from auditor.policy.hints import Hints
from auditor.policy.loader import Loaded


def doubts(loaded: Loaded, *, tenants: frozenset[str] | None = None) -> Iterator[Diagnostic]:
    """Tell what is sound but doubtful in loaded policies; with `tenants`, also tenants that nobody knows."""
    policies = loaded.policies.policies
    impossible: dict[str, bool] = {}
    hints, sets = Hints(), _Sets()
    for policy in policies:
        yield from _population(policy, impossible)
        match policy.constraint:
            case Assignments() as block:
                yield from _assignments(policy, block, sets)
            case Purchases() as block:
                yield from _purchases(policy, block, sets)
            case Seats(of=of) | Subscriptions(of=of) | Balance(of=of) if not size_of(of.elements):
                yield _dead(policy.span, policy, Message("`of` is an empty set, so that it looks at nothing"))
            case _:
                pass
        yield from _tenants(policy, tenants, hints)
    yield from _contradictions(policies, sets)


def _population(policy: Policy, known: dict[str, bool]) -> Iterator[Diagnostic]:
    if _impossible(policy.users, known):
        yield _dead(policy.span, policy, Message("no user can belong to its population"))


def _impossible(selector: Selector, known: dict[str, bool]) -> bool:
    """Whether nobody can satisfy a selector, told from its words alone; `known` keeps the answers for names."""
    match selector:
        case Every(parts=parts):
            return any(_impossible(part, known) for part in parts) or _disjoint(_flat(parts))
        case AnyOf(parts=parts):
            return all(_impossible(part, known) for part in parts)
        case OneOf(values=values, property=name):
            return values == (None,) and name in ABSENT_READS_AS
        case Not(part=Every(parts=())):
            return True
        case Population(name=name, selector=inner):
            if name not in known:
                known[name] = _impossible(inner, known)
            return known[name]
        case _:
            return False


def _flat(parts: Iterable[Selector]) -> tuple[Selector, ...]:
    """Return the conditions that all have to hold, each named population looked into once."""
    found: list[Selector] = []
    named: set[str] = set()
    waiting = list(parts)[::-1]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Every):
            waiting.extend(reversed(part.parts))
        elif not isinstance(part, Population):
            found.append(part)
        elif part.name not in named:
            named.add(part.name)
            waiting.append(part.selector)
    return tuple(found)


def _disjoint(parts: tuple[Selector, ...]) -> bool:
    """Whether two parts of a conjunction contradict each other: two values of one property, or a test and its not."""
    allowed: dict[str, set[object]] = {}
    for part in parts:
        if isinstance(part, OneOf):
            values: set[object] = {value.casefold() if isinstance(value, str) else value for value in part.values}
            allowed[part.property] = allowed.get(part.property, values) & values
    if any(not values for values in allowed.values()):
        return True
    kinds = {type(part) for part in parts}
    denied = {part.part for part in parts if isinstance(part, Not)}
    # Who was last seen some time ago was seen, and who holds a product is licensed.
    if {InactiveFor, NeverSignedIn} <= kinds or (Holds in kinds and Licensed() in denied):
        return True
    return any(part in denied for part in parts)


def _assignments(policy: Policy, block: Assignments, sets: "_Sets") -> Iterator[Diagnostic]:
    # `require` and `services` look at everything that a user holds, whatever `of` says.
    elsewhere = bool(block.require or block.services.require or block.services.deny)
    others = elsewhere or bool(block.exclusive or block.redundant or block.via or block.duplicates)
    if not size_of(block.of.elements) and not elsewhere:
        yield _dead(policy.span, policy, Message("`of` is an empty set, so that it looks at nothing"))
    elif not others:
        yield from _harmless(policy, block)
    yield from _allowed_and_denied(policy, block, sets)
    for plan in _both(block.services):
        yield _contradiction(policy, Message("it requires the service {plan} and denies it", plan=plan))
    for element in block.require:
        if not size_of(element.elements):
            yield _contradiction(policy, Message("it requires an element of an empty set, which nobody can hold"))
        elif block.deny is not None and _inside(element, block.deny, sets):
            yield _contradiction(policy, Message("it requires {written} and denies it", written=element.written))
        elif _outside(element, block, sets):
            yield _contradiction(
                policy, Message("it requires {written}, which `allow` does not allow", written=element.written)
            )


def _purchases(policy: Policy, block: Purchases, sets: "_Sets") -> Iterator[Diagnostic]:
    if not block.trials and not block.unknown:
        yield from _harmless(policy, block)
    yield from _allowed_and_denied(policy, block, sets)


def _harmless(policy: Policy, block: Assignments | Purchases) -> Iterator[Diagnostic]:
    """Tell that a policy allows everything and denies nothing."""
    denies = block.deny is not None and bool(size_of(block.deny.elements))
    if not denies and (block.allow is None or "*" in builtins_of(block.allow.elements)):
        why = Message("`deny` is an empty set") if block.allow is None else Message("`allow` allows every product")
        yield _dead(policy.span, policy, why)


def _allowed_and_denied(policy: Policy, block: Assignments | Purchases, sets: "_Sets") -> Iterator[Diagnostic]:
    if block.allow is not None and block.deny is not None and _inside(block.allow, block.deny, sets):
        yield _contradiction(policy, Message("everything that `allow` allows is in `deny`"))


def _both(services: Services) -> Iterator[str]:
    denied = {plan.casefold() for plan in services.deny}
    return (plan for plan in services.require if plan.casefold() in denied)


def _outside(element: ProductSet, block: Assignments, sets: "_Sets") -> bool:
    """Whether everything that would satisfy an element is looked at and not allowed; only plain names can tell."""
    if block.allow is None or block.of.elements != (Builtin(name="*"),):
        return False
    wanted, allowed = sets.names(element), sets.names(block.allow)
    return wanted is not None and allowed is not None and not wanted & allowed


def _inside(one: ProductSet, other: ProductSet, sets: "_Sets") -> bool:
    """Whether every element of a set stands in the other as well, told from their words alone."""
    inner, around = sets.elements(one), sets.elements(other)
    if not inner or around is None:
        return False
    return Builtin(name="*") in around or inner <= around


class _Sets:
    """The elements of product sets in folded case; sets that policies share are flattened once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Element, ...], frozenset[Element] | None] = {}

    def elements(self, products: ProductSet) -> frozenset[Element] | None:
        """Return the elements of a set; None where they are too many to be compared for every policy."""
        key = products.elements
        if key not in self._known:
            small = size_of(key) <= _MOST_COMPARED
            self._known[key] = frozenset(map(_folded, leaves(key))) if small else None
        return self._known[key]

    def names(self, products: ProductSet) -> set[str] | None:
        """Return the SKUs of a set; None where the set is more than a list of SKUs."""
        found = self.elements(products)
        if found is None or not all(isinstance(leaf, Sku) for leaf in found):
            return None
        return {leaf.name for leaf in found if isinstance(leaf, Sku)}


_MOST_COMPARED = 1000


def _folded(element: Element) -> Element:
    return Sku(name=element.name.casefold()) if isinstance(element, Sku) else element


def _tenants(policy: Policy, known: frozenset[str] | None, hints: Hints) -> Iterator[Diagnostic]:
    for name in policy.tenants or ():
        if known is not None and name not in known:
            close = hints.close_to(name, sorted(known))
            yield Diagnostic(
                slug="policy-unknown-tenant",
                message=Message(
                    "the policy {id} is for the tenant '{name}', which the tenants file does not have",
                    id=policy.id,
                    name=name,
                ),
                span=policy.span,
                hint=Message("did you mean '{close}'?", close=close)
                if close
                else Message("tenants: {known}", known=", ".join(sorted(known))),
                level=Level.WARNING,
            )


def _contradictions(policies: tuple[Policy, ...], sets: "_Sets") -> Iterator[Diagnostic]:
    """Tell where one policy requires of people what another denies to the same people."""
    people: dict[tuple[Selector, tuple[str, ...] | None], list[tuple[Policy, Assignments]]] = {}
    for policy in policies:
        if isinstance(policy.constraint, Assignments):
            users = policy.users.selector if isinstance(policy.users, Population) else policy.users
            people.setdefault((users, policy.tenants), []).append((policy, policy.constraint))
    for alike in people.values():
        yield from _contradicting(alike, sets)


def _contradicting(alike: list[tuple[Policy, Assignments]], sets: "_Sets") -> Iterator[Diagnostic]:
    """Tell the contradictions among policies for the same people, of each requirement with a few of the others.

    Which policies deny an element is a number with a bit for each, so that many policies are compared at once.
    """
    sharing: dict[frozenset[Element], int] = {}
    for place, (_, block) in enumerate(alike):
        denied = None if block.deny is None else sets.elements(block.deny)
        if denied:
            sharing[denied] = sharing.get(denied, 0) | 1 << place
    denying: dict[Element, int] = {}
    for denied, places in sharing.items():
        for leaf in denied:
            denying[leaf] = denying.get(leaf, 0) | places
    everything = denying.get(Builtin(name="*"), 0)
    for place, (policy, block) in enumerate(alike):
        for element in block.require:
            inner = sets.elements(element)
            if not inner or not denying:
                continue
            others = reduce(and_, (denying.get(leaf, 0) | everything for leaf in inner)) & ~(1 << place)
            for _ in range(_MOST_TOLD):
                if not others:
                    break
                lowest = others & -others
                others ^= lowest
                other = alike[lowest.bit_length() - 1][0]
                yield _contradiction(
                    policy,
                    Message(
                        "it requires {written}, which {id} denies to the same people",
                        written=element.written,
                        id=other.id,
                    ),
                )


_MOST_TOLD = 10
"""Policies that deny one required element that are told."""


def _dead(span: Span, policy: Policy, why: str) -> Diagnostic:
    return Diagnostic(
        slug="policy-dead",
        message=Message("the policy {id} can never raise a finding: {why}", id=policy.id, why=why),
        span=span,
        hint=Message("mend or remove it"),
        level=Level.WARNING,
    )


def _contradiction(policy: Policy, why: str) -> Diagnostic:
    return Diagnostic(
        slug="policy-contradiction",
        message=Message("the policy {id} contradicts itself or another: {why}", id=policy.id, why=why),
        span=policy.span,
        hint=Message("nothing can satisfy both; change one of them"),
        level=Level.WARNING,
    )
