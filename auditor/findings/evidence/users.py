"""Builds the evidence about users with findings, as columns: their properties, products and assignment paths."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.arrays.columns import codes_of, flags_of
from auditor.arrays.equal_rows import distinct_values
from auditor.arrays.instants import INSTANT, NEVER, Numbers
from auditor.arrays.rows import Rows, arrow_rows, runs
from auditor.arrays.texts import dictionary_column
from auditor.engine.policy.binding import BoundPolicies
from auditor.findings.columns import json_strings, json_text
from auditor.findings.facts import FACTS, NEVER_SIGNED_IN, SIGN_INS
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
EVIDENCE_COLUMNS = (("id", "displayName", "userPrincipalName", *_FACTS), ("user", "skuId", "held", *_PATHS))
"""The columns of users and of assignments that the evidence of findings is read from."""


class UserEvidence(Struct, frozen=True):
    """The evidence about users, one row per user."""

    ids: pa.StringArray
    names: pa.StringArray
    principals: pa.StringArray
    last_sign_ins: pa.StringArray
    facts: pa.DictionaryArray
    evidence: pa.StringArray | None
    """Their facts and products as JSON, with Graph's names; None if it was not requested."""
    paths: "AssignmentPaths"


class AssignmentPaths:
    """The assignment paths (licenseAssignmentStates) of users and SKUs, as JSON lists."""

    def __init__(self, owners: Rows, skus: Rows, entries: Rows, quoted: Sequence[Mapping[str, Any] | None]) -> None:
        """Take for each assignment the index of its user, of its SKU and of its entry in `quoted`."""
        assigned = np.array([entry is not None for entry in quoted], dtype=bool)[entries]
        self._skus = int(skus.max(initial=0)) + 1
        keys = owners[assigned] * self._skus + skus[assigned]
        order = np.argsort(keys, kind="stable")
        self._keys, self._entries = keys[order], entries[assigned][order]
        self._quoted = quoted

    def of(self, owners: Rows, skus: Rows) -> pa.DictionaryArray:
        """Return the paths by which users hold a SKU, in the order of their entries; null for -1, which is no SKU."""
        keys = owners * self._skus + skus
        starts = np.searchsorted(self._keys, keys)
        counts = np.searchsorted(self._keys, keys, side="right") - starts
        counts[(skus >= self._skus) | (skus < 0)] = 0
        lists: dict[tuple[int, ...], int] = {(index,): index for index in range(len(self._quoted))}
        path_codes = np.zeros(len(keys), dtype=np.int64)
        path_codes[counts == 1] = self._entries[starts[counts == 1]]
        for row in np.flatnonzero((counts != 1) & (skus >= 0)).tolist():
            path_entries = tuple(self._entries[starts[row] : starts[row] + counts[row]].tolist())
            path_codes[row] = lists.setdefault(path_entries, len(lists))
        entry_lists = ([self._quoted[entry] for entry in path_entries] for path_entries in lists)
        texts = [None if None in entries else json_text(entries) for entries in entry_lists]
        return dictionary_column([*texts, None], np.where(skus < 0, len(texts), path_codes))


def selected_users(batch: UserBatch, rows: Rows) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """Return the users with the given ascending rows in the snapshot, and their assignments."""
    users = batch.users
    if len(rows) < users.num_rows:
        users = users.take(arrow_rows(rows - batch.offset))
    assignments = batch.assignments
    entries = runs(*_spans(assignments, rows))
    return users, assignments if len(entries) == assignments.num_rows else assignments.take(arrow_rows(entries))


def user_evidence(
    bound: BoundPolicies, users: pa.RecordBatch, assignments: pa.RecordBatch, rows: Rows, *, evidence: bool
) -> UserEvidence:
    """Return the evidence about users with ascending rows in the snapshot; `assignments` has only their assignments."""
    columns = dict(zip(users.schema.names, users.columns, strict=True))
    nulls = pa.nulls(len(rows), pa.string())
    ids = _text(columns["id"])
    principals, names = (_text(columns.get(name, nulls)) for name in ("userPrincipalName", "displayName"))
    read_names = _FACTS if evidence else SIGN_INS
    read_columns = {name: columns[name] for name in read_names if name in columns}
    timestamps = _instants(
        {name: column for name, column in read_columns.items() if pa.types.is_timestamp(column.type)}
    )
    sizes, skus = _holdings(bound, assignments, rows)
    entries, quotes = _entries(bound, assignments)
    return UserEvidence(
        ids=ids,
        names=pc.coalesce(_filled(names), _filled(principals), ids),
        principals=principals,
        last_sign_ins=_latest([timestamps[name] for name in SIGN_INS if name in timestamps], len(rows)),
        facts=_listed_facts(columns, len(rows)),
        evidence=_evidence(columns, timestamps, principals, _held(bound, assignments, sizes, skus))
        if evidence
        else None,
        paths=AssignmentPaths(np.repeat(np.arange(len(rows)), sizes), skus, entries, quotes),
    )


def _evidence(
    columns: Mapping[str, pa.Array], timestamps: Mapping[str, pa.Array], principals: pa.Array, held: pa.StringArray
) -> pa.StringArray:
    parts = [
        _member(name, timestamps[name] if name in timestamps else columns[name], instant=name in timestamps)
        for name in _FACTS
        if name in columns
    ]
    names = json_strings(principals).fill_null("null")
    members = ('{\n  "userPrincipalName": ', names, *parts, ',\n  "assignedLicenses": ', held, "\n}")
    return pc.binary_join_element_wise(*members, "", null_handling="replace", null_replacement="")


def _text(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _filled(texts: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _member(name: str, column: pa.Array, *, instant: bool) -> pa.Array:
    """Return a member of a JSON object with a leading comma; null if the value is null."""
    key = f',\n  "{name}": '
    if instant:
        return pc.binary_join_element_wise(f'{key}"', column, '"', "")
    codes, values = _values(column)
    members = [None if value is None else key + json_text(value) for value in values]
    return pa.array(members, pa.string()).take(arrow_rows(codes))


def _values(column: pa.Array) -> tuple[Rows, list[Any]]:
    """Return the index of each row's value, and the distinct values of a column, followed by None."""
    if pa.types.is_dictionary(column.type) and len(column.dictionary) > len(column):
        column = column.dictionary_decode()  # the dictionary has more values than the column has rows
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    values = [*column.dictionary.to_pylist(), None]
    return codes_of(column, absent=len(values) - 1).astype(np.int64), values


def _listed_facts(columns: Mapping[str, pa.Array], count: int) -> pa.DictionaryArray:
    coded_values = [
        _values(columns[name]) if name in columns else (np.zeros(count, dtype=np.int64), [None]) for name in FACTS
    ]
    rows, _, codes = distinct_values(coded_values)
    return dictionary_column([json_text(row) for row in rows], codes)


def _latest(timestamps: Sequence[pa.Array], count: int) -> pa.Array:
    recorded = [
        pc.if_else(pc.starts_with(timestamp, NEVER_SIGNED_IN), pa.scalar(None, pa.string()), timestamp)
        for timestamp in timestamps
    ]
    return pc.max_element_wise(*recorded) if recorded else pa.nulls(count, pa.string())


def _holdings(bound: BoundPolicies, assignments: pa.RecordBatch, rows: Rows) -> tuple[Rows, Rows]:
    """Return the number of assignments of each user, and the SKU index of each assignment."""
    codes = assignments.column("skuId")
    index = np.array([bound.facts.index[sku_id.lower()] for sku_id in codes.dictionary.to_pylist()], dtype=np.int64)
    return _spans(assignments, rows)[1], index[codes.indices.to_numpy()]


def _held(bound: BoundPolicies, assignments: pa.RecordBatch, sizes: Rows, skus: Rows) -> pa.StringArray:
    """Return the names of each user's products as a JSON list."""
    names = [sku.part_number or sku.sku_id for sku in bound.facts.skus]
    counted = np.where(flags_of(assignments.column("held")), skus, -1).astype(np.int32)
    data, width = counted.tobytes(), counted.itemsize
    ends = (width * np.cumsum(sizes)).tolist()
    code_of: dict[bytes, int] = {}
    held = [code_of.setdefault(data[start:end], len(code_of)) for start, end in pairwise((0, *ends))]
    lists = (np.frombuffer(packed_skus, dtype=np.int32).tolist() for packed_skus in code_of)
    texts = [
        json_text(sorted({names[sku] for sku in packed_skus if sku >= 0})).replace("\n", "\n  ")
        for packed_skus in lists
    ]
    return pa.array(texts, pa.string()).take(arrow_rows(np.array(held, dtype=np.int64)))


def _spans(assignments: pa.RecordBatch, rows: Rows) -> tuple[Rows, Rows]:
    """Return the offset of each user's first assignment, and the number of assignments."""
    owners = assignments.column("user").to_numpy()
    starts = np.searchsorted(owners, rows)
    return starts, np.searchsorted(owners, rows, side="right") - starts


def _entries(bound: BoundPolicies, assignments: pa.RecordBatch) -> tuple[Rows, list[Mapping[str, Any] | None]]:
    """Return the entry index of each assignment, and the distinct entries: assignment paths, or None without one."""
    paths, _, entries = distinct_values([_values(assignments.column(name)) for name in _PATHS])
    return entries, [_path(bound, *path) for path in paths]


def _path(bound: BoundPolicies, state: str | None, group: str | None, error: str | None) -> Mapping[str, Any] | None:
    if state is None:
        return None
    quoted = {"assignedByGroup": group, "state": state, "error": error}
    name = None if group is None else bound.facts.group_names.get(group)
    return quoted if name is None else quoted | {"groupName": name}


def _instants(columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Return timestamp columns as texts."""
    if not columns:
        return {}
    numbers = [column.cast(INSTANT).view(pa.int64()).fill_null(NEVER).to_numpy() for column in columns.values()]
    written, size = _written(np.concatenate(numbers)), len(numbers[0])
    return {name: written.slice(index * size, size) for index, name in enumerate(columns)}


def _written(numbers: Numbers) -> pa.Array:
    """Format microseconds since 1970 as instants in UTC; NEVER becomes null."""
    recorded = numbers != NEVER
    instants = numbers[recorded]
    if (instants % _SECOND).any() or instants.min(initial=0) < _FIRST or instants.max(initial=0) > _LAST:
        # NEVER is NumPy's NaT, which `tolist` converts to None.
        timestamps = [
            None if timestamp is None else _instant(timestamp) for timestamp in numbers.view("M8[us]").tolist()
        ]
        return pa.array(timestamps, pa.string())
    # Arrow formats whole seconds many times as fast, especially many at once.
    bitmap, seconds = pa.py_buffer(np.packbits(recorded, bitorder="little")), pa.py_buffer(numbers // _SECOND)
    timestamps = pa.Array.from_buffers(pa.timestamp("s"), len(numbers), [bitmap, seconds])
    written = pc.binary_replace_slice(timestamps.cast(pa.string()), start=10, stop=11, replacement="T")
    return pc.binary_join_element_wise(written, "Z", "")


def _instant(timestamp: datetime | int) -> str:
    """Format an instant in UTC; one outside the range of datetime is given in microseconds."""
    if isinstance(timestamp, datetime):
        return f"{timestamp.isoformat()}Z"
    seconds, fraction = divmod(timestamp, _SECOND)
    return f"{np.datetime64(seconds, 's')}{f'.{fraction:06}' if fraction else ''}Z"


_SECOND = 1_000_000
_FIRST, _LAST = (int(np.datetime64(end, "us").astype(np.int64)) for end in ("0001-01-01", "9999-12-31T23:59:59"))
"""The range of instants whose years have four digits, in microseconds."""
