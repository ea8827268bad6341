"""The flat table of findings that CSV, XLSX and Parquet files hold, in batches of columns.

A finding is a row. Columns whose values repeat together, such as those of a policy, share the codes of their distinct
values (`RepeatedColumns`): a format writes each distinct value once. Columns whose texts differ from row to row are
Arrow arrays (`TextColumn`), which a format escapes as a whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.actions.money import rounded
from auditor.domain.result.finding import Findings, ProductReference
from auditor.domain.result.model import PolicyHeader, Result
from auditor.engine.columns.bitsets import indices
from auditor.findings.columns import SCHEMA, alike, json_value, resized, values_of
from auditor.findings.facts import SEAT_FACTS, cell_text
from auditor.render.text.evidence.facts import paths, product_name, product_names
from auditor.render.text.sanitize import without_surrogates

if TYPE_CHECKING:
    import pyarrow as pa

Cell = str | int | Decimal | None
Row = tuple[Cell, ...]

_ACCOUNT: Final = ("accountEnabled", "userType", "department", "usageLocation")
_POLICY: Final = ("tenant", "policy", "title", "severity", "status", "change", "check", "subjectType")
_PRODUCT: Final = ("skuId", "skuPartNumber", "productName", "detail", "currency", "perMonth")
_WAIVER: Final = ("waiver", "guidance")
_SOURCE: Final = ("sourceFile", "sourceLine")
_ASSIGNMENT: Final = ("assignmentPaths", *SEAT_FACTS)
COLUMNS: Final = (
    *(*_POLICY, "subjectId", "subjectName", *_PRODUCT, *_WAIVER, "fingerprint", *_SOURCE),
    *("userPrincipalName", *_ACCOUNT, "lastSignIn", *_ASSIGNMENT),
)
"""The columns of the table, in their order."""
BATCH: Final = 4096
"""Findings of a batch: few enough to stay in the processor's cache from column to column."""


class RepeatedValues:
    """The distinct rows of columns whose values repeat together, by code; it grows from batch to batch."""

    def __init__(self, names: Sequence[str], row: Callable[..., Row]) -> None:
        """Take the columns of `auditor.findings.columns.SCHEMA`, and what makes a row of their values."""
        self._names = names
        self._row = row
        self._known: dict[tuple[str | None, ...], int] = {}
        self.rows: list[Row] = []

    def codes(self, batch: "pa.RecordBatch") -> "pa.Int32Array":
        """Return the code of each finding."""
        firsts, group_of = alike(batch, self._names)
        distinct = batch.select(self._names).take(indices(firsts))
        keys = list(zip(*(values_of(distinct.column(name)) for name in self._names), strict=True))
        codes = np.array([self._known.get(key, -1) for key in keys], dtype=np.int64)
        for index in np.flatnonzero(codes < 0)[np.argsort(firsts[codes < 0])].tolist():
            codes[index] = self._add(keys[index])
        return indices(codes[group_of])

    def _add(self, key: tuple[str | None, ...]) -> int:
        self.rows.append(self._row(*key))
        self._known[key] = len(self.rows) - 1
        return self._known[key]


class RepeatedColumns(Struct, frozen=True, kw_only=True):
    """Adjacent columns whose values repeat together: the code of each row, and the values of the codes."""

    columns: tuple[str, ...]
    first: int
    """Where the first of the columns is in a row of `values`."""
    codes: "pa.Int32Array"
    values: RepeatedValues


class TextColumn(Struct, frozen=True, kw_only=True):
    """A column whose texts differ from row to row; null where there is none."""

    column: str
    texts: "pa.StringArray"


class RowBatch(Struct, frozen=True, kw_only=True):
    """Some consecutive rows of one tenant, or of the fleet; the parts make up all columns, in the order of COLUMNS."""

    count: int
    parts: tuple[RepeatedColumns | TextColumn, ...]

    def split(self, count: int) -> "tuple[RowBatch, RowBatch | None]":
        """Return the first rows, at most that many, and the others, if there are any."""
        if self.count <= count:
            return self, None
        first = RowBatch(count=count, parts=tuple(_slice(part, 0, count) for part in self.parts))
        others = tuple(_slice(part, count, self.count - count) for part in self.parts)
        return first, RowBatch(count=self.count - count, parts=others)


def _slice(part: RepeatedColumns | TextColumn, offset: int, length: int) -> RepeatedColumns | TextColumn:
    match part:
        case TextColumn():
            return replace(part, texts=part.texts.slice(offset, length))
        case RepeatedColumns():
            return replace(part, codes=part.codes.slice(offset, length))


def row_batches(result: Result, size: int = BATCH) -> Iterator[RowBatch]:
    """Yield the table in batches of at most `size` rows, tenant by tenant, the fleet's findings last (no tenant)."""
    headers = {policy.id: policy for policy in result.run.policies}
    fleet_names: dict[str, str] = {}
    for tenant in result.tenants:
        names = product_names(tenant)
        fleet_names = {**names, **fleet_names}
        yield from _batches(tenant.findings, _Groups(tenant.name, headers, names), size)
    yield from _batches(result.fleet.findings, _Groups("", headers, fleet_names), size)


def row_count(result: Result) -> int:
    """Return the number of rows of the table."""
    return sum(len(tenant.findings) for tenant in result.tenants) + len(result.fleet.findings)


class _Groups:
    """The repeated values of one tenant, or of the fleet."""

    def __init__(self, tenant: str, headers: Mapping[str, PolicyHeader], names: Mapping[str, str]) -> None:
        self.policies = RepeatedValues(_OF_POLICY, partial(_policy_row, tenant, headers))
        self.products = RepeatedValues(_OF_PRODUCT, partial(_product_row, names))
        self.accounts = RepeatedValues(("facts",), _account_row)
        self.assignments = RepeatedValues(("paths", "seats"), _assignment_row)


def _batches(findings: Findings, groups: _Groups, size: int) -> Iterator[RowBatch]:
    for batch in resized((batch.select(_READ) for batch in findings.batches()), size):
        yield _batch(batch, groups)


def _batch(findings: "pa.RecordBatch", groups: _Groups) -> RowBatch:
    of_policy = partial(RepeatedColumns, codes=groups.policies.codes(findings), values=groups.policies)
    products, accounts = groups.products.codes(findings), groups.accounts.codes(findings)
    assignments = groups.assignments.codes(findings)
    return RowBatch(
        count=findings.num_rows,
        parts=(
            of_policy(columns=_POLICY, first=0),
            _texts("subjectId", findings.column("subjectId")),
            _texts("subjectName", findings.column("subjectName")),
            RepeatedColumns(columns=_PRODUCT, first=0, codes=products, values=groups.products),
            of_policy(columns=_WAIVER, first=len(_POLICY)),
            _texts("fingerprint", findings.column("fingerprint")),
            of_policy(columns=_SOURCE, first=len(_POLICY) + len(_WAIVER)),
            _texts("userPrincipalName", findings.column("principal")),
            RepeatedColumns(columns=_ACCOUNT, first=0, codes=accounts, values=groups.accounts),
            _texts("lastSignIn", findings.column("lastSignIn")),
            RepeatedColumns(columns=_ASSIGNMENT, first=0, codes=assignments, values=groups.assignments),
        ),
    )


def _texts(column: str, texts: "pa.StringArray") -> TextColumn:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy

    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        # A saved result may hold half of a surrogate pair.
        shown = [None if text is None else without_surrogates(text) for text in values_of(texts)]
        texts = pa.array(shown, pa.string())
    return TextColumn(column=column, texts=pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts))


_OF_POLICY: Final = (
    *("policy", "severity", "status", "change", "check", "subjectType"),
    *("waiver", "guidance", "sourceFile", "sourceLine"),
)
_OF_PRODUCT: Final = ("product", "skuId", "skuPartNumber", "detail", "currency", "perMonth")
_READ: Final = [name for name in SCHEMA.names if name != "evidence"]
"""The columns of findings that are read."""


def _policy_row(tenant: str, headers: Mapping[str, PolicyHeader], policy: str, *others: str) -> Row:
    severity, status, change, check, subject, waiver, guidance, file, line = others
    header = headers.get(policy)
    return (
        *(tenant, policy, "" if header is None else header.title, severity),
        *(status, change or "", check, subject),
        *(waiver, guidance, file, int(line)),
    )


def _product_row(names: Mapping[str, str], product: str | None, *others: str | None) -> Row:
    sku_id, part, detail, currency, price = others
    about = None if product is None else ProductReference(sku_id=sku_id, sku_part_number=part)
    return (
        sku_id,
        part,
        product_name(about, names),
        detail,
        currency,
        None if price is None else rounded(Decimal(price)),
    )


def _account_row(facts: str) -> Row:
    return tuple(map(cell, json_value(facts)[: len(_ACCOUNT)]))


def _assignment_row(listed: str | None, seats: str | None) -> Row:
    ways = None if listed is None else json_value(listed)
    cells = [None] * len(SEAT_FACTS) if seats is None else json_value(seats)
    return "; ".join(paths({"paths": ways})) if ways else None, *map(cell, cells)


def cell(value: Any) -> Cell:
    """Return one plain cell; lists and mappings become words between semicolons, never JSON."""
    if value is None or type(value) is int:
        return value
    return cell_text(value)
