"""Prices of seats that change on a date, contracts with their terms, and what a seat costs on a day."""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct, field

from auditor.domain.errors import Span
from auditor.domain.policy.product_set import ProductSet

MONTHS: Final = {"P1M": 1, "P1Y": 12, "P3Y": 36}
"""The terms of contracts, in months."""
MONTHLY: Final = "P1M"
_PRECISION: Final = Decimal("0.000001")


class DatedPrice(Struct, frozen=True, kw_only=True):
    """The monthly price of a seat from a day until the next price starts."""

    amount: Decimal
    starts: date = date.min


def price_on(prices: Iterable[DatedPrice], day: date) -> DatedPrice | None:
    """Return the price in force on a day: the latest one that has started; None before the first."""
    return max((price for price in prices if price.starts <= day), key=lambda price: price.starts, default=None)


class Prices(Struct, frozen=True, kw_only=True):
    """The price list of the policy files: monthly prices of seats by casefolded part number or skuId."""

    currency: str
    per_seat_per_month: Mapping[str, tuple[DatedPrice, ...]]


class Contract(Struct, frozen=True, kw_only=True):
    """What was agreed with a seller about a product set."""

    id: str
    products: ProductSet
    term: str
    """One of MONTHS."""
    ends: date
    """The last day."""
    renews: Literal["automatically", "by-decision"]
    span: Span
    tenants: tuple[str, ...] | None = None
    seats: int | None = None
    notice: timedelta | None = None
    """How long before the end it must be cancelled."""
    prices: tuple[DatedPrice, ...] = ()
    seller: str = ""

    @property
    def begins(self) -> date:
        """The first day; raises ValueError if it is before the year 1."""
        return months_before(self.ends, MONTHS[self.term]) + timedelta(days=1)

    @property
    def last_notice_day(self) -> date | None:
        """The last day to give notice; None without a notice period."""
        return None if self.notice is None else self.ends - self.notice

    def applies_to(self, tenant: str) -> bool:
        """Whether the contract applies to the tenant."""
        return self.tenants is None or tenant in self.tenants

    def holds(self, day: date) -> bool:
        """Whether it is in force on a day; a renewal does not extend it."""
        return self.begins <= day <= self.ends


def months_before(day: date, months: int) -> date:
    """Return the same day `months` earlier, or the last day of that month; raises ValueError before the year 1."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    if year < 1:
        raise ValueError(day)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class AgreedPrice(Struct, frozen=True, kw_only=True):
    """The price of a seat of a SKU under the contracts in force on a day."""

    amount: Decimal | None
    """None if contracts with different prices do not all state their seats, so that their weights are unknown."""
    starts: date
    """The latest start among the prices from which it is computed."""


def agreed_price(contracts: Iterable[Contract], day: date, today: date) -> AgreedPrice | None:
    """Return the price of the contracts in force on a day, weighted by their seats; None if they have no price.

    On a day after their end, the contracts that are in force `today` are taken as renewed.
    """
    candidates = tuple(contracts)
    in_force = [contract for contract in candidates if contract.holds(day)]
    in_force = in_force or [contract for contract in candidates if day > today and contract.holds(today)]
    priced = [(price, contract.seats) for contract in in_force if (price := price_on(contract.prices, day)) is not None]
    if not priced:
        return None
    starts = max(price.starts for price, _ in priced)
    if len({price.amount for price, _ in priced}) == 1:
        return AgreedPrice(amount=priced[0][0].amount, starts=starts)
    weights = [seats for _, seats in priced]
    total = sum(seats for seats in weights if seats is not None)
    if None in weights or not total:
        return AgreedPrice(amount=None, starts=starts)
    amount = sum((price.amount * (seats or 0) for price, seats in priced), Decimal(0)) / total
    return AgreedPrice(amount=amount.quantize(_PRECISION).normalize(), starts=starts)


class SeatPrices(Struct, frozen=True, kw_only=True):
    """Monthly prices of seats in one tenant on one day: from contracts, otherwise from the price list."""

    currency: str
    listed: Mapping[str, DatedPrice]
    """By casefolded part number or skuId."""
    agreed: Mapping[str, AgreedPrice] = field(default_factory=dict)
    """By skuId."""

    def of(self, *, sku_id: str, part_number: str | None) -> Decimal | None:
        """Return the monthly price of a seat, None if unknown; the skuId takes precedence over the part number."""
        price = self.dated(sku_id=sku_id, part_number=part_number)
        return None if price is None else price.amount

    def dated(self, *, sku_id: str, part_number: str | None) -> DatedPrice | AgreedPrice | None:
        """Return the price of a seat with its start; None if unknown."""
        agreed = self.agreed.get(sku_id.casefold())
        return self.listed_price(sku_id=sku_id, part_number=part_number) if agreed is None else agreed

    def listed_price(self, *, sku_id: str, part_number: str | None) -> DatedPrice | None:
        """Return the price of a seat in the price list, ignoring contracts; None if unknown."""
        price = self.listed.get(sku_id.casefold())
        return self.listed.get(part_number.casefold()) if price is None and part_number is not None else price

    @property
    def highest(self) -> Decimal:
        """The highest known price; 0 if none is known."""
        amounts = [*(price.amount for price in self.listed.values()), *(price.amount for price in self.agreed.values())]
        return max((amount for amount in amounts if amount is not None), default=Decimal(0))


def seat_prices(
    prices: Prices | None, currency: str | None, day: date, agreed: Mapping[str, AgreedPrice]
) -> SeatPrices | None:
    """Return the prices of seats on a day; None without a currency, because nothing has a price then."""
    if currency is None:
        return None
    price_list = {} if prices is None else prices.per_seat_per_month
    listed = {name: price for name, dated in price_list.items() if (price := price_on(dated, day)) is not None}
    return SeatPrices(currency=currency, listed=listed, agreed=agreed)
