"""Users with findings into what a finding quotes of them: their facts, what they hold, and over which paths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from auditor.domain.result import Subject
from auditor.domain.words import SubjectType
from auditor.engine.bitsets import distinct, indices
from auditor.engine.outcome import Evaluation, Rows
from auditor.engine.people import NEVER
from auditor.engine.plan import Plan
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
class Person:
    """What a finding quotes of a user."""

    subject: Subject
    evidence: Mapping[str, Any]
    """Their facts and what they hold, in Graph's names: the same for all findings that name no SKU."""
    paths: Sequence[tuple[int, Mapping[str, Any] | None]]
    """Every assignment: the place of its SKU, and what its entry of licenseAssignmentStates says, if any."""

    def about(self, sku: int) -> dict[str, Any]:
        """Quote the user with the paths of one SKU."""
        paths = [quoted for place, quoted in self.paths if place == sku and quoted is not None]
        return {**self.evidence, "paths": paths}


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
    columns = {name: _plain(users.column(name)) for name in users.schema.names}
    absent = [None] * len(rows)
    ids, principals, names = (columns.get(name, absent) for name in ("id", "userPrincipalName", "displayName"))
    told = [name for name in _FACTS if name in columns]
    facts = zip(*(columns[name] for name in told), strict=True) if told else [()] * len(rows)
    for user, principal, name, values, (held, paths) in zip(
        ids, principals, names, facts, _assignments(plan, batch, rows), strict=True
    ):
        own = {fact: value for fact, value in zip(told, values, strict=True) if value is not None}
        evidence = {"userPrincipalName": principal, **own, "assignedLicenses": held}
        subject = Subject(type=SubjectType.USER, id=user, name=name or principal or user)
        yield Person(subject, evidence, paths)


def _assignments(
    plan: Plan, batch: UserBatch, rows: Rows
) -> Iterator[tuple[list[str], list[tuple[int, Mapping[str, Any] | None]]]]:
    """Yield for each user the names of what they hold, and every assignment; equal ones are the same objects."""
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
    counted = [sku if held else -1 for sku, held in zip(skus, taken.column("held").to_pylist(), strict=True)]
    paths = list(zip(skus, _paths(plan, taken), strict=True))
    known: dict[tuple[int, ...], list[str]] = {}
    end = 0
    for size in sizes.tolist():
        start, end = end, end + size
        own = tuple(counted[start:end])
        held = known.get(own)
        if held is None:
            held = known[own] = sorted({names[sku] for sku in own if sku >= 0})
        yield held, paths[start:end]


def _paths(plan: Plan, links: pa.RecordBatch) -> Iterator[Mapping[str, Any] | None]:
    """Quote in which way each SKU was assigned, with the name of the group where it was read; None without an entry."""
    known: dict[tuple[str | None, str | None, str | None], Mapping[str, Any] | None] = {}
    for entry in zip(*(_plain(links.column(name)) for name in _PATHS), strict=True):
        if entry not in known:
            known[entry] = _path(plan, *entry)
        yield known[entry]


def _path(plan: Plan, state: str | None, group: str | None, error: str | None) -> Mapping[str, Any] | None:
    if state is None:
        return None
    quoted = {"assignedByGroup": group, "state": state, "error": error}
    name = None if group is None else plan.facts.group_names.get(group)
    return quoted if name is None else quoted | {"groupName": name}


def _plain(column: pa.Array) -> Sequence[Any]:
    """Return the values of a column as JSON has them."""
    if pa.types.is_dictionary(column.type):
        values = [*column.dictionary.to_pylist(), None]
        codes = column.indices if not column.null_count else column.indices.fill_null(len(values) - 1)
        return [values[code] for code in codes.to_pylist()]
    if not pa.types.is_timestamp(column.type):
        return list(column.to_pylist())
    # NumPy's "no time" is the least number, and it reads it as None.
    stamps = column.cast(_INSTANT).view(pa.int64()).fill_null(NEVER).to_numpy().view("M8[us]").tolist()
    if any(isinstance(stamp, int) for stamp in stamps):
        return [None if stamp is None else _instant(stamp) for stamp in stamps]
    return [None if stamp is None else f"{stamp.isoformat()}Z" for stamp in stamps]


def _instant(stamp: datetime | int) -> str:
    """Write an instant of UTC; one that Python's calendar does not reach is a number of microseconds."""
    if isinstance(stamp, datetime):
        return f"{stamp.isoformat()}Z"
    whole, fraction = divmod(stamp, _SECOND)
    return f"{np.datetime64(whole, 's')}{f'.{fraction:06}' if fraction else ''}Z"


_SECOND = 1_000_000
_INSTANT = pa.timestamp("us", tz="UTC")
