"""Determines for which users a service plan is enabled in at least one of their products."""

from collections.abc import Callable, Sequence

import numpy as np

from auditor.arrays.columns import Flags
from auditor.arrays.rows import Rows, distinct
from auditor.checks.assignments.held_products import AssignmentCheck
from auditor.checks.check import Detail
from auditor.domain.policy.model import Assignments
from auditor.domain.translation import N_
from auditor.engine.columns.assignments import AssignmentColumns
from auditor.engine.columns.bitsets import intersects
from auditor.engine.scope import Scope
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import SkuFact
from auditor.guidance.routing import Articles, Situation, services


class ServiceCheck(AssignmentCheck, frozen=True, kw_only=True):
    """A check about a service plan in the products that one user holds."""

    once_per: str = N_("service plan")
    properties: Callable[[Assignments], tuple[str, ...]] = lambda _: ("assignedLicenses", "licenseAssignmentStates")
    detail: Detail = Detail.SERVICE
    lists_holdings: bool = True
    routes: Callable[[Situation], Articles] = services


def enabled(scope: Scope, plan: str) -> Mask:
    """Return the users for whom a service plan, given by name or id, is enabled in at least one of their products.

    One path on which the plan is not disabled is enough; if the paths of a user were not collected, `assignedLicenses`
    decide.
    """
    people, unread = scope.people, scope.unread
    assignments = people.assignments
    true = people.nobody
    for plan_id, contains in _plan_ids(scope, plan).items():
        true = true | _provides(assignments, plan_id, contains)
    plans_unknown = np.array([sku.plans is None for sku in scope.bound.facts.skus], dtype=bool)
    if unread is None and not plans_unknown.any():
        return Mask(true, people.nobody, sure=True)
    unread = people.nobody if unread is None else unread
    true = true & ~unread
    may_provide = assignments.provides_plans & plans_unknown[assignments.sku]
    # A plan given by its id is off if a path disables it, even if the plans of the SKU are not known.
    may_provide[_disabled(assignments, plan.casefold())] = False
    unknown = people.nobody.copy()
    unknown[assignments.owner[may_provide]] = True
    return Mask(true, (unknown | unread) & ~true)


def _provides(assignments: AssignmentColumns, plan_id: str, contains: Flags) -> Flags:
    """Return the users with a SKU that contains the plan and has it enabled."""
    enabled = intersects(assignments.providing_skus, contains)
    off = _disabled(assignments, plan_id)
    # A user for whom a path disables the plan may have it by another path; only these users are checked by path.
    affected = distinct(assignments.owner[off])
    paths = assignments.of_users(affected)
    provides = (
        assignments.provides_plans[paths] & contains[assignments.sku[paths]] & ~np.isin(paths, off, assume_unique=True)
    )
    enabled[affected] = False
    enabled[assignments.owner[paths[provides]]] = True
    return enabled


def _disabled(assignments: AssignmentColumns, plan_id: str) -> Rows:
    """Return the assignments that disable the plan: by the list of the path, or of the licence if paths are unknown."""
    off = assignments.rows_with_disabled_plan("pathDisabledPlans", plan_id)
    if assignments.pathless is None:
        return off
    listed = assignments.rows_with_disabled_plan("disabledPlans", plan_id)
    paths_unknown = assignments.pathless[assignments.owner]
    return np.concatenate([off[~paths_unknown[off]], listed[paths_unknown[listed]]])


def _plan_ids(scope: Scope, plan: str) -> dict[str, Flags]:
    """Return the ids of the plans with this name or id, each with the SKUs that contain it; a name may have several."""
    return scope.bound.masks.cached(("plan", plan), lambda: _find_plan(scope.bound.facts.skus, plan.casefold()))


def _find_plan(skus: Sequence[SkuFact], key: str) -> dict[str, Flags]:
    masks: dict[str, Flags] = {}
    for index, sku in enumerate(skus):
        for plan_id, name in (sku.plans or {}).items():
            if key in {plan_id, name.casefold()}:
                masks.setdefault(plan_id, np.zeros(len(skus), dtype=bool))[index] = True
    return masks
