"""Shares equal values between the results of the tenants of a run, to use less memory for many tenants."""

from collections.abc import Hashable, Iterable
from typing import TypeVar

from msgspec.structs import replace

from auditor.domain.result.model import SeatCount, TenantResult

_Value = TypeVar("_Value", bound=Hashable)


class SharedValues:
    """Values of which one object is enough for all tenants.

    Most tenants of a run have the same sources and notices, and many have the same seats and outcomes of policies.
    """

    def __init__(self) -> None:
        self._values: dict[Hashable, Hashable] = {}

    def tenant(self, tenant: TenantResult) -> TenantResult:
        """Return the result of a tenant with values of earlier tenants in place of equal ones."""
        return replace(
            tenant,
            sources=self._tuple(tenant.sources),
            seats=self._tuple(map(self._seats, tenant.seats)),
            product_sets=None if tenant.product_sets is None else self._tuple(tenant.product_sets),
            policies=self._tuple(tenant.policies),
            notices=self._tuple(tenant.notices),
        )

    def _seats(self, seats: SeatCount) -> SeatCount:
        return replace(seats, bounds=self._tuple(seats.bounds))

    def _tuple(self, values: Iterable[_Value]) -> tuple[_Value, ...]:
        return self._value(tuple(map(self._value, values)))

    def _value(self, value: _Value) -> _Value:
        return self._values.setdefault(value, value)  # type: ignore[return-value]  # an equal value has the same type
