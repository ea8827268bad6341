"""A Result's findings into one Parquet table, for the queries that a spreadsheet cannot take."""

from decimal import Decimal
from typing import Any, Final

from auditor.domain.result import Result
from auditor.render.artifact import Artifact
from auditor.render.csv_table import COLUMNS, Cell, rows
from auditor.render.document import instant
from auditor.render.facts import SEAT_FACTS
from auditor.render.visible import visible

_NUMBERS: Final = frozenset({"sourceLine", *SEAT_FACTS})


def render(result: Result, *, locale: str) -> Artifact:
    """Write the columns of the CSV table, typed, with the run and its instant in front so that files can be stacked."""
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy

    del locale
    found = list(rows(result))
    fields: list[Any] = [pa.field("run", pa.string()), pa.field("asOf", pa.string())]
    columns: list[Any] = [[result.run.id] * len(found), [instant(result.run.as_of)] * len(found)]
    for place, name in enumerate(COLUMNS):
        kind: pa.DataType = (
            pa.decimal128(38, 2) if name == "perMonth" else pa.int64() if name in _NUMBERS else pa.string()
        )
        fields.append(pa.field(name, kind))
        columns.append([_typed(name, row[place]) for row in found])
    schema = pa.schema(fields)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), sink, compression="zstd")
    return Artifact(
        name="findings.parquet", media_type="application/vnd.apache.parquet", body=sink.getvalue().to_pybytes()
    )


def _typed(name: str, cell: Cell) -> Cell:
    if name in _NUMBERS:
        return cell if isinstance(cell, int) else None
    if name == "perMonth":
        return cell if isinstance(cell, Decimal) else None
    return None if cell in (None, "") else visible(str(cell), keep="\t\r\n")
