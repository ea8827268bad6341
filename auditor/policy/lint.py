"""Warns about valid policies that are probably wrong: empty populations, blocks without effect, contradictions."""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import and_

from msgspec.structs import replace

from auditor.catalogue import Catalogue, builtin
from auditor.catalogue.directory_roles import builtin_role
from auditor.catalogue.model import GUID
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.domain.policy import selector as kinds
from auditor.domain.policy.model import (
    Assignments,
    Attributes,
    Balance,
    Health,
    Policy,
    Purchases,
    Seats,
    Subscriptions,
)
from auditor.domain.policy.product_set import (
    EVERY_PRODUCT,
    Builtin,
    Element,
    ProductSet,
    Sku,
    builtins_of,
    leaves,
    size_of,
)
from auditor.domain.policy.selector import ABSENT_READS_AS, Selector
from auditor.domain.similar_name import tenants_hint
from auditor.policy.loader import Loaded
from auditor.policy.nodes import Hints, Node


def lint_warnings(
    loaded: Loaded, *, tenants: frozenset[str] | None = None, catalogue: Catalogue | None = None
) -> Iterator[Diagnostic]:
    """Yield warnings about loaded policies; with `tenants`, also about tenants that are not configured.

    Names and ids of products are compared with a catalogue, by default the packaged one.
    """
    policies = loaded.policies.policies
    cache: dict[str, bool] = {}
    hints, sets = Hints(), _Sets(catalogue or builtin())
    nodes = _nodes(loaded)
    for policy in policies:
        if _impossible(policy.users, cache):
            yield _dead(policy, Message("no user can belong to its population"))
        match policy.constraint:
            case Assignments() as block:
                yield from _assignments(policy, block, sets)
            case Purchases() as block:
                yield from _purchases(policy, block, sets)
            case Seats(of=of) | Subscriptions(of=of) | Balance(of=of) if not size_of(of.elements):
                yield _dead(policy, Message("`of` is an empty set, so nothing is evaluated"))
            case _:
                pass
        yield from _users_without_effect(policy, nodes.get(policy.id))
        yield from _tenants(policy, nodes.get(policy.id), tenants, hints)
    yield from _contradictions(policies, sets)


def _nodes(loaded: Loaded) -> dict[str, Node]:
    """Return the policies as written in the loaded files, by id; those of extended files are not included."""
    roots = (Node(document, (), document.value) for document in loaded.documents)
    return {node.text("id"): node for root in roots if root.has("policies") for node in root["policies"].each()}


def _users_without_effect(policy: Policy, node: Node | None) -> Iterator[Diagnostic]:
    """Yield a warning about a population that no check of the policy looks at."""
    match policy.constraint:
        case Assignments() | Attributes() | Health(errors=True) | Seats(covers=True):
            return
        case Seats(quota=quota) if quota is not None:
            return
        case _ if node is not None and node.has("users"):
            yield Diagnostic(
                slug="policy-users-ignored",
                message=Message("`users` of the policy {id} has no effect: it does not evaluate users", id=policy.id),
                span=node["users"].span(key=True),
                hint=Message("remove `users`"),
                level=Level.WARNING,
            )


def _impossible(selector: Selector, cache: dict[str, bool]) -> bool:
    """Return whether a selector shows by its text that no user can satisfy it; `cache` is by name of population."""
    match selector:
        case kinds.Every(parts=parts):
            return any(_impossible(part, cache) for part in parts) or _disjoint(_flatten(parts))
        case kinds.AnyOf(parts=parts):
            return all(_impossible(part, cache) for part in parts)
        case kinds.OneOf(values=values, property=name):
            return values == (None,) and name in ABSENT_READS_AS
        case kinds.Not(part=kinds.Every(parts=())):
            return True
        case kinds.Holds(products=products) | kinds.HeldFor(products=products):
            return not size_of(products.elements)
        case kinds.HasRole(roles=tuple() as roles, privileged=True):
            return not any(_may_be_privileged(role) for role in roles)
        case kinds.Population(name=name, selector=inner):
            if name not in cache:
                cache[name] = _impossible(inner, cache)
            return cache[name]
        case _:
            return False


def _may_be_privileged(role: str) -> bool:
    """Return whether a role is labelled as privileged, or is not a known built-in role."""
    known = builtin_role(role)
    return known is None or known.privileged


def _flatten(parts: Iterable[Selector]) -> tuple[Selector, ...]:
    """Return the conditions that must all hold; each named population is expanded once."""
    conditions: list[Selector] = []
    visited: set[str] = set()
    stack = list(parts)[::-1]
    while stack:
        part = stack.pop()
        if isinstance(part, kinds.Every):
            stack.extend(reversed(part.parts))
        elif not isinstance(part, kinds.Population):
            conditions.append(part)
        elif part.name not in visited:
            visited.add(part.name)
            stack.append(part.selector)
    return tuple(conditions)


def _disjoint(parts: tuple[Selector, ...]) -> bool:
    """Return whether two conditions exclude each other: two values of one property, or a condition and its negation."""
    allowed: dict[str, set[object]] = {}
    for part in parts:
        if isinstance(part, kinds.OneOf):
            values: set[object] = {value.casefold() if isinstance(value, str) else value for value in part.values}
            allowed[part.property] = allowed.get(part.property, values) & values
    if any(not values for values in allowed.values()):
        return True
    types = {type(part) for part in parts}
    denied = {part.part for part in parts if isinstance(part, kinds.Not)}
    inactive = [part for part in parts if isinstance(part, kinds.InactiveIn)]
    # A user with a last sign-in has signed in, and a user with a product is licensed.
    if {kinds.InactiveFor, kinds.NeverSignedIn} <= types:
        return True
    if kinds.Licensed() in denied and not types.isdisjoint({kinds.Holds, kinds.HeldFor, kinds.LicensedVia}):
        return True
    # A user without activity in several services for a long time has none in some of them for a shorter time.
    denied_inactive = [part for part in denied if isinstance(part, kinds.InactiveIn)]
    if any(_implies(stronger, weaker) for stronger in inactive for weaker in denied_inactive):
        return True
    return any(part in denied for part in parts)


def _implies(stronger: kinds.InactiveIn, weaker: kinds.InactiveIn) -> bool:
    return set(weaker.services) <= set(stronger.services) and weaker.duration <= stronger.duration


def _assignments(policy: Policy, block: Assignments, sets: "_Sets") -> Iterator[Diagnostic]:
    # `require` and `services` apply to every product of a user, independently of `of`.
    ignores_of = bool(block.require or block.services.require or block.services.deny)
    # Compared with an empty block, so that a new key of the language is included without a change here.
    has_other_keys = replace(block, of=EVERY_PRODUCT, allow=None, deny=None, downgrade_to=None) != Assignments()
    if not size_of(block.of.elements) and not ignores_of:
        yield _dead(policy, Message("`of` is an empty set, so nothing is evaluated"))
    elif not has_other_keys:
        yield from _harmless(policy, block)
    yield from _allowed_and_denied(policy, block, sets)
    if block.downgrade_to is not None and all(map(sets.is_free, leaves(block.downgrade_to.elements))):
        message = Message(
            "the policy {id} can never propose a product: `downgradeTo` has no paid product", id=policy.id
        )
        yield _warning("policy-downgrade-free", policy, message, Message("add a product with a price, or remove it"))
    denied = {plan.casefold() for plan in block.services.deny}
    for plan in (plan for plan in block.services.require if plan.casefold() in denied):
        yield _contradiction(policy, Message("it requires the service {plan} and denies it", plan=plan))
    for element in block.require:
        if not size_of(element.elements):
            yield _contradiction(policy, Message("it requires an element of an empty set, which nobody can have"))
        elif block.deny is not None and _is_subset(element, block.deny, sets):
            yield _contradiction(policy, Message("it requires {written} and denies it", written=element.written))
        elif _is_disallowed(element, block, sets):
            yield _contradiction(
                policy, Message("it requires {written}, which `allow` does not allow", written=element.written)
            )


def _purchases(policy: Policy, block: Purchases, sets: "_Sets") -> Iterator[Diagnostic]:
    if replace(block, allow=None, deny=None) == Purchases():
        yield from _harmless(policy, block)
    yield from _allowed_and_denied(policy, block, sets)


def _harmless(policy: Policy, block: Assignments | Purchases) -> Iterator[Diagnostic]:
    """Yield a warning about a policy that allows everything and denies nothing."""
    denies = block.deny is not None and bool(size_of(block.deny.elements))
    if not denies and (block.allow is None or "*" in builtins_of(block.allow.elements)):
        why = Message("`deny` is an empty set") if block.allow is None else Message("`allow` allows every product")
        yield _dead(policy, why)


def _allowed_and_denied(policy: Policy, block: Assignments | Purchases, sets: "_Sets") -> Iterator[Diagnostic]:
    if block.allow is not None and block.deny is not None and _is_subset(block.allow, block.deny, sets):
        yield _contradiction(policy, Message("everything that `allow` allows is in `deny`"))


def _is_disallowed(element: ProductSet, block: Assignments, sets: "_Sets") -> bool:
    """Return whether `of` covers everything that satisfies an element and `allow` excludes it; for plain names only."""
    if block.allow is None or block.of.elements != (Builtin(name="*"),):
        return False
    required, allowed = sets.elements(element), sets.elements(block.allow)
    if not required or allowed is None or not all(isinstance(leaf, Sku) for leaf in required | allowed):
        return False
    return not required & allowed and _same_form(
        leaves(element.elements) + leaves(block.allow.elements), sets.catalogue
    )


def _same_form(elements: Iterable[Element], catalogue: Catalogue) -> bool:
    """Return whether different names are different SKUs: no ids among part numbers that the catalogue does not have."""
    names = {leaf.name.casefold() for leaf in elements if isinstance(leaf, Sku)}
    ids = {name for name in names if GUID.fullmatch(name)}
    return not ids or ids == names or all(map(catalogue.knows, names))


def _is_subset(inner: ProductSet, outer: ProductSet, sets: "_Sets") -> bool:
    """Return whether every element of the inner set is in the outer one."""
    elements, outer_elements = sets.elements(inner), sets.elements(outer)
    if not elements or outer_elements is None:
        return False
    return Builtin(name="*") in outer_elements or elements <= outer_elements


class _Sets:
    """The elements of product sets, with every name and id of a SKU; a shared set is expanded once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._cache: dict[tuple[Element, ...], frozenset[Element] | None] = {}

    def elements(self, products: ProductSet) -> frozenset[Element] | None:
        """Return the elements of a set; None if there are too many to compare for every policy."""
        key = products.elements
        if key not in self._cache:
            small = size_of(key) <= _MAX_COMPARED
            self._cache[key] = frozenset(name for leaf in leaves(key) for name in self._names(leaf)) if small else None
        return self._cache[key]

    def is_free(self, leaf: Element) -> bool:
        """Whether an element is `free` or a product that the catalogue has as free."""
        if isinstance(leaf, Sku):
            return any(map(self.catalogue.is_free, self.catalogue.named(leaf.name)))
        return leaf == Builtin(name="free")

    def _names(self, leaf: Element) -> Iterator[Element]:
        """Yield an element in folded case; a part number also with the ids that the catalogue has for it.

        An id gets no part number: a tenant may have other products with that part number.
        """
        if not isinstance(leaf, Sku):
            yield leaf
            return
        yield Sku(name=leaf.name.casefold())
        for product in self.catalogue.by_part_number(leaf.name):
            yield Sku(name=product.sku_id)


_MAX_COMPARED = 1000


def _tenants(
    policy: Policy, node: Node | None, configured: frozenset[str] | None, hints: Hints
) -> Iterator[Diagnostic]:
    for index, name in enumerate(policy.tenants or ()):
        if configured is not None and name not in configured:
            facts = {"id": policy.id, "name": name}
            message = Message(
                "the policy {id} is for the tenant '{name}', which the tenants file does not have", **facts
            )
            hint = hints.did_you_mean(name, configured, tenants_hint(None, configured))
            span = policy.span if node is None else node["tenants"][index].span()
            yield Diagnostic(slug="policy-unknown-tenant", message=message, span=span, hint=hint, level=Level.WARNING)


def _contradictions(policies: tuple[Policy, ...], sets: "_Sets") -> Iterator[Diagnostic]:
    """Yield a warning if one policy requires of users what another denies to the same users."""
    groups: dict[tuple[Selector, tuple[str, ...] | None], list[tuple[Policy, Assignments]]] = {}
    for policy in policies:
        if isinstance(policy.constraint, Assignments):
            users = policy.users.selector if isinstance(policy.users, kinds.Population) else policy.users
            groups.setdefault((users, policy.tenants), []).append((policy, policy.constraint))
    for group in groups.values():
        yield from _group_contradictions(group, sets)


def _group_contradictions(group: list[tuple[Policy, Assignments]], sets: "_Sets") -> Iterator[Diagnostic]:
    """Yield the contradictions among policies for the same users, with at most `_MAX_NAMED` policies per requirement.

    The policies that deny an element are stored as a bit mask, so that many policies are compared at once.
    """
    deny_sets: dict[frozenset[Element], int] = {}
    for index, (_, block) in enumerate(group):
        denied = None if block.deny is None else sets.elements(block.deny)
        if denied:
            deny_sets[denied] = deny_sets.get(denied, 0) | 1 << index
    deny_masks: dict[Element, int] = {}
    for denied, mask in deny_sets.items():
        for leaf in denied:
            deny_masks[leaf] = deny_masks.get(leaf, 0) | mask
    deny_all = deny_masks.get(Builtin(name="*"), 0)
    for index, (policy, block) in enumerate(group):
        for element in block.require:
            inner = sets.elements(element)
            if not inner or not deny_masks:
                continue
            mask = reduce(and_, (deny_masks.get(leaf, 0) | deny_all for leaf in inner)) & ~(1 << index)
            for _ in range(min(_MAX_NAMED, mask.bit_count())):
                lowest_bit = mask & -mask
                mask ^= lowest_bit
                facts = {"written": element.written, "id": group[lowest_bit.bit_length() - 1][0].id}
                message = Message("it requires {written}, which {id} denies to the same people", **facts)
                yield _contradiction(policy, message)


_MAX_NAMED = 10
"""Maximum number of policies that deny a required element in warnings."""


def _dead(policy: Policy, why: str) -> Diagnostic:
    message = Message("the policy {id} can never raise a finding: {why}", id=policy.id, why=why)
    return _warning("policy-dead", policy, message, Message("correct or remove it"))


def _contradiction(policy: Policy, why: str) -> Diagnostic:
    message = Message("the policy {id} contradicts itself or another: {why}", id=policy.id, why=why)
    return _warning("policy-contradiction", policy, message, Message("nothing can satisfy both; change one of them"))


def _warning(slug: str, policy: Policy, message: Message, hint: Message) -> Diagnostic:
    return Diagnostic(slug=slug, message=message, span=policy.span, hint=hint, level=Level.WARNING)
