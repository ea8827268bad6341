"""Builds actions from findings about all tenants together: one for each tenant that has to buy or remove seats."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from msgspec.structs import replace

from auditor.checks.registry import articles_of
from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.title import TitleArguments
from auditor.domain.enums import Agreement, Severity, Status
from auditor.domain.errors import printable
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import FleetResult, TenantResult
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.domain.translation import Localizer
from auditor.engine.outcome import stable_id
from auditor.guidance import Library, Situation, Variant
from auditor.remedy import messages
from auditor.remedy.actions.guidance.text import GuidanceText, article_text
from auditor.remedy.actions.ranks import with_ranks
from auditor.remedy.kinds import ORDER
from auditor.remedy.titles import action_title

_SIDES = (("short", "target", ActionKind.BUY_HERE), ("excess", "source", ActionKind.GIVE_UP_HERE))


def actions_between(
    fleet: FleetResult,
    tenants: Sequence[TenantResult],
    policies: PolicySet,
    today: date,
    library: Library,
    *,
    l10n: Localizer,
) -> tuple[Action, ...]:
    """Return the actions for the fleet's open findings: tenants that lack seats buy before others remove spare ones.

    Each action has the guidance for the cloud and the agreement of its own tenant, because licences cannot be
    transferred between tenants. `today` is the day of the audit, in UTC.
    """
    owners = {policy.id: policy.owner for policy in policies.policies}
    tenants_by_name, titles = {tenant.name: tenant for tenant in tenants}, tenant_titles(tenants)
    open_findings = [finding for finding in fleet.findings if finding.status is Status.OPEN]
    actions: list[Action] = []
    severities: list[Severity] = []
    for key, side, kind in _SIDES:
        for finding in open_findings:
            situation = fleet_situation(finding, tenants)
            article = articles_of(finding.check, situation)[0]
            for share in finding.evidence.get(key) or ():
                name = str(share["tenant"])
                tenant = tenants_by_name.get(name)
                facts = situation if tenant is None else tenant
                # Both tenants stay in use, and the spare seats are nobody's: no person and no data moves with them.
                variant = Variant(
                    cloud=facts.cloud, agreement=facts.agreement, side=side, leaving=False, moving=False, day=today
                )
                guidance = article_text(library, article, variant, l10n)
                owner = owners.get(finding.policy, "")
                actions.append(_action(finding, share, titles.get(name, name), kind, article, guidance, owner, l10n))
                severities.append(finding.severity)
    return with_ranks(actions, severities, today, l10n)


def fleet_situation(finding: Finding, tenants: Iterable[TenantResult]) -> Situation:
    """Return the situation of a finding about several tenants; the agreement is unknown if theirs differ."""
    names = {str(share["tenant"]) for side in ("short", "excess") for share in finding.evidence.get(side, ())}
    concerned = [tenant for tenant in tenants if tenant.name in names]
    agreements = {tenant.agreement for tenant in concerned}
    clouds = {tenant.cloud for tenant in concerned}
    situation = Situation(agreement=agreements.pop() if len(agreements) == 1 else Agreement.UNKNOWN)
    return replace(situation, cloud=clouds.pop()) if len(clouds) == 1 else situation


def _action(  # noqa: PLR0913, PLR0917 - the inputs for the fields of an action
    finding: Finding,
    share: Mapping[str, Any],
    tenant_title: str,
    kind: ActionKind,
    article: str,
    guidance: GuidanceText,
    owner: str,
    l10n: Localizer,
) -> Action:
    name = str(share["tenant"])
    product, label = printable(finding.subject.name), printable(tenant_title)
    seat_note = messages.seats_owned(l10n, label, product, share.get("usable"), share.get("consumed"))
    arguments = TitleArguments(count=1, old=product, extra=(label,))
    return Action(
        id=stable_id(finding.fingerprint, kind.value, name),
        guidance=article,
        findings=(finding.fingerprint,),
        title=action_title(l10n, kind, arguments),
        title_arguments=arguments,
        role=guidance.role,
        prerequisites=(seat_note, *guidance.prerequisites),
        steps=guidance.steps,
        warnings=(*guidance.notices, *(text for text, _ in guidance.cautions)),
        links=guidance.links,
        next=guidance.next,
        checked=guidance.checked,
        kind=kind.value,
        order=ORDER[kind].value,
        count=1,
        owner=owner,
        owners=(owner,) if owner else (),
        decided_by=owner or l10n.gettext(messages.POLICY_OWNER),
        confidence="review",
        irreversible=guidance.irreversible,
    )
