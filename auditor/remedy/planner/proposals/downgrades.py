"""Applies decisions about smaller products to proposals."""

from collections.abc import Iterable

from auditor.domain.policy.decision import AnswerKind
from auditor.domain.result.finding import Finding
from auditor.guidance.routing import SEPARATE_ACCOUNTS
from auditor.remedy.actions.guidance.routes import route_of
from auditor.remedy.actions.remedies.proposals import Downgrade, downgrade_of
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.simulation.accounts import Account


def decided_downgrade(finding: Finding, product_options: ProductOptions) -> Downgrade | None:
    """Return the smaller product of a finding if it was decided that the person gets it; else None."""
    smaller = downgrade_of(finding, product_options.context)
    replacement = product_options.value(finding, AnswerKind.GIVE)
    return smaller if smaller is not None and replacement is not None and _named(smaller, str(replacement)) else None


def may_act(finding: Finding, product_options: ProductOptions) -> bool:
    """Whether requests may fix a finding.

    They may not if somebody decided to leave it, if it requires a separate account and nobody decided that the licence
    may be removed, or if the question about a smaller product is open.
    """
    if product_options.is_left(finding):
        return False
    if route_of(finding, product_options.context).article == SEPARATE_ACCOUNTS:
        return product_options.value(finding, AnswerKind.RELEASE) is True
    proposed = downgrade_of(finding, product_options.context) is not None
    return not proposed or decided_downgrade(finding, product_options) is not None


def is_half_downgraded(after: Account, fixed: Iterable[Finding], product_options: ProductOptions) -> bool:
    """Whether a person would lose a product without getting the smaller one that was decided, or would have both."""
    downgrades = [
        downgrade for finding in fixed if (downgrade := decided_downgrade(finding, product_options)) is not None
    ]
    return any(downgrade.old in after.held or downgrade.new not in after.held for downgrade in downgrades)


def _named(smaller: Downgrade, name: str) -> bool:
    return name.casefold() in {smaller.names[1].casefold(), smaller.new}
