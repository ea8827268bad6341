"""Amounts per month: savings and costs."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from msgspec import Struct

_CENT: Final = Decimal("0.01")


class Money(Struct, frozen=True, kw_only=True):
    """A monthly amount."""

    currency: str
    per_month: Decimal

    @property
    def gain(self) -> "Money | None":
        """The amount if it is above zero, else None."""
        return self if self.per_month > 0 else None

    @property
    def cost(self) -> "Money | None":
        """The absolute amount if it is below zero, else None."""
        return Money(currency=self.currency, per_month=-self.per_month) if self.per_month < 0 else None


def rounded(value: Decimal) -> Decimal:
    """Return an amount with at most two decimals, half a cent away from zero."""
    return value.quantize(_CENT, rounding=ROUND_HALF_UP)


def added(parts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Add sums up, per currency in alphabetical order."""
    total: dict[str, Decimal] = {}
    for part in parts:
        for currency, value in part.items():
            total[currency] = total.get(currency, Decimal(0)) + value
    return dict(sorted(total.items()))


def difference(before: Money | None, after: Money | None) -> Money | None:
    """Return what is saved between two amounts of one currency; None where one is not known."""
    if before is None or after is None:
        return None
    return Money(currency=before.currency, per_month=before.per_month - after.per_month)
