"""Remedies that change nothing before somebody has decided: separate accounts for roles, smaller products."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from auditor.domain.actions.kind import ActionKind
from auditor.domain.policy.model import Assignments, Policy
from auditor.domain.result.model import Finding, Money
from auditor.domain.translation import N_
from auditor.remedy.actions.context import RemediationContext, RoutedFinding
from auditor.remedy.actions.model import Remedy

SMALLER: Final = "smallerProduct"
"""The evidence that names a smaller product."""
_PARTS: Final[Mapping[str, str]] = {
    "desktopApps": N_("desktop apps"),
    "exchange": "Exchange",
    "onedrive": "OneDrive",
    "sharepoint": "SharePoint",
    "skype": "Skype for Business",
    "yammer": "Viva Engage",
    "teams": "Teams",
    "copilot": "Copilot",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Downgrade:
    """A smaller product that would do for somebody, as far as the reports of use show."""

    old: str
    """SkuId."""
    new: str
    """SkuId, also of a product that the tenant does not own."""
    names: tuple[str, str]
    """Part numbers, or ids, of both."""
    saves: Money
    """Each month."""
    lost: tuple[str, ...]
    """What would end: parts that are not used, and areas of which no report shows the use."""


def asks_to_downgrade(policy: Policy | None) -> bool:
    """Whether a policy asks to propose smaller products."""
    return (
        policy is not None and isinstance(policy.constraint, Assignments) and policy.constraint.downgrade_to is not None
    )


def downgrade_of(finding: Finding, known: RemediationContext) -> Downgrade | None:
    """Return the smaller product that the evidence of a finding names where its policy asks for a proposal."""
    proposal = finding.evidence.get(SMALLER)
    if not isinstance(proposal, Mapping) or not asks_to_downgrade(known.policies.get(finding.policy)):
        return None
    if finding.product is not None and finding.product.sku_id != proposal["heldSkuId"]:
        return None
    return Downgrade(
        old=proposal["heldSkuId"],
        new=proposal["productSkuId"],
        names=(proposal["held"], proposal["product"]),
        saves=Money(currency=proposal["currency"], per_month=Decimal(proposal["savesPerMonth"])),
        lost=tuple(_PARTS.get(name, name) for name in (*_texts(proposal.get("unused")), *_texts(proposal.get("lost")))),
    )


def _texts(value: Any) -> Sequence[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def downgrade(findings: Sequence[Finding], routed: RoutedFinding, smaller: Downgrade) -> Remedy:
    """Ask whether a smaller product is enough for a person."""
    return Remedy(
        kind=ActionKind.DOWNGRADE,
        findings=tuple(findings),
        situation=routed.situation,
        article="move-users",
        subject=findings[0].subject.id,
        old=smaller.old,
        new=smaller.new,
        lost=smaller.lost,
    )


def separate_account(findings: Sequence[Finding], routed: RoutedFinding) -> Remedy:
    """Leave the products of an everyday account that has a role; the role is what goes."""
    return Remedy(
        kind=ActionKind.SEPARATE,
        findings=tuple(findings),
        situation=routed.situation,
        article=routed.article,
        subject=findings[0].subject.id,
    )
