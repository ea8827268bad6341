"""A peer of the engine: policies compiled to plain Python loops over decoded structs.

Every policy is compiled to the source of one function with its conditions and sets inlined, which is the fastest form
of loops in CPython. Texts are casefolded and licences sorted while the structs are built, outside the measurement.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field

from auditor.domain.policy import selector as kinds
from auditor.domain.policy.model import Assignments, Attributes, Health, Policy, Seats, Waiver
from auditor.domain.policy.product_set import Builtin, Element, Named, ProductSet, Sku, WithService
from auditor.domain.policy.selector import Selector

FILLER = "113feb6c-3fe4-4440-bddc-54d774bf0318"
Row = tuple[Any, ...]
"""(user or SKU, check, product, detail, waiver); a product is a skuId or a set as written in the policy."""


class World(Struct, frozen=True, kw_only=True, dict=True):
    """Data other than users that the rules look up."""

    as_of: datetime
    part: Mapping[str, str]
    """SkuId → part number, in order of part number."""
    plans: Mapping[str, Mapping[str, str]]
    """SkuId → plan id → plan name."""
    free: frozenset[str]
    members: Mapping[tuple[str, bool], frozenset[str]]
    """(group name, transitive) → ids of users."""
    names: dict[str, Any] = field(default_factory=dict)
    """Values that the generated sources refer to."""

    def name(self, value: object) -> str:
        """Register a value for the generated sources, and return its name."""
        name = f"v{len(self.names)}"
        self.names[name] = value
        return name


def micros(bound: datetime | timedelta, world: World) -> int:
    """Return an instant as microseconds since 1970."""
    instant = world.as_of - bound if isinstance(bound, timedelta) else bound
    return (instant - datetime.fromisoformat("1970-01-01T00:00:00+00:00")) // timedelta(microseconds=1)


def skus(products: ProductSet, world: World) -> frozenset[str]:
    """Return the skuIds of a set."""
    return frozenset().union(*(_element(element, world) for element in products.elements))


def _element(element: Element, world: World) -> frozenset[str]:
    match element:
        case Named(elements=elements):
            return frozenset().union(*(_element(item, world) for item in elements))
        case Builtin(name="*"):
            return frozenset(world.part)
        case Builtin(name="paid"):
            return frozenset(world.part) - world.free
        case Sku(name=name):
            return frozenset(sku for sku, part in world.part.items() if name.casefold() in (part.casefold(), sku))
        case WithService(plan=plan):
            folded = plan.casefold()
            return frozenset(
                sku
                for sku, plans in world.plans.items()
                if folded in plans or folded in {name.casefold() for name in plans.values()}
            )
        case _:
            raise NotImplementedError(element)


def condition(selector: Selector, world: World) -> str:
    """Return a selector as the source of an expression over the user `u`."""
    match selector:
        case kinds.Every(parts=parts):
            return "(" + " and ".join(condition(part, world) for part in parts) + ")" if parts else "True"
        case kinds.AnyOf(parts=parts):
            return "(" + " or ".join(condition(part, world) for part in parts) + ")"
        case kinds.Not(part=part):
            return f"(not {condition(part, world)})"
        case kinds.Population(selector=inner):
            return condition(inner, world)
        case kinds.OneOf(property=name, values=(value,)) if value is None or isinstance(value, bool):
            return f"(u.{name} is {value})"
        case kinds.OneOf(property=name, values=(value,)):
            return f"(u.{name} == {str(value).casefold()!r})"
        case kinds.OneOf(property=name, values=values):
            folded = frozenset(None if value is None else str(value).casefold() for value in values)
            return f"(u.{name} in {world.name(folded)})"
        case kinds.Matches(property=name, pattern=pattern):
            return f"(u.{name} is not None and {_glob(f'u.{name}', pattern.casefold(), world)})"
        case kinds.Before(property=name, bound=bound):
            return f"(u.{name} is not None and u.{name} < {micros(bound, world)})"
        case kinds.After(property=name, bound=bound):
            return f"(u.{name} is not None and u.{name} > {micros(bound, world)})"
        case kinds.Holds(products=products):
            return f"(not {world.name(skus(products, world))}.isdisjoint(u.held))"
        case kinds.Licensed():
            return "bool(u.held)"
        case kinds.MemberOf(groups=groups, transitive=transitive):
            tests = [f"u.id in {world.name(world.members[group, transitive])}" for group in groups]
            return "(" + " or ".join(tests) + ")"
        case kinds.InactiveFor(duration=duration, signal=signal):
            stamp = "u.latest" if signal == "any" else "u.lastSignInDateTime"
            return f"({stamp} is not None and {stamp} < {micros(duration, world)})"
        case kinds.NeverSignedIn(duration=duration):
            return (
                f"(u.latest is None and (u.createdDateTime is None or u.createdDateTime <= {micros(duration, world)}))"
            )
        case kinds.CreatedWithin(duration=duration):
            return f"(u.createdDateTime is not None and u.createdDateTime >= {micros(duration, world)})"
        case _:
            raise NotImplementedError(selector)


def _glob(text: str, pattern: str, world: World) -> str:
    import fnmatch
    import re

    inner = pattern.strip("*")
    if any(char in inner for char in "*?["):
        return f"{world.name(re.compile(fnmatch.translate(pattern)).match)}({text}) is not None"
    if pattern == f"{inner}*":
        return f"{text}.startswith({inner!r})"
    return f"{inner!r} in {text}" if pattern == f"*{inner}*" else f"{text} == {inner!r}"


def rule(policy: Policy, waivers: Sequence[Waiver], world: World) -> Callable[[Sequence[Any]], list[Row]]:
    """Compile a policy into a function from users to findings."""
    match policy.constraint:
        case Assignments() as block:
            body = _assignments(block, world)
        case Attributes() as block:
            body = [f"if u.{name} is None: add((u, 'attribute.missing', None, {name!r}))" for name in block.require] + [
                f"if not {condition(kinds.OneOf(property=name, values=(*values, None)), world)}: "
                f"add((u, 'attribute.not-allowed', None, {name!r}))"
                for name, values in block.allow
            ]
        case Health():
            body = [
                "for p in u.paths:",
                "    if p.error is not None and p.error != 'None':",
                "        add((u, 'assignment.error', p.sku, p.error if p.group is None else f'{p.error}@{p.group}'))",
            ]
        case Seats() as block:
            return _quota(policy, block, world)
        case _:
            raise NotImplementedError(policy.constraint)
    lines = ["def rule(users):", "    findings = []", "    add = findings.append", "    for u in users:"]
    lines += [f"        if {condition(policy.users, world)}:", *(f"            {line}" for line in body)]
    lines += [*_waiver_lines([waiver for waiver in waivers if waiver.covers(policy.id)], policy, world)]
    scope: dict[str, Any] = dict(world.names)
    exec("\n".join(lines), scope)
    compiled: Callable[[Sequence[Any]], list[Row]] = scope["rule"]
    return compiled


def _assignments(block: Assignments, world: World) -> list[str]:
    of = skus(block.of, world)
    lines: list[str] = []
    if block.deny is not None:
        lines += _held("assignment.denied", of & skus(block.deny, world), world)
    if block.allow is not None:
        lines += _held("assignment.not-allowed", of - skus(block.allow, world), world)
    for element in block.require:
        sku_ids = world.name(skus(element, world))
        lines.append(f"if {sku_ids}.isdisjoint(u.held): add((u, 'assignment.missing', {element.written!r}, None))")
    if block.exclusive:
        lines += _exclusive(block, of, world)
    if block.redundant:
        lines += _redundant(of, world)
    if block.via is not None:
        wrong = "is None" if block.via == "group" else "is not None"
        lines += [
            "if u.held:",
            f"    own_skus = [p.sku for p in u.paths if p.active and p.group {wrong} and p.sku in {world.name(of)}]",
            "    for s in dict.fromkeys(own_skus):",
            "        if s in u.held: add((u, 'assignment.path', s, None))",
        ]
    if block.duplicates:
        lines += [
            "if len(u.paths) > 1:",
            "    groups_by_sku = {}",
            "    for p in u.paths:",
            f"        if p.active and p.sku in {world.name(of)}: groups_by_sku.setdefault(p.sku, set()).add(p.group)",
            "    for s, groups in groups_by_sku.items():",
            "        if len(groups) > 1 and s in u.held: add((u, 'assignment.duplicate', s, None))",
        ]
    for check, plans in (("service.denied", block.services.deny), ("service.missing", block.services.require)):
        for plan in plans:
            lines += _service(check, plan, world)
    return lines


def _held(check: str, violating: frozenset[str], world: World) -> list[str]:
    return [
        "for s in u.held:",
        f"    if s in {world.name(violating)}: add((u, {check!r}, s, None))",
    ]


def clash(held: Sequence[str], elements: Sequence[frozenset[str]]) -> bool:
    """Return whether two different SKUs are in two different elements."""
    per_element = [element.intersection(held) for element in elements]
    return any(
        first and second and len(first | second) > 1
        for index, first in enumerate(per_element)
        for second in per_element[index + 1 :]
    )


def _exclusive(block: Assignments, of: frozenset[str], world: World) -> list[str]:
    groups = []
    for group in block.exclusive:
        elements = [of & skus(element, world) for element in group]
        groups.append((frozenset().union(*elements), elements))

    lines = ["if len(u.held) > 1:", "    texts = set()"]
    for sku_ids, elements in groups:
        lines += [
            f"    own_skus = [s for s in u.held if s in {world.name(sku_ids)}]",
            f"    if len(own_skus) > 1 and {world.name(clash)}(own_skus, {world.name(elements)}):",
            f"        text = '+'.join(sorted({world.name(world.part)}[s] for s in own_skus))",
            "        if text not in texts: texts.add(text); add((u, 'assignment.overlap', None, text))",
        ]
    return lines


def containers(of: frozenset[str], world: World) -> dict[str, list[str]]:
    """Return for each SKU the SKUs that contain it, those with most service plans first."""
    plans = {sku: frozenset(names) - {FILLER} for sku, names in world.plans.items()}
    containers_of: dict[str, list[str]] = {}
    for sku in of:
        containing = [
            other
            for other in plans
            if plans[sku]
            and other != sku
            and (plans[sku] < plans[other] or (plans[sku] == plans[other] and sku > other))
        ]
        if containing:
            containers_of[sku] = sorted(containing, key=lambda other: (-len(plans[other]), other))
    return containers_of


def _redundant(of: frozenset[str], world: World) -> list[str]:
    containers_of = containers(of, world)
    return [
        "if len(u.held) > 1:",
        "    for s in u.held:",
        f"        for c in {world.name(containers_of)}.get(s, ()):",
        f"            if c in u.held: add((u, 'assignment.redundant', s, {world.name(world.part)}[c])); break",
    ]


def plan_ids(plan: str, world: World) -> dict[str, frozenset[str]]:
    """Return the ids of a service plan, given by name or id, each with the SKUs that contain it."""
    return {
        plan_id: frozenset(sku for sku, plans in world.plans.items() if plan_id in plans)
        for plans in world.plans.values()
        for plan_id, name in plans.items()
        if plan.casefold() in (plan_id, name.casefold())
    }


def _service(check: str, plan: str, world: World) -> list[str]:
    ids = plan_ids(plan, world)
    tests = [
        f"(p.active and p.sku in {world.name(sku_ids)} and p.sku in u.held and {plan_id!r} not in p.disabled)"
        for plan_id, sku_ids in ids.items()
    ]
    findings = f"any({' or '.join(tests)} for p in u.paths)" if tests else "False"
    negation = "" if check == "service.denied" else "not "
    return [f"if {negation}{findings}: add((u, {check!r}, None, {plan!r}))"]


def required(policy: Policy, sku_ids: frozenset[str], world: World) -> frozenset[str]:
    """Return the required products of a policy, as written, that contain one of a set of SKUs."""
    elements = policy.constraint.require if isinstance(policy.constraint, Assignments) else ()
    return frozenset(element.written for element in elements if sku_ids & skus(element, world))


def _waiver_lines(waivers: Sequence[Waiver], policy: Policy, world: World) -> list[str]:
    """Return source lines that mark findings as waived by the first waiver that applies."""
    if not waivers:
        return ["    return [(*f, None) for f in findings]"]
    lines = ["    results = []", "    for f in findings:", "        u = f[0]; w = None"]
    for waiver in reversed(waivers):
        tests = [] if waiver.users is None else [condition(waiver.users, world)]
        if waiver.products is not None:
            sku_ids = skus(waiver.products, world)
            tests.insert(0, f"f[2] in {world.name(sku_ids | required(policy, sku_ids, world))}")
        lines.append(f"        if {' and '.join(tests) or 'True'}: w = {waiver.id!r}")
    return [*lines, "        results.append((*f, w))", "    return results"]


def _quota(policy: Policy, block: Seats, world: World) -> Callable[[Sequence[Any]], list[Row]]:
    sku_ids = skus(block.of, world)
    source = [
        "def rule(users):",
        "    counts = dict.fromkeys(sku_ids, 0)",
        "    people = 0",
        "    for u in users:",
        f"        if {condition(policy.users, world)}:",
        "            own_skus = [s for s in u.held if s in sku_ids]",
        "            if own_skus: people += 1",
        "            for s in own_skus: counts[s] += 1",
        "    if pool: return [(words, 'seats.quota-exceeded', words, None, None)] if people > most else []",
        "    return [(s, 'seats.quota-exceeded', s, None, None) for s, n in counts.items() if n > most]",
    ]
    scope = {
        **world.names,
        "sku_ids": sku_ids,
        "pool": block.pool,
        "words": block.of.written,
        "most": block.quota.seats if block.quota else 0,
    }
    exec("\n".join(source), scope)
    compiled: Callable[[Sequence[Any]], list[Row]] = scope["rule"]
    return compiled
