"""Translates the actions and starter policies of a Result for one locale."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.result.model import PolicyHeader, Result, TenantResult
from auditor.gc_pause import paused_gc

if TYPE_CHECKING:
    from datetime import date

    from auditor.domain.policy.model import PolicySet
    from auditor.domain.translation import Localizer
    from auditor.localization.localization import Localization

_RESULT_LANGUAGE = "en"
"""The language of saved results."""


def localized_result(result: Result, locale: str) -> Result:
    """Return the result with the texts of actions and starter policies in `locale`.

    Formats for machines use the original result, which is English.
    """
    if locale.lower() == _RESULT_LANGUAGE:
        return result  # the result is already in this language
    from auditor.localization import localization  # noqa: PLC0415

    l10n = localization(locale)
    if l10n.language == _RESULT_LANGUAGE:
        return result
    from auditor.app.audit.merge import policies_of  # noqa: PLC0415
    from auditor.app.audit.remediation import fleet_with_actions  # noqa: PLC0415

    policy_set, today = policies_of(result), result.run.as_of.date()
    with paused_gc():
        tenants = tuple(_localized_tenant(tenant, policy_set, today, l10n) for tenant in result.tenants)
    by_id = {action.id: action for action in fleet_with_actions(result, policy_set, l10n=l10n).actions}
    actions = tuple(_action(action, by_id.get(action.id, action)) for action in result.fleet.actions)
    fleet = replace(result.fleet, actions=actions)
    policies = tuple(_policy(header, l10n) for header in result.run.policies)
    return replace(result, run=replace(result.run, policies=policies), tenants=tenants, fleet=fleet)


def _policy(header: PolicyHeader, l10n: "Localization") -> PolicyHeader:
    """Return a policy with its texts, and the titles of Microsoft's pages, in the language of `l10n`."""
    references = header.references and tuple(
        replace(reference, title=l10n.gettext(reference.title)) for reference in header.references
    )
    title, rationale = l10n.policy(header.title), l10n.policy(header.rationale)
    return replace(header, title=title, rationale=rationale, references=references)


def _localized_tenant(tenant: TenantResult, policies: "PolicySet", today: "date", l10n: "Localizer") -> TenantResult:
    """Return a tenant with its actions in the language of `l10n`."""
    from auditor.app.audit.remediation import tenant_actions  # noqa: PLC0415
    from auditor.findings.action_table import mapped  # noqa: PLC0415

    by_id = {action.id: action for action in tenant_actions(tenant, policies, today, l10n=l10n)}
    actions = mapped(tenant.actions, lambda action: _action(action, by_id.get(action.id, action)))
    return replace(_with_verified_titles(tenant, l10n), actions=actions)


def localized_verification(result: Result, locale: str) -> Result:
    """Return the result with the titles of verified actions in `locale`; other texts are unchanged."""
    from auditor.localization import localization  # noqa: PLC0415

    l10n = localization(locale)
    return replace(result, tenants=tuple(_with_verified_titles(tenant, l10n) for tenant in result.tenants))


def _with_verified_titles(tenant: TenantResult, l10n: "Localizer") -> TenantResult:
    """Return a tenant with the action titles of its verified plan in the language of `l10n`; plans are in English."""
    verification = tenant.verification
    if verification is None:
        return tenant
    from auditor.remedy.titles import saved_title  # noqa: PLC0415  only with a verified plan

    actions = (replace(action, title=saved_title(l10n, action)) for action in verification.actions)
    return replace(tenant, verification=replace(verification, actions=tuple(actions)))


def _action(action: Action, localized: Action) -> Action:
    return replace(
        action,
        title=localized.title,
        title_arguments=localized.title_arguments,
        role=localized.role,
        prerequisites=localized.prerequisites,
        steps=localized.steps,
        warnings=localized.warnings,
        links=localized.links,
        next=localized.next,
        decided_by=localized.decided_by,
        why=localized.why,
    )
