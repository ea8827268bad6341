"""Computes the actions of tenants and the fleet, and the guidance of fleet findings."""

from datetime import date
from functools import cache

from msgspec.structs import replace

from auditor import resources
from auditor.checks.registry import articles_of
from auditor.domain.actions.action import Action
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.domain.translation import Localizer
from auditor.guidance import Library, open_library
from auditor.remedy.actions.action_builder import ActionBuilder
from auditor.remedy.actions.fleet import actions_between, fleet_situation
from auditor.remedy.english import ENGLISH


@cache
def packaged_library() -> Library:
    """Open the packaged guidance articles, once per process; an article is read when it is first used."""
    folder = resources.reports() / "guidance"
    names = [entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return open_library(names, lambda name: (folder / name).read_text(encoding="utf-8"))


def tenant_actions(tenant: TenantResult, policies: PolicySet, today: date, *, l10n: Localizer) -> tuple[Action, ...]:
    """Return the actions of a tenant in the language of `l10n`; `today` is the day of the audit, in UTC."""
    builder = ActionBuilder(tenant, policies, today, packaged_library(), l10n=l10n, spill=tenant.findings.spill)
    for batch in tenant.findings.subject_batches():
        builder.add(batch)
    return builder.actions(tenant)


def fleet_with_actions(result: Result, policies: PolicySet, *, l10n: Localizer = ENGLISH) -> FleetResult:
    """Fill in `guidance` of the fleet's findings, and `actions` of the fleet."""
    fleet, tenants, today = fleet_guided(result), result.tenants, result.run.as_of.date()
    return replace(fleet, actions=actions_between(fleet, tenants, policies, today, packaged_library(), l10n=l10n))


def fleet_guided(result: Result) -> FleetResult:
    """Fill in `guidance` of the fleet's findings."""
    fleet, tenants = result.fleet, result.tenants
    findings = fleet.findings.map(
        lambda batch: [
            replace(finding, guidance=articles_of(finding.check, fleet_situation(finding, tenants))[0])
            for finding in batch
        ]
    )
    return replace(fleet, findings=findings)
