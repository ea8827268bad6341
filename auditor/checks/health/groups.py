"""The groups of a tenant that assign licences."""

from collections.abc import Iterator
from typing import Any

from auditor.checks.check import Check
from auditor.domain.enums import Source, SubjectType
from auditor.domain.message import Message
from auditor.domain.policy.model import Health
from auditor.domain.result.finding import Subject
from auditor.domain.translation import N_
from auditor.engine.groups import GroupFact
from auditor.engine.not_evaluated import unread_source
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.extent import Extent, PolicyExtent
from auditor.engine.scope import TenantScope


def licensed_groups(scope: TenantScope, fact: str = "assignedLicenses") -> Iterator[GroupFact]:
    """Yield every licensed group; none if groups were not read, or without the property `fact`."""
    facts = scope.facts
    if not scope.readable(Source.GROUPS):
        return
    asked = facts.coverage(Source.GROUPS).asked
    # Snapshots of other programs need not list the requested properties; their groups are then assumed to be complete.
    if asked and fact not in asked:
        scope.unknown.add(f"groups.{fact}", Message("the licensed groups were not listed; collect the snapshot again"))
        return
    yield from (group for group in facts.groups if group.sku_ids)


def subject_of(group: GroupFact) -> Subject:
    """Return a group as the subject of a finding."""
    return Subject(type=SubjectType.GROUP, id=group.id, name=group.name)


def evidence_of(scope: TenantScope, group: GroupFact) -> dict[str, Any]:
    """Return the evidence of findings about a group."""
    return {
        "licenseProcessingState": group.processing_state,
        "hasMembersWithLicenseErrors": group.has_errors,
        "assignedLicenses": [scope.facts.sku_of(sku_id).label for sku_id in group.sku_ids],
    }


def members_unknown(scope: TenantScope, group: GroupFact) -> None:
    """Record that the direct members of a group are not known, and why; the reason is the same for all groups."""
    reason = Message("the direct members of some licensed groups were not read; collect the snapshot again")
    if group.hidden_membership:
        reason = Message("the membership of some licensed groups is hidden")
    else:
        scope.unknown.add_all(unread_source(scope.facts, Source.MEMBERS))
    scope.unknown.add("groups.memberCount", reason)


def membership_of(scope: TenantScope, group: GroupFact, **facts: Any) -> dict[str, Any]:
    """Return the evidence of findings about the members of a group: its products and the given facts."""
    return {"assignedLicenses": evidence_of(scope, group)["assignedLicenses"], **facts}


def group_extent(bound: BoundPolicies, _block: object, _people: PolicyExtent) -> PolicyExtent:
    """Count the groups that assign licences."""
    licensed = sum(bool(group.sku_ids) for group in bound.facts.groups)
    return PolicyExtent(licensed, not licensed)


class GroupCheck(Check[Health], frozen=True, kw_only=True):
    """A check about one group that assigns licences."""

    block: type[Health] = Health
    subject: SubjectType = SubjectType.GROUP
    once_per: str = N_("group")
    sources: tuple[Source, ...] = (Source.GROUPS,)
    extent: Extent | None = group_extent
