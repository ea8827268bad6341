"""Verifies the plan of each tenant in a store that people had a week to carry out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from auditor.app.locations import store_at
from auditor.app.verification.plan_file import decoded_plan
from auditor.app.verification.verify import KnownPlan, States, verified
from auditor.domain.errors import AuditorError, Diagnostic, Level
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result, TenantResult
from auditor.store.plans import plan_instant, plan_names
from auditor.store.store import Store

_WEEK: Final = timedelta(days=7)
_FRESH: Final = timedelta(hours=12)
"""Nobody is expected to have carried out a younger plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlanVerifier:
    """Compares tenants with the plan that `by_preference` names first."""

    stores: tuple[Path | str, ...]
    """Stores; the first that holds a plan of a tenant decides."""
    warn: Callable[[Diagnostic], None]
    """Hears of plans that cannot be read."""

    def check(self, states: States) -> None:
        """Accept all tenants: a store may hold no plan of them."""

    def verified(self, result: Result, states: States, policies: PolicySet) -> Result:
        """Return the result with what became of a plan of each tenant."""
        stores = [store for store in map(store_at, self.stores) if store.exists]
        found = {tenant.name: self._plan(stores, tenant, result.run.as_of) for tenant in result.tenants}
        return verified(result, states, {name: known for name, known in found.items() if known is not None}, policies)

    def _plan(self, stores: list[Store], tenant: TenantResult, as_of: datetime) -> KnownPlan | None:
        for store in stores:
            for name in by_preference(plan_names(store.backend, tenant.name), as_of.astimezone(UTC)):
                body = store.backend.read(name)
                if body is None:
                    continue
                try:
                    plan = decoded_plan(body, where=f"{store.address}/{name}")
                except AuditorError as error:
                    for diagnostic in error.diagnostics:
                        self.warn(replace(diagnostic, level=Level.WARNING))
                    continue
                for own in plan.tenants:
                    if own.name == tenant.name and own.tenant_id == tenant.tenant_id:
                        return KnownPlan(tenant=own, plan=plan)
        return None


def by_preference(names: Sequence[str], as_of: datetime) -> list[str]:
    """Return the plans made before an instant in the order in which they are to be verified; `names`: oldest first.

    First those of the last week, the oldest first: where every night makes a plan, the last one has only what is left,
    and what was done since the week began would not be told. Then older ones, the newest first, and at the end those of
    the last hours.
    """
    made = [(plan_instant(name), name) for name in names]
    older = [name for instant, name in made if instant < as_of - _WEEK]
    week = [name for instant, name in made if as_of - _WEEK <= instant <= as_of - _FRESH]
    fresh = [name for instant, name in made if as_of - _FRESH < instant < as_of]
    return [*week, *reversed(older), *fresh]
