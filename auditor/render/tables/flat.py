"""The flat table of findings that CSV, XLSX and Parquet files hold, in batches of columns.

A finding is a row. Columns whose values repeat together, such as those of a policy, share the codes of their distinct
values (`RepeatedColumns`): a format writes each distinct value once. Columns whose texts differ from row to row are
Arrow arrays (`TextColumn`), which a format escapes as a whole.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from auditor.domain.actions.money import rounded
from auditor.domain.result import Finding, PolicyHeader, Result
from auditor.render.text.facts import SEAT_FACTS, last_sign_in, paths, product_name, product_names
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

    def __init__(self, row: Callable[[Finding], Row]) -> None:
        self._row = row
        self._codes: dict[Hashable, int] = {}
        self.rows: list[Row] = []

    def codes(self, keys: Sequence[Hashable], findings: Sequence[Finding]) -> "pa.Int32Array":
        """Return the code of each finding; findings with equal keys have equal rows."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        codes = list(map(self._codes.get, keys))
        if None in codes:
            for index, code in enumerate(codes):
                if code is None:
                    codes[index] = self._add(keys[index], findings[index])
        return pa.array(codes, pa.int32())

    def _add(self, key: Hashable, finding: Finding) -> int:
        code = self._codes.setdefault(key, len(self.rows))
        if code == len(self.rows):
            self.rows.append(self._row(finding))
        return code


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedColumns:
    """Adjacent columns whose values repeat together: the code of each row, and the values of the codes."""

    columns: tuple[str, ...]
    first: int
    """Where the first of the columns is in a row of `values`."""
    codes: "pa.Int32Array"
    values: RepeatedValues


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """A column whose texts differ from row to row; null where there is none."""

    column: str
    texts: "pa.StringArray"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBatch:
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
        self.policies = RepeatedValues(partial(_policy_row, tenant, headers))
        self.products = RepeatedValues(partial(_product_row, names))
        self.accounts = RepeatedValues(_account_row)
        self.assignments = RepeatedValues(_assignment_row)


def _batches(findings: Sequence[Finding], groups: _Groups, size: int) -> Iterator[RowBatch]:
    rest = iter(findings)
    while batch := list(islice(rest, size)):
        yield _batch(batch, groups)


def _batch(findings: list[Finding], groups: _Groups) -> RowBatch:
    evidence = [each.evidence for each in findings]
    policies = groups.policies.codes(_policy_keys(findings), findings)
    products = groups.products.codes(_product_keys(findings), findings)
    accounts = groups.accounts.codes(_account_keys(evidence), findings)
    assignments = groups.assignments.codes(_assignment_keys(evidence), findings)
    of_policy = partial(RepeatedColumns, codes=policies, values=groups.policies)
    return RowBatch(
        count=len(findings),
        parts=(
            of_policy(columns=_POLICY, first=0),
            _texts("subjectId", [each.subject.id for each in findings]),
            _texts("subjectName", [each.subject.name for each in findings]),
            RepeatedColumns(columns=_PRODUCT, first=0, codes=products, values=groups.products),
            of_policy(columns=_WAIVER, first=len(_POLICY)),
            _texts("fingerprint", [each.fingerprint for each in findings]),
            of_policy(columns=_SOURCE, first=len(_POLICY) + len(_WAIVER)),
            _texts("userPrincipalName", [facts.get("userPrincipalName") for facts in evidence]),
            RepeatedColumns(columns=_ACCOUNT, first=0, codes=accounts, values=groups.accounts),
            _texts("lastSignIn", list(map(last_sign_in, evidence))),
            RepeatedColumns(columns=_ASSIGNMENT, first=0, codes=assignments, values=groups.assignments),
        ),
    )


def _texts(column: str, values: Sequence[Any]) -> TextColumn:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    if "" in values:
        values = [None if value == "" else value for value in values]
    try:
        array = pa.array(values, pa.string())
    except (pa.ArrowException, UnicodeEncodeError):
        # A saved result may hold another value than a text, or half of a surrogate pair.
        array = pa.array(
            [None if value is None else without_surrogates(str(cell(value))) or None for value in values], pa.string()
        )
    return TextColumn(column=column, texts=array)


def _policy_keys(findings: Sequence[Finding]) -> list[Hashable]:
    return [
        (
            each.policy,
            each.severity,
            each.status,
            each.change,
            each.check,
            each.subject.type,
            each.waiver,
            each.guidance,
            each.source.file,
            each.source.line,
        )
        for each in findings
    ]


def _policy_row(tenant: str, headers: Mapping[str, PolicyHeader], finding: Finding) -> Row:
    header, change, source = headers.get(finding.policy), finding.change, finding.source
    return (
        *(tenant, finding.policy, "" if header is None else header.title, finding.severity.value),
        *(finding.status.value, "" if change is None else change.value, finding.check, finding.subject.type.value),
        *(finding.waiver, finding.guidance, source.file, source.line),
    )


def _product_keys(findings: Sequence[Finding]) -> list[Hashable]:
    return [
        (
            None if (product := each.product) is None else (product.sku_id, product.sku_part_number),
            each.detail,
            None if (money := each.money) is None else (money.currency, money.per_month),
        )
        for each in findings
    ]


def _product_row(names: Mapping[str, str], finding: Finding) -> Row:
    product, money = finding.product, finding.money
    return (
        *((None, None) if product is None else (product.sku_id, product.sku_part_number)),
        *(product_name(finding, names), finding.detail),
        *((None, None) if money is None else (money.currency, rounded(money.per_month))),
    )


def _account_keys(evidence: Sequence[Mapping[str, Any]]) -> list[Hashable]:
    columns = (_exact([facts.get(name) for facts in evidence]) for name in _ACCOUNT)
    return list(zip(*columns, strict=True))


def _account_row(finding: Finding) -> Row:
    return tuple(cell(finding.evidence.get(name)) for name in _ACCOUNT)


def _assignment_keys(evidence: Sequence[Mapping[str, Any]]) -> list[Hashable]:
    ways = [facts.get("paths") for facts in evidence]
    # Nearly always there is one path: its parts are quicker to compare than its text.
    only = [way[0] if type(way) is list and len(way) == 1 and type(way[0]) is dict else _NO_PATH for way in ways]
    parts = (_exact([way.get(name) for way in only]) for name in ("groupName", "assignedByGroup", "state"))
    others = ["" if one is not _NO_PATH else repr(way) if way else None for way, one in zip(ways, only, strict=True)]
    seats = [
        None if _SEATS.isdisjoint(facts) else tuple(_exact([facts.get(name) for name in SEAT_FACTS]))
        for facts in evidence
    ]
    return list(zip(*parts, others, seats, strict=True))


def _assignment_row(finding: Finding) -> Row:
    evidence = finding.evidence
    ways = "; ".join(paths(evidence)) if evidence.get("paths") else None
    return ways, *(cell(evidence.get(name)) for name in SEAT_FACTS)


_NO_PATH: Final[dict[str, Any]] = {}
_SEATS: Final = frozenset(SEAT_FACTS)
_EXACT: Final = frozenset({str, bool, type(None)})


def _exact(values: list[Any]) -> list[Hashable]:
    """Return keys that are equal for equal values of the same type only: 1 and True are equal."""
    if _EXACT.issuperset(map(type, values)):
        return values
    return [value if type(value) in _EXACT else (type(value), repr(value)) for value in values]


def cell(value: Any) -> Cell:
    """Return one plain cell; lists and mappings become words between semicolons, never JSON."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return value
        case list() | tuple():
            return "; ".join(str(cell(each)) for each in value)
        case Mapping():
            return "; ".join(f"{name} {cell(value[name])}" for name in sorted(value))
        case _:
            return str(value)
