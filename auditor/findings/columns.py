"""Encodes findings as Arrow record batches and decodes them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field

from auditor.arrays.rows import arrow_rows
from auditor.arrays.texts import offsets_of, texts, utf8_of, values_of
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, ProductReference, SourceLine, Subject
from auditor.findings.facts import FACTS, SEAT_FACTS, cell_text, last_sign_in

CODED: Final = pa.dictionary(pa.int32(), pa.string())
_TEXT: Final = pa.string()
_COLUMNS: Final[Mapping[str, tuple[pa.DataType, bool, Callable[[Finding], str | None]]]] = {
    "policy": (CODED, False, lambda finding: finding.policy),
    "check": (CODED, False, lambda finding: finding.check),
    "severity": (CODED, False, lambda finding: finding.severity.value),
    "status": (CODED, False, lambda finding: finding.status.value),
    "waiver": (CODED, True, lambda finding: finding.waiver),
    "change": (CODED, True, lambda finding: None if finding.change is None else finding.change.value),
    "subjectType": (CODED, False, lambda finding: finding.subject.type.value),
    "subjectId": (_TEXT, False, lambda finding: finding.subject.id),
    "subjectName": (_TEXT, False, lambda finding: finding.subject.name),
    "product": (CODED, True, lambda finding: None if finding.product is None else "true"),
    "skuId": (CODED, True, lambda finding: None if finding.product is None else finding.product.sku_id),
    "skuPartNumber": (
        CODED,
        True,
        lambda finding: None if finding.product is None else finding.product.sku_part_number,
    ),
    "detail": (CODED, True, lambda finding: finding.detail),
    "currency": (CODED, True, lambda finding: None if finding.money is None else finding.money.currency),
    "perMonth": (CODED, True, lambda finding: None if finding.money is None else str(finding.money.per_month)),
    "guidance": (CODED, False, lambda finding: finding.guidance),
    "fingerprint": (_TEXT, False, lambda finding: finding.fingerprint),
    "sourceFile": (CODED, False, lambda finding: finding.source.file),
    "sourceLine": (CODED, False, lambda finding: str(finding.source.line)),
    "evidence": (_TEXT, False, lambda finding: json_text(_without_paths(finding.evidence))),
    "paths": (
        CODED,
        True,
        lambda finding: json_text(finding.evidence["paths"]) if "paths" in finding.evidence else None,
    ),
    "principal": (_TEXT, True, lambda finding: _principal(finding.evidence)),
    "lastSignIn": (_TEXT, True, lambda finding: last_sign_in(finding.evidence)),
    "facts": (CODED, False, lambda finding: json_text(list(map(finding.evidence.get, FACTS)))),
    "seats": (CODED, True, lambda finding: _seats(finding.evidence)),
    "counted": (CODED, True, lambda _: None),
}
"""The type of each column, whether it may be null, and its value for a finding."""
SCHEMA: Final = pa.schema([pa.field(name, kind, null) for name, (kind, null, _) in _COLUMNS.items()])
"""One row per finding. `product` is "true" if the finding names a product, whose id and part number may both be
unknown; `perMonth` and `sourceLine` are numbers as text. `evidence` is a JSON object without its member `paths`, whose
JSON is in a separate column. The columns after it repeat the evidence that tables list: userPrincipalName as text, the
latest sign-in, the values of FACTS as a JSON list, and those of SEAT_FACTS, if there are any. `counted` is the part of
`perMonth` that is in the cost of open findings, in cents, WHOLE for findings about people; null means nothing. A
`FindingTable` fills it in."""
WHOLE: Final = "true"
"""The value of `counted` if the whole amount counts."""

_ESCAPED: Final = np.array([code < 0x20 or code in b'"\\' for code in range(256)])
"""Whether JSON escapes the character with this code."""
_DECODE_SIZE: Final = 4096
"""Number of findings that are decoded together."""
_SEVERITIES: Final = {severity.value: severity for severity in Severity}
_STATUSES: Final = {status.value: status for status in Status}
_CHANGES: Final[dict[str | None, Change | None]] = {None: None, **{change.value: change for change in Change}}
_TYPES: Final = {kind.value: kind for kind in SubjectType}
_NO_SEATS: Final = (None,) * len(SEAT_FACTS)


def encode(findings: Sequence[Finding]) -> pa.RecordBatch:
    """Encode findings as a record batch. Raises TypeError for evidence that is not JSON."""
    columns = ((kind, texts([value(finding) for finding in findings])) for kind, _, value in _COLUMNS.values())
    return pa.record_batch(
        [column.dictionary_encode() if kind is CODED else column for kind, column in columns], schema=SCHEMA
    )


def json_text(value: Any) -> str:
    """Return the JSON of a plain value, indented by two spaces; lone surrogates and long numbers are preserved."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:
        # The leading space marks text that orjson cannot parse.
        return " " + json.dumps(value, default=_listed)


def json_strings(column: pa.StringArray) -> pa.StringArray:
    """Return texts as JSON strings; null stays null."""
    strings, is_escaped = pc.binary_join_element_wise('"', column, '"', ""), _ESCAPED[utf8_of(column)]
    if not is_escaped.any():
        return strings
    offsets = offsets_of(column)
    counts = np.append(0, np.cumsum(is_escaped))[offsets - offsets[0]]
    mask = pc.greater(arrow_rows(counts[1:]), arrow_rows(counts[:-1]))
    return pc.replace_with_mask(strings, mask, pa.array(map(json_text, column.filter(mask).to_pylist()), pa.string()))


def json_value(text: str) -> Any:
    """Return the value that `json_text` wrote."""
    return json.loads(text) if text[:1] == " " else orjson.loads(text)


def _without_paths(evidence: Mapping[str, Any]) -> Mapping[str, Any]:
    members = dict(evidence)
    members.pop("paths", None)
    return members


def _principal(evidence: Mapping[str, Any]) -> str | None:
    name = evidence.get("userPrincipalName")
    return None if name is None else cell_text(name)


def _seats(evidence: Mapping[str, Any]) -> str | None:
    seats = tuple(map(evidence.get, SEAT_FACTS))
    return None if seats == _NO_SEATS else json_text(seats)


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"evidence holds no {type(value).__name__}")


def replaced(batch: pa.RecordBatch, name: str, column: pa.Array) -> pa.RecordBatch:
    """Return a record batch with one column replaced."""
    return batch.set_column(batch.schema.get_field_index(name), SCHEMA.field(name), column)


def money_of(currency: str | None, per_month: str) -> Money | None:
    """Return an amount of money; None without a currency."""
    return None if currency is None else Money(currency=currency, per_month=Decimal(per_month))


class DecodeCache(Struct):
    """Decoded values that several findings share."""

    evidences: dict[tuple[str, ...], Mapping[str, Any]] = field(default_factory=dict)
    """Evidence without the paths, by the text of the columns that it is read from."""
    subjects: dict[tuple[str, str, str], Subject] = field(default_factory=dict)


def decode(batch: pa.RecordBatch, *, brief: bool = False, cache: DecodeCache | None = None) -> Iterator[Finding]:
    """Decode the findings of a record batch, some thousands at a time.

    With `brief`, the evidence has only userPrincipalName, FACTS and paths. With `cache`, subjects and evidence that
    were decoded with it before are reused.
    """
    for start in range(0, batch.num_rows, _DECODE_SIZE):
        yield from _decoded(batch.slice(start, _DECODE_SIZE), DecodeCache() if cache is None else cache, brief=brief)


def _decoded(batch: pa.RecordBatch, cache: DecodeCache, *, brief: bool) -> Iterator[Finding]:
    columns = [values_of(batch.column(name)) for name in _DECODED]
    columns += map(values_of, (batch.column(name) for name in (_BRIEF if brief else ("evidence",))))
    products: dict[tuple[str | None, str | None], ProductReference] = {}
    amounts: dict[tuple[str, str], Money | None] = {}
    sources: dict[tuple[str, str], SourceLine] = {}
    evidences, subjects = cache.evidences, cache.subjects
    paths: dict[str, Any] = {}
    for row in zip(*columns, strict=True):
        policy, check, severity, status, waiver, change, kind, subject, name = row[:9]
        has_product, sku_id, part, detail, currency, per_month = row[9:15]
        guidance, fingerprint, file, line, path, *written = row[15:]
        key = tuple(written)
        evidence = evidences.get(key)
        if evidence is None:
            evidence = evidences[key] = _brief(*written) if brief else json_value(*written)
        if path is not None:
            if path not in paths:
                paths[path] = json_value(path)
            evidence = {**evidence, "paths": paths[path]}
        yield Finding(
            fingerprint=fingerprint,
            policy=policy,
            check=check,
            severity=_SEVERITIES[severity],
            status=_STATUSES[status],
            subject=(
                subjects.get((kind, subject, name))
                or subjects.setdefault((kind, subject, name), Subject(type=_TYPES[kind], id=subject, name=name))
            ),
            source=sources.get((file, line)) or sources.setdefault((file, line), SourceLine(file=file, line=int(line))),
            waiver=waiver,
            change=_CHANGES[change],
            product=(
                products.get((sku_id, part))
                or products.setdefault((sku_id, part), ProductReference(sku_id=sku_id, sku_part_number=part))
                if has_product
                else None
            ),
            detail=detail,
            evidence=evidence,
            money=(
                amounts.get((currency, per_month))
                or amounts.setdefault((currency, per_month), money_of(currency, per_month))
                if currency is not None
                else None
            ),
            guidance=guidance,
        )


def _brief(principal: str | None, facts: str) -> Mapping[str, Any]:
    members = zip(FACTS, json_value(facts), strict=True)
    return {"userPrincipalName": principal, **{name: value for name, value in members if value is not None}}


_BRIEF: Final = ("principal", "facts")
"""The columns that replace the evidence if it is brief, besides the paths."""
_DECODED: Final = [name for name in SCHEMA.names[: SCHEMA.get_field_index("paths") + 1] if name != "evidence"]
"""The columns from which a finding is decoded, besides its evidence."""
