"""Encodes record batches of findings as JSON without creating `Finding` values."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.domain.actions.money import Money
from auditor.domain.result.finding import ProductReference, SourceLine
from auditor.engine.columns.bitsets import indices
from auditor.findings.columns import alike, json_strings, money_of, values_of

Inside = Callable[[Mapping[str, Any], int], bytes]
"""Returns what stands between the brackets of an object at a depth."""
_HEAD: Final = ("policy", "check", "severity", "status", "waiver", "change")
_PRODUCT: Final = ("product", "skuId", "skuPartNumber", "detail")
_TAIL: Final = ("currency", "perMonth", "guidance", "sourceFile", "sourceLine")
_END: Final = "\n}"
"""What ends an indented object."""


def encoded(batch: pa.RecordBatch, inside: Inside, depth: int) -> bytes | None:
    """Return findings as indented objects, each behind a comma and a line feed.

    None where a text is no UTF-8 or a number no double: Arrow cannot write these.
    """
    if not _plain(batch):
        return None
    outer, own = "\n" + "  " * depth, "\n" + "  " * (depth + 1)

    def members(names: tuple[str, ...], object_of: Callable[..., Mapping[str, Any]]) -> pa.StringArray:
        firsts, code_of = alike(batch, names)
        some = batch.select(list(names)).take(indices(firsts))
        rows = zip(*map(values_of, some.columns), strict=True)
        return pa.array([inside(object_of(*row), depth).decode() for row in rows], pa.string()).take(indices(code_of))

    pieces = [
        f',{outer}{{{own}"fingerprint": ',
        json_strings(batch.column("fingerprint")),
        ",",
        members(_HEAD, lambda *row: dict(zip(_HEAD, row, strict=True))),
        f',{own}"subject": {{{own}  "type": ',
        json_strings(batch.column("subjectType").dictionary_decode()),
        f',{own}  "id": ',
        json_strings(batch.column("subjectId")),
        f',{own}  "name": ',
        json_strings(batch.column("subjectName")),
        f"{own}}},",
        members(_PRODUCT, _product),
        f',{own}"evidence": ',
        *_evidence(batch, own),
        ",",
        members(_TAIL, _tail),
        f"{outer}}}",
    ]
    rows = pc.binary_join_element_wise(*pieces, "", null_handling="replace", null_replacement="")
    _, ends, text = rows.buffers()
    return text.slice(0, int(np.frombuffer(ends, dtype=np.int32)[len(rows)])).to_pybytes()  # type: ignore[no-any-return]


def _plain(batch: pa.RecordBatch) -> bool:
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


def _evidence(batch: pa.RecordBatch, own: str) -> Iterable[pa.StringArray]:
    """Return the pieces of the evidence: the paths are its last member."""
    evidence, paths = batch.column("evidence"), batch.column("paths")
    empty, listed = pc.equal(evidence, "{}"), paths.is_valid()
    inner = pc.binary_slice(evidence.view(pa.binary()), 0, -len(_END)).view(pa.string())
    begun = pc.if_else(empty, pc.if_else(listed, "{", "{}"), pc.replace_substring(inner, "\n", own))
    comma = pc.if_else(pc.and_(listed, pc.invert(empty)), ",", "")
    ended = pc.if_else(pc.and_(empty, pc.invert(listed)), "", f"{own}}}")
    members = [f'{own}  "paths": ' + text.replace("\n", own + "  ") for text in values_of(paths.dictionary)]
    return begun, comma, pa.array(members, pa.string()).take(paths.indices), ended
