"""Defines the verification of a remediation plan: the outcome of its actions, findings, seats and money."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from auditor.domain.actions.title import TitleArguments
from auditor.domain.enums import Severity
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.saved_field import Label, RunInstant, SavedField


class Verdict(StrEnum):
    """The outcome of an action or of one of its requests."""

    DONE = "done"
    PARTLY = "partly"
    NOT = "not"
    CHANGED = "changed"
    """The state is neither that before the plan nor the planned one, or the findings are gone in another way."""
    UNKNOWN = "unknown"


class FindingState(StrEnum):
    """The state of a finding since the plan."""

    GONE = "gone"
    OPEN = "open"
    WAIVED = "waived"
    CAME_BACK = "came-back"
    """The plan fixed it, and it is open again."""
    NEW = "new"
    UNKNOWN = "unknown"
    """Its policy could not be evaluated."""


class Cause(StrEnum):
    """Why an action or a request is not simply done or not done."""

    NONE = ""
    SOURCE = "source"
    """A source was not read; the detail names it."""
    PATHS = "paths"
    """The assignment paths of the person are unknown."""
    MEMBERS = "members"
    """The members of the group were not read."""
    POLICY = "policy"
    """A policy was not evaluated; the detail names it."""
    TENANT = "tenant"
    """The tenant was not audited."""
    NO_PERSON = "no-person"
    """The person no longer exists."""
    VALUE = "value"
    """The value is neither the earlier nor the planned one; the detail names the product or property."""
    OTHER_WAY = "other-way"
    """The findings are gone although the requests were not carried out."""
    WAIVED = "waived"
    """The findings are waived."""
    PENDING = "pending"
    """Entra ID has not processed the membership yet."""
    UNDONE = "undone"
    """The log says that it was done, and the state says otherwise."""


class StepVerdict(Struct, frozen=True, kw_only=True):
    """A request of an action that is not done as planned."""

    step: int
    """The number of the request in the action, from 1."""
    verdict: Verdict
    subject: str
    """The id of the person or group that it changes."""
    cause: Cause = Cause.NONE
    detail: str = ""


class SeatChange(Struct, frozen=True, kw_only=True):
    """Seats of a product that an action frees; negative if it takes seats."""

    sku_id: str
    planned: int
    actual: int
    unknown: int = 0
    """Number of people for whom it is unknown whether they hold the product."""
    currency: str | None = None
    per_month: Decimal | None = None
    """Monthly price of a seat when the plan was made; None if unknown."""
    over_assigned: Annotated[int | None, SavedField.OPTIONAL] = None
    """Seats that were assigned beyond the usable ones, for which nothing was paid; None if there were none."""


class SeatDecisionVerdict(Struct, frozen=True, kw_only=True):
    """The outcome of a decided purchase, reduction or renewal of a product's seats."""

    sku_id: str
    enabled_before: int
    """Graph's `prepaidUnits.enabled` when the plan was made."""
    enabled: int
    """The decided number; equal to `enabled_before` for a renewal that keeps all seats."""
    actual: int | None
    """The current number; None if unknown."""
    verdict: Verdict
    cause: Cause = Cause.NONE
    detail: str = ""
    due: datetime | None = None
    """The renewal that carries the decision out, if it is not done and the renewal is in the future."""
    decisions: tuple[str, ...] = ()
    """Ids of decisions."""
    currency: str | None = None
    per_month: Decimal | None = None
    """Monthly price of a seat when the plan was made; None if unknown."""

    @property
    def planned_change(self) -> int:
        """The number of seats to buy (+) or to give back (−)."""
        return self.enabled - self.enabled_before

    @property
    def done(self) -> int:
        """The number of seats that were bought or given back, at most the decided number."""
        moved = (self.enabled_before if self.actual is None else self.actual) - self.enabled_before
        return max(0, min(moved, self.planned_change) if self.planned_change > 0 else min(-moved, -self.planned_change))


class Execution(Struct, frozen=True, kw_only=True):
    """The execution of an action according to the log of changes."""

    by: tuple[str, ...]
    """User principal names or application ids."""
    first: datetime
    last: datetime
    done: int
    """Changes that were made, or had already been made."""
    skipped: int
    failed: int


class ActionVerdict(Struct, frozen=True, kw_only=True):
    """The outcome of an action."""

    number: int
    """Its number in the tenant's plan, from 1."""
    id: str
    title: str
    title_arguments: Annotated[TitleArguments | None, SavedField.OPTIONAL] = None
    """None for plans of earlier versions."""
    kind: str
    owner: Label = ""
    verdict: Verdict
    cause: Cause = Cause.NONE
    detail: str = ""
    requests: int
    done: int
    """Requests whose state is the planned one."""
    steps: tuple[StepVerdict, ...] = ()
    """The other requests."""
    findings: tuple[str, ...] = ()
    """Fingerprints."""
    seats: tuple[SeatChange, ...] = ()
    execution: Execution | None = None
    decided: Annotated[SeatDecisionVerdict | None, SavedField.OPTIONAL] = None
    """The outcome of the decisions about seats that a person carries out with this action."""


class FindingVerdict(Struct, frozen=True, kw_only=True):
    """The outcome of a finding."""

    fingerprint: str
    state: FindingState
    policy: str
    check: str
    severity: Severity
    subject: Subject
    product: ProductReference | None = None
    detail: str | None = None


class MoneyVerdict(Struct, frozen=True, kw_only=True):
    """Monthly cost of the freed seats in one currency."""

    currency: str
    planned: Decimal
    actual: Decimal


class FreedSeats(Struct, frozen=True, kw_only=True):
    """Seats that a plan frees and does not take again, summed over products, and their cost."""

    planned: int
    actual: int
    money: tuple[MoneyVerdict, ...] = ()
    at_least: bool = False
    """Whether the real numbers may be higher: the products of some people, or the prices of some seats, are unknown."""


class TenantVerification(Struct, frozen=True, kw_only=True):
    """The outcome of the plan of one tenant."""

    planned_at: RunInstant
    same_policies: bool = True
    """Whether the policies are the same as those of the plan; if not, findings may be new or gone because of that."""
    actions: tuple[ActionVerdict, ...]
    findings: tuple[FindingVerdict, ...]
    """The findings of the plan, and new ones, in report order."""
    freed: FreedSeats

    def count(self, *states: FindingState) -> int:
        """Return the number of findings in any of the states."""
        return sum(finding.state in states for finding in self.findings)

    def actions_with(self, *verdicts: Verdict) -> tuple[ActionVerdict, ...]:
        """Return the actions with any of the verdicts."""
        return tuple(action for action in self.actions if action.verdict in verdicts)


def freed_by(actions: Iterable[ActionVerdict]) -> FreedSeats:
    """Return the seats that actions free together; a seat that another action takes is not freed."""
    by_sku: dict[str, list[SeatChange]] = {}
    for action in actions:
        for seat in action.seats:
            by_sku.setdefault(seat.sku_id, []).append(seat)
    planned = actual = 0
    money: dict[str, list[Decimal]] = {}
    at_least = False
    for changes in by_sku.values():
        target, current = (
            max(0, sum(numbers)) for numbers in zip(*((c.planned, c.actual) for c in changes), strict=True)
        )
        planned, actual = planned + target, actual + current
        first = changes[0]
        at_least = at_least or any(change.unknown for change in changes)
        if first.currency is not None and first.per_month is not None:
            sums = money.setdefault(first.currency, [Decimal(0), Decimal(0)])
            unpaid = first.over_assigned or 0
            sums[0] += max(0, target - unpaid) * first.per_month
            sums[1] += max(0, current - unpaid) * first.per_month
        else:
            at_least = at_least or current > 0
    totals = tuple(
        MoneyVerdict(currency=name, planned=target, actual=current) for name, (target, current) in sorted(money.items())
    )
    return FreedSeats(planned=planned, actual=actual, money=totals, at_least=at_least)
