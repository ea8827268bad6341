"""Batches of findings into one Parquet table: the columns of findings.parquet that need no object for each finding."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditor.domain.result import Finding, Run
from auditor.render.chunk_buffer import ChunkBuffer
from auditor.render.text.sanitize import visible
from auditor.result.codec.encoder import instant

COLUMNS: Final = (
    *("run", "asOf", "tenant", "policy", "severity", "status", "check", "subjectType", "subjectId"),
    *("skuId", "skuPartNumber", "detail", "waiver", "fingerprint"),
)
_FOUND_AS: Final = {"subjectId": "subject"}
"""What a column is called in the batches, where it is not called the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacked:
    """The findings of one tenant, in batches that can be walked once."""

    tenant: str
    batches: Iterable[Any]
    """Record batches with the columns of `auditor.engine.table.findings_table` and a fingerprint."""


def pieces(run: Run, tenants: Iterable[Stacked], fleet: Sequence[Finding]) -> Iterator[bytes]:
    """Yield the file while it is written, a row group for each batch; the fleet's findings are last, of no tenant."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    schema = pa.schema([(name, pa.string()) for name in COLUMNS])

    def batches() -> Iterator[Any]:
        for stacked in tenants:
            for batch in stacked.batches:
                yield _dressed(run, stacked.tenant, batch, schema)
        if fleet:
            yield pa.RecordBatch.from_pylist([_row(run, finding) for finding in fleet], schema=schema)

    return written(schema, batches())


def written(schema: Any, batches: Iterable[Any]) -> Iterator[bytes]:
    """Yield a Parquet file while it is written, a row group for each record batch."""
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy

    buffer = ChunkBuffer()
    with pq.ParquetWriter(pa.PythonFile(buffer, mode="w"), schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield buffer.take()
    yield buffer.take()


def plain(cell: str | None) -> str | None:
    """Return a cell as text without what no reader should meet; nothing for an empty one."""
    return visible(cell, keep="\t\r\n") if cell else None


def _dressed(run: Run, tenant: str, batch: Any, schema: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    same = {"run": plain(run.id), "asOf": instant(run.as_of), "tenant": plain(tenant)}
    columns = []
    for name in COLUMNS:
        if name in same:
            columns.append(pa.repeat(pa.scalar(same[name], pa.string()), batch.num_rows))
            continue
        found = batch.column(_FOUND_AS.get(name, name))
        if pa.types.is_dictionary(found.type):
            found = _mended(found.dictionary).take(found.indices)
        columns.append(found)
    return pa.record_batch(columns, schema=schema)


def _mended(texts: Any) -> Any:
    """Return texts as the other formats write them; ids, which are many, need no mending as a rule."""
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy

    if pc.all(pc.and_(pc.ascii_is_printable(texts), pc.not_equal(texts, ""))).as_py() is not False:
        return texts
    return pa.array([plain(text) for text in texts.to_pylist()], pa.string())


def _row(run: Run, finding: Finding) -> dict[str, str | None]:
    product = finding.product
    return {
        "run": plain(run.id),
        "asOf": instant(run.as_of),
        "tenant": None,
        "policy": finding.policy,
        "severity": finding.severity.value,
        "status": finding.status.value,
        "check": finding.check,
        "subjectType": finding.subject.type.value,
        "subjectId": plain(finding.subject.id),
        "skuId": plain(product.sku_id if product is not None else None),
        "skuPartNumber": plain(product.sku_part_number if product is not None else None),
        "detail": plain(finding.detail),
        "waiver": finding.waiver,
        "fingerprint": finding.fingerprint,
    }
