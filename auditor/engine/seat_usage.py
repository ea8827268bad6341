"""Counts the paid seats of one batch of users by department, cost centre, product and last activity."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.catalogue.services import services_of
from auditor.domain.enums import Source
from auditor.domain.policy.product_set import PAID_PRODUCTS
from auditor.engine.columns.bitsets import distinct, indices, meets, pairs
from auditor.engine.columns.strings import Flags, codes_of
from auditor.engine.columns.users import NO_ACTIVITY, People
from auditor.engine.outcome import Rows
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.schema import ACTIVITY_COLUMNS, SOURCE_OF_COLUMN

USED_30, USED_90, IDLE, UNKNOWN = range(4)
"""When the holder of a seat was last active in a service of the product: within so many days, not, or not known."""
STATES = 4
UNITS = ("department", "companyName", "costCenter", "division")
"""Properties of users by which seats are counted, as far as they were asked for."""


def seat_columns(facts: TenantFacts) -> tuple[str, ...]:
    """Return the columns of users that counting reads."""
    return (*units_of(facts), *ACTIVITY_COLUMNS.values())


def units_of(facts: TenantFacts) -> tuple[str, ...]:
    """Return the properties by which the seats of a tenant are counted; the first one where none was asked for."""
    return tuple(name for name in UNITS if facts.asked(name)) or UNITS[:1]


def read_reports(facts: TenantFacts) -> Mapping[Source, date]:
    """Return the refresh dates of the reports of activity that were read and are not out of date."""
    sources = {SOURCE_OF_COLUMN[column] for column in ACTIVITY_COLUMNS.values()}
    readable = {source for source in sources if facts.status(source).is_read}
    return {source: day for source, day in facts.refresh_dates.items() if source in readable}


def counted_products(bound: BoundPolicies) -> Flags:
    """Tell of which products seats are counted: those that people can hold and that are not certainly free."""
    assignable = np.array([sku.applies_to.casefold() == "user" for sku in bound.facts.skus], dtype=bool)
    flags: Flags = bound.masks.of(PAID_PRODUCTS).maybe & assignable
    return flags


def services_by_product(facts: TenantFacts) -> Sequence[tuple[str, ...]]:
    """Return the services of each SKU whose activity the reports of usage show."""
    return [services_of((sku.plans or {}).values()) for sku in facts.skus]


def seat_counts(bound: BoundPolicies, people: People) -> pa.Table:
    """Count seats: a row per property, its value, SKU and state, with `seats`; the rows of each property are all seats.

    `by` is an index in `units_of`, `sku` one in `facts.skus`; a row with the number of SKUs instead counts the people
    who hold a seat.
    """
    held, unread = people.links.held, people.unknown("assignedLicenses")
    if unread is not people.nobody:
        held = np.where(unread[:, None], held.dtype.type(0), held)
    products = counted_products(bound)
    rows, skus = pairs(held, products, np.ones(people.count, dtype=bool))
    services, reports = services_by_product(bound.facts), read_reports(bound.facts)
    kinds: dict[tuple[str, ...], int] = {}
    kind_of = np.array([kinds.setdefault(own if reports else (), len(kinds)) for own in services], dtype=np.int64)
    states = np.stack([_states(people, own, reports) for own in kinds] or [_states(people, (), reports)])
    holding = np.flatnonzero(meets(held, products))
    seats = _Seats(
        rows=np.concatenate([holding, rows]),
        skus=np.concatenate([np.full(len(holding), bound.size), skus]),
        states=np.concatenate([np.zeros(len(holding), dtype=np.int8), states[kind_of[skus], rows]]),
    )
    units = enumerate(units_of(bound.facts))
    return pa.concat_tables([_counted(by, _column(people, name), seats) for by, name in units])


class _Seats(NamedTuple):
    """A seat each: the row of its holder, its SKU, and its state."""

    rows: Rows
    skus: Rows
    states: npt.NDArray[np.int8]


def _counted(by: int, column: pa.DictionaryArray, held: _Seats) -> pa.Table:
    """Count seats by the values of one column."""
    units, count = codes_of(column, absent=len(column.dictionary)).astype(np.int64), len(column.dictionary) + 1
    keys = (held.skus * count + units[held.rows]) * STATES + held.states
    cells, seats = _counts(keys, (int(held.skus.max(initial=0)) + 1) * count * STATES)
    others, states = np.divmod(cells, STATES)
    skus, places = np.divmod(others, count)
    names = column.dictionary.take(_indices(places, column))
    numbers = map(indices, (np.full(len(cells), by), skus, states, seats))
    return pa.table([names, *numbers], names=["name", "by", "sku", "state", "seats"])


def _counts(keys: Rows, most: int) -> tuple[Rows, Rows]:
    """Return the different ones of some keys below `most`, ascending, and how often each occurs."""
    if most <= max(len(keys), _FEW):
        counts = np.bincount(keys, minlength=most)
        values = np.flatnonzero(counts)
        return values, counts[values]
    values = distinct(keys)
    return values, np.bincount(np.searchsorted(values, keys), minlength=len(values))


def _column(people: People, name: str) -> pa.DictionaryArray:
    column = people.column(name)
    return column if pa.types.is_dictionary(column.type) else column.dictionary_encode()


def _indices(places: Rows, column: pa.DictionaryArray) -> pa.Array:
    """Return indices into the dictionary of a column; the one behind its end is null."""
    present = places < len(column.dictionary)
    bitmap = pa.py_buffer(np.packbits(present, bitorder="little"))
    return pa.Array.from_buffers(pa.int64(), len(places), [bitmap, pa.py_buffer(places.astype(np.int64))])


def _states(people: People, services: tuple[str, ...], reports: Mapping[Source, date]) -> npt.NDArray[np.int8]:
    """Return the state of each user with regard to some services: what is known of one of them decides for use."""
    if not services:
        return np.full(people.count, UNKNOWN, dtype=np.int8)
    age = np.full(people.count, np.iinfo(np.int64).max)
    unknown = people.nobody
    for column in map(ACTIVITY_COLUMNS.__getitem__, services):
        refreshed = reports.get(SOURCE_OF_COLUMN[column], date.min)
        unread = people.unknown(column)
        days = people.integers(column, absent=NO_ACTIVITY)
        silent = unread | (days == NO_ACTIVITY)
        age = np.minimum(age, np.where(silent, age, (refreshed - _EPOCH).days - days.astype(np.int64)))
        unknown = unknown | unread
    states = np.where(unknown, UNKNOWN, IDLE).astype(np.int8)
    states[age <= 90] = USED_90
    states[age <= 30] = USED_30
    return states


_EPOCH = date(1970, 1, 1)
_FEW = 1 << 16
"""Keys up to which counting all of them takes less time than sorting."""
