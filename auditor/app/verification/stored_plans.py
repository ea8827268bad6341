"""Verifies a plan of each tenant in a store, preferably one that was made up to a week ago."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct

from auditor.app.locations import store_at
from auditor.app.verification.change_log import LogEntry, tenant_log
from auditor.app.verification.recorded_changes import stored_entries, stored_plan, warn_of
from auditor.app.verification.verify import KnownPlan, States, verified
from auditor.domain.errors import AuditorError, Warn
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.saved_plan import SavedPlan
from auditor.files.names import instant_of
from auditor.store.plans import plan_name, plan_names
from auditor.store.store import Store

_WEEK: Final = timedelta(days=7)
_MIN_AGE: Final = timedelta(hours=12)
"""The minimum age of a plan that is expected to be carried out."""


class StoredPlanVerifier(Struct, frozen=True, kw_only=True, dict=True):
    """Compares tenants with a plan in a store: one that was executed, or else the first of `by_preference`."""

    stores: tuple[Path | str, ...]
    """The first store with a plan of a tenant is used."""
    warn: Warn
    """Called for plans and logs that cannot be read."""
    log: Sequence[LogEntry] = ()
    """Changes in addition to those recorded in the stores."""

    def has_plan(self, tenant: str) -> bool:
        """Return whether a store has a plan of a tenant."""
        return any(plan_names(store.backend, tenant) for store in self._existing_stores)

    def check(self, states: States) -> None:
        """Accept all tenants, because a store need not contain a plan of them."""

    def verified(self, result: Result, states: States, policies: PolicySet) -> Result:
        """Return the result with the verification of a plan of each tenant."""
        stores = self._existing_stores
        plans = {tenant.name: self._plan(stores, tenant, result.run.as_of) for tenant in result.tenants}
        return verified(result, states, {name: plan for name, plan in plans.items() if plan is not None}, policies)

    @cached_property
    def _existing_stores(self) -> list[Store]:
        """The stores that exist; `warn` is called for one that cannot be read."""
        existing = []
        for store in map(store_at, self.stores):
            try:
                existing += [store] if store.exists else []
            except AuditorError as error:
                warn_of(error, self.warn)
        return existing

    def _plan(self, stores: list[Store], tenant: TenantResult, as_of: datetime) -> KnownPlan | None:
        recorded = stored_entries(stores, tenant.name, as_of, self.warn)
        entries = [
            entry
            for entry in (*recorded, *self.log)
            if entry.tenant.casefold() == tenant.tenant_id.casefold() and entry.time <= as_of
        ]
        executed_names = {
            plan_name(tenant.name, entry.plan) for entry in entries if entry.plan and entry.time > as_of - _WEEK
        }
        for store in stores:
            names = by_preference(plan_names(store.backend, tenant.name), as_of.astimezone(UTC))
            executed = sorted(executed_names.intersection(names))
            for name in (*executed, *(name for name in names if name not in executed_names)):
                plan = self._decoded(store, name)
                for planned in () if plan is None else plan.tenants:
                    if plan is not None and (planned.name, planned.tenant_id) == (tenant.name, tenant.tenant_id):
                        return KnownPlan(tenant=planned, plan=plan, log=tenant_log(entries, planned, plan.as_of))
        return None

    def _decoded(self, store: Store, name: str) -> SavedPlan | None:
        try:
            return stored_plan(store, name)
        except AuditorError as error:
            warn_of(error, self.warn)
            return None


def by_preference(names: Sequence[str], as_of: datetime) -> list[str]:
    """Return the plans before an instant in the order of preference for verification; `names` start with the oldest.

    First the plans of the last week, the oldest first: if a plan is made every night, the newest one contains only what
    is left, and would not show what was done during the week. Then older plans, the newest first, and finally those of
    the last 12 hours.
    """
    dated = [(instant_of(name), name) for name in names]
    older = [name for instant, name in dated if instant < as_of - _WEEK]
    week = [name for instant, name in dated if as_of - _WEEK <= instant <= as_of - _MIN_AGE]
    recent = [name for instant, name in dated if as_of - _MIN_AGE < instant < as_of]
    return [*week, *reversed(older), *recent]
