"""Findings that nobody holds as values: walked as often as somebody asks, counted once, and a few of them shown."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from heapq import nsmallest
from itertools import islice
from typing import Final, TypeVar, overload

from auditor.domain.enums import Severity
from auditor.domain.result import Finding

NAMED: Final = 12
"""People whom a concern names."""
_TRIED: Final = 200
"""People among whom the first names are looked for in full."""
_Item = TypeVar("_Item")


class Listed(Sequence[_Item]):
    """A sequence that is read from its beginning, whatever is asked of it."""

    __slots__ = ()

    @overload
    def __getitem__(self, place: int) -> _Item: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[_Item]: ...
    def __getitem__(self, place: int | slice) -> _Item | Sequence[_Item]:
        """Read as far as that place."""
        if isinstance(place, slice):
            begin, end, step = place.indices(len(self))
            return tuple(islice(self, begin, end, step)) if step > 0 else tuple(self)[place]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return next(islice(iter(self), place % len(self), None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the findings of one policy in one tenant come to."""

    severity: Severity
    found: int
    """All of them, waived ones included."""
    waived: int
    new: int = 0
    reopened: int = 0
    """Open ones that the previous run did not have, and those that came back."""
    worth: Mapping[str, Decimal]
    """What the open ones cost a month, per currency in alphabetical order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Whom one action is about."""

    worst: Severity
    """Of the findings that it mends."""
    people: int
    names: tuple[str, ...]
    """The first few of them in the order of the alphabet, each with the address where that says more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted of findings while they were walked."""

    policies: Mapping[str, Tally]
    """By policy, in the order in which their findings stand."""
    worth: Mapping[str, Decimal]
    """What open findings cost a month, a seat once, per currency in alphabetical order."""
    unpriced: bool
    """Whether an open finding about seats that are paid for without need has no price."""
    waivers: Mapping[str, int]
    """How many findings each waiver waives."""
    people: int
    """How many people the findings are about."""
    concerns: Mapping[str, Concern]
    """By the id of the action."""


def person_label(finding: Finding) -> str:
    """Return by which name people find the person of a finding: with the address, where that says more."""
    principal, name = finding.evidence.get("userPrincipalName"), finding.subject.name
    return f"{name} ({principal})" if principal and principal != name else name


def first_names(findings: Sequence[Finding]) -> list[str]:
    """Return the first few names of the people whom findings are about, in the order of the alphabet."""
    few = nsmallest(NAMED, map(person_label, findings[:_TRIED]))
    if len(findings) > _TRIED:
        # With its address a name comes after the name alone: who comes after the last of a few need not be looked at.
        last = few[-1]
        few = nsmallest(NAMED, few + [person_label(each) for each in findings[_TRIED:] if each.subject.name <= last])
    return few


def quota(room: int, many: int, kinds: int) -> int:
    """Return how many of so many findings about people are shown of each policy and check: all where there is room."""
    return room if many <= room else max(1, room // max(kinds, 1))


class Described(Listed[Finding]):
    """The findings of a tenant, made or read each time they are walked: who needs few of them takes those shown."""

    __slots__ = ()

    @property
    @abstractmethod
    def counted(self) -> Counted:
        """What was counted of all of them."""

    @property
    @abstractmethod
    def shown(self) -> tuple[Finding, ...]:
        """The first of every policy and check, in the order of reports; those about things are all among them."""
