"""Tenants for which no plan could be made into plans that say so, beside those of the others."""

from collections.abc import Iterator
from contextlib import contextmanager

from auditor.domain.errors import AuditorError, GraphError
from auditor.domain.result import Result, TenantResult
from auditor.failures import TenantBoundary
from auditor.remedy.planner.model import Proof, Solved, Standing, TenantPlan


@contextmanager
def planned(tenant: str, failures: dict[str, AuditorError], *, alone: bool) -> Iterator[None]:
    """Plan for a tenant; what is raised is noted as its failure."""
    with TenantBoundary(tenant, alone=alone) as wall:
        yield
    if wall.failure is not None:
        failures[tenant] = wall.failure


def failed_after(after: Result) -> dict[str, AuditorError]:
    """Return the tenants whose planned state could not be judged."""
    return {t.name: GraphError("tenant-failed", t.failure) for t in after.tenants if t.failure is not None}


def unplanned(tenant: TenantResult, reason: str) -> TenantPlan:
    """Return the plan of a tenant for which there is none."""
    nothing = Standing(open=0, money=())
    return TenantPlan(
        name=tenant.name,
        tenant_id=tenant.tenant_id,
        display_name=tenant.display_name,
        complete=False,
        omitted=(reason,),
        actions=(),
        before=nothing,
        after=nothing,
        proof=Proof(fixed=(), remaining=(), new=(), undecided=()),
        dropped=(),
        solved=Solved(solver="", optimal=False, reached=0, bound=0, unpriced=(), partial=()),
    )
