"""Products that replace others: nobody is left with neither, or with both."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.remedies.targets import product_of
from auditor.remedy.planner.proposals.product_options import ProductOptions


def half_done(fixed: Iterable[Finding], findings: Iterable[Finding], product_options: ProductOptions) -> bool:
    """Whether a policy that denies one product and asks for another would be followed in one of the two only.

    Nobody loses a product while the one of its kind that is to take its place does not come, and nobody is given a
    second one beside the first; products of different kinds have nothing to do with each other. A blocked account needs
    no replacement, whatever a policy for people asks; what it is given all the same may not come beside the first.
    """
    done = {finding.fingerprint for finding in fixed}
    unwanted: dict[str, list[Finding]] = {}
    missing: dict[str, list[Finding]] = {}
    for finding in findings:
        correction = correction_of(finding)
        if correction is Correction.REPLACE:
            unwanted.setdefault(finding.policy, []).append(finding)
        elif correction is Correction.ASSIGN:
            missing.setdefault(finding.policy, []).append(finding)
    return any(
        _apart(old, new, done)
        for policy in unwanted.keys() & missing.keys()
        for old in unwanted[policy]
        for new in missing[policy]
        if product_options.context.replaces(policy, product_of(new), product_of(old))
    )


def _apart(old: Finding, new: Finding, done: AbstractSet[str]) -> bool:
    """Whether one of the two is fixed without the other."""
    going, coming = old.fingerprint in done, new.fingerprint in done
    return going != coming and (coming or new.evidence.get("accountEnabled") is not False)
