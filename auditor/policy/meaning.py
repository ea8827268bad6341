"""Sound policies into what their authors hardly meant: populations of nobody, dead blocks, contradictions."""

import difflib
from collections.abc import Iterable, Iterator

from auditor.domain.errors import Diagnostic, Level, Span
from auditor.domain.policy import Assignments, Balance, Policy, Purchases, Seats, Services, Subscriptions
from auditor.domain.product_set import Builtin, Element, ProductSet, Sku, leaves
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
    Selector,
)
from auditor.policy.loading import Loaded


def doubts(loaded: Loaded, *, tenants: frozenset[str] | None = None) -> Iterator[Diagnostic]:
    """Tell what is sound but doubtful in loaded policies; with `tenants`, also tenants that nobody knows."""
    policies = loaded.policies.policies
    for policy in policies:
        yield from _population(policy)
        match policy.constraint:
            case Assignments() as block:
                yield from _assignments(policy, block)
            case Purchases() as block:
                yield from _purchases(policy, block)
            case Seats(of=of) | Subscriptions(of=of) | Balance(of=of) if not leaves(of.elements):
                yield _dead(policy.span, policy, "`of` is an empty set, so that it looks at nothing")
            case _:
                pass
        yield from _tenants(policy, tenants)
    yield from _contradictions(policies)


def _population(policy: Policy) -> Iterator[Diagnostic]:
    if _impossible(policy.users):
        yield _dead(policy.span, policy, "no user can belong to its population")


def _impossible(selector: Selector) -> bool:
    """Whether nobody can satisfy a selector, told from its words alone."""
    match selector:
        case Every(parts=parts):
            return any(map(_impossible, parts)) or _disjoint(tuple(_flat(parts)))
        case AnyOf(parts=parts):
            return all(map(_impossible, parts))
        case OneOf(values=values, property=name):
            return values == (None,) and name in ABSENT_READS_AS
        case Not(part=Every(parts=())):
            return True
        case _:
            return False


def _flat(parts: Iterable[Selector]) -> Iterator[Selector]:
    for part in parts:
        if isinstance(part, Every):
            yield from _flat(part.parts)
        else:
            yield part


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
    # Who was last seen some time ago was seen, and who holds a product is licensed.
    if {InactiveFor, NeverSignedIn} <= kinds or (Holds in kinds and Not(part=Licensed()) in parts):
        return True
    return any(Not(part=part) in parts for part in parts)


def _assignments(policy: Policy, block: Assignments) -> Iterator[Diagnostic]:
    # `require` and `services` look at everything that a user holds, whatever `of` says.
    elsewhere = bool(block.require or block.services.require or block.services.deny)
    others = elsewhere or bool(block.exclusive or block.redundant or block.via or block.duplicates)
    if not leaves(block.of.elements) and not elsewhere:
        yield _dead(policy.span, policy, "`of` is an empty set, so that it looks at nothing")
    elif not others:
        yield from _harmless(policy, block)
    yield from _allowed_and_denied(policy, block)
    for plan in _both(block.services):
        yield _contradiction(policy, f"it requires the service {plan} and denies it")
    for element in block.require:
        if not leaves(element.elements):
            yield _contradiction(policy, "it requires an element of an empty set, which nobody can hold")
        elif block.deny is not None and _inside(element, block.deny):
            yield _contradiction(policy, f"it requires {element.written} and denies it")
        elif _outside(element, block):
            yield _contradiction(policy, f"it requires {element.written}, which `allow` does not allow")


def _purchases(policy: Policy, block: Purchases) -> Iterator[Diagnostic]:
    if not block.trials and not block.unknown:
        yield from _harmless(policy, block)
    yield from _allowed_and_denied(policy, block)


def _harmless(policy: Policy, block: Assignments | Purchases) -> Iterator[Diagnostic]:
    """Tell that a policy allows everything and denies nothing."""
    denies = block.deny is not None and bool(leaves(block.deny.elements))
    if not denies and (block.allow is None or Builtin(name="*") in leaves(block.allow.elements)):
        why = "`deny` is an empty set" if block.allow is None else "`allow` allows every product"
        yield _dead(policy.span, policy, why)


def _allowed_and_denied(policy: Policy, block: Assignments | Purchases) -> Iterator[Diagnostic]:
    if block.allow is not None and block.deny is not None and _inside(block.allow, block.deny):
        yield _contradiction(policy, "everything that `allow` allows is in `deny`")


def _both(services: Services) -> Iterator[str]:
    denied = {plan.casefold() for plan in services.deny}
    return (plan for plan in services.require if plan.casefold() in denied)


def _outside(element: ProductSet, block: Assignments) -> bool:
    """Whether everything that would satisfy an element is looked at and not allowed; only plain names can tell."""
    if block.allow is None or block.of.elements != (Builtin(name="*"),):
        return False
    wanted, allowed = _names(element), _names(block.allow)
    return wanted is not None and allowed is not None and not wanted & allowed


def _names(products: ProductSet) -> set[str] | None:
    """Return the SKUs of a set in folded case; None where the set is more than a list of SKUs."""
    found = leaves(products.elements)
    return (
        {leaf.name.casefold() for leaf in found if isinstance(leaf, Sku)}
        if all(isinstance(x, Sku) for x in found)
        else None
    )


def _inside(one: ProductSet, other: ProductSet) -> bool:
    """Whether every element of a set stands in the other as well, told from their words alone."""
    around = {_folded(leaf) for leaf in leaves(other.elements)}
    inner = [_folded(leaf) for leaf in leaves(one.elements)]
    return bool(inner) and (Builtin(name="*") in around or all(leaf in around for leaf in inner))


def _folded(element: Element) -> Element:
    return Sku(name=element.name.casefold()) if isinstance(element, Sku) else element


def _tenants(policy: Policy, known: frozenset[str] | None) -> Iterator[Diagnostic]:
    for name in policy.tenants or ():
        if known is not None and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            yield Diagnostic(
                slug="policy-unknown-tenant",
                message=f"the policy {policy.id} is for the tenant '{name}', which the tenants file does not have",
                span=policy.span,
                hint=f"did you mean '{close[0]}'?" if close else f"tenants: {', '.join(sorted(known))}",
                level=Level.WARNING,
            )


def _contradictions(policies: tuple[Policy, ...]) -> Iterator[Diagnostic]:
    """Tell where one policy requires of people what another denies to the same people."""
    people: dict[tuple[Selector, tuple[str, ...] | None], list[tuple[Policy, Assignments]]] = {}
    for policy in policies:
        if isinstance(policy.constraint, Assignments):
            people.setdefault((policy.users, policy.tenants), []).append((policy, policy.constraint))
    for alike in people.values():
        for policy, block in alike:
            for other, denying in alike:
                if policy is other or denying.deny is None:
                    continue
                for element in block.require:
                    if _inside(element, denying.deny):
                        yield _contradiction(
                            policy, f"it requires {element.written}, which {other.id} denies to the same people"
                        )


def _dead(span: Span, policy: Policy, why: str) -> Diagnostic:
    return Diagnostic(
        slug="policy-dead",
        message=f"the policy {policy.id} can never raise a finding: {why}",
        span=span,
        hint="mend or remove it",
        level=Level.WARNING,
    )


def _contradiction(policy: Policy, why: str) -> Diagnostic:
    return Diagnostic(
        slug="policy-contradiction",
        message=f"the policy {policy.id} contradicts itself or another: {why}",
        span=policy.span,
        hint="nothing can satisfy both; change one of them",
        level=Level.WARNING,
    )
