"""Compares saved plans with the snapshots of tenants and with the result of their audit."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.audit.failed_tenants import Unaudited, map_tenants
from auditor.app.catalogue import active
from auditor.app.verification.change_log import LogEntry, TenantLog, tenant_log
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.saved_plan import SavedPlan, SavedTenantPlan
from auditor.engine.tenant_facts import TenantFacts
from auditor.failures import TenantBoundary
from auditor.remedy.verification.plan_verdicts import tenant_verification
from auditor.snapshot.model import Manifest
from auditor.snapshot.reader import manifest_of, read

States = Sequence[Path | Unaudited]
"""The snapshot of each tenant, or the reason why there is none."""


class KnownPlan(Struct, frozen=True, kw_only=True):
    """A plan of one tenant, with the log of its scripts."""

    tenant: SavedTenantPlan
    plan: SavedPlan
    log: TenantLog


Plans = Mapping[str, KnownPlan]
"""The plan of each tenant, by name."""


def plans_of(plan: SavedPlan, entries: Iterable[LogEntry]) -> Plans:
    """Return the plan of each tenant with its log."""
    entries = tuple(entries)
    return {
        tenant.name: KnownPlan(tenant=tenant, plan=plan, log=tenant_log(entries, tenant, plan.as_of))
        for tenant in plan.tenants
    }


def check_tenants(tenants: Iterable[SavedTenantPlan], states: States) -> None:
    """Raise UsageError if no state belongs to a planned tenant, or if a tenant has the same name but a different id."""
    plans = {tenant.name: tenant for tenant in tenants}
    id_by_name = {state.name: state.tenant_id for state in states if isinstance(state, Unaudited)}
    id_by_name |= {manifest.tenant: manifest.tenant_id for manifest in _manifests(states).values()}
    hint = Message("specify the plan of this tenant")
    for name, tenant in plans.items():
        if id_by_name.get(name) and id_by_name[name] != tenant.tenant_id:
            message = Message(
                "the plan is for {name} with the id {planned}, but the state is from the id {read}",
                name=name,
                planned=tenant.tenant_id,
                read=id_by_name[name],
            )
            raise UsageError("plan-tenant", message, hint=hint)
    if plans.keys().isdisjoint(id_by_name):
        planned, read_ = (", ".join(sorted(names)) for names in (plans, id_by_name))
        message = Message("the plan is for {planned}, but the state is from {read}", planned=planned, read=read_)
        raise UsageError("plan-tenant", message, hint=hint)


def _manifests(states: States) -> Mapping[Path, Manifest]:
    """Return the manifest of each snapshot; damaged ones are skipped, because the audit reports them."""
    manifests: dict[Path, Manifest] = {}
    for state in states:
        if isinstance(state, Path):
            with TenantBoundary(state.parent.name):
                manifests[state] = manifest_of(state)
    return manifests


def verified(result: Result, states: States, plans: Plans, policies: PolicySet) -> Result:
    """Return the result with the verification of the plan of each of its tenants."""
    folders = {manifest.tenant: folder for folder, manifest in _manifests(states).items()}

    def change(tenant: TenantResult) -> TenantResult:
        plan, folder = plans.get(tenant.name), folders.get(tenant.name)
        if plan is None:
            return tenant
        facts = None
        if tenant.failure is None and folder is not None:
            facts = TenantFacts(read(folder), active(), policies, result.run.as_of)
        verification = tenant_verification(
            plan.tenant,
            tenant,
            facts,
            done=plan.log.done,
            executions=plan.log.executions,
            planned_at=plan.plan.as_of,
            same_policies=plan.plan.policy_digest == policies.digest,
        )
        return replace(tenant, verification=verification)

    return map_tenants(result, change)
