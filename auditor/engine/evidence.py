"""Users with findings into what a finding quotes of them: their facts, what they hold, and over which paths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.enums import SubjectType
from auditor.domain.result import Subject
from auditor.engine.binding import BoundPolicies
from auditor.engine.columns.bitsets import indices, runs
from auditor.engine.columns.instants import NEVER, Numbers
from auditor.engine.columns.strings import codes_of, flags_of
from auditor.engine.outcome import Rows
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
QUOTED = (("id", "displayName", "userPrincipalName", *_FACTS), ("user", "skuId", "held", *_PATHS))
"""The columns of users and of assignments that findings quote."""


@dataclass(frozen=True, slots=True)
class UserEvidence:
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


def chosen(batch: UserBatch, rows: Rows) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Return some users of a batch, by their ascending rows in the snapshot, and their assignments."""
    users = batch.users
    if len(rows) < users.num_rows:
        users = users.take(indices(rows - batch.offset))
    return users, links_of(batch.assignments, rows)


def links_of(links: pa.RecordBatch, rows: Rows) -> pa.RecordBatch:
    """Return the assignments of some users."""
    own = runs(*_spans(links, rows))
    return links if len(own) == links.num_rows else links.take(indices(own))


def quoted(bound: BoundPolicies, users: pa.RecordBatch, links: pa.RecordBatch, rows: Rows) -> Iterator[UserEvidence]:
    """Quote users, in the order of their rows in the snapshot; the assignments are theirs and nobody else's."""
    columns = _columns(users)
    absent = [None] * len(rows)
    ids, principals, names = (columns.get(name, absent) for name in ("id", "userPrincipalName", "displayName"))
    told = ("userPrincipalName", *(name for name in _FACTS if name in columns))
    facts = zip(*(columns.get(name, absent) for name in told), strict=True)
    for user, principal, name, values, (held, paths) in zip(
        ids, principals, names, facts, _assignments(bound, links, rows), strict=True
    ):
        evidence = {fact: value for fact, value in zip(told, values, strict=True) if value is not None}
        if principal is None:  # a finding tells it even so, in its place
            evidence = {"userPrincipalName": None, **evidence}
        evidence["assignedLicenses"] = held
        subject = Subject(type=SubjectType.USER, id=user, name=name or principal or user)
        yield UserEvidence(subject, evidence, paths)


def _assignments(
    bound: BoundPolicies, links: pa.RecordBatch, rows: Rows
) -> Iterator[tuple[list[str], list[tuple[int, Mapping[str, Any] | None]]]]:
    """Yield for each user the names of what they hold, and every assignment; equal ones are the same objects."""
    facts = bound.facts
    _, sizes = _spans(links, rows)
    codes = links.column("skuId")
    index = np.array([facts.index[sku_id.lower()] for sku_id in codes.dictionary.to_pylist()], dtype=np.int64)
    names = [sku.part_number or sku.sku_id for sku in facts.skus]
    skus = index[codes.indices.to_numpy()]
    counted = np.where(flags_of(links.column("held")), skus, -1).tolist()
    paths = list(zip(skus.tolist(), _paths(bound, links), strict=True))
    known: dict[tuple[int, ...], list[str]] = {}
    end = 0
    for size in sizes.tolist():
        start, end = end, end + size
        own = tuple(counted[start:end])
        held = known.get(own)
        if held is None:
            held = known[own] = sorted({names[sku] for sku in own if sku >= 0})
        yield held, paths[start:end]


def _spans(links: pa.RecordBatch, rows: Rows) -> tuple[Rows, Rows]:
    """Return where the assignments of each user begin, and how many they are."""
    owners = links.column("user").to_numpy()
    starts = np.searchsorted(owners, rows)
    return starts, np.searchsorted(owners, rows, side="right") - starts


def _paths(bound: BoundPolicies, links: pa.RecordBatch) -> Sequence[Mapping[str, Any] | None]:
    """Quote in which way each SKU was assigned, with the name of the group where it was read; None without an entry."""
    columns = [links.column(name) for name in _PATHS]
    values = [[*column.dictionary.to_pylist(), None] for column in columns]
    # Equal entries have equal numbers, and are quoted once.
    numbers = np.zeros(links.num_rows, dtype=np.int64)
    for column, own in zip(columns, values, strict=True):
        numbers = numbers * len(own) + codes_of(column, absent=len(own) - 1)
    entries = numbers.tolist()
    states, groups, errors = values
    known: dict[int, Mapping[str, Any] | None] = {}
    for entry in set(entries):
        rest, error = divmod(entry, len(errors))
        state, group = divmod(rest, len(groups))
        known[entry] = _path(bound, states[state], groups[group], errors[error])
    return [known[entry] for entry in entries]


def _path(bound: BoundPolicies, state: str | None, group: str | None, error: str | None) -> Mapping[str, Any] | None:
    if state is None:
        return None
    quoted = {"assignedByGroup": group, "state": state, "error": error}
    name = None if group is None else bound.facts.group_names.get(group)
    return quoted if name is None else quoted | {"groupName": name}


def _columns(users: pa.RecordBatch) -> dict[str, Sequence[Any]]:
    """Return the values of all columns as JSON has them."""
    columns = dict(zip(users.schema.names, users.columns, strict=True))
    stamps = [name for name, column in columns.items() if pa.types.is_timestamp(column.type)]
    found = {name: _plain(column) for name, column in columns.items() if name not in stamps}
    if stamps:
        numbers = [columns[name].cast(_INSTANT).view(pa.int64()).fill_null(NEVER).to_numpy() for name in stamps]
        written = _instants(np.concatenate(numbers))
        size = users.num_rows
        found.update((name, written[place * size : (place + 1) * size]) for place, name in enumerate(stamps))
    return found


def _plain(column: pa.Array) -> Sequence[Any]:
    if pa.types.is_dictionary(column.type) and len(column.dictionary) <= len(column):
        values = [*column.dictionary.to_pylist(), None]
        return [values[code] for code in codes_of(column, absent=len(values) - 1).tolist()]
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()  # of many values few are looked up
    return list(column.to_pylist())


def _instants(numbers: Numbers) -> Sequence[str | None]:
    """Write microseconds since 1970 as instants of UTC; NEVER is none."""
    known = numbers != NEVER
    told = numbers[known]
    if (told % _SECOND).any() or told.min(initial=0) < _FIRST or told.max(initial=0) > _LAST:
        # NumPy's "no time" is the least number, and it reads it as None.
        return [None if stamp is None else _instant(stamp) for stamp in numbers.view("M8[us]").tolist()]
    # Arrow writes whole seconds many times as fast, the more of them at once.
    bitmap, seconds = pa.py_buffer(np.packbits(known, bitorder="little")), pa.py_buffer(numbers // _SECOND)
    stamps = pa.Array.from_buffers(pa.timestamp("s"), len(numbers), [bitmap, seconds])
    written = pc.binary_replace_slice(stamps.cast(pa.string()), start=10, stop=11, replacement="T")
    return list(pc.binary_join_element_wise(written, "Z", "").to_pylist())


def _instant(stamp: datetime | int) -> str:
    """Write an instant of UTC; one that Python's calendar does not reach is a number of microseconds."""
    if isinstance(stamp, datetime):
        return f"{stamp.isoformat()}Z"
    whole, fraction = divmod(stamp, _SECOND)
    return f"{np.datetime64(whole, 's')}{f'.{fraction:06}' if fraction else ''}Z"


_SECOND = 1_000_000
_FIRST, _LAST = (int(np.datetime64(end, "us").astype(np.int64)) for end in ("0001-01-01", "9999-12-31T23:59:59"))
"""The microseconds between which years have four digits."""
_INSTANT = pa.timestamp("us", tz="UTC")
