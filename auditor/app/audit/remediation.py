"""Adds guidance to the findings of a Result, and actions to its tenants and the fleet."""

from collections.abc import Mapping
from datetime import date
from functools import cache

from msgspec.structs import replace

from auditor import resources
from auditor.app.audit.failed_tenants import each_contained
from auditor.app.gc_pause import paused_gc
from auditor.checks.registry import articles_of
from auditor.domain.actions.action import Action
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.findings.action_table import action_table
from auditor.findings.spill import SpillFile
from auditor.guidance import Library, open_library
from auditor.remedy.actions.action_builder import ActionBuilder
from auditor.remedy.actions.fleet import actions_between, fleet_situation
from auditor.remedy.messages import ENGLISH, Localizer


def remedied(
    result: Result,
    policies: PolicySet,
    *,
    l10n: Localizer = ENGLISH,
    groups: Mapping[str, str] | None = None,
    spill: SpillFile | None = None,
) -> Result:
    """Fill in `guidance` of every finding and `actions` of every tenant; whatever stood there is replaced.

    `l10n` looks up the language of the actions' texts, `groups` are names by id, where they are at hand. Nothing is
    read but the packaged guidance.
    """
    today = result.run.as_of.date()
    with paused_gc():
        changed = each_contained(
            result, lambda tenant: tenant_remedied(tenant, policies, today, l10n=l10n, groups=groups, spill=spill)
        )
        return replace(changed, fleet=fleet_remedied(result, policies, l10n=l10n))


@cache
def packaged_library() -> Library:
    """Open the guidance articles that ship with the package, once a process; each is read when it is first named."""
    folder = resources.reports() / "guidance"
    names = [entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return open_library(
        names, lambda name: (folder / name).read_text(encoding="utf-8"), lambda: resources.schema("guidance")
    )


def tenant_remedied(
    tenant: TenantResult,
    policies: PolicySet,
    today: date,
    *,
    l10n: Localizer = ENGLISH,
    groups: Mapping[str, str] | None = None,
    spill: SpillFile | None = None,
) -> TenantResult:
    """Fill in what `remedied` fills in, of one tenant; `today` is the day of the audit, in UTC."""
    actions = ActionBuilder(tenant, policies, today, packaged_library(), l10n=l10n, groups=groups, spill=spill)
    findings = tenant.findings.map_batches(actions.add)
    built, concerns = actions.actions()
    return replace(tenant, findings=findings.with_concerns(concerns), actions=action_table(built, spill))


def tenant_actions(
    tenant: TenantResult, policies: PolicySet, today: date, *, l10n: Localizer, spill: SpillFile | None = None
) -> tuple[Action, ...]:
    """Return the actions of a tenant in a language; `today` is the day of the audit, in UTC."""
    actions = ActionBuilder(tenant, policies, today, packaged_library(), l10n=l10n, spill=spill)
    for batch in tenant.findings.subject_batches():
        actions.add(batch)
    return actions.actions()[0]


def fleet_remedied(result: Result, policies: PolicySet, *, l10n: Localizer = ENGLISH) -> FleetResult:
    """Fill in `guidance` of the fleet's findings, and its actions."""
    fleet, tenants = result.fleet, result.tenants
    findings = fleet.findings.map(
        lambda batch: [
            replace(finding, guidance=articles_of(finding.check, fleet_situation(finding, tenants))[0])
            for finding in batch
        ]
    )
    fleet = replace(fleet, findings=findings)
    today = result.run.as_of.date()
    return replace(fleet, actions=actions_between(fleet, tenants, policies, today, packaged_library(), l10n=l10n))
