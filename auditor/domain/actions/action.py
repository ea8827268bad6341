"""Actions: what a person would do about a group of findings."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from msgspec import Struct

from auditor.domain.actions.money import Money
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.saved_field import SavedField


class Link(Struct, frozen=True, kw_only=True):
    """A page that an action refers to."""

    label: str
    address: str


class Action(Struct, frozen=True, kw_only=True):
    """What a person would do about a group of findings, in documented steps."""

    id: str
    guidance: str
    findings: Sequence[str]
    """Fingerprints, in their order; a tuple, but where they are too many to hold."""
    title: str
    role: str = ""
    prerequisites: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    next: tuple[str, ...] = ()
    checked: str = ""
    """The day (YYYY-MM-DD) on which the guidance was last held against its sources; empty where it is not known."""
    requests: Sequence[Mapping[str, Any]] = ()
    """Graph requests and PowerShell lines for an administrator to review and run; a tuple, unless they are too many."""
    money: Money | None = None
    """What it saves (or, below zero, costs) a month once freed seats are reused or removed."""
    kind: str = ""
    """What it does, as `auditor.remedy.kinds` names it."""
    order: str = ""
    """The class in the safe order: check, backup, reassign, buy, move, remove, cancel."""
    count: int = 0
    """People, seats or things, as the title counts them."""
    owner: str = ""
    """The owner of the policies behind it."""
    decided_by: str = ""
    """Who must decide; empty where nothing is to be decided."""
    confidence: str = ""
    """`certain` where the evidence alone is enough, `review` where somebody has to look first."""
    irreversible: tuple[int, ...] = ()
    """Numbers of the steps, from 1, that cannot be undone."""
    before: Money | None = None
    after: Money | None = None
    """What the seats concerned cost a month before and after."""
    seats: Annotated[SeatMovement | None, SavedField.OPTIONAL] = None
    """The seats of the product that it is about; None where it is about none, or about several."""
    due: date | None = None
    """The day by which to decide: the next date of the subscription that it is about."""
    rank: int = 0
    """Its place by importance among the actions of its tenant, from 1; 0 in files of earlier versions."""
    why: str = ""
    """Why it has this rank, in one line."""
    sku_id: Annotated[str, SavedField.UNSAVED] = ""
    """The product whose seats or subscriptions it is about; empty for other actions."""

    @property
    def saves(self) -> Money | None:
        """What it saves a month; None where it saves nothing or no price is known."""
        return None if self.money is None else self.money.gain

    @property
    def costs(self) -> Money | None:
        """What it costs a month, above zero; None where it costs nothing or no price is known."""
        return None if self.money is None else self.money.cost
