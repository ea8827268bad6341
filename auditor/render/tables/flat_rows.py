"""The flat table of findings for CSV, XLSX and Parquet, in columnar batches.

Each finding is a row. Columns whose values repeat together, such as those of a policy, are dictionary-encoded with
shared codes (`RepeatedColumns`), so that a format converts each distinct value once. Columns whose texts differ from
row to row are Arrow arrays (`TextColumn`), which a format escapes in bulk.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from auditor.arrays.batches import resized
from auditor.arrays.equal_rows import equal_rows
from auditor.arrays.rows import arrow_rows
from auditor.arrays.texts import values_of
from auditor.domain.enums import SubjectType
from auditor.domain.money import rounded
from auditor.domain.result.finding import Findings, ProductReference
from auditor.domain.result.model import PolicyHeader, Result
from auditor.findings.columns import SCHEMA, WHOLE, json_value
from auditor.findings.display_names import product_name
from auditor.findings.facts import SEAT_FACTS, cell_text
from auditor.render.text.evidence.facts import paths, product_and_set_names, product_names
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import without_surrogates

if TYPE_CHECKING:
    import pyarrow as pa

Cell = str | int | Decimal | None
Row = tuple[Cell, ...]

_ACCOUNT: Final = ("accountEnabled", "userType", "department", "usageLocation")
_POLICY: Final = ("tenant", "policy", "title", "severity", "status", "change", "check", "subjectType")
_PRODUCT: Final = ("skuId", "skuPartNumber", "productName", "detail", "currency", "perMonth", "countedPerMonth")
_WAIVER: Final = ("waiver", "guidance")
_SOURCE: Final = ("sourceFile", "sourceLine")
_ASSIGNMENT: Final = ("assignmentPaths", *SEAT_FACTS)
COLUMNS: Final = (
    *(*_POLICY, "subjectId", "subjectName", *_PRODUCT, *_WAIVER, "fingerprint", *_SOURCE),
    *("userPrincipalName", *_ACCOUNT, "lastSignIn", *_ASSIGNMENT),
)
"""The columns of the table, in order."""
BATCH: Final = 4096
"""Findings per batch; small enough for the CPU cache."""


class RepeatedValues:
    """The distinct rows of columns whose values repeat together, by code; new rows are added with each batch."""

    def __init__(self, names: Sequence[str], row: Callable[..., Row]) -> None:
        """`names` are columns of `auditor.findings.columns.SCHEMA`; `row` converts their values to a row."""
        self._names = names
        self._row = row
        self._codes: dict[tuple[str | None, ...], int] = {}
        self.rows: list[Row] = []

    def codes(self, batch: "pa.RecordBatch") -> "pa.Int32Array":
        """Return the code of each finding in the batch."""
        firsts, group_of = equal_rows(batch, self._names)
        distinct = batch.select(self._names).take(arrow_rows(firsts))
        keys = list(zip(*(values_of(distinct.column(name)) for name in self._names), strict=True))
        codes = np.array([self._codes.get(key, -1) for key in keys], dtype=np.int64)
        for index in np.flatnonzero(codes < 0)[np.argsort(firsts[codes < 0])].tolist():
            codes[index] = self._add(keys[index])
        return arrow_rows(codes[group_of])

    def _add(self, key: tuple[str | None, ...]) -> int:
        self.rows.append(self._row(*key))
        self._codes[key] = len(self.rows) - 1
        return self._codes[key]


class RepeatedColumns(Struct, frozen=True, kw_only=True):
    """Adjacent columns whose values repeat together: a code per row, and the values by code."""

    columns: tuple[str, ...]
    first: int
    """Index of the first of these columns in the rows of `values`."""
    codes: "pa.Int32Array"
    values: RepeatedValues


class TextColumn(Struct, frozen=True, kw_only=True):
    """A column whose texts differ from row to row; null if there is no text."""

    column: str
    texts: "pa.StringArray"


class RowBatch(Struct, frozen=True, kw_only=True):
    """Consecutive rows of one tenant, or of the fleet; the parts cover all columns, in the order of COLUMNS."""

    count: int
    parts: tuple[RepeatedColumns | TextColumn, ...]

    def split(self, count: int) -> "tuple[RowBatch, RowBatch | None]":
        """Return the first `count` rows and the remaining ones; None if no rows remain."""
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
    """Yield the table in batches of at most `size` rows: tenant by tenant, then the fleet's findings (no tenant)."""
    headers = {policy.id: policy for policy in result.run.policies}
    fleet_names: dict[str, str] = {}
    l10n = Labels("en")
    for tenant in result.tenants:
        fleet_names = {**product_names(tenant), **fleet_names}
        groups = _ValueGroups(tenant.name, headers, product_and_set_names(tenant, l10n))
        yield from _batches(tenant.findings, groups, size)
    yield from _batches(result.fleet.findings, _ValueGroups("", headers, fleet_names), size)


def row_count(result: Result) -> int:
    """Return the number of rows of the table."""
    return sum(len(tenant.findings) for tenant in result.tenants) + len(result.fleet.findings)


class _ValueGroups:
    """The repeated values of one tenant, or of the fleet."""

    def __init__(self, tenant: str, headers: Mapping[str, PolicyHeader], names: Mapping[str, str]) -> None:
        self.policies = RepeatedValues(_POLICY_FIELDS, partial(_policy_row, tenant, headers))
        self.products = RepeatedValues(_PRODUCT_FIELDS, partial(_product_row, names))
        self.accounts = RepeatedValues(("facts",), _account_row)
        self.assignments = RepeatedValues(("paths", "seats"), _assignment_row)


def _batches(findings: Findings, groups: _ValueGroups, size: int) -> Iterator[RowBatch]:
    for batch in resized((_with_pools(batch.select(_FIELDS)) for batch in findings.batches()), size):
        yield _batch(batch, groups)


def _with_pools(findings: "pa.RecordBatch") -> "pa.RecordBatch":
    """Add the column `pool`: the name of a finding about the seats of a product set, which has no skuId; else null."""
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy

    subjects, products, sku_ids = (findings.column(name) for name in ("subjectType", "product", "skuId"))
    about_product = pc.equal(subjects.dictionary_decode(), SubjectType.PRODUCT.value)
    is_pool = pc.and_(about_product, pc.and_(products.is_valid(), sku_ids.is_null()))
    names = pc.if_else(
        pc.equal(findings.column("subjectName"), ""), *map(findings.column, ("subjectId", "subjectName"))
    )
    return findings.append_column("pool", pc.if_else(is_pool, names, pa.scalar(None, pa.string())).dictionary_encode())


def _batch(findings: "pa.RecordBatch", groups: _ValueGroups) -> RowBatch:
    policy_columns = partial(RepeatedColumns, codes=groups.policies.codes(findings), values=groups.policies)
    products, accounts = groups.products.codes(findings), groups.accounts.codes(findings)
    assignments = groups.assignments.codes(findings)
    return RowBatch(
        count=findings.num_rows,
        parts=(
            policy_columns(columns=_POLICY, first=0),
            _texts("subjectId", findings.column("subjectId")),
            _texts("subjectName", findings.column("subjectName")),
            RepeatedColumns(columns=_PRODUCT, first=0, codes=products, values=groups.products),
            policy_columns(columns=_WAIVER, first=len(_POLICY)),
            _texts("fingerprint", findings.column("fingerprint")),
            policy_columns(columns=_SOURCE, first=len(_POLICY) + len(_WAIVER)),
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
        # A saved result may contain lone surrogates.
        valid = [None if text is None else without_surrogates(text) for text in values_of(texts)]
        texts = pa.array(valid, pa.string())
    return TextColumn(column=column, texts=pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts))


_POLICY_FIELDS: Final = (
    *("policy", "severity", "status", "change", "check", "subjectType"),
    *("waiver", "guidance", "sourceFile", "sourceLine"),
)
_PRODUCT_FIELDS: Final = (
    *("pool", "product", "skuId", "skuPartNumber"),
    *("detail", "currency", "perMonth", "counted"),
)
_FIELDS: Final = [name for name in SCHEMA.names if name != "evidence"]
"""The columns of the findings that the table needs."""


def _policy_row(tenant: str, headers: Mapping[str, PolicyHeader], policy: str, *others: str) -> Row:
    severity, status, change, check, subject, waiver, guidance, file, line = others
    header = headers.get(policy)
    return (
        *(tenant, policy, "" if header is None else header.title, severity),
        *(status, change or "", check, subject),
        *(waiver, guidance, file, int(line)),
    )


def _product_row(names: Mapping[str, str], pool: str | None, product: str | None, *others: str | None) -> Row:
    sku_id, part, detail, currency, price, counted = others
    reference = None if product is None else ProductReference(sku_id=sku_id, sku_part_number=part)
    return (
        sku_id,
        part,
        product_name(reference, names) if pool is None else pool,
        detail,
        currency,
        None if price is None else rounded(Decimal(price)),
        None if price is None else rounded(Decimal(price if counted == WHOLE else counted or 0)),
    )


def _account_row(facts: str) -> Row:
    return tuple(map(cell, json_value(facts)[: len(_ACCOUNT)]))


def _assignment_row(paths_json: str | None, seats_json: str | None) -> Row:
    listed = None if paths_json is None else json_value(paths_json)
    cells = [None] * len(SEAT_FACTS) if seats_json is None else json_value(seats_json)
    return "; ".join(paths({"paths": listed})) if listed else None, *map(cell, cells)


def cell(value: Any) -> Cell:
    """Return the value of a cell; lists and mappings become texts with semicolons, not JSON."""
    if value is None or type(value) is int:
        return value
    return cell_text(value)
