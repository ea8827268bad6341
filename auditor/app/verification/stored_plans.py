"""Verifies the plan of each tenant in a store that people had a week to carry out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from auditor.app.locations import store_at
from auditor.app.verification.change_log import LogEntry, tenant_log
from auditor.app.verification.plan_file import decoded_plan
from auditor.app.verification.recorded_changes import StoredLogs, Warn, warn_of
from auditor.app.verification.verify import KnownPlan, States, verified
from auditor.domain.errors import AuditorError
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.saved_plan import SavedPlan
from auditor.files.names import instant_of
from auditor.store.plans import plan_name, plan_names
from auditor.store.store import Store

_WEEK: Final = timedelta(days=7)
_FRESH: Final = timedelta(hours=12)
"""Nobody is expected to have carried out a younger plan."""


class StoredPlanVerifier(Struct, frozen=True, kw_only=True):
    """Compares tenants with the plan of a store that was run, else with the one that `by_preference` names first."""

    stores: tuple[Path | str, ...]
    """The first that holds a plan of a tenant decides."""
    warn: Warn
    """Hears of plans and logs that cannot be read."""
    log: Sequence[LogEntry] = ()
    """What was done besides what the stores have recorded."""

    def check(self, states: States) -> None:
        """Accept all tenants: a store may hold no plan of them."""

    def verified(self, result: Result, states: States, policies: PolicySet) -> Result:
        """Return the result with what became of a plan of each tenant."""
        stores = [store for store in map(store_at, self.stores) if store.exists]
        plans = {tenant.name: self._plan(stores, tenant, result.run.as_of) for tenant in result.tenants}
        return verified(result, states, {name: plan for name, plan in plans.items() if plan is not None}, policies)

    def _plan(self, stores: list[Store], tenant: TenantResult, as_of: datetime) -> KnownPlan | None:
        recorded = StoredLogs(stores=stores, warn=self.warn).entries(tenant.name, as_of)
        entries = [
            each
            for each in (*recorded, *self.log)
            if each.tenant.casefold() == tenant.tenant_id.casefold() and each.time <= as_of
        ]
        run = {plan_name(tenant.name, each.plan) for each in entries if each.plan and each.time > as_of - _WEEK}
        for store in stores:
            names = by_preference(plan_names(store.backend, tenant.name), as_of.astimezone(UTC))
            for name in (*sorted(run.intersection(names)), *(name for name in names if name not in run)):
                plan = self._decoded(store, name)
                for own in () if plan is None else plan.tenants:
                    if plan is not None and own.name == tenant.name and own.tenant_id == tenant.tenant_id:
                        return KnownPlan(tenant=own, plan=plan, log=tenant_log(entries, own, plan.as_of))
        return None

    def _decoded(self, store: Store, name: str) -> SavedPlan | None:
        body = store.backend.read(name)
        try:
            return None if body is None else decoded_plan(body, where=f"{store.address}/{name}")
        except AuditorError as error:
            warn_of(error, self.warn)
            return None


def by_preference(names: Sequence[str], as_of: datetime) -> list[str]:
    """Return the plans made before an instant in the order in which they are to be verified; `names`: oldest first.

    First those of the last week, the oldest first: where every night makes a plan, the last one has only what is left,
    and what was done since the week began would not be shown. Then older ones, the newest first, and last those of
    the last hours.
    """
    dated = [(instant_of(name), name) for name in names]
    older = [name for instant, name in dated if instant < as_of - _WEEK]
    week = [name for instant, name in dated if as_of - _WEEK <= instant <= as_of - _FRESH]
    fresh = [name for instant, name in dated if as_of - _FRESH < instant < as_of]
    return [*week, *reversed(older), *fresh]
