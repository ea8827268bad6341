"""The checks of `assignments` over one batch: what users hold, must hold, and how it was assigned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.domain.policy import Assignments
from auditor.domain.product_set import ProductSet
from auditor.engine.binding import BoundPolicies
from auditor.engine.columns.assignments import Links, Paths
from auditor.engine.columns.bitsets import BitRows, Products, distinct, listed, meets, pairs, patterns, several, within
from auditor.engine.columns.strings import Flags
from auditor.engine.outcome import FindingColumns, Rows
from auditor.engine.scope import Found, Scope
from auditor.engine.skus.masks import Mask, ProductMasks
from auditor.engine.tenant_facts import SkuFact


def checks(scope: Scope, block: Assignments) -> Iterator[Found]:
    """Run the checks that the block names, in the order of their names.

    Of a user whose `assignedLicenses` were not collected nothing is said, and so the outcome stays unknown.
    """
    if scope.unread is not None:
        yield None, scope.unread & scope.population.maybe
    masks = scope.plan.masks
    of = masks.of(block.of)
    if block.deny is not None:
        denied = masks.made(("deny", id(block)), lambda: sought(of & masks.of(block.deny or _NOTHING)))
        yield _held(scope, "assignment.denied", scope.people.links.held, denied)
    if block.duplicates:
        yield _paths(scope, "assignment.duplicate", _sought(masks, block.of), "several")
    for element in block.require:
        yield _required(scope, element)
    if block.allow is not None:
        outside = masks.made(("allow", id(block)), lambda: sought(of & ~masks.of(block.allow or _NOTHING)))
        yield _held(scope, "assignment.not-allowed", scope.people.links.held, outside)
    for group in block.exclusive:
        yield _exclusive(scope, of, group)
    if block.via is not None:
        kind: Paths = "direct" if block.via == "group" else "group"
        yield _paths(scope, "assignment.path", _sought(masks, block.of), kind)
    if block.redundant:
        yield _redundant(scope, of)
    for plan in block.services.deny:
        yield _service(scope, plan, denied=True)
    for plan in block.services.require:
        yield _service(scope, plan, denied=False)


@dataclass(frozen=True, slots=True)
class Sought:
    """A set of SKUs, packed to be looked for."""

    mask: Mask
    true: Products
    maybe: Products


def sought(mask: Mask) -> Sought:
    """Pack a set of SKUs."""
    true = Products.of(mask.true)
    return Sought(mask, true, true if mask.sure else Products.of(mask.maybe))


def _sought(masks: ProductMasks, products: ProductSet) -> Sought:
    return masks.made(("sought", id(products)), lambda: sought(masks.of(products)))


def _held(scope: Scope, check: str, held: BitRows, wanted: Sought) -> Found:
    """Report the SKUs of a violating set that members of the population hold."""
    if not wanted.maybe.places:
        return None, scope.people.nobody
    population, violation = scope.population, wanted.mask
    rows, skus = pairs(held, wanted.true, scope.readable)
    undecided = scope.people.nobody
    if not violation.sure:
        undecided = population.true & meets(held, violation.unknown)
    if not population.sure:
        undecided = undecided | (population.unknown & meets(held, wanted.maybe))
    return FindingColumns(policy=scope.place, check=check, rows=rows, skus=skus), undecided


def _paths(scope: Scope, check: str, of: Sought, kind: Paths) -> Found:
    """Report held SKUs by their paths; where the paths were not collected, everyone who holds one stays unknown."""
    links = scope.people.links
    found = links.paths(kind) & links.held
    if links.pathless is None:
        return _held(scope, check, found, of)
    chunk, undecided = _held(scope, check, np.where(links.pathless[:, None], np.uint64(0), found), of)
    return chunk, undecided | (links.pathless & scope.population.maybe & meets(links.held, of.maybe))


def _required(scope: Scope, element: ProductSet) -> Found:
    wanted = _sought(scope.plan.masks, element)
    products = wanted.mask
    held, unread = scope.people.links.held, scope.unread
    has = meets(held, wanted.true)
    if products.sure and unread is None:
        answer = Mask(has, scope.people.nobody, sure=True)
    else:
        may_have = meets(held, products.unknown)
        answer = Mask(has, (may_have if unread is None else may_have | unread) & ~has)
    violation = scope.population & ~answer
    chunk = FindingColumns(
        policy=scope.place, check="assignment.missing", rows=np.flatnonzero(violation.true), written=element.written
    )
    return chunk, violation.unknown


def _exclusive(scope: Scope, of: Mask, group: tuple[ProductSet, ...]) -> Found:
    """Report users with different SKUs out of two or more elements; users with equal holdings are judged once."""
    people, population, unread = scope.people, scope.population, scope.unread
    clashing = scope.plan.masks.made(("exclusive", id(group), id(of)), lambda: _Clashing(scope.plan, of, group))
    if not clashing.possible:
        return None, people.nobody
    held = within(people.links.held, clashing.products)
    maybe = population.maybe & several(held)
    rows = np.flatnonzero(maybe if unread is None else maybe & ~unread)
    if not len(rows):
        return None, people.nobody
    pattern, distinct = patterns(held, rows)
    answers = [clashing.of(skus) for skus in distinct]
    sure = np.array([answer.sure for answer in answers], dtype=bool)
    open_ = np.array([answer.open for answer in answers], dtype=bool)
    details = tuple(sorted({answer.name for answer in answers}))
    code = np.array([details.index(answer.name) for answer in answers], dtype=np.int64)
    found = sure[pattern] & population.true[rows]
    undecided = people.nobody
    if open_.any():
        undecided = undecided.copy()
        undecided[rows[open_[pattern] & ~found]] = True
    chunk = FindingColumns(
        policy=scope.place,
        check="assignment.overlap",
        rows=rows[found],
        detail_codes=code[pattern[found]],
        details=details,
    )
    return chunk, undecided


@dataclass(frozen=True, slots=True)
class _Clash:
    sure: bool
    open: bool
    name: str


_MOST_KNOWN = 4096
"""Different holdings whose answer is kept."""


class _Clashing:
    """What holdings say of one list of exclusive elements; equal holdings are judged once, whoever has them."""

    def __init__(self, plan: BoundPolicies, of: Mask, group: tuple[ProductSet, ...]) -> None:
        elements = [of & plan.masks.of(element) for element in group]
        self._skus = plan.facts.skus
        self._true = [element.true for element in elements]
        self._maybe = [element.maybe for element in elements]
        # The SKUs that clash are part of what the finding is: one that may or may not belong leaves it unknown.
        self._certain = np.logical_or.reduce(self._true)
        self.products = Products.of(np.logical_or.reduce(self._maybe))
        self._known: dict[bytes, _Clash] = {}
        self.possible = _clash(self._maybe, np.arange(plan.size))
        """Whether two of the tenant's SKUs clash at all, whoever holds them."""

    def of(self, held: BitRows) -> _Clash:
        """Judge one bitset."""
        key = held.tobytes()
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            skus = listed(held.reshape(1, -1))[0]
            certain = self._certain[skus]
            found = self._known[key] = _Clash(
                sure=_clash(self._true, skus) and bool(certain.all()),
                open=_clash(self._maybe, skus),
                name=self._joined(skus[certain]),
            )
        return found

    def _joined(self, skus: Rows) -> str:
        return "+".join(sorted({self._skus[sku].part_number or self._skus[sku].sku_id for sku in skus}))


def _clash(elements: list[Flags], skus: Rows) -> bool:
    """Whether two different SKUs stand in two different elements."""
    per_element = [set(skus[element[skus]].tolist()) for element in elements]
    return any(
        one and other and len(one | other) > 1
        for place, one in enumerate(per_element)
        for other in per_element[place + 1 :]
    )


def _redundant(scope: Scope, of: Mask) -> Found:
    """Report SKUs whose plans all come with another held SKU; the detail is the fullest such SKU."""
    population, unread = scope.population, scope.unread
    rows, skus, by = scope.batch.redundant
    sure = of.true[skus] & scope.readable[rows]
    undecided = scope.people.nobody
    if not (of.sure and population.sure and unread is None):
        open_ = of.maybe[skus] & population.maybe[rows] & ~sure
        undecided = undecided.copy()
        undecided[rows[open_ if unread is None else open_ & ~unread[rows]]] = True
    found = np.flatnonzero(sure)
    chunk = FindingColumns(
        policy=scope.place,
        check="assignment.redundant",
        rows=rows[found],
        skus=skus[found],
        detail_codes=by[found],
        details=tuple(fact.part_number or fact.sku_id for fact in scope.plan.facts.skus),
    )
    return chunk, undecided


def _service(scope: Scope, plan: str, *, denied: bool) -> Found:
    enabled = _enabled(scope, plan)
    violation = scope.population & (enabled if denied else ~enabled)
    chunk = FindingColumns(
        policy=scope.place,
        check="service.denied" if denied else "service.missing",
        rows=np.flatnonzero(violation.true),
        details=(plan,),
    )
    return chunk, violation.unknown


def _enabled(scope: Scope, plan: str) -> Mask:
    """Tell for whom a service plan, named or by id, is enabled over all that they hold.

    A path that leaves the plan on is enough; where the paths of a user were not collected, `assignedLicenses` decide.
    """
    people, unread = scope.people, scope.unread
    links = people.links
    true = people.nobody
    for plan_id, contains in _plan_ids(scope, plan).items():
        true = true | _gives(links, plan_id, contains)
    nobody_knows = np.array([sku.plans is None for sku in scope.plan.facts.skus], dtype=bool)
    if unread is None and not nobody_knows.any():
        return Mask(true, people.nobody, sure=True)
    unread = people.nobody if unread is None else unread
    true = true & ~unread
    may_give = links.counting & nobody_knows[links.sku]
    # A plan named by its id is off where a path lists it, whatever else the SKU may contain.
    may_give[_switched_off(links, plan.casefold())] = False
    unknown = people.nobody.copy()
    unknown[links.owner[may_give]] = True
    return Mask(true, (unknown | unread) & ~true)


def _gives(links: Links, plan_id: str, contains: Flags) -> Flags:
    """Tell who has the plan over one of the SKUs that contain it, switched on."""
    enabled = meets(links.counted, contains)
    off = _switched_off(links, plan_id)
    # Whoever has it switched off anywhere may still have it over another path: only those are looked at path by path.
    doubtful = distinct(links.owner[off])
    paths = links.of_users(doubtful)
    gives = links.counting[paths] & contains[links.sku[paths]] & ~np.isin(paths, off, assume_unique=True)
    enabled[doubtful] = False
    enabled[links.owner[paths[gives]]] = True
    return enabled


def _switched_off(links: Links, plan_id: str) -> Rows:
    """Return the assignments that list the plan as disabled: their path's list, or the licence's without paths."""
    off = links.listing("pathDisabledPlans", plan_id)
    if links.pathless is None:
        return off
    listed = links.listing("disabledPlans", plan_id)
    hidden = links.pathless[links.owner]
    return np.concatenate([off[~hidden[off]], listed[hidden[listed]]])


def _plan_ids(scope: Scope, plan: str) -> dict[str, Flags]:
    """Return the ids that a plan's name stands for, each with the SKUs that contain it; one name may have several."""
    return scope.plan.masks.made(("plan", plan), lambda: _find_plan(scope.plan.facts.skus, plan.casefold()))


def _find_plan(skus: Sequence[SkuFact], wanted: str) -> dict[str, Flags]:
    found: dict[str, Flags] = {}
    for place, sku in enumerate(skus):
        for plan_id, name in (sku.plans or {}).items():
            if wanted in {plan_id, name.casefold()}:
                found.setdefault(plan_id, np.zeros(len(skus), dtype=bool))[place] = True
    return found


_NOTHING = ProductSet(elements=(), written="")
