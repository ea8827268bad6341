"""Writes reports without the tenants that fail to render."""

from collections.abc import Callable
from typing import TypeVar

from auditor.app.audit.failed_tenants import map_tenants
from auditor.app.report.outputs import Output
from auditor.domain.result.model import Result, TenantResult
from auditor.failures import TenantBoundary
from auditor.render import render, tenant_json
from auditor.result.aggregate import single_tenant

_Written = TypeVar("_Written")


def write_without_failed(
    result: Result, output: Output, write: Callable[[Result], _Written], *, locale: str
) -> tuple[Result, _Written]:
    """Write the reports of a result with `write`; return the result that was written, and the return value of `write`.

    If `write` fails, each tenant is rendered separately, and those that fail are reported as not audited. The exception
    is raised if no tenant fails separately, or if there is only one.
    """
    with TenantBoundary("", only_tenant=len(result.tenants) == 1) as boundary:
        return result, write(result)
    remaining = map_tenants(result, lambda tenant: _rendered(result, tenant, output, locale))
    unchanged = all(before is after for before, after in zip(result.tenants, remaining.tenants, strict=True))
    if boundary.error is not None and unchanged:
        raise boundary.error
    return remaining, write(remaining)


def _rendered(result: Result, tenant: TenantResult, output: Output, locale: str) -> TenantResult:
    """Render a tenant separately in every requested format, and return it unchanged; exceptions are not caught."""
    tenant_result = single_tenant(result, tenant.name)
    for name, _ in output.files:
        for _ in render(tenant_result, name, locale=locale):
            pass
    if output.tenant_files:
        for _ in tenant_json(result, tenant.name):
            pass
    return tenant
