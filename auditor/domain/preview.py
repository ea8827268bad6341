"""The preview of a policy change as values: both sides, and the findings that come, go and change."""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from auditor.domain.enums import Severity
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding


class Side(Struct, frozen=True, kw_only=True):
    """The policies before the change, or after it."""

    name: str
    """The ref or the places, as they were named."""
    commit: str | None
    """The commit of a ref; None for files on disk."""
    policy_digest: str
    policies: int


class Changed(Struct, frozen=True, kw_only=True):
    """One finding that both sides raise with different text or severity."""

    before: Finding
    after: Finding


class Difference(Struct, frozen=True, kw_only=True):
    """What the change does to the findings of one tenant, or of the fleet."""

    name: str
    """The tenant's name; empty for the fleet."""
    added: tuple[Finding, ...] = ()
    removed: tuple[Finding, ...] = ()
    changed: tuple[Changed, ...] = ()
    unconfirmed: tuple[Finding, ...] = ()
    """Findings of the base whose policy the head could not evaluate: neither there nor gone."""


class PolicyChange(Struct, frozen=True, kw_only=True):
    """A policy on both sides; None where a side has no such policy."""

    id: str
    title: str
    before: Severity | None
    after: Severity | None
    edited: bool
    """Whether its text differs, severity and title included."""


class Unknown(Struct, frozen=True, kw_only=True):
    """A policy that a side could not evaluate."""

    side: str
    tenant: str | None
    """None for the fleet."""
    policy: str
    reason: Message


class Preview(Struct, frozen=True, kw_only=True):
    """What a policy change would do to a snapshot."""

    tool_version: str
    as_of: datetime
    base: Side
    head: Side
    tenants: tuple[Difference, ...]
    fleet: Difference
    policies: tuple[PolicyChange, ...]
    unknown: tuple[Unknown, ...]
    complete: bool
    """Whether both sides were evaluated whole."""

    @property
    def everywhere(self) -> tuple[Difference, ...]:
        """The tenants, and the fleet at the end."""
        return (*self.tenants, self.fleet)


class MoneyChange(Struct, frozen=True, kw_only=True):
    """What is added to and taken from the money of open findings a month in one currency."""

    currency: str
    more_per_month: Decimal
    less_per_month: Decimal


class DifferenceCount(Struct, frozen=True, kw_only=True):
    """Differences counted, and what open findings come and go with them, a month, by currency."""

    added: int
    removed: int
    changed: int
    unconfirmed: int
    money: tuple[MoneyChange, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing is different."""
        return not (self.added or self.removed or self.changed or self.unconfirmed)
