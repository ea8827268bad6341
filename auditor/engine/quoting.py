"""Users with findings into what a finding quotes of them: their facts, what they hold, and over which paths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.engine.bitsets import distinct, indices
from auditor.engine.outcome import Evaluation, Rows
from auditor.engine.plan import Plan
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import SIGN_IN_COLUMNS

_FACTS = (
    "accountEnabled",
    "userType",
    "department",
    "usageLocation",
    "createdDateTime",
    "onPremisesSyncEnabled",
    "mailboxType",
    *SIGN_IN_COLUMNS,
)
_PATHS = ("state", "assignedByGroup", "error")


@dataclass(frozen=True, slots=True)
class Path:
    """One assignment of a SKU: its place in the facts, and what its entry of licenseAssignmentStates says, if any."""

    sku: int
    state: str | None
    group: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """What a finding quotes of a user."""

    id: str
    principal: str | None
    name: str
    facts: Mapping[str, Any]
    held: tuple[str, ...]
    """The part numbers of what they hold, in order."""
    paths: tuple[Path, ...]


def people_of(plan: Plan, evaluation: Evaluation) -> dict[int, Person]:
    """Read what is quoted of every user with a finding, by row."""
    if not evaluation.chunks:
        return {}
    rows = distinct(np.concatenate([chunk.rows for chunk in evaluation.chunks]))
    people: dict[int, Person] = {}
    links = ("user", "skuId", "held", *_PATHS)
    for batch in plan.facts.snapshot.batches(("id", "displayName", "userPrincipalName", *_FACTS), links):
        first, last = np.searchsorted(rows, [batch.offset, batch.offset + batch.users.num_rows])
        if first < last:
            people.update(zip(rows[first:last].tolist(), _quoted(plan, batch, rows[first:last]), strict=True))
    return people


def _quoted(plan: Plan, batch: UserBatch, rows: Rows) -> Iterator[Person]:
    """Quote some users of a batch, in the order of their rows in the snapshot."""
    users = batch.users.take(indices(rows - batch.offset))
    columns = {name: _plain(column) for name, column in zip(users.schema.names, users.columns, strict=True)}
    absent = [None] * len(rows)
    ids, principals, names = (columns.get(name, absent) for name in ("id", "userPrincipalName", "displayName"))
    facts = [(name, columns[name]) for name in _FACTS if name in columns]
    assignments = _assignments(plan, batch, rows)
    for place, (user, principal, name) in enumerate(zip(ids, principals, names, strict=True)):
        held, paths = next(assignments)
        yield Person(
            id=user,
            principal=principal,
            name=name or principal or user,
            facts={fact: values[place] for fact, values in facts if values[place] is not None},
            held=held,
            paths=paths,
        )


def _assignments(plan: Plan, batch: UserBatch, rows: Rows) -> Iterator[tuple[tuple[str, ...], tuple[Path, ...]]]:
    """Yield for each user the names of what they hold, and every assignment."""
    links, facts = batch.assignments, plan.facts
    owners = links.column("user").to_numpy()
    starts, ends = np.searchsorted(owners, rows), np.searchsorted(owners, rows, side="right")
    codes = links.column("skuId")
    places = [facts.index[sku_id.lower()] for sku_id in codes.dictionary.to_pylist()]
    names = [sku.part_number or sku.sku_id for sku in facts.skus]
    sizes = ends - starts
    chosen = np.arange(sizes.sum()) + np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
    taken = links.take(indices(chosen))
    skus = [places[code] for code in taken.column("skuId").indices.to_pylist()]
    held = taken.column("held").to_pylist()
    told = [_plain(taken.column(name)) for name in _PATHS]
    end = 0
    for size in sizes.tolist():
        start, end = end, end + size
        own = {names[skus[place]] for place in range(start, end) if held[place]}
        yield tuple(sorted(own)), tuple(map(Path, skus[start:end], *(values[start:end] for values in told)))


def _plain(column: pa.Array) -> Sequence[Any]:
    """Return the values of a column as JSON has them."""
    if pa.types.is_dictionary(column.type):
        values = [*column.dictionary.to_pylist(), None]
        return [values[code] for code in pc.fill_null(column.indices, len(values) - 1).to_pylist()]
    if not pa.types.is_timestamp(column.type):
        return list(column.to_pylist())
    stamps = column.cast(_INSTANT).view(pa.int64())
    if pc.all(pc.equal(pc.multiply(pc.divide(stamps, _SECOND), _SECOND), stamps)).as_py() is not False:
        # Without a zone, since Arrow asks the system for the rules of one.
        seconds = pc.divide(stamps, _SECOND).cast(pa.timestamp("s"))
        return list(pc.strftime(seconds, format="%Y-%m-%dT%H:%M:%SZ").to_pylist())
    return [None if value is None else _instant(value) for value in stamps.to_pylist()]


def _instant(microseconds: int) -> str:
    return format_instant(_EPOCH + timedelta(microseconds=microseconds))


_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = pa.timestamp("us", tz="UTC")
