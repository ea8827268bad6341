"""Counts the paid seats of one batch of users by department, cost centre, product and last activity."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.arrays.columns import Flags, codes_of
from auditor.arrays.rows import Rows, arrow_rows, distinct
from auditor.catalogue.services import services_of
from auditor.domain.enums import Source
from auditor.domain.policy.product_set import PAID_PRODUCTS
from auditor.engine.columns.bitsets import intersects, pairs
from auditor.engine.columns.users import NO_ACTIVITY, UserColumns
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.schema import ACTIVITY_COLUMNS, SOURCE_OF_COLUMN

USED_30, USED_90, IDLE, UNKNOWN = range(4)
"""The use of a seat: its holder was active in a service of the product within 30 or 90 days, was not, or unknown."""
STATES = 4
UNITS = ("department", "companyName", "costCenter", "division")
"""User properties by which seats are counted, if they were requested."""


def units_of(facts: TenantFacts) -> tuple[str, ...]:
    """Return the properties by which the seats of a tenant are counted; the first one if none was requested."""
    return tuple(name for name in UNITS if facts.is_requested(name)) or UNITS[:1]


def read_reports(facts: TenantFacts) -> Mapping[Source, date]:
    """Return the refresh dates of the activity reports that were read and are not outdated."""
    sources = {SOURCE_OF_COLUMN[column] for column in ACTIVITY_COLUMNS.values()}
    readable = {source for source in sources if facts.status(source).is_read}
    return {source: day for source, day in facts.refresh_dates.items() if source in readable}


def counted_products(bound: BoundPolicies) -> Flags:
    """Return flags of the SKUs whose seats are counted: those that people can hold and that are not certainly free."""
    assignable = np.array([sku.is_for_people for sku in bound.facts.skus], dtype=bool)
    flags: Flags = bound.masks.of(PAID_PRODUCTS).maybe & assignable
    return flags


def services_by_product(facts: TenantFacts) -> Sequence[tuple[str, ...]]:
    """Return for each SKU the services whose activity is in the usage reports."""
    return [services_of((sku.plans or {}).values()) for sku in facts.skus]


def seat_counts(bound: BoundPolicies, people: UserColumns) -> pa.Table:
    """Count the seats of a batch, with one row per property, value, SKU and state.

    The rows of each property add up to all seats. `by` is an index into `units_of`, `sku` one into `facts.skus`; rows
    whose `sku` is the number of SKUs count the people who hold a seat.
    """
    held, unread = people.assignments.assigned_skus, people.unknown("assignedLicenses")
    if unread is not people.nobody:
        held = np.where(unread[:, None], held.dtype.type(0), held)
    products = counted_products(bound)
    rows, skus = pairs(held, products, np.ones(people.count, dtype=bool))
    services, reports = services_by_product(bound.facts), read_reports(bound.facts)
    service_sets: dict[tuple[str, ...], int] = {}
    service_set_of = np.array(
        [service_sets.setdefault(names if reports else (), len(service_sets)) for names in services], dtype=np.int64
    )
    states = np.stack([_states(people, names, reports) for names in service_sets] or [_states(people, (), reports)])
    holders = np.flatnonzero(intersects(held, products))
    seats = _Seats(
        rows=np.concatenate([holders, rows]),
        skus=np.concatenate([np.full(len(holders), bound.size), skus]),
        states=np.concatenate([np.zeros(len(holders), dtype=np.int8), states[service_set_of[skus], rows]]),
    )
    properties = enumerate(units_of(bound.facts))
    return pa.concat_tables([_counted(by, people.column(name), seats) for by, name in properties])


class _Seats(NamedTuple):
    """Seats as columns of equal length: the row of the holder, the SKU and the state."""

    rows: Rows
    skus: Rows
    states: npt.NDArray[np.int8]


def _counted(by: int, column: pa.Array, holdings: _Seats) -> pa.Table:
    """Count seats by the values of one column."""
    column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    units, count = codes_of(column, absent=len(column.dictionary)).astype(np.int64), len(column.dictionary) + 1
    seat_keys = (holdings.skus * count + units[holdings.rows]) * STATES + holdings.states
    occurring, seats = _counts(seat_keys, (int(holdings.skus.max(initial=0)) + 1) * count * STATES)
    groups, states = np.divmod(occurring, STATES)
    skus, value_codes = np.divmod(groups, count)
    names = column.dictionary.take(_indices(value_codes, column))
    numbers = map(arrow_rows, (np.full(len(occurring), by), skus, states, seats))
    return pa.table([names, *numbers], names=["name", "by", "sku", "state", "seats"])


def _counts(keys: Rows, limit: int) -> tuple[Rows, Rows]:
    """Return the distinct keys in ascending order, and the count of each; all keys are less than `limit`."""
    if limit <= max(len(keys), _BINCOUNT_LIMIT):
        counts = np.bincount(keys, minlength=limit)
        values = np.flatnonzero(counts)
        return values, counts[values]
    values = distinct(keys)
    return values, np.bincount(np.searchsorted(values, keys), minlength=len(values))


def _indices(codes: Rows, column: pa.DictionaryArray) -> pa.Array:
    """Return codes as Arrow indices into the dictionary of a column; a code past its end becomes null."""
    present = codes < len(column.dictionary)
    bitmap = pa.py_buffer(np.packbits(present, bitorder="little"))
    return pa.Array.from_buffers(pa.int64(), len(codes), [bitmap, pa.py_buffer(codes.astype(np.int64))])


def _states(people: UserColumns, services: tuple[str, ...], reports: Mapping[Source, date]) -> npt.NDArray[np.int8]:
    """Return the state of each user for some services; activity in one of them is enough to count as used."""
    if not services:
        return np.full(people.count, UNKNOWN, dtype=np.int8)
    age = np.full(people.count, np.iinfo(np.int64).max)
    unknown = people.nobody
    for column in map(ACTIVITY_COLUMNS.__getitem__, services):
        refreshed = reports.get(SOURCE_OF_COLUMN[column], date.min)
        unread = people.unknown(column)
        days = people.integers(column, absent=NO_ACTIVITY)
        inactive = unread | (days == NO_ACTIVITY)
        age = np.minimum(age, np.where(inactive, age, (refreshed - _EPOCH).days - days.astype(np.int64)))
        unknown = unknown | unread
    states = np.where(unknown, UNKNOWN, IDLE).astype(np.int8)
    states[age <= 90] = USED_90
    states[age <= 30] = USED_30
    return states


_EPOCH = date(1970, 1, 1)
_BINCOUNT_LIMIT = 1 << 16
"""Key limit up to which counting every possible key takes less time than sorting the keys."""
