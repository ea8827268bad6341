"""Sums the seat counts of a tenant into reports of usage and cost by product, department and cost centre."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from sys import intern

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.arrays.columns import codes_of
from auditor.arrays.rows import arrow_rows
from auditor.domain.enums import Source
from auditor.domain.money import Money, total
from auditor.domain.result.seat_usage import DepartmentReport, ProductUsage, UnassignedSeats, UnitUsage, UsageReport
from auditor.engine.columns.strings import fold
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import price_of_assigned
from auditor.engine.seat_usage import (
    IDLE,
    STATES,
    UNKNOWN,
    USED_30,
    USED_90,
    counted_products,
    read_reports,
    services_by_product,
    units_of,
)

Counts = npt.NDArray[np.int64]

_MAX_UNITS = 1000
"""The maximum number of departments, or of companies, in a report; the others are merged into one row."""


def reports_of(bound: BoundPolicies, table: pa.Table | None) -> tuple[UsageReport | None, DepartmentReport | None]:
    """Return the reports about the seats of a tenant from its seat counts.

    A report is None if its data is not known; without users, both are.
    """
    if table is None:
        return None, None
    facts, size = bound.facts, bound.size
    by, sku, state, seats = (table.column(name).to_numpy() for name in ("by", "sku", "state", "seats"))
    prices = [price_of_assigned(bound, sku, 1) for sku in facts.skus]
    refreshed = read_reports(facts)
    usage = None
    if refreshed:
        by_sku = (sku < size) & (by == 0)
        sums = np.bincount(sku[by_sku] * STATES + state[by_sku], weights=seats[by_sku], minlength=size * STATES)
        usage = UsageReport(
            refresh_date=refreshed.get(Source.USAGE),
            copilot_refresh_date=refreshed.get(Source.COPILOT_USAGE),
            products=_products(bound, sums.astype(np.int64).reshape(size, STATES), prices, refreshed),
        )
    usages = {}
    for index, name in enumerate(units_of(facts)):
        if facts.is_requested(name):
            rows = np.flatnonzero(by == index)
            counted = _Seats(table.column("name").take(arrow_rows(rows)), sku[rows], state[rows], seats[rows])
            usages[name] = _units(counted, prices, usage_known=bool(refreshed))
    if not usages:
        return usage, None
    report = DepartmentReport(
        departments=usages.get("department", ()),
        companies=usages.get("companyName", ()),
        cost_centers=usages.get("costCenter", ()),
        divisions=usages.get("division", ()),
        unassigned=_unassigned(bound, prices),
    )
    return usage, report


def _cost(price: Money | None, seats: int | None) -> Money | None:
    return None if price is None or seats is None else Money(currency=price.currency, per_month=price.per_month * seats)


def _products(
    bound: BoundPolicies, sums: Counts, prices: Sequence[Money | None], refreshed: Mapping[Source, object]
) -> tuple[ProductUsage, ...]:
    usages = []
    services = services_by_product(bound.facts)
    for index, sku in enumerate(bound.facts.skus):
        states: list[int] = sums[index].tolist()
        assigned = sum(states)
        if not assigned:
            continue
        sources = {Source.COPILOT_USAGE if service == "copilot" else Source.USAGE for service in services[index]}
        read = not sources.isdisjoint(refreshed)
        idle = states[IDLE] if read else None
        usages.append(
            ProductUsage(
                sku_id=sku.sku_id,
                sku_part_number=sku.part_number or "",
                name=bound.facts.title(sku),
                services=services[index],
                assigned=assigned,
                used_in_30_days=states[USED_30] if read else None,
                used_in_90_days=states[USED_30] + states[USED_90] if read else None,
                idle=idle,
                unknown=states[UNKNOWN],
                price=prices[index],
                cost=_cost(prices[index], assigned),
                idle_cost=_cost(prices[index], idle),
            )
        )
    return tuple(sorted(usages, key=_by_money))


def _by_money(product: ProductUsage) -> tuple[Decimal, Decimal, int, str, str]:
    return (
        -_amount(product.idle_cost), -_amount(product.cost), -product.assigned, product.sku_part_number, product.sku_id
    )  # fmt: skip


def _amount(money: Money | None) -> Decimal:
    return Decimal(0) if money is None else money.per_month


class _Seats(Struct, frozen=True):
    """Counted seats as columns of equal length."""

    names: pa.ChunkedArray
    sku: Counts
    state: Counts
    seats: Counts


def _units(counted: _Seats, prices: Sequence[Money | None], *, usage_known: bool) -> tuple[UnitUsage, ...]:
    """Sum seats by name, ignoring letter case and surrounding blanks: most expensive first, seats without a name last.

    Empty if no user has a name.
    """
    spellings, spelling, unit_of = _spellings(counted.names)
    count = int(unit_of.max(initial=-1)) + 1
    # The index after the named units is for seats without a name.
    unit = np.append(unit_of, count)[spelling]
    rates = np.array([float(_amount(price)) for price in prices] + [0.0])
    cost = np.bincount(unit, weights=rates[counted.sku] * counted.seats, minlength=count + 1)
    seats = np.where(counted.sku < len(prices), counted.seats, 0)
    assigned = np.bincount(unit, weights=seats, minlength=count + 1)
    # Ties are sorted by name: units are numbered in the order of their names.
    order = np.lexsort((np.arange(count), -assigned[:count], -np.round(cost[:count], 2)))
    listed = order[:_MAX_UNITS]
    merged = len(order) - len(listed)
    # Rows of the result: the listed units, the merged ones, and the seats without a name.
    row_of = np.full(count + 1, len(listed))
    row_of[listed] = np.arange(len(listed))
    row_of[count] = len(listed) + 1
    size = len(prices) + 1
    cells = (row_of[unit] * size + counted.sku) * STATES + counted.state
    sums = np.bincount(cells, weights=counted.seats, minlength=(len(listed) + 2) * size * STATES).astype(np.int64)
    names = _display_names(
        spellings, unit_of, np.bincount(spelling, seats, len(spellings) + 1).astype(np.int64), listed
    )
    labels = [*((name, 0) for name in names), (None, merged), (None, 0)]
    rows = zip(labels, sums.reshape(-1, size, STATES), strict=True)
    units = tuple(
        _unit(name, merged, unit_counts, prices, usage_known=usage_known)
        for (name, merged), unit_counts in rows
        if unit_counts.any()
    )
    return units if count else ()


def _spellings(names: pa.ChunkedArray) -> tuple[list[str], Counts, Counts]:
    """Return the distinct spellings, the spelling of each row, and the unit of each spelling; blank means no name."""
    trimmed = pc.utf8_trim_whitespace(names.combine_chunks())
    coded = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed).dictionary_encode()
    folded = fold(coded.dictionary)
    ordered = pc.sort_indices(folded)
    units = folded.take(ordered).dictionary_encode()
    unit_of = np.zeros(len(folded), dtype=np.int64)
    unit_of[ordered.to_numpy()] = units.indices.to_numpy()
    spelling = codes_of(coded, absent=len(folded)).astype(np.int64)
    return coded.dictionary.to_pylist(), spelling, unit_of


def _display_names(spellings: Sequence[str], unit_of: Counts, seats: Counts, listed: Counts) -> Iterable[str]:
    """Return the most frequent spelling of each listed unit; many tenants have the same names."""
    is_listed = np.zeros(int(unit_of.max(initial=-1)) + 1, dtype=bool)
    is_listed[listed] = True
    candidates = np.flatnonzero(is_listed[unit_of]).tolist()
    names: dict[int, str] = {}
    for index in sorted(candidates, key=lambda index: (-seats[index], spellings[index])):
        names.setdefault(int(unit_of[index]), spellings[index])
    return [intern(names[unit]) for unit in listed.tolist()]


def _unit(
    name: str | None, merged: int, counts: Counts, prices: Sequence[Money | None], *, usage_known: bool
) -> UnitUsage:
    """Return one row of the report from its counts by SKU and state; the last SKU counts people."""
    states: list[int] = counts[:-1].sum(axis=0).tolist()
    by_product: list[int] = counts[:-1].sum(axis=1).tolist()
    return UnitUsage(
        name=name,
        merged=merged,
        people=int(counts[-1].sum()),
        assigned=sum(states),
        used=states[USED_30] + states[USED_90] if usage_known else None,
        idle=states[IDLE] if usage_known else None,
        unknown=states[UNKNOWN],
        cost=_sum(prices, by_product),
        idle_cost=_sum(prices, counts[:-1, IDLE].tolist()) if usage_known else None,
        unpriced=sum(seats for price, seats in zip(prices, by_product, strict=True) if price is None),
    )


def _sum(prices: Sequence[Money | None], seats: Sequence[int]) -> Money | None:
    """Return the cost of the seats whose prices are known; None if the price of no seat is known."""
    priced = [(price, count) for price, count in zip(prices, seats, strict=True) if price is not None]
    if not priced or (any(seats) and not any(count for _, count in priced)):
        return None
    return total(_cost(price, count) for price, count in priced)


def _unassigned(bound: BoundPolicies, prices: Sequence[Money | None]) -> UnassignedSeats:
    is_counted = counted_products(bound)
    spare = [
        max(0, sku.spare or 0) if is_counted[index] and sku.owned else 0 for index, sku in enumerate(bound.facts.skus)
    ]
    paid = [max(0, seats - sku.trial) for seats, sku in zip(spare, bound.facts.skus, strict=True)]
    return UnassignedSeats(
        seats=sum(spare),
        cost=_sum(prices, paid),
        unpriced=sum(seats for price, seats in zip(prices, spare, strict=True) if price is None),
    )
