"""Amounts per month: savings and costs."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Final

from msgspec import Struct

from auditor.domain.saved_field import SavedField

_CENT: Final = Decimal("0.01")


class Money(Struct, frozen=True, kw_only=True):
    """A monthly amount."""

    currency: str
    per_month: Decimal

    def __str__(self) -> str:
        return f"{rounded(self.per_month)} {self.currency}"


class UnitPrice(Money, frozen=True, kw_only=True):
    """The monthly price of one seat, from which amounts are computed; documents have all its decimals."""

    per_month: Annotated[Decimal, SavedField.EXACT]


def rounded(value: Decimal) -> Decimal:
    """Return an amount rounded to cents; half a cent is rounded away from zero."""
    return value.quantize(_CENT, rounding=ROUND_HALF_UP)


def total(amounts: Iterable[Money | None]) -> Money | None:
    """Add up amounts in one currency, without those that are not known; None if none is."""
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return None
    return Money(currency=known[0].currency, per_month=sum((amount.per_month for amount in known), Decimal(0)))


def sum_by_currency(parts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Add up amounts by currency; the currencies are in alphabetical order."""
    sums: dict[str, Decimal] = {}
    for part in parts:
        for currency, value in part.items():
            sums[currency] = sums.get(currency, Decimal(0)) + value
    return dict(sorted(sums.items()))


def difference(before: Money | None, after: Money | None) -> Money | None:
    """Return the saving between two amounts in the same currency; None if one of them is unknown."""
    if before is None or after is None:
        return None
    return Money(currency=before.currency, per_month=before.per_month - after.per_month)
