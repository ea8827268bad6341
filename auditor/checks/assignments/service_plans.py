"""For whom a service plan is enabled, over all that a user holds."""

from collections.abc import Sequence

import numpy as np

from auditor.engine.columns.assignments import Links
from auditor.engine.columns.bitsets import distinct, intersects
from auditor.engine.columns.strings import Flags
from auditor.engine.outcome import Rows
from auditor.engine.scope import Scope, UserFindings
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import SkuFact


def reported(scope: Scope, plan: str, violation: Mask) -> UserFindings:
    """Report the users for whom a service plan is or is not enabled; the detail is the plan as the policy writes it."""
    return scope.findings(np.flatnonzero(violation.true), details=(plan,)), violation.unknown


def enabled(scope: Scope, plan: str) -> Mask:
    """Tell for whom a service plan, named or by id, is enabled over all that they hold.

    A path that leaves the plan on is enough; where the paths of a user were not collected, `assignedLicenses` decide.
    """
    people, unread = scope.people, scope.unread
    links = people.links
    true = people.nobody
    for plan_id, contains in _plan_ids(scope, plan).items():
        true = true | _gives(links, plan_id, contains)
    nobody_knows = np.array([sku.plans is None for sku in scope.bound.facts.skus], dtype=bool)
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
    enabled = intersects(links.counted, contains)
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
    return scope.bound.masks.once(("plan", plan), lambda: _find_plan(scope.bound.facts.skus, plan.casefold()))


def _find_plan(skus: Sequence[SkuFact], wanted: str) -> dict[str, Flags]:
    masks: dict[str, Flags] = {}
    for index, sku in enumerate(skus):
        for plan_id, name in (sku.plans or {}).items():
            if wanted in {plan_id, name.casefold()}:
                masks.setdefault(plan_id, np.zeros(len(skus), dtype=bool))[index] = True
    return masks
