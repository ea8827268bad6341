"""Records tenants whose plan failed, so that the other tenants still get a plan."""

from collections.abc import Iterator
from contextlib import contextmanager

from auditor.domain.errors import AuditorError, GraphError
from auditor.domain.message import NOTHING, Message
from auditor.domain.result.model import Result, TenantResult
from auditor.failures import TenantBoundary
from auditor.remedy.planner.model import Proof, Solver, Standing, TenantPlan
from auditor.remedy.planner.simulation.changes import PlannedRequests


@contextmanager
def planned(tenant: str, failures: dict[str, AuditorError], *, only_tenant: bool) -> Iterator[None]:
    """Record an exception in the block as the failure of a tenant; with `only_tenant` it is raised."""
    with TenantBoundary(tenant, only_tenant=only_tenant) as boundary:
        yield
    if boundary.failure is not None:
        failures[tenant] = boundary.failure


def failed_after(after: Result) -> dict[str, AuditorError]:
    """Return the tenants whose planned state could not be audited."""
    return {t.name: GraphError("tenant-failed", t.failure) for t in after.tenants if t.failure is not None}


def empty_plan(tenant: TenantResult, reason: Message | None) -> TenantPlan:
    """Return the empty plan of a tenant that failed."""
    empty = Standing(open=None, money=())
    return TenantPlan(
        name=tenant.name,
        tenant_id=tenant.tenant_id,
        title=tenant.title,
        complete=False,
        omitted=(reason or NOTHING,),
        actions=(),
        before=empty,
        after=empty,
        proof=Proof(fixed=(), remaining=(), new=(), undecided=()),
        dropped=(),
        solver=Solver(name="", optimal=False, reached=0, bound=0, unpriced=(), partial=()),
        changes=PlannedRequests(steps={}, accounts={}, properties={}, groups={}, products={}),
    )
