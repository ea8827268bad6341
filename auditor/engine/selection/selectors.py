"""Evaluates selectors over a batch of users: for each user true, false or unknown (Kleene's three-valued logic)."""

from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import assert_never

import numpy as np

from auditor.arrays.columns import Flags
from auditor.arrays.instants import NEVER
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy import selector as selectors
from auditor.domain.policy.product_set import ProductSet
from auditor.engine.columns.assignments import Paths
from auditor.engine.columns.bitsets import SkuSet, intersects, non_empty
from auditor.engine.columns.strings import one_of
from auditor.engine.columns.users import UserColumns
from auditor.engine.policy_index import Rules
from auditor.engine.selection.conditional_access import ConditionalAccess
from auditor.engine.selection.group_membership import Membership
from auditor.engine.selection.usage_selectors import known_of, usage_mask
from auditor.engine.skus.masks import Mask, ProductMasks
from auditor.snapshot.schema import DEVICE_COLUMNS, SIGN_IN_COLUMNS

_SIGNALS = {
    "any": SIGN_IN_COLUMNS,
    "interactive": ("lastSignInDateTime",),
    "successful": ("lastSuccessfulSignInDateTime",),
}


class SelectorMasks:
    """Evaluates selectors on one batch; equal selectors are evaluated once."""

    def __init__(
        self,
        people: UserColumns,
        masks: ProductMasks,
        membership: Membership,
        conditional_access: ConditionalAccess,
        rules: Rules,
    ) -> None:
        self._people = people
        self._masks = masks
        self._membership = membership
        self._conditional_access = conditional_access
        self._rules = rules
        self._evaluated: dict[int, Mask] = {}

    def of(self, selector: selectors.Selector) -> Mask:
        """Return the users who belong to the population, and those for whom that is not known."""
        canonical = self._rules.canonical(selector)
        cached = self._evaluated.get(id(canonical))
        if cached is None:
            cached = self._evaluated[id(canonical)] = self._evaluate(canonical)
        return cached

    def _evaluate(self, selector: selectors.Selector) -> Mask:
        people = self._people
        match selector:
            case selectors.OneOf(property=name, values=values):
                return known_of(people, self._one_of(name, values), name)
            case selectors.Matches(property=name, pattern=pattern):
                return known_of(people, people.texts(name).like((pattern,)), name)
            case selectors.Before(property=name, bound=bound):
                instants = people.instants(name)
                return known_of(people, (instants != NEVER) & (instants < self._microseconds(bound)), name)
            case selectors.After(property=name, bound=bound):
                instants = people.instants(name)
                return known_of(people, (instants != NEVER) & (instants > self._microseconds(bound)), name)
            case selectors.Holds(products=products):
                return self._holds(products)
            case selectors.HeldFor(products=products, duration=duration):
                return self._held_for(products, self._microseconds(duration))
            case selectors.LicensedVia(path=path):
                return self._licensed_via(path)
            case selectors.ManagedDevice(seen_within=duration):
                return self._managed_device(duration)
            case selectors.Licensed():
                return known_of(people, non_empty(people.assignments.assigned_skus), "assignedLicenses")
            case selectors.MemberOf(groups=groups, transitive=transitive):
                return self._membership.of(people, groups, transitive=transitive)
            case selectors.InactiveFor(duration=duration, signal=signal):
                latest = people.latest(_SIGNALS[signal])
                inactive = np.asarray((latest != NEVER) & (latest < self._microseconds(duration)))
                return known_of(people, inactive, Source.SIGN_IN_ACTIVITY.value)
            case selectors.NeverSignedIn(duration=duration):
                return self._never_signed_in(duration)
            case (
                selectors.InactiveIn()
                | selectors.AppsUnused()
                | selectors.MailboxLargerThan()
                | selectors.MailboxArchive()
                | selectors.Agent()
            ):
                return usage_mask(people, selector)
            case selectors.CreatedWithin(duration=duration):
                created = people.instants("createdDateTime")
                return known_of(
                    people, (created != NEVER) & (created >= self._microseconds(duration)), "createdDateTime"
                )
            case selectors.HasRole():
                return self._conditional_access.roles.of(people, selector)
            case selectors.CoveredBy():
                return self._conditional_access.of(people, selector)
            case _:
                return self._combined(selector)

    def _combined(self, selector: selectors.Every | selectors.AnyOf | selectors.Not | selectors.Population) -> Mask:
        people = self._people
        match selector:
            case selectors.Every(parts=()):
                return Mask(people.everybody, people.nobody, sure=True)
            case selectors.AnyOf(parts=()):
                return Mask(people.nobody, people.nobody, sure=True)
            case selectors.Every(parts=parts):
                return self._every(parts)
            case selectors.AnyOf():
                others, globs = self._rules.merged(selector)
                glob_masks = (known_of(people, people.texts(name).like(patterns), name) for name, patterns in globs)
                return reduce(or_, (*map(self.of, others), *glob_masks))
            case selectors.Not(part=part):
                return ~self.of(part)
            case selectors.Population(selector=inner):
                return self.of(inner)
            case _:
                assert_never(selector)

    def _every(self, parts: tuple[selectors.Selector, ...]) -> Mask:
        mask = self.of(parts[0])
        for part in parts[1:]:
            if not mask.possible:  # more conditions cannot add users
                break
            mask = mask & self.of(part)
        return mask

    def _microseconds(self, bound: datetime | timedelta) -> int:
        """Return an instant, or the one that is a duration before the audit, in microseconds since 1970."""
        instant = self._people.facts.as_of - bound if isinstance(bound, timedelta) else bound
        return microseconds(instant)

    def _one_of(self, name: str, values: tuple[str | bool | datetime | None, ...]) -> Flags:
        people = self._people
        present = [value for value in values if value is not None and value != ""]
        # The empty string means "absent", both in a policy and in Graph.
        flags = people.nobody if len(present) == len(values) else people.absent(name)
        if not present:
            return flags
        if name in selectors.BOOLEAN_PROPERTIES:
            true, false = people.booleans(name)
            return reduce(or_, (true if value else false for value in set(present)), flags)
        if name in selectors.INSTANT_PROPERTIES:
            instants = [microseconds(value) for value in present if isinstance(value, datetime)]
            return flags | np.isin(people.instants(name), np.array(instants, dtype=np.int64))
        return flags | people.texts(name).where(one_of(tuple(map(str, present))))

    def _holds(self, product_set: ProductSet) -> Mask:
        people, products = self._people, self._masks.of(product_set)
        packed = self._masks.cached(("holds", id(product_set)), lambda: SkuSet.of(products.true))
        true = intersects(people.assignments.assigned_skus, packed)
        if products.sure:
            return known_of(people, true, "assignedLicenses")
        possible = intersects(people.assignments.assigned_skus, products.unknown) & ~true
        unread = people.unknown("assignedLicenses")
        return Mask(true & ~unread, possible | unread)

    def _held_for(self, product_set: ProductSet, latest: int) -> Mask:
        """Return the users who hold a SKU of the set whose active paths all last changed at `latest` or earlier."""
        people, products = self._people, self._masks.of(product_set)
        unread, pathless = people.unknown("assignedLicenses"), people.unknown("licenseAssignmentStates")
        unchanged, undated = people.assignments.unchanged_since(latest)
        true = intersects(unchanged, products.true) & ~unread & ~pathless
        if products.sure and undated is None and unread is pathless is people.nobody:
            return Mask(true, people.nobody, sure=True)
        possible = unchanged if undated is None else unchanged | undated
        maybe = products.maybe
        unknown = (
            unread | intersects(possible, maybe) | (pathless & intersects(people.assignments.assigned_skus, maybe))
        )
        return Mask(true, unknown & ~true)

    def _licensed_via(self, path: Paths) -> Mask:
        """Return the users with an active path of that kind; never users without licences."""
        people = self._people
        pathless, unread = people.unknown("licenseAssignmentStates"), people.unknown("assignedLicenses")
        licensed = non_empty(people.assignments.assigned_skus) | unread
        true = non_empty(people.assignments.paths(path)) & licensed
        if pathless is people.nobody:
            return Mask(true, pathless, sure=True)
        return Mask(true & ~pathless, pathless & licensed)

    def _managed_device(self, seen_within: timedelta | None) -> Mask:
        """Return the users with a managed device; if devices were only partly read, all others are unknown."""
        people = self._people
        status = people.facts.status(Source.DEVICES)
        if not status.is_read:
            return Mask(people.nobody, people.everybody)
        devices, latest = people.integers(DEVICE_COLUMNS[0], absent=-1), people.instants(DEVICE_COLUMNS[1])
        true = np.asarray(devices > 0)
        if seen_within is not None:
            true = true & (latest != NEVER) & (latest >= self._microseconds(seen_within))
        return Mask(true, ~true if status is SourceStatus.PARTIAL else devices < 0)

    def _never_signed_in(self, duration: timedelta) -> Mask:
        """Return the users without any sign-in who were created long enough ago; no creation date counts as old."""
        people = self._people
        latest = people.latest(SIGN_IN_COLUMNS)
        created = people.instants("createdDateTime")
        without_sign_in = known_of(people, latest == NEVER, Source.SIGN_IN_ACTIVITY.value)
        return without_sign_in & known_of(people, created <= self._microseconds(duration), "createdDateTime")


def microseconds(instant: datetime) -> int:
    """Return an instant as microseconds since 1970 in UTC, without rounding."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
