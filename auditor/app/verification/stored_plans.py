"""Verifies the last plan of each tenant that a store holds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from auditor.app.locations import store_at
from auditor.app.verification.plan_file import decoded_plan
from auditor.app.verification.verify import KnownPlan, States, verified
from auditor.domain.errors import AuditorError, Diagnostic, Level
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result, TenantResult
from auditor.store.plans import plan_instant, plan_names
from auditor.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlanVerifier:
    """Compares tenants with the last plan that a store holds of each."""

    places: tuple[Path | str, ...]
    """Stores; the first that holds a plan of a tenant decides."""
    warn: Callable[[Diagnostic], None]
    """Hears of plans that cannot be read."""

    def check(self, states: States) -> None:
        """Accept all tenants: a store may hold no plan of them."""

    def verified(self, result: Result, states: States, policies: PolicySet) -> Result:
        """Return the result with what became of the last plan of each tenant."""
        stores = [store for store in map(store_at, self.places) if store.exists]
        found = {tenant.name: self._last(stores, tenant, result.run.as_of) for tenant in result.tenants}
        return verified(result, states, {name: known for name, known in found.items() if known is not None}, policies)

    def _last(self, stores: list[Store], tenant: TenantResult, as_of: datetime) -> KnownPlan | None:
        for store in stores:
            earlier = [n for n in plan_names(store.backend, tenant.name) if plan_instant(n) < as_of.astimezone(UTC)]
            body = store.backend.read(earlier[-1]) if earlier else None
            if body is None:
                continue
            try:
                plan = decoded_plan(body, where=f"{store.address}/{earlier[-1]}")
            except AuditorError as error:
                for diagnostic in error.diagnostics:
                    self.warn(replace(diagnostic, level=Level.WARNING))
                continue
            for own in plan.tenants:
                if own.name == tenant.name and own.tenant_id == tenant.tenant_id:
                    return KnownPlan(tenant=own, plan=plan)
        return None
