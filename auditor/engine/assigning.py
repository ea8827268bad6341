"""The checks of `assignments` over one batch: what users hold, must hold, and how it was assigned."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from auditor.domain.policy import Assignments
from auditor.domain.product_set import ProductSet
from auditor.engine.bitsets import pairs, patterns, several, some, within
from auditor.engine.outcome import Chunk, Rows
from auditor.engine.people import Paths, People, Words
from auditor.engine.product_masks import Mask
from auditor.engine.texts import Flags

if TYPE_CHECKING:
    from auditor.engine.judging import Found, Scope


def checks(scope: "Scope", block: Assignments) -> "Iterator[Found]":
    """Run the checks that the block names, in the order of their names.

    Of a user whose `assignedLicenses` were not collected nothing is said, and so the outcome stays unknown.
    """
    yield None, scope.unread & (scope.population.true | scope.population.unknown)
    of = scope.plan.masks.of(block.of)
    if block.deny is not None:
        yield _held(scope, "assignment.denied", scope.people.held, of & scope.plan.masks.of(block.deny))
    if block.duplicates:
        yield _paths(scope, "assignment.duplicate", of, "several")
    for element in block.require:
        yield _required(scope, element)
    if block.allow is not None:
        yield _held(scope, "assignment.not-allowed", scope.people.held, of & ~scope.plan.masks.of(block.allow))
    for group in block.exclusive:
        yield _exclusive(scope, of, group)
    if block.via is not None:
        yield _paths(scope, "assignment.path", of, "direct" if block.via == "group" else "group")
    if block.redundant:
        yield _redundant(scope, of)
    for plan in block.services.deny:
        yield _service(scope, plan, denied=True)
    for plan in block.services.require:
        yield _service(scope, plan, denied=False)


def _held(scope: "Scope", check: str, held: Words, violation: Mask) -> "Found":
    """Report the SKUs of a violating set that members of the population hold."""
    population = scope.population
    rows, skus = pairs(within(held, violation.true), population.true & ~scope.unread)
    undecided = scope.people.nobody
    if violation.unknown.any():
        undecided = population.true & some(within(held, violation.unknown))
    if population.unknown.any():
        undecided = undecided | (population.unknown & some(within(held, violation.true | violation.unknown)))
    return Chunk(policy=scope.place, check=check, rows=rows, skus=skus), undecided


def _paths(scope: "Scope", check: str, of: Mask, kind: Paths) -> "Found":
    """Report held SKUs by their paths; where the paths were not collected, everyone who holds one stays unknown."""
    people = scope.people
    pathless = people.unknown("licenseAssignmentStates")
    found = people.paths(kind)
    if not pathless.any():
        return _held(scope, check, found & people.held, of)
    held = np.where(pathless[:, None], np.uint64(0), found & people.held)
    chunk, undecided = _held(scope, check, held, of)
    maybe = scope.population.true | scope.population.unknown
    return chunk, undecided | (pathless & maybe & some(within(people.held, of.true | of.unknown)))


def _required(scope: "Scope", element: ProductSet) -> "Found":
    products = scope.plan.masks.of(element)
    has = some(within(scope.people.held, products.true))
    may_have = scope.unread
    if products.unknown.any():
        may_have = may_have | some(within(scope.people.held, products.unknown))
    violation = scope.population & ~Mask(has, may_have & ~has)
    chunk = Chunk(
        policy=scope.place, check="assignment.missing", rows=np.nonzero(violation.true)[0], written=element.written
    )
    return chunk, violation.unknown


def _exclusive(scope: "Scope", of: Mask, group: tuple[ProductSet, ...]) -> "Found":
    """Report users with different SKUs out of two or more elements; users with equal holdings are judged once."""
    people, population = scope.people, scope.population
    elements = [of & scope.plan.masks.of(element) for element in group]
    candidates = np.logical_or.reduce([element.true | element.unknown for element in elements])
    maybe = population.true | population.unknown
    held = within(people.held, candidates)
    rows, pattern, holdings = patterns(held, maybe & several(held) & ~scope.unread)
    sure = np.array([_clash([element.true for element in elements], skus) for skus in holdings], dtype=bool)
    open_ = np.array(
        [_clash([element.true | element.unknown for element in elements], skus) for skus in holdings], dtype=bool
    )
    certain = np.logical_or.reduce([element.true for element in elements])
    # The SKUs that clash are part of what the finding is: one that may or may not belong leaves it unknown.
    sure &= np.array([bool(certain[skus].all()) for skus in holdings], dtype=bool)
    names = [_joined(scope, skus[certain[skus]]) for skus in holdings]
    details = tuple(sorted(set(names)))
    code = np.array([details.index(name) for name in names], dtype=np.int64)
    found = sure[pattern] & population.true[rows]
    undecided = people.nobody.copy()
    undecided[rows[open_[pattern] & ~found]] = True
    chunk = Chunk(
        policy=scope.place,
        check="assignment.overlap",
        rows=rows[found],
        detail_codes=code[pattern[found]],
        details=details,
    )
    return chunk, undecided


def _clash(elements: list[Flags], skus: Rows) -> bool:
    """Whether two different SKUs stand in two different elements."""
    per_element = [set(skus[element[skus]].tolist()) for element in elements]
    return any(
        one and other and len(one | other) > 1
        for place, one in enumerate(per_element)
        for other in per_element[place + 1 :]
    )


def _joined(scope: "Scope", skus: Rows) -> str:
    facts = scope.plan.facts.skus
    return "+".join(sorted({facts[sku].part_number or facts[sku].sku_id for sku in skus}))


def _redundant(scope: "Scope", of: Mask) -> "Found":
    """Report SKUs whose plans all come with another held SKU; the detail is the fullest such SKU."""
    people, population, facts = scope.people, scope.population, scope.plan.facts.skus
    undecided = people.nobody.copy()
    found: list[tuple[Rows, int, int]] = []
    # Two SKUs are needed, one of them contained in another: all the rest is passed over before pairs are tried.
    contained = np.zeros(len(facts), dtype=bool)
    contained[[sku for sku in scope.plan.containers if of.true[sku] or of.unknown[sku]]] = True
    maybe = (population.true | population.unknown) & some(within(people.held, contained)) & several(people.held)
    who = np.nonzero(maybe & ~scope.unread)[0]
    held, certain = people.held[who], population.true[who]
    for sku in np.nonzero(contained)[0].tolist():
        left = _holds(held, sku)
        for container in scope.plan.containers[sku]:
            inside = left & _holds(held, container)
            left = left & ~inside
            sure = inside & certain if of.true[sku] else np.zeros(len(who), dtype=bool)
            undecided[who[inside & ~sure]] = True
            found.append((who[sure], sku, container))
    rows = np.concatenate([rows for rows, _, _ in found]) if found else np.zeros(0, dtype=np.int64)
    skus = np.concatenate([np.full(len(rows), sku) for rows, sku, _ in found]) if found else rows
    codes = np.concatenate([np.full(len(rows), code) for rows, _, code in found]) if found else rows
    order = np.lexsort((skus, rows))
    chunk = Chunk(
        policy=scope.place,
        check="assignment.redundant",
        rows=rows[order],
        skus=skus[order],
        detail_codes=codes[order],
        details=tuple(fact.part_number or fact.sku_id for fact in facts),
    )
    return chunk, undecided


def _holds(held: Words, sku: int) -> Flags:
    return np.asarray((held[:, sku >> 6] & np.uint64(1 << (sku & 63))) != 0)


def _service(scope: "Scope", plan: str, *, denied: bool) -> "Found":
    enabled = _enabled(scope, plan)
    violation = scope.population & (enabled if denied else ~enabled)
    chunk = Chunk(
        policy=scope.place,
        check="service.denied" if denied else "service.missing",
        rows=np.nonzero(violation.true)[0],
        details=(plan,),
    )
    return chunk, violation.unknown


def _enabled(scope: "Scope", plan: str) -> Mask:
    """Tell for whom a service plan, named or by id, is enabled over all that they hold.

    A path that leaves the plan on is enough; where the paths of a user were not collected, `assignedLicenses` decide.
    """
    people = scope.people
    true = people.nobody
    for plan_id, contains in _plan_ids(scope, plan).items():
        true = true | _gives(people, plan_id, contains)
    true = true & ~scope.unread
    nobody_knows = np.array([sku.plans is None for sku in scope.plan.facts.skus], dtype=bool)
    if not nobody_knows.any():
        return Mask(true, scope.unread & ~true)
    may_give = people.counting & nobody_knows[people.sku]
    # A plan named by its id is off where a path lists it, whatever else the SKU may contain.
    may_give[_switched_off(people, plan.casefold())] = False
    return Mask(true, (_owners(people, may_give) | scope.unread) & ~true)


def _gives(people: People, plan_id: str, contains: Flags) -> Flags:
    """Tell who has the plan over one of the SKUs that contain it, switched on."""
    enabled = some(within(people.counted, contains))
    # Whoever has it switched off anywhere may still have it over another path: only those are looked at path by path.
    off = _switched_off(people, plan_id)
    doubtful = _owners(people, off)
    paths = np.nonzero(doubtful[people.owner])[0]
    gives = people.counting[paths] & contains[people.sku[paths]] & ~np.isin(paths, off)
    enabled[doubtful] = False
    enabled[people.owner[paths[gives]]] = True
    return enabled


def _switched_off(people: People, plan_id: str) -> Rows:
    """Return the assignments that list the plan as disabled: their path's list, or the licence's without paths."""
    pathless = people.unknown("licenseAssignmentStates")
    off = people.listing("pathDisabledPlans", plan_id)
    if not pathless.any():
        return off
    listed = people.listing("disabledPlans", plan_id)
    hidden = pathless[people.owner]
    return np.concatenate([off[~hidden[off]], listed[hidden[listed]]])


def _plan_ids(scope: "Scope", plan: str) -> dict[str, Flags]:
    """Return the ids that a plan's name stands for, each with the SKUs that contain it; one name may have several."""
    known = scope.plan.facts.plan_ids.get(plan)
    if known is not None:
        return known
    wanted = plan.casefold()
    skus = scope.plan.facts.skus
    found: dict[str, Flags] = {}
    for place, sku in enumerate(skus):
        for plan_id, name in (sku.plans or {}).items():
            if wanted in {plan_id, name.casefold()}:
                found.setdefault(plan_id, np.zeros(len(skus), dtype=bool))[place] = True
    scope.plan.facts.plan_ids[plan] = found
    return found


def _owners(people: People, links: Flags | Rows) -> Flags:
    owners = np.zeros(people.count, dtype=bool)
    owners[people.owner[links]] = True
    return owners
