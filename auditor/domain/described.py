"""Findings that nobody holds as values: walked as often as somebody asks, counted once, and a few of them shown."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from auditor.domain.result import Finding
from auditor.domain.words import Severity

NAMED: Final = 12
"""People whom a concern names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the findings of one policy in one tenant come to."""

    found: int
    """All of them, waived ones included."""
    waived: int
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


def called(finding: Finding) -> str:
    """Return by which name people find the person of a finding: with the address, where that says more."""
    principal, name = finding.evidence.get("userPrincipalName"), finding.subject.name
    return f"{name} ({principal})" if principal and principal != name else name


class Described(Sequence[Finding]):
    """The findings of a tenant, described each time they are walked: who needs few of them takes those shown."""

    __slots__ = ()

    @property
    @abstractmethod
    def counted(self) -> Counted:
        """What was counted of all of them."""

    @property
    @abstractmethod
    def shown(self) -> tuple[Finding, ...]:
        """The first of every policy and check, in the order of reports; those about things are all among them."""
