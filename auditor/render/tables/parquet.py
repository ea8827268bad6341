"""A Result's findings into one Parquet table, for the queries that a spreadsheet cannot take."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from auditor.domain.result import Result
from auditor.render.artifact import Artifact
from auditor.render.chunk_buffer import ChunkBuffer
from auditor.render.formats import RenderOptions
from auditor.render.json.document import instant
from auditor.render.tables.bulk_escape import CONTROLS, LEADS, Screen
from auditor.render.tables.flat import COLUMNS, Block, Cell, Stretch, Texts, Values, stretches
from auditor.render.text.facts import SEAT_FACTS
from auditor.render.text.sanitize import visible

_NUMBERS: Final = frozenset({"sourceLine", *SEAT_FACTS})
_GROUP: Final = 65_536
"""Rows of a row group, which are held as columns."""
_ROWS: Final = 8192
"""Findings that are looked at together, and held meanwhile; row groups are made of so many at a time."""
_KEPT: Final = "\t\r\n"


def render(result: Result, _: RenderOptions) -> Artifact:
    """Write the columns of the CSV table, typed, with the run and its instant in front so that files can be stacked."""
    return Artifact(name="findings.parquet", media_type="application/vnd.apache.parquet", body=_pieces(result))


def _pieces(result: Result) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - heavy

    schema = _schema()
    columns = _Columns()
    run = [pa.scalar(plain(result.run.id)), pa.scalar(instant(result.run.as_of))]

    def arrays(stretch: Stretch) -> list[Any]:
        found = [*(pa.repeat(value, stretch.count) for value in run), *columns.arrays(stretch)]
        return [array.cast(field.type) for array, field in zip(found, schema, strict=True)]

    def batches() -> Iterator[Any]:
        for group in _groups(stretches(result, _ROWS)):
            held = list(zip(*map(arrays, group), strict=True))
            yield pa.record_batch([pa.concat_arrays(parts) for parts in held], schema=schema)

    return written(schema, batches())


def _groups(found: Iterable[Stretch]) -> Iterator[Iterator[Stretch]]:
    """Divide stretches into row groups, each to be walked before the next: those of one tenant, as many as fill one."""
    rows, group = 0, 0
    tenant: Values | None = None

    def number(stretch: Stretch) -> int:
        nonlocal rows, tenant, group
        own = next(part.values for part in stretch.parts if isinstance(part, Block))
        if own is not tenant or rows >= _GROUP:
            rows, tenant, group = 0, own, group + 1
        rows += stretch.count
        return group

    return (stretched for _, stretched in groupby(found, number))


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


def _schema() -> Any:
    """Return the same columns and types for every result, an empty one too."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    kinds = {"perMonth": pa.decimal128(38, 2), **dict.fromkeys(_NUMBERS, pa.int64())}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in ("run", "asOf", *COLUMNS)])


class _Columns:
    """Turns stretches into Arrow arrays, a column each."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Values, list[str | None], Any]] = {}

    def arrays(self, stretch: Stretch) -> Iterator[Any]:
        import pyarrow as pa  # noqa: PLC0415 - heavy

        blocks = [part for part in stretch.parts if isinstance(part, Block)]
        rows = {id(part.numbers): pa.array(part.numbers, pa.int32()) for part in blocks}  # some share one list
        for part in stretch.parts:
            match part:
                case Texts():
                    texts = _SCREEN.mended(part.values)
                    yield pa.array([text or None for text in texts] if "" in texts else texts, pa.string())
                case Block():
                    for place, name in enumerate(part.columns, start=part.first):
                        yield self._known(name, place, part.values).take(rows[id(part.numbers)])

    def _known(self, name: str, place: int, values: Values) -> Any:
        """Return what the numbers of a block stand for in one of its columns."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        known, made, array = self._made.get(name, (values, [], None))
        if known is not values:
            made, array = [], None
        if array is None or len(made) < len(values.known):
            written = _number if name in _NUMBERS or name == "perMonth" else plain
            made += [written(row[place]) for row in values.known[len(made) :]]
            array = pa.array(made, pa.string())
            self._made[name] = (values, made, array)
        return array


def plain(cell: Cell) -> str | None:
    """Return a cell as text without what no reader should meet; nothing for an empty one."""
    return None if cell in (None, "") else visible(str(cell), keep=_KEPT)


def _number(cell: Cell) -> str | None:
    """Return a number as Arrow reads it; what is none is null."""
    return None if cell is None or isinstance(cell, str) else str(cell)


def _mend(text: str) -> str:
    return visible(text, keep=_KEPT)


_SCREEN: Final = Screen.of((CONTROLS | LEADS) - set(_KEPT.encode()), _mend)
