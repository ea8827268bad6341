"""The preview of a policy change as values: both sides, and the findings that are added, removed and changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Struct, field

from auditor.domain.enums import Severity
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding
from auditor.domain.saved_field import SavedField


class Side(Struct, frozen=True, kw_only=True):
    """The policies before the change, or after it."""

    name: str
    """The ref or the paths, as given."""
    commit: str | None
    """The commit of a ref; None for files on disk."""
    policy_digest: str
    policies: int


class ChangedFinding(Struct, frozen=True, kw_only=True):
    """One finding that both sides raise with different text or severity."""

    before: Finding
    after: Finding


class SeatCostChange(Struct, frozen=True, kw_only=True):
    """The monthly cost of open findings about a seat on both sides, with each seat counted once."""

    currency: str
    user: str | None
    """The id of the person; None for seats of a product that are not those of a person with a finding."""
    before: Decimal
    after: Decimal


class Difference(Struct, frozen=True, kw_only=True):
    """How the change affects the findings of one tenant, or of the fleet."""

    name: str
    """The tenant's name; empty for the fleet."""
    added: tuple[Finding, ...] = ()
    removed: tuple[Finding, ...] = ()
    changed: tuple[ChangedFinding, ...] = ()
    unconfirmed: tuple[Finding, ...] = ()
    """Findings of the base whose policy could not be evaluated in the head: neither present nor gone."""
    costs: Annotated[tuple[SeatCostChange, ...], SavedField.UNSAVED] = ()
    """The seats whose cost differs, also because of findings that do not differ."""
    title: Annotated[str, SavedField.UNSAVED] = ""
    """The tenant's title, as in reports; empty for the fleet."""
    names: Annotated[Mapping[str, str], SavedField.UNSAVED] = field(default_factory=dict)
    """The names of the tenant's products by skuId and part number, casefolded."""
    sets: Annotated[Mapping[str, Sequence[str]], SavedField.UNSAVED] = field(default_factory=dict)
    """The names of the products in the product sets of both sides, by the set as written; the head takes precedence."""


class PolicyChange(Struct, frozen=True, kw_only=True):
    """A policy on both sides; the severity is None if a side has no such policy."""

    id: str
    title: str
    before: Severity | None
    after: Severity | None
    edited: bool
    """Whether its text differs, including severity and title."""


class UnevaluatedPolicy(Struct, frozen=True, kw_only=True):
    """A policy that a side could not evaluate."""

    side: str
    tenant: str | None
    """None for the fleet."""
    policy: str
    reason: Message


class Preview(Struct, frozen=True, kw_only=True):
    """How a policy change would affect the findings of a snapshot."""

    tool_version: str
    as_of: datetime
    base: Side
    head: Side
    tenants: tuple[Difference, ...]
    fleet: Difference
    policies: tuple[PolicyChange, ...]
    unknown: tuple[UnevaluatedPolicy, ...]
    complete: bool
    """Whether both sides were evaluated completely."""

    @property
    def everywhere(self) -> tuple[Difference, ...]:
        """The differences of the tenants, followed by those of the fleet."""
        return (*self.tenants, self.fleet)


class MoneyChange(Struct, frozen=True, kw_only=True):
    """The increase and the decrease of the monthly cost of open findings in one currency."""

    currency: str
    more_per_month: Decimal
    less_per_month: Decimal


class DifferenceCount(Struct, frozen=True, kw_only=True):
    """The number of differences, and how they change the monthly cost of open findings, by currency."""

    added: int
    removed: int
    changed: int
    unconfirmed: int
    money: tuple[MoneyChange, ...]

    @property
    def empty(self) -> bool:
        """Whether there are no differences."""
        return not (self.added or self.removed or self.changed or self.unconfirmed)
