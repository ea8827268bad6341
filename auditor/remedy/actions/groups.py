"""Groups remedies: each group becomes one action for a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from heapq import nsmallest
from operator import itemgetter
from typing import Any, Final

from msgspec.structs import replace

from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.enums import Agreement, SubjectType
from auditor.domain.result.finding import Finding
from auditor.findings.person_names import NAMED
from auditor.guidance import Situation, Variant
from auditor.remedy.actions.remedies.model import Remedy
from auditor.remedy.actions.subscription_terms import Term

COUNTED_IN_SEATS: Final = frozenset(
    {
        *(ActionKind.BUY, ActionKind.REMOVE_NOW, ActionKind.REMOVE_AT_RENEWAL, ActionKind.REMOVE_BY_SELLER),
        *(ActionKind.QUOTA, ActionKind.COVER, ActionKind.CAP),
    }
)
_OF_ONE_PRODUCT: Final = COUNTED_IN_SEATS | {ActionKind.STATE, ActionKind.EXPIRING, ActionKind.TRIAL}
"""Kinds that are settled in one visit to a product, whatever article each finding leads to."""
_NOTICE: Final = "contract.notice"
AT_GROUPS: Final = frozenset(
    {ActionKind.LEAVE_GROUP, ActionKind.MOVE_GROUP, ActionKind.GROUP_LICENCE, ActionKind.GROUP_SWAP}
)

SortKey = tuple[int, str, str]
"""What remedies are ordered by: rank of the severity, policy and check of the first finding of their subject."""
UNSORTED: Final[SortKey] = (0, "", "")
"""The key of remedies that are in their order already."""
Weight = tuple[int, str]
"""Rank of the severity and fingerprint: the order in which the findings of an action are weighed."""


class ActionGroup:
    """Remedies of one kind that are one action for a person."""

    __slots__ = (
        *("number", "first", "policy", "acts", "worst", "policies", "variants", "lost", "seats", "people", "names"),
        *(
            "fingerprints",
            "requests",
            "dates",
            "moved",
            "lacking",
            "covered",
            "seats_resolved",
            "_article",
            "_order",
            "_subjects",
            "_of_subscriptions",
        ),
    )

    def __init__(self, number: int, remedy: Remedy, key: SortKey) -> None:
        self.number = number
        self._lead(remedy)
        self.worst: Weight = (1 << 30, "")
        self.policies: dict[str, Weight] = {}
        """The worst finding of each policy."""
        self.variants: tuple[Variant, ...] = ()
        """The different facts on which the text of the guidance depends."""
        self.lost: frozenset[str] = frozenset()
        self.seats = 0
        self.people = 0
        """People or things."""
        self.names: list[str] = []
        """The first few people in the order of the alphabet, where they are asked for."""
        self.fingerprints: list[str] = []
        """Of the findings of the remedies that were added as values."""
        self.requests: list[tuple[SortKey, Mapping[str, Any]]] = []
        """The requests of the same remedies, each with its sort key."""
        self.dates: set[str] = set()
        """The next dates of the subscriptions that the findings name, as days."""
        self.moved: SeatMovement | None = None
        """What all actions do to the seats that it is about."""
        self.lacking: dict[str, int] = {}
        """SkuId → seats that lack for everybody who is to get it; 0 where another action shows how many."""
        self.covered = 0
        """Seats to buy that count among the seats of a larger product, which another action buys."""
        self.seats_resolved: list[str] = []
        """Products whose findings about seats it resolves together with the other actions."""
        self._article = ""
        """What the worst finding leads to; empty where that is not the first of its remedy."""
        self._order = (remedy.extra == "", key)
        self._subjects: dict[str, Finding] = {}
        self._of_subscriptions: dict[str, int] = {}

    @property
    def article(self) -> str:
        """The article that shows what to do."""
        return self._article or self.first.article

    @property
    def owners(self) -> list[str]:
        """The policies behind it, that with the worst finding first."""
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
        self.seats = max(self.seats, self._seats_with(remedy))
        self.requests += [(key, command.document) for command in remedy.commands]

    def lead(self, remedy: Remedy, key: SortKey, variant: Variant) -> None:
        """Let a remedy lead if it is the first by its key, and take what it says of the guidance."""
        order = (remedy.extra == "", key)
        if order < self._order:
            self._order = order
            self._lead(remedy)
        if variant not in self.variants:
            self.variants += (variant,)
        if remedy.lost:
            self.lost |= set(remedy.lost)

    def weigh(self, policy: str, weight: Weight, article: str = "") -> None:
        """Take the weight of a finding of a policy; `article` is what it leads to where that may not be the first's."""
        known = self.policies.get(policy)
        if known is None or weight < known:
            self.policies[policy] = weight
            if weight < self.worst:
                self.worst, self._article = weight, article

    def name(self, count: int, labels: Sequence[str]) -> None:
        """Count people who did not come before; `labels` are the first of them in the order of the alphabet."""
        self.people += count
        if len(self.names) < NAMED or labels[0] < self.names[-1]:
            self.names = nsmallest(NAMED, [*self.names, *labels])

    def _seats_with(self, remedy: Remedy) -> int:
        """Return the seats of a remedy; those of different subscriptions add up."""
        if not any(finding.subject.type is SubjectType.SUBSCRIPTION for finding in remedy.findings):
            return remedy.seats
        self._of_subscriptions[remedy.subject] = max(self._of_subscriptions.get(remedy.subject, 0), remedy.seats)
        return sum(self._of_subscriptions.values())

    def _lead(self, remedy: Remedy) -> None:
        """Let a remedy lead: it brings the detail that the title names. What it is about is not held."""
        self.first = replace(remedy, findings=(), commands=())
        self.policy = remedy.findings[0].policy if remedy.findings else ""
        """Of the first finding that it fixes; empty for seats that a decision alone changes."""
        self.acts = bool(remedy.commands)
        """Whether it has requests."""

    def absorb(self, other: "ActionGroup") -> None:
        """Take over what another group about the same product fixes."""
        for policy, weight in other.policies.items():
            self.policies[policy] = min(weight, self.policies.get(policy, weight))
        if other.worst < self.worst:
            self._article = self.article
            self.worst = other.worst
        self.variants += tuple(variant for variant in other.variants if variant not in self.variants)
        self.fingerprints += other.fingerprints
        self.dates |= other.dates
        self.seats = max(self.seats, other.seats)
        self.people = max(self.people, other.people)

    def resolve(self, seats: "ActionGroup") -> None:
        """Take over the findings about the seats of a product, which the change to people resolves."""
        self._article = self.article
        self.worst = min(self.worst, seats.worst)
        for policy, weight in seats.policies.items():
            self.policies[policy] = min(weight, self.policies.get(policy, weight))
        self.fingerprints += seats.fingerprints
        self.seats_resolved.append(seats.first.old)
        self.moved = seats.moved

    def turn(self, kind: ActionKind, article: str) -> None:
        """Become an action of another kind, which follows an article."""
        self.first = replace(self.first, kind=kind, article=article)
        self._article = article

    def settle(self) -> None:
        """Count whom the remedies taken since then are about: nobody comes again."""
        self.people += len(self._subjects)
        self._subjects.clear()


class ActionGroups:
    """The groups of one tenant."""

    def __init__(self, terms: Mapping[str, Term]) -> None:
        self._terms = terms
        self._known: dict[object, ActionGroup] = {}
        self._numbered: list[ActionGroup] = []

    def __iter__(self) -> Iterator[ActionGroup]:
        """Yield them in the order in which they were begun."""
        return iter(self._known.values())

    def swap(self, groups: Mapping[object, ActionGroup]) -> None:
        """Hold these groups instead."""
        self._known = dict(groups)

    @property
    def groups(self) -> Mapping[object, ActionGroup]:
        """The groups by what they are about."""
        return self._known

    def numbered(self, number: int) -> ActionGroup:
        """Return a group by its number."""
        return self._numbered[number]

    def lead(self, remedy: Remedy, key: SortKey) -> ActionGroup:
        """Return the group of a remedy, which it leads if it is the first by its key."""
        group_key = _key(remedy)
        group = self._known.get(group_key)
        if group is None:
            group = self._known[group_key] = ActionGroup(len(self._numbered), remedy, key)
            self._numbered.append(group)
        group.lead(remedy, key, _variant(remedy.kind, remedy.situation))
        return group

    def add(self, remedies: Iterable[tuple[SortKey, Remedy]]) -> None:
        """Add remedies, each with its sort key: all about the same person or product come together.

        Of two keys the lower goes first; of remedies with one key, those that come first.
        """
        keyed = list(remedies)
        stated = {remedy.old for _, remedy in keyed if remedy.kind is ActionKind.STATE}
        trials = {remedy.old for _, remedy in keyed if remedy.kind is ActionKind.TRIAL}
        touched: dict[int, ActionGroup] = {}
        for key, remedy in keyed:
            kind = remedy.kind
            if kind is ActionKind.REMOVE_AT_RENEWAL and self._just_bought(remedy):
                kind = ActionKind.REMOVE_NOW
            elif kind is ActionKind.EXPIRING and (remedy.old in stated or remedy.old in trials):
                # Its end, its state and its being a trial are settled in one visit to the subscription.
                kind = ActionKind.STATE if remedy.old in stated else ActionKind.TRIAL
            own = remedy if kind is remedy.kind else replace(remedy, kind=kind)
            group = self.lead(own, key)
            group.add(own, key)
            touched[group.number] = group
        for group in touched.values():
            group.settle()

    def _just_bought(self, remedy: Remedy) -> bool:
        """Whether the seats were bought in the last seven days, in which Microsoft's own agreement takes them back."""
        term = self._terms.get(remedy.old)
        return term is not None and term.just_bought and remedy.situation.agreement is Agreement.MCA


def _day(finding: Finding) -> str | None:
    """Return the next date of the subscription or contract that a finding is about, as a day in UTC."""
    written = finding.evidence.get("nextLifecycleDateTime")
    if finding.subject.type is not SubjectType.SUBSCRIPTION:
        # Only contracts have these; the day to give notice comes before the end.
        written = finding.evidence.get("lastDayOfNotice" if finding.check == _NOTICE else "ends")
    try:
        moment = datetime.fromisoformat(written) if isinstance(written, str) else None
        if moment is None:
            return None
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).date().isoformat()
    except (ValueError, OverflowError):  # no instant, or the first or last day of all, somewhere else
        return None


def _key(remedy: Remedy) -> tuple[object, ...]:
    if remedy.kind in _OF_ONE_PRODUCT:
        return (remedy.kind, remedy.old)
    # The commands of a plan were tried out; those without any are for a person, so the two stay apart.
    return (
        *(remedy.kind, remedy.article, remedy.old, remedy.new, remedy.extra),
        *(remedy.proven, bool(remedy.commands), remedy.answered),
    )


@lru_cache(maxsize=4096)
def _variant(kind: ActionKind, situation: Situation) -> Variant:
    """Return the facts on which the guidance depends: a remedy deals with one path, even where there are two."""
    variant = situation.variant()
    if kind in AT_GROUPS:
        return replace(variant, path="group")
    return replace(variant, path="direct") if kind is ActionKind.COPY else variant


def shared(variants: Sequence[Variant]) -> Variant:
    """Return the facts that all variants share; where they differ, every branch is shown."""
    first, *others = variants
    if not others:
        return first
    return Variant(
        cloud=first.cloud,
        agreement=first.agreement,
        path=first.path if len({each.path for each in variants}) == 1 else None,
        status=first.status if len({each.status for each in variants}) == 1 else None,
        synced=first.synced if len({each.synced for each in variants}) == 1 else None,
    )
