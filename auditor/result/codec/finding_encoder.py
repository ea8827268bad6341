"""Encodes record batches of findings as JSON without creating `Finding` values."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.equal_rows import equal_rows
from auditor.arrays.rows import arrow_rows
from auditor.arrays.texts import utf8_of, values_of
from auditor.domain.money import Money
from auditor.domain.result.finding import ProductReference, SourceLine
from auditor.findings.columns import json_strings, money_of

Inside = Callable[[Mapping[str, Any], int], bytes]
"""Returns the text between the brackets of an object at a nesting depth."""
_HEAD: Final = ("policy", "check", "severity", "status", "waiver", "change")
_PRODUCT: Final = ("product", "skuId", "skuPartNumber", "detail")
_TAIL: Final = ("currency", "perMonth", "guidance", "sourceFile", "sourceLine")
_END: Final = "\n}"
"""The end of an indented object."""


def encoded(batch: pa.RecordBatch, inside: Inside, depth: int) -> bytes | None:
    """Return findings as indented objects, each preceded by a comma and a line feed.

    None if a text is not valid UTF-8, or a number does not fit into a double: Arrow cannot write these.
    """
    if not _is_encodable(batch):
        return None
    outer_indent, indent = "\n" + "  " * depth, "\n" + "  " * (depth + 1)

    def members(names: tuple[str, ...], object_of: Callable[..., Mapping[str, Any]]) -> pa.StringArray:
        firsts, code_of = equal_rows(batch, names)
        distinct_rows = batch.select(list(names)).take(arrow_rows(firsts))
        rows = zip(*map(values_of, distinct_rows.columns), strict=True)
        return pa.array([inside(object_of(*row), depth).decode() for row in rows], pa.string()).take(
            arrow_rows(code_of)
        )

    pieces = [
        f',{outer_indent}{{{indent}"fingerprint": ',
        json_strings(batch.column("fingerprint")),
        ",",
        members(_HEAD, lambda *row: dict(zip(_HEAD, row, strict=True))),
        f',{indent}"subject": {{{indent}  "type": ',
        json_strings(batch.column("subjectType").dictionary_decode()),
        f',{indent}  "id": ',
        json_strings(batch.column("subjectId")),
        f',{indent}  "name": ',
        json_strings(batch.column("subjectName")),
        f"{indent}}},",
        members(_PRODUCT, _product),
        f',{indent}"evidence": ',
        *_evidence(batch, indent),
        ",",
        members(_TAIL, _tail),
        f"{outer_indent}}}",
    ]
    return utf8_of(pc.binary_join_element_wise(*pieces, "", null_handling="replace", null_replacement="")).tobytes()


def _is_encodable(batch: pa.RecordBatch) -> bool:
    try:
        for column in batch.columns:
            (column.dictionary if pa.types.is_dictionary(column.type) else column).validate(full=True)
    except pa.ArrowInvalid:
        return False
    texts = (batch.column("evidence"), batch.column("paths").dictionary)
    return not any(pc.any(pc.starts_with(column, " ")).as_py() for column in texts)


def _product(named: str | None, sku_id: str | None, part_number: str | None, detail: str | None) -> Mapping[str, Any]:
    product = None if named is None else ProductReference(sku_id=sku_id, sku_part_number=part_number)
    return {"product": product, "detail": detail}


def _tail(currency: str | None, per_month: str, guidance: str, file: str, line: str) -> Mapping[str, Any]:
    money: Money | None = money_of(currency, per_month)
    return {"money": money, "guidance": guidance, "source": SourceLine(file=file, line=int(line))}


def _evidence(batch: pa.RecordBatch, indent: str) -> Iterable[pa.StringArray]:
    """Return the pieces of the evidence, with the paths as its last member."""
    evidence, paths = batch.column("evidence"), batch.column("paths")
    empty, has_paths = pc.equal(evidence, "{}"), paths.is_valid()
    inner = pc.binary_slice(evidence.view(pa.binary()), 0, -len(_END)).view(pa.string())
    start = pc.if_else(empty, pc.if_else(has_paths, "{", "{}"), pc.replace_substring(inner, "\n", indent))
    comma = pc.if_else(pc.and_(has_paths, pc.invert(empty)), ",", "")
    end = pc.if_else(pc.and_(empty, pc.invert(has_paths)), "", f"{indent}}}")
    members = [f'{indent}  "paths": ' + text.replace("\n", indent + "  ") for text in values_of(paths.dictionary)]
    return start, comma, pa.array(members, pa.string()).take(paths.indices), end
