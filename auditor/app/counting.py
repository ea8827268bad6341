"""The findings of a tenant, walked once a few people at a time, into what they come to and what is to be done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Final

from auditor.app.audit.remediation import group_names, packaged_library
from auditor.domain.described import Concern, Counted, Tally, quota
from auditor.domain.enums import Severity, SubjectType
from auditor.domain.policy import PolicySet
from auditor.domain.result import Action, Finding, TenantResult
from auditor.engine.outcome import FindingCount
from auditor.engine.retelling import Retelling
from auditor.engine.spilling import Scratch
from auditor.remedy.actions.build import ActionContext, actions_from, office_of
from auditor.remedy.actions.context import RemediationContext, RoutedFinding, circumstances, situations_of
from auditor.remedy.actions.groups import ActionGroup, ActionGroups
from auditor.remedy.actions.remedies import mended
from auditor.remedy.actions.seat_ledger import settle_seats
from auditor.remedy.messages import ENGLISH, Words
from auditor.remedy.shelving import Shelf
from auditor.result.aggregate import added, sums, unpriced, waived

SHOWN: Final = 50_000
"""Findings about people that are held beside those about everything else, shared out among policies and checks: of
each there is one at least."""
_REQUESTS: Final = 1 << 14
_MARKS: Final = 1 << 18
"""Requests and fingerprints that wait in memory at most."""
SITUATIONS: Final = 1 << 14
"""Situations that are remembered."""
_POLICY: Final = attrgetter("policy")

Key = tuple[str, str]
"""A policy, by its id, and a check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What one walk over the findings of a tenant told."""

    counted: Counted
    shown: tuple[Finding, ...]
    """With their guidance."""
    office: ActionContext
    piles: ActionGroups
    shelf: Shelf

    def actions(self, words: Words = ENGLISH) -> tuple[Action, ...]:
        """Return the tenant's actions in a language."""
        office = replace(self.office, words=words)
        return actions_from(office, [(pile, *self.shelf.of(pile)) for pile in self.piles])


def walk(
    told: Retelling,
    tenant: TenantResult,
    policies: PolicySet,
    raised: Mapping[str, FindingCount],
    scratch: Scratch,
    *,
    shown: int,
) -> Walked:
    """Walk the findings of a tenant once; `raised` is what each policy found.

    Raises OSError where the disk of the scratch file is full.
    """
    keys = told.keys
    walking = _Walking(
        tenant=tenant,
        policies=policies,
        order={key: place for place, key in enumerate(keys)},
        quota=dict.fromkeys(keys, quota(shown, len(told), len(keys))),
        shelf=Shelf(scratch),
    )
    for found in told.by_person():
        walking.take(found)
    things = told.about_things()
    for finding in things:
        walking.quota[finding.policy, finding.check] = len(things)
    walking.take(things, last=True)
    return walking.concluded(things, raised)


@dataclass(slots=True, kw_only=True)
class _Walking:
    tenant: TenantResult
    policies: PolicySet
    order: Mapping[Key, int]
    quota: dict[Key, int]
    """How many more of each may be shown."""
    shelf: Shelf
    piles: ActionGroups = field(default_factory=lambda: ActionGroups({}, named=True))
    shown: dict[Key, list[Finding]] = field(default_factory=dict)
    worth: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    total: dict[str, Decimal] = field(default_factory=dict)
    waivers: Counter[str] = field(default_factory=Counter)
    people: int = 0
    unpriced: bool = False
    groups: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    situated: dict[tuple[object, ...], RoutedFinding] = field(default_factory=dict)
    chosen: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def take(self, found: Sequence[Finding], *, last: bool = False) -> None:
        """Take all findings about some people, or all about things, which come last, in the order of reports."""
        known = self._circumstances(found)
        situations = situations_of(known)
        placed = mended(known, found, situations)
        order = self.order
        self.piles.take((order[first.policy, first.check], remedy) for first, remedies in placed for remedy in remedies)
        if last:
            settle_seats(self.piles, known)
        self._show(found, situations)
        self._count(found)
        self.groups.update(group_names(found))
        piles = list(self.piles)
        if sum(len(p.requests) for p in piles) > _REQUESTS or sum(len(p.marks) for p in piles) > _MARKS:
            self.shelf.clear(piles)

    def _circumstances(self, found: Sequence[Finding]) -> RemediationContext:
        if len(self.situated) > SITUATIONS:
            self.situated.clear()
        known = circumstances(replace(self.tenant, findings=found), self.policies)
        self.held |= known.held
        return replace(known, situated=self.situated, chosen=self.chosen)

    def _show(self, found: Sequence[Finding], situations: Sequence[RoutedFinding]) -> None:
        quota = self.quota
        for finding, way in zip(found, situations, strict=True):
            key = finding.policy, finding.check
            if quota[key]:
                quota[key] -= 1
                self.shown.setdefault(key, []).append(finding.told(guidance=way.article))

    def _count(self, found: Sequence[Finding]) -> None:
        self.total = added((self.total, sums(found)))
        for policy, own in groupby(found, _POLICY):
            self.worth[policy] = added((self.worth.get(policy, {}), sums(list(own))))
        self.waivers += waived(found)
        self.people += len({each.subject.id for each in found if each.subject.type is SubjectType.USER})
        self.unpriced = self.unpriced or unpriced(found)

    def concluded(self, things: Sequence[Finding], raised: Mapping[str, FindingCount]) -> Walked:
        known = circumstances(replace(self.tenant, findings=things), self.policies)
        office = office_of(replace(known, held=self.held), packaged_library(), groups=self.groups)
        policies = dict.fromkeys(policy for policy, _ in self.order)
        severities = {policy.id: policy.severity for policy in self.policies.policies}
        counted = Counted(
            policies={
                policy: Tally(
                    severity=severities[policy],
                    found=raised[policy].found,
                    waived=raised[policy].found - raised[policy].open,
                    worth=self.worth.get(policy, {}),
                )
                for policy in policies
            },
            worth=self.total,
            unpriced=self.unpriced,
            waivers=dict(self.waivers),
            people=self.people,
            concerns={office.identity(pile): _concern(pile) for pile in self.piles},
        )
        shown = tuple(finding for key in self.order for finding in self.shown.get(key, ()))
        return Walked(counted=counted, shown=shown, office=office, piles=self.piles, shelf=self.shelf)


def _concern(pile: ActionGroup) -> Concern:
    severity = tuple(Severity)[pile.worst[0]]
    return Concern(worst=severity, people=pile.people if pile.names else 0, names=tuple(pile.names))
