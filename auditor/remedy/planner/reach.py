"""Determines where findings can be fixed: by requests to Graph, in the local directory, or by purchases."""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final

from msgspec import Struct

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.checks.seats.quota_exceeded import CHECK as QUOTA_EXCEEDED
from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.remedies.targets import groups_of
from auditor.remedy.planner.simulation.memberships import Memberships

_LEAVES: Final = frozenset({Correction.REPLACE, Correction.REMOVE, Correction.CHOOSE})
"""Corrections by which somebody leaves the group that gives a product."""


class FixLocation(StrEnum):
    """Where a finding can be fixed."""

    GRAPH = "graph"
    """People, their licences, and groups: changed by requests to Microsoft Graph."""
    PREMISES = "premises"
    """People and groups that are synchronised from on premises: changed in the local directory."""
    PURCHASE = "purchase"
    """Products, subscriptions, contracts and budgets: changed by buying, renewing or cancelling."""


class Reach(Struct, frozen=True, kw_only=True):
    """The number of open findings that can be fixed in one location."""

    location: FixLocation
    open: int
    fixed: int
    """The number of these that are fixed once the plan is carried out."""


def reach_of(findings: Iterable[Finding], fixed: AbstractSet[str], memberships: Memberships) -> tuple[Reach, ...]:
    """Count open findings by location; `fixed` are the fingerprints of those that the plan fixes."""
    opened: Counter[FixLocation] = Counter()
    resolved: Counter[FixLocation] = Counter()
    for finding in findings:
        location = fix_location_of(finding, memberships)
        opened[location] += 1
        resolved[location] += finding.fingerprint in fixed
    return tuple(Reach(location=location, open=opened[location], fixed=resolved[location]) for location in FixLocation)


def fix_location_of(finding: Finding, memberships: Memberships) -> FixLocation:
    """Return where a finding can be fixed.

    Licences from a synchronised group, or from a dynamic group if the account is synchronised, are changed in the local
    directory; so are the properties of a synchronised account, except its usage location.
    """
    if finding.subject.type not in {SubjectType.USER, SubjectType.GROUP} and finding.check != QUOTA_EXCEEDED.id:
        return FixLocation.PURCHASE
    local = finding.evidence.get("onPremisesSyncEnabled") is True
    leaves = correction_of(finding) in _LEAVES
    refusals = {memberships.refusal(group) for group in groups_of(finding)} if leaves else set[str | None]()
    if "synced" in refusals or (local and "dynamic" in refusals):
        return FixLocation.PREMISES
    attribute = correction_of(finding) in {Correction.SET_ATTRIBUTE, Correction.CORRECT_ATTRIBUTE}
    return FixLocation.PREMISES if local and attribute and finding.detail != "usageLocation" else FixLocation.GRAPH
