"""Columns of few values are opened as codes, whatever files were opened before."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.snapshot.parquet.integrity import opened


def test_files_of_other_columns_are_opened_in_turns(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    for names in (["id", "department"], ["id"], ["id", "city", "department"], ["id", "city"], ["id", "city"]):
        pq.write_table(pa.table({name: ["one", "two", "one"] for name in names}), path)
        for content in (None, path.read_bytes()):
            form = opened(path, codes=True, content=content).schema_arrow
            coded = [field.name for field in form if pa.types.is_dictionary(field.type)]
            assert (form.names, sorted(coded)) == (names, names[1:])
