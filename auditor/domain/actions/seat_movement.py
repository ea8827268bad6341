"""Defines how the actions of a tenant change the seats of a product, and describes the change in words."""

from datetime import date
from typing import Annotated

from msgspec import Struct

from auditor.domain.money import Money
from auditor.domain.saved_field import SavedField
from auditor.domain.translation import N_, NN_, Localizer


class SeatMovement(Struct, frozen=True, kw_only=True):
    """The seats of a product, or of the products of a pool, before and after all actions of a tenant."""

    sku_id: str | None
    """None for a pool."""
    usable: int
    assigned: int
    freed: int = 0
    """Seats of people who are to lose it."""
    given: int = 0
    """Seats of people who are to get it."""
    revived: int = 0
    """Seats of suspended subscriptions that are to be brought back."""
    added: int = 0
    """Seats to buy; below zero, to remove."""
    trial: Annotated[int | None, SavedField.OPTIONAL] = None
    """Seats of trials among the usable ones; None if there are none."""
    undecided: Annotated[int | None, SavedField.OPTIONAL] = None
    """Open decisions about which product a person keeps or gets; the numbers leave them out. None if there are none."""

    @property
    def usable_after(self) -> int:
        """Seats that can be used once all actions are done."""
        return self.usable + self.revived + self.added

    @property
    def assigned_after(self) -> int:
        """Seats that are assigned once all actions are done."""
        return max(0, self.assigned - self.freed + self.given)


def seat_movement(l10n: Localizer, product: str, seats: SeatMovement) -> str:
    """Return a text: how many seats a product has, how the actions change them, how many are left to buy or remove."""
    spare = seats.usable_after - seats.assigned_after
    numbers = {
        "usable": seats.usable,
        "assigned": seats.assigned,
        "freed": seats.freed,
        "given": seats.given,
        "needed": seats.assigned_after,
        "revived": seats.revived,
        "undecided": seats.undecided or 0,
        "count": abs(seats.added),
        "left": seats.usable_after,
        "spare": spare,
    }
    values = {"product": product} | {name: l10n.number(number) for name, number in numbers.items()}
    sentences = [
        l10n.gettext("{product}: {usable} seats today, {assigned} assigned.", **values),
        l10n.gettext(_needed(seats), **values),
    ]
    if seats.undecided is not None:
        sentences.append(
            l10n.plural(
                "Not counted: {undecided} open decision about which product a person keeps or gets.",
                "Not counted: {undecided} open decisions about which products people keep or get.",
                seats.undecided,
                **values,
            )
        )
    if seats.revived:
        sentences.append(l10n.gettext("Seats of reactivated subscriptions: {revived}.", **values))
    sentences.append(l10n.plural(*_rest(seats.added), spare, **values))
    if seats.trial is not None:
        sentences.append(
            l10n.plural(
                "{count} of the usable seats is that of a trial: it costs nothing and ends with the trial.",
                "{count} of the usable seats are those of a trial: they cost nothing and end with the trial.",
                seats.trial,
            )
        )
    return " ".join(sentences)


def plan_note(l10n: Localizer, seats: SeatMovement) -> str:
    """Return that a plan can name another number of seats; empty if no decisions are open."""
    if seats.undecided is None:
        return ""
    return l10n.gettext("While decisions are open, auditor plan can propose another number of seats.")


def renewal_price_note(l10n: Localizer, price: Money, day: date) -> str:
    """Return that an amount is counted with the price of a seat on the day of the renewal."""
    return l10n.gettext(
        "The saving counts the price from {day} on: {money} a month per seat.",
        day=l10n.day(day),
        money=l10n.money(price.per_month, price.currency),
    )


def _needed(seats: SeatMovement) -> str:
    """Return the sentence about the seats that the actions move, without a number that is zero."""
    if seats.freed and seats.given:
        return N_("The actions free {freed} and assign {given}; seats needed afterwards: {needed}.")
    if seats.freed:
        return N_("The actions free {freed}; seats needed afterwards: {needed}.")
    if seats.given:
        return N_("The actions assign {given}; seats needed afterwards: {needed}.")
    return N_("Seats needed once the actions are done: {needed}.")


def _rest(added: int) -> tuple[str, str]:
    """Return the forms of the last sentence, by the number of spare seats."""
    if added < 0:
        return NN_(
            "To remove: {count}. Seats afterwards: {left}, {spare} of them spare.",
            "To remove: {count}. Seats afterwards: {left}, {spare} of them spare.",
        )
    if added:
        return NN_(
            "To buy: {count}. Seats afterwards: {left}, {spare} of them spare.",
            "To buy: {count}. Seats afterwards: {left}, {spare} of them spare.",
        )
    return NN_(
        "No seats to buy or remove. Seats afterwards: {left}, {spare} of them spare.",
        "No seats to buy or remove. Seats afterwards: {left}, {spare} of them spare.",
    )
