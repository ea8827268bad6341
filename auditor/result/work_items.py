"""Lists the actions of a result as work items, one for each action of each tenant."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from auditor.domain.actions.action import Action
from auditor.domain.enums import Outcome, Severity
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.result.aggregate import concerns

FLEET: Final = "*"
"""The tenant of a work item that is about all tenants together."""


class WorkItem(Struct, frozen=True, kw_only=True):
    """One action and its tenant."""

    tenant: str
    """The name of the tenant, or FLEET."""
    title: str
    """The tenant's display name."""
    action: Action
    severity: Severity
    """The worst severity of its open findings."""
    policies: tuple[str, ...] = ()
    """The titles of the policies of its open findings, that of the most severe finding first."""

    @property
    def id(self) -> str:
        """An id that is stable between runs, regardless of the number of findings."""
        return f"{self.tenant}/{self.action.id}"


def work_items(result: Result) -> Iterator[WorkItem]:
    """Yield the items of every tenant in order of rank, then those of all tenants together."""
    titles = tenant_titles(result.tenants)
    policy_titles = result.run.policy_titles
    parts: tuple[tuple[str, str, TenantResult | FleetResult], ...] = (
        *((tenant.name, titles[tenant.name], tenant) for tenant in result.tenants),
        (FLEET, "", result.fleet),
    )
    for name, title, part in parts:
        concerns_by_action = concerns(part)
        for action in sorted(part.actions, key=lambda action: action.rank):
            concern = concerns_by_action[action.id]
            policies = tuple(policy_titles.get(policy, policy) for policy in concern.policies)
            yield WorkItem(tenant=name, title=title, action=action, severity=concern.worst, policies=policies)


def is_certainly_done(part: TenantResult | FleetResult, *, complete: bool) -> bool:
    """Return whether a missing work item is certainly done: all data was read and every policy was evaluated."""
    return complete and all(outcome.status is not Outcome.NOT_EVALUATED for outcome in part.policies)
