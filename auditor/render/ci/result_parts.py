"""Divides a result into the parts that formats for CI systems report separately: each tenant, and the fleet."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from auditor.domain.message import Message
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.render.text.labels import Labels
from auditor.render.view.rows import Context


class ResultPart(Struct, frozen=True, kw_only=True):
    """The results of one tenant, or of the fleet."""

    name: str
    """Empty for the fleet."""
    title: str
    """For people: the title of the tenant, as in other reports."""
    result: TenantResult | FleetResult
    context: Callable[[], Context]
    failure: Message | None = None

    @property
    def label(self) -> str:
        """The name of the tenant, or `fleet`."""
        return self.name or "fleet"


def parts_of(result: Result, l10n: Labels) -> list[ResultPart]:
    """Return a part for every tenant, and one for the fleet if it has policies or findings."""
    headers = {policy.id: policy for policy in result.run.policies}
    titles = tenant_titles(result.tenants)
    parts = [
        ResultPart(
            name=tenant.name,
            title=titles[tenant.name],
            result=tenant,
            context=partial(Context.without_seats, tenant, headers, l10n),
            failure=tenant.failure,
        )
        for tenant in result.tenants
    ]
    fleet = result.fleet
    if fleet.policies or fleet.findings:
        title, context = l10n.gettext("Policies across tenants"), partial(Context.of_fleet, result, headers, l10n)
        parts.append(ResultPart(name="", title=title, result=fleet, context=context))
    return parts
