"""Where findings can be mended: by requests to Graph, in the local directory, or where licences are bought."""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.checks.seats.quota_exceeded import CHECK as QUOTA_EXCEEDED
from auditor.domain.enums import SubjectType
from auditor.domain.result.model import Finding
from auditor.remedy.actions.targets import groups_of
from auditor.remedy.planner.simulation.memberships import Memberships

_LEAVES: Final = frozenset({Correction.REPLACE, Correction.REMOVE, Correction.CHOOSE})
"""Corrections by which somebody leaves the group that gives a product."""


class Place(StrEnum):
    """Where a finding can be mended."""

    GRAPH = "graph"
    """People, their licences, and groups: requests to Microsoft Graph change them."""
    PREMISES = "premises"
    """People and groups that are synchronised from on premises: the local directory holds what has to change."""
    PURCHASE = "purchase"
    """Products, subscriptions, contracts and budgets: somebody buys, renews or cancels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The open findings of one place."""

    place: Place
    open: int
    mended: int
    """Those of them that are gone once the plan is carried out."""


def reach_of(findings: Iterable[Finding], fixed: AbstractSet[str], memberships: Memberships) -> tuple[Reach, ...]:
    """Count open findings by place; `fixed` are the fingerprints of those that are gone after the plan."""
    opened: Counter[Place] = Counter()
    mended: Counter[Place] = Counter()
    for finding in findings:
        place = place_of(finding, memberships)
        opened[place] += 1
        mended[place] += finding.fingerprint in fixed
    return tuple(Reach(place=place, open=opened[place], mended=mended[place]) for place in Place)


def place_of(finding: Finding, memberships: Memberships) -> Place:
    """Return where a finding can be mended.

    A licence of a group that is synchronised, and of a dynamic group whose rule looks at an account that is, changes in
    the local directory; so do the properties of such an account, except its usage location.
    """
    if finding.subject.type not in {SubjectType.USER, SubjectType.GROUP} and finding.check != QUOTA_EXCEEDED.id:
        return Place.PURCHASE
    local = finding.evidence.get("onPremisesSyncEnabled") is True
    leaves = correction_of(finding) in _LEAVES
    refusals = {memberships.refusal(group) for group in groups_of(finding)} if leaves else set[str | None]()
    if "synced" in refusals or (local and "dynamic" in refusals):
        return Place.PREMISES
    attribute = correction_of(finding) in {Correction.SET_ATTRIBUTE, Correction.CORRECT_ATTRIBUTE}
    return Place.PREMISES if local and attribute and finding.detail != "usageLocation" else Place.GRAPH
