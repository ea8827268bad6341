"""Limits which products are replaced: by decisions, and so that nobody is left with neither product, or with both."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.policy.decision import AnswerKind
from auditor.domain.result.finding import Finding
from auditor.guidance.routing import SEPARATE_ACCOUNTS
from auditor.remedy.actions.remedies.proposals import Downgrade, downgrade_of
from auditor.remedy.actions.remedies.targets import product_of
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.simulation.accounts import Account


def decided_downgrade(finding: Finding, product_options: ProductOptions) -> Downgrade | None:
    """Return the smaller product of a finding if it was decided that the person gets it; else None."""
    smaller = downgrade_of(finding, product_options.context)
    given = None if smaller is None else product_options.value(finding, AnswerKind.GIVE)
    if smaller is None or given is None:
        return None
    return smaller if str(given).casefold() in {smaller.names[1].casefold(), smaller.new} else None


def may_act(finding: Finding, product_options: ProductOptions) -> bool:
    """Whether requests may fix a finding.

    They may not if somebody decided to leave it, if it requires a separate account and nobody decided that the licence
    may be removed, or if the question about a smaller product is open.
    """
    if product_options.is_left(finding):
        return False
    if product_options.routes[finding.fingerprint].article == SEPARATE_ACCOUNTS:
        return product_options.value(finding, AnswerKind.RELEASE) is True
    proposed = downgrade_of(finding, product_options.context) is not None
    return not proposed or decided_downgrade(finding, product_options) is not None


def is_half_downgraded(after: Account, fixed: Iterable[Finding], product_options: ProductOptions) -> bool:
    """Whether a person would lose a product without getting the smaller one that was decided, or would have both."""
    downgrades = [
        downgrade for finding in fixed if (downgrade := decided_downgrade(finding, product_options)) is not None
    ]
    return any(downgrade.old in after.held or downgrade.new not in after.held for downgrade in downgrades)


def is_half_replaced(fixed: Iterable[Finding], findings: Iterable[Finding], product_options: ProductOptions) -> bool:
    """Whether a policy that denies one product and requires another of its kind would be only half satisfied.

    Nobody may lose a product without getting its replacement of the same kind, or get the replacement while keeping the
    product; products of different kinds are independent. A blocked account needs no replacement, whatever a policy for
    people requires, but it must not get the replacement while keeping the product either.
    """
    fixed_fingerprints = {finding.fingerprint for finding in fixed}
    unwanted: dict[str, list[Finding]] = {}
    missing: dict[str, list[Finding]] = {}
    for finding in findings:
        correction = correction_of(finding)
        if correction is Correction.REPLACE:
            unwanted.setdefault(finding.policy, []).append(finding)
        elif correction is Correction.ASSIGN:
            missing.setdefault(finding.policy, []).append(finding)
    return any(
        _is_half_fixed(old, new, fixed_fingerprints)
        for policy in unwanted.keys() & missing.keys()
        for old in unwanted[policy]
        for new in missing[policy]
        if product_options.context.replaces(product_of(new), product_of(old))
    )


def _is_half_fixed(old: Finding, new: Finding, fixed_fingerprints: AbstractSet[str]) -> bool:
    """Whether one of the two is fixed without the other."""
    removes, adds = old.fingerprint in fixed_fingerprints, new.fingerprint in fixed_fingerprints
    return removes != adds and (adds or new.evidence.get("accountEnabled") is not False)
