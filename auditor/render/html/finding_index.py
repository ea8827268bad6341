"""The findings of one tenant into numbers, in one walk over them: what the page counts and sums, and what it lists.

Of findings that nobody holds only those shown are walked over; what the others come to is counted already.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from heapq import nsmallest
from itertools import compress, count
from operator import not_
from typing import Any, Final

from auditor.checks.check import Cost
from auditor.checks.registry import cost_of
from auditor.domain.actions.money import rounded
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.finding_stats import Concern, FindingStats
from auditor.domain.result import Action, Finding, FleetResult, Money, PolicyHeader, Result, TenantResult
from auditor.findings.stats import sums
from auditor.render.html.rows import Context, of_seats, seat_numbers
from auditor.render.text.labels import Labels
from auditor.result.aggregate import concerns, shown
from auditor.result.ranking import most_urgent_tenants

_SEVERITIES: Final = {id(severity): place for place, severity in enumerate(Severity)}
_CHANGED: Final = {id(Change.NEW): 1, id(Change.REOPENED): 2}
_UNCOUNTED: Final = -1
_ACTIONS: Final = 500
"""Actions that the page tells, over all tenants, of people whose findings it does not even show: tens of thousands
nobody reads."""
_FEWEST: Final = 5
"""Actions that it tells of each tenant all the same."""
LONG: Final = 200
"""Findings beyond which a page tells few of everything, so that it opens at once: its table has them all."""


class Numbers(defaultdict[Any, int]):
    """Gives each key a number in the order in which they come, from `start`."""

    def __init__(self, start: int = 0) -> None:
        super().__init__(count(start).__next__)

    def column(self, keys: Iterable[Hashable]) -> list[int]:
        """Return the number of each key."""
        return list(map(self.__getitem__, keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshown:
    """How many findings of one policy are not in the sample."""

    severity: Severity
    open: int
    waived: int


def _unshown(stats: FindingStats, here: Sequence[Finding]) -> dict[str, Unshown]:
    """Count the findings that are not `here`, by policy."""
    there = Counter((each.policy, each.status is Status.WAIVED) for each in here)
    return {
        policy: Unshown(
            severity=counts.severity,
            open=counts.open - there[policy, False],
            waived=counts.waived - there[policy, True],
        )
        for policy, counts in stats.policies.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """The findings of a tenant, or of the fleet; columns have a number for every finding, counted from 0."""

    context: Context
    findings: Sequence[Finding]
    known: FindingStats | None
    """What all findings come to, where these are but a sample."""
    concerns: Mapping[str, Concern]
    """By action id whom it is about, where these are but a sample."""
    unshown: Mapping[str, Unshown]
    """The others, by policy."""
    marks: Sequence[str]
    """Fingerprints."""
    policies: Sequence[str]
    place: Sequence[int]
    """Of the policy."""
    severity: Sequence[int]
    """Of `Severity`, the worst being 0."""
    waived: Sequence[bool]
    change: Sequence[int]
    """1 for new, 2 for reopened."""
    who: Sequence[int]
    subjects: Sequence[Finding]
    """The first finding about each subject."""
    users: frozenset[str]
    """Ids of people."""
    said: Sequence[int]
    """Of what is wrong with which product."""
    abouts: Sequence[Finding]
    """A finding that says it."""
    worth: Sequence[int]
    """Of the amount; 0 for none."""
    amounts: Sequence[Money | None]
    actions: Sequence[Action]
    """All of them, or the weightiest where not even all findings are shown; in their order."""
    more_actions: int
    """The others."""
    mended: Sequence[Sequence[int]]
    """The findings that each of these actions mends, in its order."""

    @classmethod
    def over(
        cls, of: TenantResult | FleetResult, findings: Sequence[Finding], context: Context, most: int = _ACTIONS
    ) -> "Walk":
        """Return the findings of one tenant, or a sample of them, as numbers.

        What each action mends is gone through once; for a sample at most so many actions are told.
        """
        told = actions = of.actions
        known: FindingStats | None = None
        known_concerns: Mapping[str, Concern] = {}
        if len(findings) < len(of.findings):
            known, known_concerns = of.findings.stats, concerns(of)
            told = _weightiest(actions, known_concerns, most)
        rest = {} if known is None else _unshown(known, findings)
        marks = [each.fingerprint for each in findings]
        mended = _mended(actions, told, marks)
        policies, subjects, abouts = Numbers(), Numbers(), Numbers()
        # Nearly all are people: their kind, which is dear to hash, need not stand in the key.
        who = subjects.column(
            whom.id if (whom := each.subject).type is SubjectType.USER else (whom.type, whom.id) for each in findings
        )
        said = abouts.column(
            (each.check, each.detail, each.subject.type is SubjectType.PRODUCT, about.sku_id, about.sku_part_number)
            if (about := each.product) is not None
            else (each.check, each.detail, each.subject.type is SubjectType.PRODUCT, None, None)
            for each in findings
        )
        place = policies.column(each.policy for each in findings)
        worth, amounts = _worth(findings)
        first = dict(zip(reversed(who), reversed(findings), strict=True))
        return cls(
            context=replace(context, numbers=seat_numbers(actions, mended, findings)),
            findings=findings,
            known=known,
            concerns=known_concerns,
            unshown=rest,
            marks=marks,
            policies=tuple(policies),
            place=place,
            severity=[_SEVERITIES[id(each.severity)] for each in findings],
            waived=[each.status is Status.WAIVED for each in findings],
            change=[_CHANGED.get(id(each.change), 0) for each in findings],
            who=who,
            subjects=[first[number] for number in range(len(subjects))],
            users=frozenset(key for key in subjects if type(key) is str),
            said=said,
            abouts=list(dict(zip(said, findings, strict=True)).values()),
            worth=worth,
            amounts=amounts,
            actions=told,
            more_actions=len(actions) - len(told),
            mended=[mended[each.id] for each in told],
        )

    @property
    def long(self) -> bool:
        """Whether there are so many findings that only the first of everything are told beside the table."""
        return len(self.findings) + sum(rest.open + rest.waived for rest in self.unshown.values()) > LONG

    def changed(self) -> list[Finding]:
        """Return the findings that are new or came back."""
        return list(compress(self.findings, self.change))

    def counts(self) -> tuple[tuple[Severity, int], ...]:
        """Count open findings by severity, the worst first; severities without any are left out."""
        found = Counter(compress(self.severity, map(not_, self.waived)))
        for rest in self.unshown.values():
            found[_SEVERITIES[id(rest.severity)]] += rest.open
        return tuple((severity, found[place]) for place, severity in enumerate(Severity) if found[place])

    def unseen(self) -> int:
        """Count the people whom only findings that are not shown are about."""
        return 0 if self.known is None else self.known.people - len(self.users)

    def parts(self) -> list["Part"]:
        """Return the findings of each policy."""
        rows: list[list[int]] = [[] for _ in self.policies]
        put = [each.append for each in rows]
        for row, place in enumerate(self.place):
            put[place](row)
        gone = Counter(compress(self.place, self.waived))
        changed = zip(compress(self.place, self.change), compress(self.waived, self.change), strict=True)
        new = Counter(place for place, waived in changed if not waived)
        made = []
        for place, policy in enumerate(self.policies):
            rest = self.unshown.get(policy)
            opened, waived = (0, 0) if rest is None else (rest.open, rest.waived)
            many = len(rows[place])
            tally = None if self.known is None else self.known.policies[policy]
            made.append(
                Part(
                    policy=policy,
                    rows=rows[place],
                    found=many + opened + waived,
                    waived=gone[place] + waived,
                    new=new[place] if tally is None else tally.new + tally.reopened,
                )
            )
        return made

    def costs(self, parts: Sequence["Part"]) -> tuple[list[dict[str, Decimal]], dict[str, Decimal]]:
        """Return what the open findings of each part cost a month, and those of all, by the rules of `totals.money`."""
        if self.known is not None:
            return [dict(self.known.policies[part.policy].money) for part in parts], dict(self.known.money)
        seats = self._seats()
        if seats is None:
            told = [sums([self.findings[row] for row in part.rows]) for part in parts]
            return told, sums(self.findings)
        column, prices = seats
        found = [set(map(column.__getitem__, part.rows)) - {_UNCOUNTED} for part in parts]
        return [_summed(each, prices) for each in found], _summed(set().union(*found), prices)

    def _seats(self) -> tuple[list[int], Sequence[Money]] | None:
        """Return a number for the seat of each finding, and the prices that they are of by what is left over.

        None where that does not tell seats apart: a product has several prices, or a person is called as a group is.
        """
        if len(self.users) < len(self.subjects) and len({each.subject.id for each in self.subjects}) < len(
            self.subjects
        ):
            return None
        many = len(self.amounts)
        pairs = [about * many + worth for about, worth in zip(self.said, self.worth, strict=True)]
        prices: dict[tuple[str, str | None], tuple[int, Money]] = {}
        kinds: dict[int, int] = {}
        for pair in sorted(set(pairs)):
            about, money = self.abouts[pair // many], self.amounts[pair % many]
            if money is None or money.per_month <= 0 or cost_of(about.check) is Cost.TOTAL:
                continue
            product = None if about.product is None else about.product.sku_id
            kinds[pair], price = prices.setdefault((money.currency, product), (len(prices), money))
            if price.per_month != money.per_month:
                return None
        kind_of, wide = kinds.get, len(prices)
        column = [
            _UNCOUNTED if waived or (kind := kind_of(pair)) is None else who * wide + kind
            for who, pair, waived in zip(self.who, pairs, self.waived, strict=True)
        ]
        return column, [price for _, price in prices.values()]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """The findings of one policy."""

    policy: str
    rows: Sequence[int]
    """Of the findings that are shown."""
    found: int
    """All of them, waived ones included."""
    waived: int
    new: int
    """New or come back, and open."""

    def shown(self, walk: Walk, most: int) -> list[Finding]:
        """Return the first of them, at most so many, open ones first."""
        findings, waived = walk.findings, walk.waived
        chosen: list[Finding] = []
        for wanted in (False, True):
            for row in self.rows:
                if len(chosen) >= most:
                    break
                if waived[row] is wanted:
                    chosen.append(findings[row])
        return chosen


def walks(result: Result, words: Labels) -> tuple[Walk, ...]:
    """Return a walk over the findings of every tenant that is told in full, and one over those of the fleet."""
    headers: Mapping[str, PolicyHeader] = {policy.id: policy for policy in result.run.policies}
    sets = result.run.definitions.get("products")
    tenants = most_urgent_tenants(result).tenants
    listed = shown(result, tenants)
    most = max(_FEWEST, _ACTIONS // max(1, len(tenants)))
    return (
        *(
            Walk.over(
                tenant,
                listed[tenant.name],
                Context.of_tenant(tenant, headers, words, sets, listed[tenant.name]),
                most,
            )
            for tenant in tenants
        ),
        Walk.over(result.fleet, tuple(result.fleet.findings), Context.of_fleet(result, headers, words)),
    )


def _weightiest(actions: Sequence[Action], known: Mapping[str, Concern], most: int) -> Sequence[Action]:
    """Return the most important actions, in their order."""
    # Files of earlier versions have no ranks.
    weights = [(each.rank, known[each.id].worst.rank, -len(each.findings), row) for row, each in enumerate(actions)]
    chosen = {row for *_, row in nsmallest(most, weights)}
    return [each for row, each in enumerate(actions) if row in chosen]


def _mended(actions: Sequence[Action], told: Sequence[Action], marks: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of the findings that actions mend, by id: of those told, and of all that name seats."""
    where = dict(zip(marks, range(len(marks)), strict=True)) if actions else {}
    names = {each.id for each in told}
    return {
        each.id: [row for row in map(where.get, each.findings) if row is not None]
        for each in actions
        if each.id in names or of_seats(each)
    }


def _worth(findings: Sequence[Finding]) -> tuple[list[int], list[Money | None]]:
    """Return the number of each amount, and the amounts."""
    # A Decimal is dear to hash, and few stand for many findings: the objects themselves are told apart first.
    amounts = [each.money for each in findings]
    objects = Numbers()
    numbers = objects.column(None if each is None else (each.currency, id(each.per_month)) for each in amounts)
    distinct: dict[tuple[str, Decimal] | None, int] = {None: 0}
    known: list[Money | None] = [None]
    same: list[int] = []
    for money in dict(zip(numbers, amounts, strict=True)).values():
        key = None if money is None else (money.currency, money.per_month)
        if key not in distinct:
            distinct[key] = len(known)
            known.append(money)
        same.append(distinct[key])
    return list(map(same.__getitem__, numbers)), known


def _summed(seats: set[int], prices: Sequence[Money]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    wide = len(prices)
    for kind, many in Counter([seat % wide for seat in seats]).items():
        price = prices[kind]
        found[price.currency] = found.get(price.currency, Decimal(0)) + rounded(price.per_month) * many
    return dict(sorted(found.items()))
