"""Adds actions to results that were computed without them."""

from msgspec.structs import replace

from auditor.app.audit.remediation import fleet_with_actions, packaged_library
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.translation import Localizer
from auditor.remedy.actions.action_builder import ActionBuilder
from auditor.remedy.english import ENGLISH


def with_actions(result: Result, policies: PolicySet, *, l10n: Localizer = ENGLISH) -> Result:
    """Fill in `guidance` of every finding and `actions` of every tenant and the fleet; existing values are replaced."""

    def tenant_with_actions(tenant: TenantResult) -> TenantResult:
        builder = ActionBuilder(tenant, policies, result.run.as_of.date(), packaged_library(), l10n=l10n)
        return replace(
            tenant, findings=tenant.findings.map_batches(builder.add), actions=tuple(builder.actions(tenant))
        )

    tenants = tuple(map(tenant_with_actions, result.tenants))
    return replace(result, tenants=tenants, fleet=fleet_with_actions(result, policies, l10n=l10n))
