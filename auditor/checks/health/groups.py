"""The groups of a tenant that assign licences."""

from collections.abc import Iterator
from typing import Any

from auditor.domain.enums import Source, SubjectType
from auditor.domain.message import Message
from auditor.domain.result import Subject
from auditor.engine.scope import TenantScope
from auditor.engine.tenant_facts import GroupFact


def licensed_groups(scope: TenantScope) -> Iterator[GroupFact]:
    """Yield every licensed group; none where groups were not read or not listed by their licences."""
    facts = scope.facts
    if not scope.readable(Source.GROUPS):
        return
    asked = facts.coverage(Source.GROUPS).asked
    # Other programs need not say what they asked of groups: a list that was read holds the licensed ones.
    if asked and "hasMembersWithLicenseErrors" not in asked:
        scope.unknown.add(
            "groups.hasMembersWithLicenseErrors",
            Message("the licensed groups were not listed; collect the snapshot again"),
        )
        return
    yield from (group for group in facts.groups if group.sku_ids)


def subject_of(group: GroupFact) -> Subject:
    """Return a group as the subject of a finding."""
    return Subject(type=SubjectType.GROUP, id=group.id, name=group.name)


def evidence_of(scope: TenantScope, group: GroupFact) -> dict[str, Any]:
    """Return what findings about a group show."""
    return {
        "licenseProcessingState": group.processing_state,
        "hasMembersWithLicenseErrors": group.has_errors,
        "assignedLicenses": [_part_number(scope, sku_id) for sku_id in group.sku_ids],
    }


def _part_number(scope: TenantScope, sku_id: str) -> str:
    index = scope.facts.index.get(sku_id)
    product = scope.facts.catalogue.product(sku_id)
    known = scope.facts.skus[index].part_number if index is not None else product.part_number if product else None
    return known or sku_id
