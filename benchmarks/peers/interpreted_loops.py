"""A peer of the engine: plain Python loops that interpret policies with closures.

Programs that read rules from files usually work like this, and the bar of the engine refers to this peer.
`compiled_loops.py` compiles the same rules to source, which is more work and runs faster.
"""

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from auditor.domain.policy import selector as kinds
from auditor.domain.policy.model import Assignments, Attributes, Health, Policy, Seats, Waiver
from auditor.domain.policy.selector import Selector
from benchmarks.peers.compiled_loops import Row, World, clash, containers, micros, plan_ids, required, skus

Test = Callable[[Any], bool]
Check = Callable[[Any], Iterator[tuple[str, str | None, str | None]]]
"""User → (check, product, detail) of every finding."""


def test_of(selector: Selector, world: World) -> Test:
    """Return a selector as a predicate over users."""
    match selector:
        case kinds.Every(parts=parts):
            tests = [test_of(part, world) for part in parts]
            return lambda u: all(test(u) for test in tests)
        case kinds.AnyOf(parts=parts):
            tests = [test_of(part, world) for part in parts]
            return lambda u: any(test(u) for test in tests)
        case kinds.Not(part=part):
            inner = test_of(part, world)
            return lambda u: not inner(u)
        case kinds.Population(selector=selector):
            return test_of(selector, world)
        case kinds.OneOf(property=name, values=values):
            allowed = frozenset(value.casefold() if isinstance(value, str) else value for value in values)
            return lambda u: getattr(u, name) in allowed
        case kinds.Matches(property=name, pattern=pattern):
            matches = re.compile(fnmatch.translate(pattern.casefold())).match
            return lambda u: getattr(u, name) is not None and matches(getattr(u, name)) is not None
        case kinds.Holds(products=products):
            sku_ids = skus(products, world)
            return lambda u: any(sku in sku_ids for sku in u.held)
        case kinds.Licensed():
            return lambda u: bool(u.held)
        case kinds.MemberOf(groups=groups, transitive=transitive):
            members = [world.members[group, transitive] for group in groups]
            return lambda u: any(u.id in ids for ids in members)
        case _:
            return _time_test(selector, world)


def _time_test(selector: Selector, world: World) -> Test:
    match selector:
        case kinds.Before(property=name, bound=bound):
            end = micros(bound, world)
            return lambda u: getattr(u, name) is not None and getattr(u, name) < end
        case kinds.After(property=name, bound=bound):
            begin = micros(bound, world)
            return lambda u: getattr(u, name) is not None and getattr(u, name) > begin
        case kinds.InactiveFor(duration=duration, signal=signal):
            stamp, limit = "latest" if signal == "any" else "lastSignInDateTime", micros(duration, world)
            return lambda u: getattr(u, stamp) is not None and getattr(u, stamp) < limit
        case kinds.NeverSignedIn(duration=duration):
            old = micros(duration, world)
            return lambda u: u.latest is None and (u.createdDateTime is None or u.createdDateTime <= old)
        case kinds.CreatedWithin(duration=duration):
            new = micros(duration, world)
            return lambda u: u.createdDateTime is not None and u.createdDateTime >= new
        case _:
            raise NotImplementedError(selector)


def checks_of(policy: Policy, world: World) -> list[Check]:
    """Return the functions of a constraint from user to findings."""
    match policy.constraint:
        case Assignments() as block:
            return list(_assignments(block, world))
        case Attributes(require=require, allow=allow):
            return [_attribute(require, allow, world)]
        case Health():
            return [_errors]
        case _:
            raise NotImplementedError(policy.constraint)


def _attribute(require: Sequence[str], allow: Any, world: World) -> Check:
    allowed = [(name, test_of(kinds.OneOf(property=name, values=(*values, None)), world)) for name, values in allow]

    def check(u: Any) -> Iterator[tuple[str, str | None, str | None]]:
        for name in require:
            if getattr(u, name) is None:
                yield "attribute.missing", None, name
        for name, test in allowed:
            if not test(u):
                yield "attribute.not-allowed", None, name

    return check


def _errors(u: Any) -> Iterator[tuple[str, str | None, str | None]]:
    for path in u.paths:
        if path.error is not None and path.error != "None":
            yield "assignment.error", path.sku, f"{path.error}@{path.group}" if path.group else path.error


def _assignments(block: Assignments, world: World) -> Iterator[Check]:
    of = skus(block.of, world)
    if block.deny is not None:
        yield _held("assignment.denied", of & skus(block.deny, world))
    if block.allow is not None:
        yield _held("assignment.not-allowed", of - skus(block.allow, world))
    for element in block.require:
        yield _missing(skus(element, world), element.written)
    if block.exclusive:
        yield _exclusive(block, of, world)
    if block.redundant:
        yield _redundant(of, world)
    if block.via is not None:
        yield _path(of, by_group=block.via == "direct")
    if block.duplicates:
        yield _duplicate(of)
    for plan in block.services.deny:
        yield _service("service.denied", plan, world)
    for plan in block.services.require:
        yield _service("service.missing", plan, world)


def _held(check: str, violating: frozenset[str]) -> Check:
    return lambda u: ((check, sku, None) for sku in u.held if sku in violating)


def _missing(sku_ids: frozenset[str], written: str) -> Check:
    return lambda u: (
        iter(()) if any(sku in sku_ids for sku in u.held) else iter([("assignment.missing", written, None)])
    )


def _exclusive(block: Assignments, of: frozenset[str], world: World) -> Check:
    groups = [[of & skus(element, world) for element in group] for group in block.exclusive]

    def check(u: Any) -> Iterator[tuple[str, str | None, str | None]]:
        texts = set()
        for elements in groups:
            own_skus = [sku for sku in u.held if any(sku in element for element in elements)]
            if clash(own_skus, elements):
                texts.add("+".join(sorted(world.part[sku] for sku in own_skus)))
        for text in texts:
            yield "assignment.overlap", None, text

    return check


def _redundant(of: frozenset[str], world: World) -> Check:
    containers_of = containers(of, world)

    def check(u: Any) -> Iterator[tuple[str, str | None, str | None]]:
        for sku in u.held:
            container = next((other for other in containers_of.get(sku, ()) if other in u.held), None)
            if container is not None:
                yield "assignment.redundant", sku, world.part[container]

    return check


def _path(of: frozenset[str], *, by_group: bool) -> Check:
    def check(u: Any) -> Iterator[tuple[str, str | None, str | None]]:
        for sku in u.held:
            if sku in of and any(p.sku == sku and p.active and (p.group is not None) == by_group for p in u.paths):
                yield "assignment.path", sku, None

    return check


def _duplicate(of: frozenset[str]) -> Check:
    def check(u: Any) -> Iterator[tuple[str, str | None, str | None]]:
        for sku in u.held:
            if sku in of and len({path.group for path in u.paths if path.sku == sku and path.active}) > 1:
                yield "assignment.duplicate", sku, None

    return check


def _service(check: str, plan: str, world: World) -> Check:
    ids = plan_ids(plan, world)
    must_be_enabled = check == "service.missing"

    def evaluate(u: Any) -> Iterator[tuple[str, str | None, str | None]]:
        enabled = any(
            path.active and path.sku in u.held and path.sku in sku_ids and plan_id not in path.disabled
            for plan_id, sku_ids in ids.items()
            for path in u.paths
        )
        if enabled != must_be_enabled:
            yield check, None, plan

    return evaluate


def rule(policy: Policy, waivers: Sequence[Waiver], world: World) -> Callable[[Sequence[Any]], list[Row]]:
    """Return a policy as a function from users to findings."""
    in_population = test_of(policy.users, world)
    if isinstance(policy.constraint, Seats):
        return _quota(in_population, policy.constraint, world)
    checks = checks_of(policy, world)
    waiver_tests = [_waiver(waiver, policy, world) for waiver in waivers if waiver.covers(policy.id)]

    def evaluate(users: Sequence[Any]) -> list[Row]:
        findings: list[Row] = []
        for u in users:
            if in_population(u):
                for check in checks:
                    for name, product, detail in check(u):
                        waiver = next((id_ for id_, test in waiver_tests if test(u, product)), None)
                        findings.append((u, name, product, detail, waiver))
        return findings

    return evaluate


def _waiver(waiver: Waiver, policy: Policy, world: World) -> tuple[str, Callable[[Any, str | None], bool]]:
    users = None if waiver.users is None else test_of(waiver.users, world)
    sku_ids = None if waiver.products is None else skus(waiver.products, world)
    products = None if sku_ids is None else sku_ids | required(policy, sku_ids, world)
    return waiver.id, lambda u, product: (products is None or product in products) and (users is None or users(u))


def _quota(in_population: Test, block: Seats, world: World) -> Callable[[Sequence[Any]], list[Row]]:
    sku_ids, most = skus(block.of, world), block.quota.seats if block.quota else 0
    assert most is not None

    def evaluate(users: Sequence[Any]) -> list[Row]:
        counts = dict.fromkeys(sku_ids, 0)
        people = 0
        for u in users:
            if in_population(u):
                own_skus = [sku for sku in u.held if sku in sku_ids]
                people += bool(own_skus)
                for sku in own_skus:
                    counts[sku] += 1
        if block.pool:
            words = block.of.written
            return [(words, "seats.quota-exceeded", words, None, None)] if people > most else []
        return [(sku, "seats.quota-exceeded", sku, None, None) for sku, count in counts.items() if count > most]

    return evaluate
