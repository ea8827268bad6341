"""Audits tenants again with the verification of their plan, and determines the exit code from the verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.app.audit.failed_tenants import Unaudited, unaudited_result
from auditor.app.audit.run import Request, audited
from auditor.app.locations import store_at
from auditor.app.verification.change_log import LogEntry, plan_entries
from auditor.app.verification.plan_file import saved_plan
from auditor.app.verification.recorded_changes import stored_entries
from auditor.app.verification.verify import States, check_tenants, plans_of, verified
from auditor.domain.enums import Contents
from auditor.domain.errors import Warn
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.saved_plan import SavedPlan
from auditor.domain.result.verification import ActionVerdict, FindingState, Verdict

FORMATS: Final[Mapping[str, str]] = {
    "json": "verification.json",
    "markdown": "verification.md",
    "html": "verification.html",
}
"""Format → default file name."""


class PlanVerifier(Struct, frozen=True, kw_only=True, dict=True):
    """Compares tenants with a plan in a file, and with the logs of its scripts."""

    plan: Path
    log: Path | None = None
    stores: tuple[Path | str, ...] = ()
    """Stores that may contain further logs."""
    warn: Warn = field(default=lambda _: None)
    whole: bool = False
    """Whether to report tenants of the plan that were not audited."""

    @cached_property
    def files(self) -> tuple[SavedPlan, Sequence[LogEntry]]:
        """The plan and its log. Raises SnapshotError if a file is invalid."""
        plan = saved_plan(self.plan)
        return plan, () if self.log is None else plan_entries(self.log, plan)

    def has_plan(self, tenant: str) -> bool:
        """Return whether the plan contains a tenant."""
        return any(planned.name == tenant for planned in self.files[0].tenants)

    def check(self, states: States) -> None:
        """Raise UsageError if the plan does not belong to these tenants."""
        check_tenants(self.files[0].tenants, states)

    def verified(self, result: Result, states: States, policies: PolicySet) -> Result:
        """Return the result with the verification of the plan of each tenant."""
        plan, log = self.files
        stores, as_of = [store for store in map(store_at, self.stores) if store.exists], result.run.as_of
        recorded = (e for tenant in plan.tenants for e in stored_entries(stores, tenant.name, as_of, self.warn))
        plans = plans_of(plan, (*log, *recorded))
        missing_names = sorted(plans.keys() - {tenant.name for tenant in result.tenants}) if self.whole else []
        missing_tenants = tuple(
            _missing_tenant(plans[name].tenant.tenant_id, name, result, policies) for name in missing_names
        )
        return verified(replace(result, tenants=(*result.tenants, *missing_tenants)), states, plans, policies)


def _missing_tenant(tenant_id: str, name: str, result: Result, policies: PolicySet) -> TenantResult:
    reason = Message("the plan has this tenant, but it was not read")
    return unaudited_result(Unaudited(name=name, tenant_id=tenant_id, reason=reason), policies, result.run.as_of)


@contextmanager
def verification(request: Request, plan: Path, log: Path | None) -> Iterator[Result]:
    """Yield the result of an audit, with the verification of the plan of each tenant.

    Raises SnapshotError if the plan or the log is damaged or cannot be read, and UsageError if the plan belongs to
    other tenants.
    """
    verifier = PlanVerifier(plan=plan, log=log, whole=not request.tenants and request.shard is None)
    _ = verifier.files  # raise errors of the files before the audit
    with audited(replace(request, verifier=verifier), None, Contents.GUIDED_FINDINGS) as (result, _):
        yield result


def exit_code(result: Result, *, logged: bool) -> int:
    """Return 0 if all executed actions are done and there are no new findings, 1 if not, and 3 if this is not known.

    Without a log, every action with requests counts as executed; with a log, those with a change that was made or
    failed according to the log.
    """
    verified = [(tenant, tenant.verification) for tenant in result.tenants if tenant.verification is not None]
    executed = [
        action
        for _, plan_verification in verified
        for action in plan_verification.actions
        if _was_executed(action, logged=logged)
    ]
    has_unknown_actions = any(action.verdict is Verdict.UNKNOWN for action in executed)
    if has_unknown_actions or any(
        not tenant.complete or plan_verification.count(FindingState.UNKNOWN) for tenant, plan_verification in verified
    ):
        return 3
    has_new_findings = any(
        plan_verification.count(FindingState.NEW, FindingState.CAME_BACK) for _, plan_verification in verified
    )
    return int(has_new_findings or any(action.verdict is not Verdict.DONE for action in executed))


def _was_executed(action: ActionVerdict, *, logged: bool) -> bool:
    if not logged:
        return action.requests > 0
    return action.execution is not None and action.execution.done + action.execution.failed > 0
