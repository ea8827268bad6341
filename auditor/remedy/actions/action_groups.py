"""Groups remedies: each group becomes one action for a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from heapq import nsmallest
from operator import itemgetter
from typing import Any, Final

from msgspec.structs import replace

from auditor.domain.actions.action import Concern
from auditor.domain.actions.kind import NUMBERED, RENEWED, ActionKind
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.enums import Severity, SubjectType
from auditor.domain.result.finding import Finding
from auditor.findings.person_names import NAMED
from auditor.guidance import Situation, Variant
from auditor.remedy.actions.breakdown import Breakdown, BreakdownPart, parts_of, subject_of
from auditor.remedy.actions.remedies.model import Remedy
from auditor.remedy.actions.subscription_terms import day_of
from auditor.remedy.requests import RequestKind

COUNTED_IN_SEATS: Final = NUMBERED | {ActionKind.QUOTA, ActionKind.COVER, ActionKind.CAP}
_ONE_PER_PRODUCT: Final = COUNTED_IN_SEATS | RENEWED | {ActionKind.BOUNDS}
"""Kinds with one action per product, whichever articles the findings lead to."""
_NOTICE: Final = "contract.notice"
AT_GROUPS: Final = frozenset(
    {ActionKind.LEAVE_GROUP, ActionKind.MOVE_GROUP, ActionKind.GROUP_LICENCE, ActionKind.GROUP_SWAP}
)

SortKey = tuple[int, str, str]
"""The sort key of remedies: rank of the severity, policy and check of the first finding about their subject."""
UNSORTED: Final[SortKey] = (0, "", "")
"""The sort key of remedies that are already in order."""
FindingRank = tuple[int, str]
"""Rank of the severity, and fingerprint: the lowest is the worst finding of an action."""


class ActionGroup:
    """Remedies of one kind that become one action."""

    doubtful = 0
    """People who lose the product by other actions, and whom a quota may count."""

    def __init__(self, number: int, remedy: Remedy, key: SortKey, subject: tuple[str, ...]) -> None:
        self.number = number
        self._lead(remedy, subject)
        self.worst: FindingRank = (1 << 30, "")
        self.policies: dict[str, FindingRank] = {}
        """The worst finding of each policy."""
        self.variants: tuple[Variant, ...] = ()
        """The distinct facts that select the text of the guidance."""
        self.lost: frozenset[str] = frozenset()
        self.seats = 0
        self.people = 0
        """The number of people or objects."""
        self.names: list[str] = []
        """The first few people in alphabetical order, if `name` was called."""
        self.fingerprints: list[str] = []
        """Fingerprints of the findings of remedies passed to `add`."""
        self.requests: list[tuple[SortKey, Mapping[str, Any]]] = []
        """Requests of remedies passed to `add`, each with its sort key."""
        self.dates: set[str] = set()
        """The next dates of the subscriptions that the findings name, as days."""
        self.moved: SeatMovement | None = None
        """How all actions together change the seats that it is about."""
        self.lacking: dict[str, int] = {}
        """SkuId → seats that are missing for everybody who should get one; 0 if another action shows how many."""
        self.covered = 0
        """Seats to buy that are covered by a larger product, which another action buys."""
        self.replacing = 0
        """Seats to buy that replace seats which other actions remove."""
        self.kept: dict[str, int] = {}
        """Policy → spare seats that are not removed, because it counts them for people."""
        self.counted_for: dict[str, bool] = {}
        """Policy that counts the removed seats for people → whether seats to buy replace them, or may be too few."""
        self.ended = False
        """Whether it is about a contract that has ended."""
        self.unneeded = False
        """Whether it is about a subscription without which the product has enough seats."""
        self.asked_elsewhere = False
        """Whether another action asks whether the same product is kept."""
        self.seats_resolved: list[str] = []
        """Products whose findings about seats are resolved by this action together with the others."""
        smallest = next(iter(remedy.extra), "") if remedy.kind is ActionKind.OVERLAP else ""
        self.breakdown = Breakdown(smallest=smallest) if remedy.combines_products else None
        self._article = ""
        """The article of the worst finding; empty if that finding is not the first of its remedy."""
        self._order = (not remedy.extra, key)
        self._subjects: dict[str, Finding] = {}
        self._parts: set[tuple[str, BreakdownPart]] = set()
        """The people of remedies passed to `add`, with the parts of the breakdown that count them."""
        self._subscription_seats: dict[str, int] = {}

    @property
    def concern(self) -> Concern:
        """The people whom its action concerns, the worst severity of its findings, and their policies."""
        severity = tuple(Severity)[self.worst[0]] if self.worst[0] < len(Severity) else Severity.INFO
        return Concern(
            worst=severity,
            people=self.people if self.names else 0,
            names=tuple(self.names),
            policies=tuple(sorted(self.policies, key=lambda policy: (self.policies[policy][0], policy))),
        )

    @property
    def article(self) -> str:
        """The article that shows what to do."""
        return self._article or self.first.article

    @property
    def people_by_product(self) -> Mapping[str, int]:
        """SkuId of each product that is removed or concerned → number of people."""
        if self.breakdown is not None:
            return self.breakdown.products
        return dict.fromkeys(self.first.old_products, self.people)

    @property
    def bought_seats(self) -> int:
        """The seats that it buys; 0 if it buys none."""
        if self.first.kind not in {ActionKind.BUY, ActionKind.COVER}:
            return 0
        return max(0, self.seats - self.covered)

    @property
    def ordered_policies(self) -> list[str]:
        """The policies behind it, the one with the worst finding first."""
        return sorted(self.policies, key=self.policies.__getitem__)

    @property
    def documents(self) -> list[Mapping[str, Any]]:
        """The requests in the order of their remedies."""
        return [document for _, document in sorted(self.requests, key=itemgetter(0))]

    def add(self, remedy: Remedy, key: SortKey) -> None:
        """Add a remedy with its findings and requests."""
        for finding in remedy.findings:
            weight = finding.severity.rank, finding.fingerprint
            self.weigh(finding.policy, weight, remedy.article if finding is remedy.findings[0] else "")
            self.fingerprints.append(weight[1])
            self._subjects[finding.subject.id] = finding
            if (day := _day(finding)) is not None:
                self.dates.add(day)
        if self.breakdown is not None:
            self._parts.update((remedy.subject, part) for part in parts_of(remedy))
        seats = remedy.seats
        if any(finding.subject.type is SubjectType.SUBSCRIPTION for finding in remedy.findings):
            # Seats of different subscriptions are added up.
            of_subscriptions = self._subscription_seats
            of_subscriptions[remedy.subject] = max(of_subscriptions.get(remedy.subject, 0), seats)
            seats = sum(of_subscriptions.values())
        self.seats = max(self.seats, seats)
        self.requests += [(key, request.document) for request in remedy.requests]

    def lead(self, remedy: Remedy, key: SortKey, subject: tuple[str, ...], variant: Variant) -> None:
        """Make a remedy the leading one if it is the first by its key, and add its variant and lost services."""
        order = (not remedy.extra, key)
        if order < self._order:
            self._order = order
            self._lead(remedy, subject)
        if variant not in self.variants:
            self.variants += (variant,)
        if remedy.lost:
            self.lost |= set(remedy.lost)

    def weigh(self, policy: str, weight: FindingRank, article: str = "") -> None:
        """Record the weight of a finding of a policy, and its article if that may not be the leading remedy's."""
        current = self.policies.get(policy)
        if current is None or weight < current:
            self.policies[policy] = weight
            if weight < self.worst:
                self.worst, self._article = weight, article

    def name(self, count: int, labels: Sequence[str]) -> None:
        """Count people who were not counted before; `labels` are the first of them in alphabetical order."""
        self.people += count
        if len(self.names) < NAMED or labels[0] < self.names[-1]:
            self.names = nsmallest(NAMED, [*self.names, *labels])

    def _lead(self, remedy: Remedy, subject: tuple[str, ...]) -> None:
        """Take the details of the title from a remedy, without keeping its findings and requests."""
        self.first = replace(remedy, findings=(), requests=())
        self.subject = subject
        """What it is about, as `subject_of` returns it."""
        self.policy = remedy.findings[0].policy if remedy.findings else ""
        """The policy of the first finding that it fixes; empty for seats that only a decision changes."""
        self.has_requests = bool(remedy.requests)
        """Whether it has requests."""

    def merge(self, other: "ActionGroup") -> None:
        """Merge another group about the same product into this one."""
        self.take_findings(other)
        self.variants += tuple(variant for variant in other.variants if variant not in self.variants)
        self.dates |= other.dates
        self.seats = max(self.seats, other.seats)
        self.people = max(self.people, other.people)

    def resolve(self, seats: "ActionGroup") -> None:
        """Take over the findings about the seats of a product, which the change of people resolves."""
        self.take_findings(seats)
        self.seats_resolved.append(seats.first.old)
        if len(self.people_by_product) == 1 or self.breakdown is None:
            self.moved = seats.moved

    def take_findings(self, other: "ActionGroup") -> None:
        """Take over the findings of another group; the article stays the same."""
        self._article = self.article
        self.worst = min(self.worst, other.worst)
        for policy, weight in other.policies.items():
            self.policies[policy] = min(weight, self.policies.get(policy, weight))
        self.fingerprints += other.fingerprints

    def set_kind(self, kind: ActionKind, article: str) -> None:
        """Change the kind and the article of the action."""
        self.first = replace(self.first, kind=kind, article=article)
        self._article = article

    def count_subjects(self) -> None:
        """Count the subjects of the remedies added since the last call; they must not be added again."""
        self.people += len(self._subjects)
        self._subjects.clear()
        if self.breakdown is not None:
            self.breakdown.people.update(part for _, part in self._parts)
            self._parts.clear()


class ActionGroups:
    """The groups of one tenant."""

    def __init__(self, owners: Mapping[str, str]) -> None:
        """Create an empty list; `owners` are the owners by policy id."""
        self._owners = owners
        self.groups: dict[object, ActionGroup] = {}
        """The groups by their key: what they are about."""
        self.numbered: list[ActionGroup] = []
        """All groups that were created, by number."""

    def __iter__(self) -> Iterator[ActionGroup]:
        """Yield the groups in the order in which they were created."""
        return iter(self.groups.values())

    def lead(self, remedy: Remedy, key: SortKey) -> ActionGroup:
        """Return the group of a remedy, which becomes its leading remedy if it is the first by its key."""
        subject = subject_of(remedy, self._owners)
        # The requests of a plan were simulated, and remedies without requests are manual: they are separate groups.
        proof = remedy.proven, bool(remedy.requests), remedy.answered, remedy.blocked
        group_key = (remedy.kind, remedy.article, *subject, *proof)
        if remedy.kind in _ONE_PER_PRODUCT:
            group_key = (remedy.kind, remedy.old)
        group = self.groups.get(group_key)
        if group is None:
            group = self.groups[group_key] = ActionGroup(len(self.numbered), remedy, key, subject)
            self.numbered.append(group)
        group.lead(remedy, key, subject, _variant(remedy.kind, remedy.situation, _changed_path(remedy)))
        return group

    def add(self, remedies: Iterable[tuple[SortKey, Remedy]]) -> None:
        """Add remedies, each with its sort key; all remedies of a person or product must be in one call.

        Remedies are ordered by key; remedies with equal keys keep their order.
        """
        keyed = list(remedies)
        state_products = {remedy.old for _, remedy in keyed if remedy.kind is ActionKind.STATE}
        trial_products = {remedy.old for _, remedy in keyed if remedy.kind is ActionKind.TRIAL}
        changed_groups: dict[int, ActionGroup] = {}
        for key, remedy in keyed:
            kind = remedy.kind
            if kind is ActionKind.EXPIRING and (remedy.old in state_products or remedy.old in trial_products):
                # The end of a subscription is part of the action about its state or its trial.
                kind = ActionKind.STATE if remedy.old in state_products else ActionKind.TRIAL
            adjusted = remedy if kind is remedy.kind else replace(remedy, kind=kind)
            group = self.lead(adjusted, key)
            group.add(adjusted, key)
            changed_groups[group.number] = group
        for group in changed_groups.values():
            group.count_subjects()


def _day(finding: Finding) -> str | None:
    """Return the next date of the subscription or contract that a finding is about, as a day in UTC."""
    text = finding.evidence.get("nextLifecycleDateTime")
    if finding.subject.type is not SubjectType.SUBSCRIPTION:
        # Only contracts have these dates; the last day of notice is before the end.
        text = finding.evidence.get("lastDayOfNotice" if finding.check == _NOTICE else "ends")
    try:
        return day_of(datetime.fromisoformat(text)).isoformat() if isinstance(text, str) else None
    except (ValueError, OverflowError):  # not an instant, or outside the range of dates after conversion to UTC
        return None


@lru_cache(maxsize=4096)
def _variant(kind: ActionKind, situation: Situation, changed_path: str | None) -> Variant:
    """Return the facts that select the guidance.

    A remedy changes one assignment path, even if there are two, unless it takes the product away.
    """
    variant = situation.variant()
    if kind is ActionKind.LEAVE_GROUP and situation.path == "both":
        return variant
    if kind in AT_GROUPS:
        return replace(variant, path="group")
    path = "direct" if kind is ActionKind.COPY else changed_path
    return variant if path is None else replace(variant, path=path)


def _changed_path(remedy: Remedy) -> str | None:
    """Return the assignment path that the requests of a plan change; None if they change both or something else."""
    kinds = {request.target.kind for request in remedy.requests} if remedy.proven else set()
    if kinds == {RequestKind.USER_LICENCES}:
        return "direct"
    return "group" if kinds and kinds <= {RequestKind.JOIN, RequestKind.LEAVE} else None


def shared_facts(variants: Sequence[Variant]) -> Variant:
    """Return the facts that all variants share; a fact that differs is None, so that every branch is shown."""
    differing = {
        name: None
        for name in ("path", "status", "synced", "disables")
        if len({getattr(variant, name) for variant in variants}) > 1
    }
    return replace(variants[0], **differing)
