"""Reports of which one tenant cannot be rendered into reports without it: the others keep theirs."""

from collections.abc import Callable
from typing import TypeVar

from auditor.app.audit.failed_tenants import each_contained
from auditor.app.report.outputs import Output
from auditor.domain.result import Result, TenantResult
from auditor.failures import TenantBoundary
from auditor.render import render, tenant_json
from auditor.result.ranking import single_tenant

_Written = TypeVar("_Written")


def contained(
    result: Result, wanted: Output, write: Callable[[Result], _Written], *, locale: str
) -> tuple[Result, _Written]:
    """Write the reports of a result with `write`; returns the result that they tell, and what `write` returned.

    Where that fails each tenant is rendered by itself, and those that fail are told as not audited. Raises what was
    raised where that is none of them, or the only one.
    """
    with TenantBoundary("", alone=len(result.tenants) == 1) as wall:
        return result, write(result)
    sound = each_contained(result, lambda tenant: _rendered(result, tenant, wanted, locale))
    if wall.error is not None and all(one is other for one, other in zip(result.tenants, sound.tenants, strict=True)):
        raise wall.error
    return sound, write(sound)


def _rendered(result: Result, tenant: TenantResult, wanted: Output, locale: str) -> TenantResult:
    """Return a tenant that every wanted format can tell; raises what rendering raises."""
    mine = single_tenant(result, tenant.name)
    for name, _ in wanted.files:
        for _ in render(mine, name, locale=locale).chunks():
            pass
    if wanted.tenant_files:
        for _ in tenant_json(result, tenant.name).chunks():
            pass
    return tenant
