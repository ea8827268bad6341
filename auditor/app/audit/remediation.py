"""A Result into the same Result with the guidance of every finding and the actions of every tenant and the fleet."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

from auditor import resources
from auditor.app.audit.pipeline import each_contained
from auditor.app.gc_pause import paused_gc
from auditor.app.packing import rewritten
from auditor.checks.registry import articles_of
from auditor.domain.policy import PolicySet
from auditor.domain.result import Finding, FleetResult, Result, TenantResult
from auditor.guidance import Library, open_library
from auditor.remedy.actions.build import actions_of
from auditor.remedy.actions.context import circumstances, fleet_situation, situations_of
from auditor.remedy.actions.fleet import actions_between
from auditor.remedy.messages import ENGLISH, Words


def remedied(
    result: Result,
    policies: PolicySet,
    *,
    words: Words = ENGLISH,
    groups: Mapping[str, str] | None = None,
) -> Result:
    """Fill in `guidance` of every finding and `actions` of every tenant; whatever stood there is replaced.

    `words` looks up the language of the actions' texts, `groups` are names by id, where they are at hand. Nothing is
    read but the packaged guidance.
    """
    with paused_gc():
        changed = each_contained(
            result,
            lambda tenant: rewritten(tenant, lambda held: tenant_remedied(held, policies, words=words, groups=groups)),
        )
        return replace(changed, fleet=fleet_remedied(result, policies, words=words))


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
    *,
    words: Words = ENGLISH,
    groups: Mapping[str, str] | None = None,
) -> TenantResult:
    """Fill in what `remedied` fills in, of one tenant whose findings are held."""
    known = circumstances(tenant, policies)
    groups = {**group_names(tenant.findings), **(groups or {})}
    situations = situations_of(known)
    actions = actions_of(known, situations, packaged_library(), words=words, groups=groups)
    findings = tuple(
        [finding.told(guidance=way.article) for finding, way in zip(tenant.findings, situations, strict=True)]
    )
    return replace(tenant, findings=findings, actions=actions)


def guided(result: Result) -> FleetResult:
    """Fill in `guidance` of the fleet's findings."""
    fleet = result.fleet
    findings = tuple(
        finding.told(guidance=articles_of(finding.check, fleet_situation(finding, fleet, result.tenants))[0])
        for finding in fleet.findings
    )
    return replace(fleet, findings=findings)


def fleet_remedied(result: Result, policies: PolicySet, *, words: Words = ENGLISH) -> FleetResult:
    """Fill in `guidance` of the fleet's findings, and its actions."""
    fleet = guided(result)
    return replace(fleet, actions=actions_between(fleet, result.tenants, policies, packaged_library(), words=words))


def group_names(findings: Sequence[Finding]) -> dict[str, str]:
    """Return the names of groups that evidence quotes, by id."""
    paths = (path for finding in findings for path in finding.evidence.get("paths", ()))
    return {path["assignedByGroup"]: path["groupName"] for path in paths if path.get("groupName")}
