"""Reads from findings about people the product, the groups that give it, and the usage location."""

from collections.abc import Mapping, Sequence
from typing import Any

from auditor.domain.policy.model import Attributes
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.context import RemediationContext
from auditor.result.seats import is_for_people


def sku_of(finding: Finding) -> str:
    """Return the skuId of a finding's product; empty if it names no single product."""
    return (finding.product.sku_id or "") if finding.product is not None else ""


def product_of(finding: Finding) -> str:
    """Return the skuId of a finding's product, or the text of the policy if that names no single product."""
    return sku_of(finding) or written_of(finding)


def written_of(finding: Finding) -> str:
    """Return the product of a finding as the policy writes it."""
    return (finding.product.sku_part_number or "") if finding.product is not None else ""


def groups_of(finding: Finding) -> tuple[str, ...]:
    """Return the ids of the groups that give the product of a finding."""
    return given_by(finding.evidence.get("paths"))


def given_by(paths: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:
    """Return the ids of the groups in assignment paths."""
    return tuple([str(path["assignedByGroup"]) for path in paths or () if path.get("assignedByGroup")])


def target_of(finding: Finding, context: RemediationContext) -> str:
    """Return the skuId of the product that a person lacks, or the text of the policy if it names no single product."""
    written = written_of(finding)
    members = context.members.get(written)
    if members is not None:
        return members[0] if len(members) == 1 else written
    return context.skus.get(written.casefold(), written)


def is_assignable(name: str, context: RemediationContext) -> bool:
    """Whether a name is the skuId of a product that people can hold."""
    return name in context.seats and is_for_people(context.seats[name])


def known_location(finding: Finding, context: RemediationContext) -> str | None:
    """Return the usage location if the finding's policy allows exactly one; a country is never guessed."""
    policy = context.policies.get(finding.policy)
    if policy is None or not isinstance(policy.constraint, Attributes) or (finding.detail or "") != "usageLocation":
        return None
    values = [value for name, allowed in policy.constraint.allow if name == "usageLocation" for value in allowed]
    return values[0].upper() if len(values) == 1 and isinstance(values[0], str) and len(values[0]) == 2 else None
