"""Renders reports without a tenant that fails to render."""

from collections.abc import Callable
from typing import TypeVar

from auditor.app.audit.failed_tenants import each_contained
from auditor.app.report.outputs import Output
from auditor.domain.result.model import Result, TenantResult
from auditor.failures import TenantBoundary
from auditor.render import render, tenant_json
from auditor.result.ranking import single_tenant

_Written = TypeVar("_Written")


def contained(
    result: Result, wanted: Output, write: Callable[[Result], _Written], *, locale: str
) -> tuple[Result, _Written]:
    """Write the reports of a result with `write`; return the result that was written, and the value of `write`.

    If that fails, each tenant is rendered alone, and those that fail are reported as not audited. The exception
    propagates if no tenant fails alone, or if there is only one.
    """
    with TenantBoundary("", alone=len(result.tenants) == 1) as boundary:
        return result, write(result)
    sound = each_contained(result, lambda tenant: _rendered(result, tenant, wanted, locale))
    unchanged = all(one is other for one, other in zip(result.tenants, sound.tenants, strict=True))
    if boundary.error is not None and unchanged:
        raise boundary.error
    return sound, write(sound)


def _rendered(result: Result, tenant: TenantResult, wanted: Output, locale: str) -> TenantResult:
    """Render a tenant alone in every requested format and return it. Exceptions propagate."""
    mine = single_tenant(result, tenant.name)
    for name, _ in wanted.files:
        for _ in render(mine, name, locale=locale).chunks():
            pass
    if wanted.tenant_files:
        for _ in tenant_json(result, tenant.name).chunks():
            pass
    return tenant
