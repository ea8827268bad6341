"""Actions: what a person would do about a group of findings."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from msgspec import Struct

from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.actions.title import TitleArguments
from auditor.domain.enums import Severity
from auditor.domain.money import Money
from auditor.domain.saved_field import SavedField

REDUCING: Final = frozenset({"remove", "cancel"})
"""Orders of actions that reduce the number of paid seats."""


class Link(Struct, frozen=True, kw_only=True):
    """A page that an action refers to."""

    label: str
    address: str


class Deadline(Struct, frozen=True, kw_only=True):
    """The last day on which somebody can act, or the day of an event before which they have to."""

    day: date
    included: bool = False
    """Whether it can still be done on that day."""


class Concern(Struct, frozen=True, kw_only=True):
    """Statistics on the findings that an action fixes: their policies, and the people whom they are about."""

    worst: Severity
    """The worst severity of the open findings that the action fixes."""
    people: int
    names: tuple[str, ...]
    """The first few of their names in alphabetical order, each with the address if it differs."""
    policies: tuple[str, ...]
    """Ids of the policies of the open findings, by the worst severity of these findings, then by id."""


class Action(Struct, frozen=True, kw_only=True):
    """What a person would do about a group of findings, in documented steps."""

    id: str
    guidance: str
    findings: Sequence[str]
    """Fingerprints, in their order; a tuple unless there are too many to keep in memory."""
    title: str
    title_arguments: Annotated[TitleArguments | None, SavedField.OPTIONAL] = None
    """None in files of earlier versions."""
    role: str = ""
    prerequisites: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    next: tuple[str, ...] = ()
    checked: str = ""
    """The day (YYYY-MM-DD) on which the guidance was last checked against its sources; empty if unknown."""
    requests: Sequence[Mapping[str, Any]] = ()
    """Graph requests and PowerShell lines for an administrator to review and run; a tuple as for `findings`."""
    money: Money | None = None
    """The monthly saving, or the price of the seats that it frees; negative if the action costs money."""
    kind: str = ""
    """The kind of action, with its name in `auditor.remedy.kinds`."""
    order: str = ""
    """Its class in the safe order of actions: check, backup, reassign, buy, move, remove, cancel."""
    count: int = 0
    """The number of people, seats or other objects in the title."""
    owner: str = ""
    """The owner of the policies that raised its findings."""
    decided_by: str = ""
    """Who must decide; empty if there is nothing to decide."""
    confidence: str = ""
    """`certain` if the evidence alone is sufficient, `review` if a person has to check first."""
    irreversible: tuple[int, ...] = ()
    """Numbers of the steps, from 1, that cannot be undone."""
    before: Money | None = None
    after: Money | None = None
    """Monthly cost of the affected seats before and after."""
    missing: Annotated[Money | None, SavedField.OPTIONAL] = None
    """The monthly cost of the seats that it assigns and that are neither spare nor freed nor bought by other actions.

    It is part of the difference between `before` and `after`; None if there are none.
    """
    seats: Annotated[SeatMovement | None, SavedField.OPTIONAL] = None
    """The seats of the product that it is about; None if it is about none or several."""
    due: date | None = None
    """The next date of the subscription that it is about, or an earlier last day to give notice of a contract."""
    due_included: Annotated[bool, SavedField.OPTIONAL] = False
    """Whether it can still be decided on the day `due`, and not only before it."""
    rank: int = 0
    """Its rank by importance among the actions of its tenant, from 1; 0 in files of earlier versions."""
    why: str = ""
    """Why it has this rank, in one line."""
    owners: Annotated[tuple[str, ...], SavedField.UNSAVED] = ()
    """The owners that `owner` lists."""
    sku_id: Annotated[str, SavedField.UNSAVED] = ""
    """The product whose seats or subscriptions it is about; empty for other actions."""
    shared: Annotated[bool, SavedField.UNSAVED] = False
    """Whether it also fixes findings that the reader of a part of a result does not get."""
    concern: Annotated[Concern | None, SavedField.UNSAVED] = None
    """The people whom it concerns; None if its result was read from a file, filtered or given pseudonyms."""

    @property
    def last_day(self) -> date | None:
        """The last day on which it can still be decided; None without a date."""
        if self.due is None or self.due_included or self.due == date.min:
            return self.due
        return self.due - timedelta(days=1)

    @property
    def frees(self) -> bool:
        """Whether its money is the price of freed seats, which are paid for until another action removes them."""
        return self.order not in REDUCING and self.kind != ActionKind.DOWNGRADE

    @property
    def saves(self) -> Money | None:
        """The monthly saving; None if it saves nothing or no price is known."""
        return self.money if self.money is not None and self.money.per_month > 0 else None

    @property
    def costs(self) -> Money | None:
        """The monthly cost, above zero; None if it costs nothing or no price is known."""
        if self.money is None or self.money.per_month >= 0:
            return None
        return Money(currency=self.money.currency, per_month=-self.money.per_month)

    @property
    def counted_elsewhere(self) -> Money | None:
        """The part of the saving between `before` and `after` that other actions count; None if there is none."""
        if self.before is None or self.after is None:
            return None
        own = Decimal(0) if self.money is None else self.money.per_month
        rest = self.before.per_month - self.after.per_month - own
        return Money(currency=self.before.currency, per_month=rest) if rest else None
