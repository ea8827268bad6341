"""Checks replacements of products: nobody may be left with neither product, or with both."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.remedies.targets import product_of
from auditor.remedy.planner.proposals.product_options import ProductOptions


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
        if product_options.context.replaces(policy, product_of(new), product_of(old))
    )


def _is_half_fixed(old: Finding, new: Finding, fixed_fingerprints: AbstractSet[str]) -> bool:
    """Whether one of the two is fixed without the other."""
    removes, adds = old.fingerprint in fixed_fingerprints, new.fingerprint in fixed_fingerprints
    return removes != adds and (adds or new.evidence.get("accountEnabled") is not False)
