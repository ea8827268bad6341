"""What a tenant pays for seats, and which purchases it can still reduce, as parts of its result."""

from datetime import date

from msgspec import Struct

from auditor.domain.money import UnitPrice


class ContractPrice(Struct, frozen=True, kw_only=True):
    """The monthly price of a seat under contracts."""

    sku_id: str
    money: UnitPrice | None
    """None if it is unknown how contracts with different prices share the seats."""


class RenewalPrice(Struct, frozen=True, kw_only=True):
    """The price of a seat on the day on which a subscription renews."""

    sku_id: str
    day: date
    money: UnitPrice | None
    """Per month; None if unknown."""


class RecentPurchase(Struct, frozen=True, kw_only=True):
    """Seats of a product that were bought so recently that they can be removed before the renewal."""

    sku_id: str
    seats: int | None
    """None if the product has no other subscription in use."""
    until: date
    """The last day on which each of these purchases can be reduced, in UTC."""
