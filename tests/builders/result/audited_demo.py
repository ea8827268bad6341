"""Cached results for all tests of a process: audits of the built-in tenants, and large results of the benchmarks."""

from datetime import UTC, datetime
from functools import cache

from auditor.app.audit.run import Request
from auditor.app.report.localization import localized_result
from auditor.domain.actions.action import Action
from auditor.domain.result.model import Result, TenantResult
from benchmarks.report import large
from tests.builders.result.audits import run

large_result = cache(large)
AS_OF = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)


@cache
def demo_result(locale: str = "en") -> Result:
    if locale != "en":
        return localized_result(demo_result(), locale)
    return run(Request(demo=True, as_of=AS_OF))


def contoso() -> TenantResult:
    """Return the larger of the two tenants."""
    return next(tenant for tenant in demo_result().tenants if tenant.name == "contoso")


def demo_actions() -> list[Action]:
    """Return the actions of both tenants."""
    return [action for tenant in demo_result().tenants for action in tenant.actions]
