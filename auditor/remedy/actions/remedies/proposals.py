"""Proposals of smaller products, which change nothing before somebody has decided."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from auditor.domain.actions.kind import ActionKind
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding
from auditor.domain.source_titles import SERVICE_NAMES
from auditor.domain.translation import N_
from auditor.remedy.actions.context import RemediationContext, RoutedFinding
from auditor.remedy.actions.remedies.model import Remedy

SMALLER: Final = "smallerProduct"
"""The key of a smaller product in the evidence of a finding."""
_PARTS: Final[Mapping[str, str]] = {
    **SERVICE_NAMES,
    "desktopApps": N_("desktop apps"),
}


class Downgrade(Struct, frozen=True, kw_only=True):
    """A smaller product that is enough for a person, as far as usage reports show."""

    old: str
    """SkuId."""
    new: str
    """SkuId, also of a product that the tenant does not own."""
    names: tuple[str, str]
    """Part numbers, or ids, of both."""
    saves: Money
    """Per month."""
    lost: tuple[str, ...]
    """What the person would lose: unused parts, and areas that no usage report covers."""


def asks_to_downgrade(context: RemediationContext, policy: str) -> bool:
    """Whether a policy asks to propose smaller products."""
    block = context.assignments(policy)
    return block is not None and block.downgrade_to is not None


def downgrade_of(finding: Finding, context: RemediationContext) -> Downgrade | None:
    """Return the smaller product in the evidence of a finding; None unless its policy asks for a proposal."""
    proposal = finding.evidence.get(SMALLER)
    if proposal is None or not isinstance(proposal, Mapping) or not asks_to_downgrade(context, finding.policy):
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
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def downgrade(findings: Sequence[Finding], route: RoutedFinding, smaller: Downgrade) -> Remedy:
    """Ask whether a smaller product is enough for a person."""
    return Remedy(
        ActionKind.DOWNGRADE,
        tuple(findings),
        route.situation,
        "move-users",
        old=smaller.old,
        new=smaller.new,
        lost=smaller.lost,
    )
