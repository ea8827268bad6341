"""Findings as Arrow record batches and back."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

import orjson
import pyarrow as pa

from auditor.domain.actions.money import Money
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.finding import Finding, ProductReference, SourceLine, Subject

_CODED: Final = pa.dictionary(pa.int32(), pa.string())
SCHEMA: Final = pa.schema(
    [
        pa.field("policy", _CODED, nullable=False),
        pa.field("check", _CODED, nullable=False),
        pa.field("severity", _CODED, nullable=False),
        pa.field("status", _CODED, nullable=False),
        pa.field("waiver", _CODED),
        pa.field("change", _CODED),
        pa.field("subjectType", _CODED, nullable=False),
        pa.field("subjectId", pa.string(), nullable=False),
        pa.field("subjectName", pa.string(), nullable=False),
        pa.field("product", pa.bool_(), nullable=False),
        pa.field("skuId", _CODED),
        pa.field("skuPartNumber", _CODED),
        pa.field("detail", _CODED),
        pa.field("currency", _CODED),
        pa.field("perMonth", _CODED),
        pa.field("guidance", _CODED, nullable=False),
        pa.field("fingerprint", pa.string(), nullable=False),
        pa.field("sourceFile", _CODED, nullable=False),
        pa.field("sourceLine", pa.int64(), nullable=False),
        pa.field("evidence", pa.binary(), nullable=False),
    ]
)
"""One row per finding. `evidence` is a JSON object, `perMonth` a decimal number as text; `product` tells whether the
finding names a product, whose id and part number may both be unknown."""

_AT_ONCE: Final = 4096
"""Findings that are decoded together."""
_SEVERITIES: Final = {each.value: each for each in Severity}
_STATUSES: Final = {each.value: each for each in Status}
_CHANGES: Final[dict[str | None, Change | None]] = {None: None, **{each.value: each for each in Change}}
_TYPES: Final = {each.value: each for each in SubjectType}


class UnencodableError(ValueError):
    """A finding holds what Arrow or JSON cannot: half of a surrogate pair, or a number of more than 64 bits."""


def encode(findings: Sequence[Finding]) -> pa.RecordBatch:
    """Write findings as a record batch. Raises UnencodableError where one of them cannot be read back as it is."""
    products = [each.product for each in findings]
    amounts = [each.money for each in findings]
    try:
        return pa.record_batch(
            [
                _coded(each.policy for each in findings),
                _coded(each.check for each in findings),
                _coded(each.severity.value for each in findings),
                _coded(each.status.value for each in findings),
                _coded(each.waiver for each in findings),
                _coded(None if each.change is None else each.change.value for each in findings),
                _coded(each.subject.type.value for each in findings),
                pa.array([each.subject.id for each in findings], pa.string()),
                pa.array([each.subject.name for each in findings], pa.string()),
                pa.array([each is not None for each in products], pa.bool_()),
                _coded(None if each is None else each.sku_id for each in products),
                _coded(None if each is None else each.sku_part_number for each in products),
                _coded(each.detail for each in findings),
                _coded(None if each is None else each.currency for each in amounts),
                _coded(None if each is None else str(each.per_month) for each in amounts),
                _coded(each.guidance for each in findings),
                pa.array([each.fingerprint for each in findings], pa.string()),
                _coded(each.source.file for each in findings),
                pa.array([each.source.line for each in findings], pa.int64()),
                pa.array([orjson.dumps(each.evidence) for each in findings], pa.binary()),
            ],
            schema=SCHEMA,
        )
    except (TypeError, ValueError, OverflowError, pa.ArrowException) as error:
        raise UnencodableError(str(error)) from error


def _coded(texts: Iterable[str | None]) -> pa.Array:
    return pa.array(list(texts), pa.string()).dictionary_encode()


def decode(batch: pa.RecordBatch) -> Iterator[Finding]:
    """Read the findings of a record batch, some thousands at a time."""
    for start in range(0, batch.num_rows, _AT_ONCE):
        yield from _decoded(batch.slice(start, _AT_ONCE))


def _decoded(batch: pa.RecordBatch) -> Iterator[Finding]:
    columns = [_values(column) for column in batch.columns]
    products: dict[tuple[str | None, str | None], ProductReference] = {}
    amounts: dict[tuple[str, str], Money] = {}
    sources: dict[tuple[str, int], SourceLine] = {}
    for row in zip(*columns, strict=True):
        policy, check, severity, status, waiver, change, kind, subject, name = row[:9]
        has_product, sku_id, part, detail, currency, per_month = row[9:15]
        guidance, fingerprint, file, line, evidence = row[15:]
        yield Finding(
            fingerprint=fingerprint,
            policy=policy,
            check=check,
            severity=_SEVERITIES[severity],
            status=_STATUSES[status],
            subject=Subject(type=_TYPES[kind], id=subject, name=name),
            source=sources.get((file, line)) or sources.setdefault((file, line), SourceLine(file=file, line=line)),
            waiver=waiver,
            change=_CHANGES[change],
            product=(
                products.get((sku_id, part))
                or products.setdefault((sku_id, part), ProductReference(sku_id=sku_id, sku_part_number=part))
                if has_product
                else None
            ),
            detail=detail,
            evidence=orjson.loads(evidence),
            money=(
                None
                if currency is None
                else amounts.get((currency, per_month))
                or amounts.setdefault((currency, per_month), Money(currency=currency, per_month=Decimal(per_month)))
            ),
            guidance=guidance,
        )


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_dictionary(column.type):
        known = [*column.dictionary.to_pylist(), None]
        return [known[-1 if code is None else code] for code in column.indices.to_pylist()]
    return column.to_pylist()  # type: ignore[no-any-return]
