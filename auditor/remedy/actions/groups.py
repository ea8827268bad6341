"""Remedies, as they come, into piles: each is what becomes one action for a person."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from heapq import nsmallest
from operator import itemgetter
from typing import Any, Final

from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Agreement, SubjectType
from auditor.domain.result import Finding
from auditor.findings.person_names import NAMED, person_label
from auditor.guidance import Situation, Variant
from auditor.remedy.actions.model import Remedy
from auditor.remedy.kinds import Term

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

Place = tuple[int, str, str]
"""Where a remedy stands: rank of the severity, policy and check of its first finding."""
NOWHERE: Final[Place] = (0, "", "")
"""The place of remedies that stand in their order already."""
_Mark = tuple[int, str]
"""Rank of the severity and fingerprint: the order in which the findings of an action are weighed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatMovement:
    """What the other actions do to the seats of a product."""

    freed: int = 0
    """Seats of people who are to lose it."""
    given: int = 0
    """Seats of people who are to get it."""
    revived: int = 0
    """Seats of suspended subscriptions that are to be brought back."""


class ActionGroup:
    """Remedies of one kind that are one action for a person."""

    __slots__ = (
        *("first", "policy", "acts", "worst", "policies", "variants", "lost", "seats", "people", "names", "marks"),
        *("requests", "dates", "moved", "lacking", "_article", "_order", "_subjects", "_of_subscriptions"),
    )

    def __init__(self, remedy: Remedy, place: Place) -> None:
        self._lead(remedy)
        self.worst: _Mark = (1 << 30, "")
        self.policies: dict[str, _Mark] = {}
        """The worst finding of each policy."""
        self.variants: tuple[Variant, ...] = ()
        """The different facts on which the words of the guidance depend."""
        self.lost: frozenset[str] = frozenset()
        self.seats = 0
        self.people = 0
        """People or things."""
        self.names: list[str] = []
        """The first few people in the order of the alphabet, where they are asked for."""
        self.marks: list[str] = []
        self.requests: list[tuple[Place, Mapping[str, Any]]] = []
        """Each with the place of its remedy."""
        self.dates: set[str] = set()
        """The next dates of the subscriptions that the findings name, as days."""
        self.moved: SeatMovement | None = None
        """What the other actions do to the seats that it is about."""
        self.lacking: dict[str, int] = {}
        """SkuId → seats that lack for everybody who is to get it; 0 where another action tells how many."""
        self._article = ""
        """What the worst finding leads to; empty where that is not the first of its remedy."""
        self._order = (remedy.extra == "", place)
        self._subjects: dict[str, Finding] = {}
        self._of_subscriptions: dict[str, int] = {}

    @property
    def article(self) -> str:
        """The article that tells what to do."""
        return self._article or self.first.article

    @property
    def owners(self) -> list[str]:
        """The policies behind it, that with the worst finding first."""
        return sorted(self.policies, key=self.policies.__getitem__)

    @property
    def documents(self) -> list[Mapping[str, Any]]:
        """The requests in the order of their remedies."""
        return [document for _, document in sorted(self.requests, key=itemgetter(0))]

    def take(self, remedy: Remedy, place: Place, variant: Variant) -> None:
        """Put a remedy on the pile."""
        order = (remedy.extra == "", place)
        if order < self._order:
            self._order = order
            self._lead(remedy)
        for finding in remedy.findings:
            mark = finding.severity.rank, finding.fingerprint
            known = self.policies.get(finding.policy)
            if known is None or mark < known:
                self.policies[finding.policy] = mark
                if mark < self.worst:
                    self.worst, self._article = mark, remedy.article if finding is remedy.findings[0] else ""
            self.marks.append(mark[1])
            self._subjects[finding.subject.id] = finding
            if (day := _day(finding)) is not None:
                self.dates.add(day)
        if variant not in self.variants:
            self.variants += (variant,)
        if remedy.lost:
            self.lost |= set(remedy.lost)
        self.seats = max(self.seats, self._seats_with(remedy))
        self.requests += [(place, command.document) for command in remedy.commands]

    def _seats_with(self, remedy: Remedy) -> int:
        """Return the seats of a remedy; those of different subscriptions add up."""
        if not any(finding.subject.type is SubjectType.SUBSCRIPTION for finding in remedy.findings):
            return remedy.seats
        self._of_subscriptions[remedy.subject] = max(self._of_subscriptions.get(remedy.subject, 0), remedy.seats)
        return sum(self._of_subscriptions.values())

    def _lead(self, remedy: Remedy) -> None:
        """Let a remedy lead: it brings the detail that the title names. What it is about is not held."""
        self.first = replace(remedy, findings=(), commands=())
        self.policy = remedy.findings[0].policy
        """Of the first finding that it mends."""
        self.acts = bool(remedy.commands)
        """Whether it has requests."""

    def absorb(self, other: "ActionGroup") -> None:
        """Take over what another pile about the same product mends."""
        for policy, mark in other.policies.items():
            self.policies[policy] = min(mark, self.policies.get(policy, mark))
        if other.worst < self.worst:
            self._article = self.article
            self.worst = other.worst
        self.variants += tuple(variant for variant in other.variants if variant not in self.variants)
        self.marks += other.marks
        self.dates |= other.dates
        self.seats = max(self.seats, other.seats)
        self.people = max(self.people, other.people)

    def turn(self, kind: ActionKind, article: str) -> None:
        """Become an action of another kind, which follows an article."""
        self.first = replace(self.first, kind=kind, article=article)
        self._article = article

    def settle(self, *, named: bool) -> None:
        """Count whom the remedies taken since then are about: nobody comes again."""
        self.people += len(self._subjects)
        if named:
            people = [f for f in self._subjects.values() if f.subject.type is SubjectType.USER]
            self.names = nsmallest(NAMED, [*self.names, *map(person_label, people)])
        self._subjects.clear()


class ActionGroups:
    """The piles of one tenant."""

    def __init__(self, terms: Mapping[str, Term], *, named: bool = False) -> None:
        self._terms = terms
        self._named = named
        self._known: dict[object, ActionGroup] = {}

    def __iter__(self) -> Iterator[ActionGroup]:
        """Yield them in the order in which they were begun."""
        return iter(self._known.values())

    def swap(self, piles: Mapping[object, ActionGroup]) -> None:
        """Hold these piles instead."""
        self._known = dict(piles)

    @property
    def piles(self) -> Mapping[object, ActionGroup]:
        """The piles by what they are about."""
        return self._known

    def take(self, remedies: Iterable[tuple[Place, Remedy]]) -> None:
        """Take remedies, each with its place: all about the same person or product come together.

        Of two places the lower goes first; of remedies with one place, those that come first.
        """
        placed = list(remedies)
        stated = {remedy.old for _, remedy in placed if remedy.kind is ActionKind.STATE}
        trials = {remedy.old for _, remedy in placed if remedy.kind is ActionKind.TRIAL}
        variant_of = _variants()
        touched: dict[int, ActionGroup] = {}
        for place, remedy in placed:
            kind = remedy.kind
            if kind is ActionKind.REMOVE_AT_RENEWAL and self._just_bought(remedy):
                kind = ActionKind.REMOVE_NOW
            elif kind is ActionKind.EXPIRING and (remedy.old in stated or remedy.old in trials):
                # Its end, its state and its being a trial are settled in one visit to the subscription.
                kind = ActionKind.STATE if remedy.old in stated else ActionKind.TRIAL
            own = remedy if kind is remedy.kind else replace(remedy, kind=kind)
            key = _key(own)
            pile = self._known.get(key)
            if pile is None:
                pile = self._known[key] = ActionGroup(own, place)
            pile.take(own, place, variant_of(kind, own.situation))
            touched[id(pile)] = pile
        for pile in touched.values():
            pile.settle(named=self._named)

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


def _variants() -> Callable[[ActionKind, Situation], Variant]:
    """Return what tells the variant of a situation: thousands of remedies are in few, which are the same objects."""
    known: dict[tuple[ActionKind, int], tuple[Situation, Variant]] = {}

    def of(kind: ActionKind, situation: Situation) -> Variant:
        key = kind, id(situation)
        if key not in known:
            known[key] = situation, _treated(kind, situation).variant()  # held, so that no other takes its id
        return known[key][1]

    return of


def _treated(kind: ActionKind, situation: Situation) -> Situation:
    """Return the situation as the kind of remedy treats it: one path is dealt with, even where there are two."""
    if kind in AT_GROUPS:
        return replace(situation, path="group")
    return replace(situation, path="direct") if kind is ActionKind.COPY else situation


def shared(variants: Sequence[Variant]) -> Variant:
    """Return the facts that all variants share; where they differ, every branch is told."""
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
