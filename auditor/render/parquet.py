"""A Result's findings into one Parquet table, for the queries that a spreadsheet cannot take."""

from collections.abc import Iterator
from typing import Any, Final

from auditor.domain.result import Result
from auditor.render.artifact import Artifact
from auditor.render.bytewise import CONTROLS, LEADS, Dressing, Screen, places_of, text_array
from auditor.render.document import instant
from auditor.render.facts import SEAT_FACTS
from auditor.render.held import Held
from auditor.render.table import COLUMNS, Block, Cell, Stretch, Texts, stretches
from auditor.render.visible import visible

_NUMBERS: Final = frozenset({"sourceLine", *SEAT_FACTS})
_GROUP: Final = 65_536
"""Rows of a row group, which is also what is held in memory."""
_KEPT: Final = "\t\r\n"


def render(result: Result, *, locale: str) -> Artifact:
    """Write the columns of the CSV table, typed, with the run and its instant in front so that files can be stacked."""
    del locale
    return Artifact(name="findings.parquet", media_type="application/vnd.apache.parquet", body=_pieces(result))


def _pieces(result: Result) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy

    schema = _schema()
    columns = _Columns()
    pieces = Held()
    run = [pa.scalar(result.run.id), pa.scalar(instant(result.run.as_of))]
    with pq.ParquetWriter(pa.PythonFile(pieces, mode="w"), schema, compression="zstd") as writer:
        for stretch in stretches(result, _GROUP):
            arrays = [pa.repeat(value, stretch.count) for value in run] + list(columns.arrays(stretch))
            table = [array.cast(field.type) for array, field in zip(arrays, schema, strict=True)]
            writer.write_batch(pa.record_batch(table, schema=schema))
            yield pieces.taken()
    yield pieces.taken()


def _schema() -> Any:
    """Return the same columns and types for every result, an empty one too."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    kinds = {"perMonth": pa.decimal128(38, 2), **dict.fromkeys(_NUMBERS, pa.int64())}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in ("run", "asOf", *COLUMNS)])


class _Columns:
    """Turns stretches into Arrow arrays, a column each."""

    def __init__(self) -> None:
        self._made = {name: Dressing(_number if name in _NUMBERS or name == "perMonth" else _text) for name in COLUMNS}

    def arrays(self, stretch: Stretch) -> Iterator[Any]:
        places = places_of(stretch)
        for part in stretch.parts:
            match part:
                case Texts():
                    filled = [text or None for text in part.values]
                    yield text_array(Texts(column=part.column, values=filled), _SCREEN)
                case Block():
                    for offset, name in enumerate(part.columns):
                        place = part.first + offset
                        one = Block(columns=(name,), first=place, numbers=part.numbers, values=part.values)
                        yield self._made[name].array(one, places)


def _text(columns: tuple[str, ...], cells: tuple[Cell, ...]) -> str | None:
    del columns
    return None if cells[0] in (None, "") else visible(str(cells[0]), keep=_KEPT)


def _number(columns: tuple[str, ...], cells: tuple[Cell, ...]) -> str | None:
    """Return a number as Arrow reads it; what is none is null."""
    del columns
    return None if cells[0] is None or isinstance(cells[0], str) else str(cells[0])


def _mend(text: str) -> str:
    return visible(text, keep=_KEPT)


_SCREEN: Final = Screen.of((CONTROLS | LEADS) - set(_KEPT.encode()), _mend)
