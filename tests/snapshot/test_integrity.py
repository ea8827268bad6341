"""Tests that columns with few values are opened as dictionaries, independent of files opened before."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.snapshot.parquet.integrity import opened


def test_files_with_different_columns_are_opened_alternately(tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    for names in (["id", "department"], ["id"], ["id", "city", "department"], ["id", "city"], ["id", "city"]):
        pq.write_table(pa.table({name: ["one", "two", "one"] for name in names}), path)
        for content in (None, path.read_bytes()):
            schema = opened(path, codes=True, content=content).schema_arrow
            dictionaries = [field.name for field in schema if pa.types.is_dictionary(field.type)]
            assert (schema.names, sorted(dictionaries)) == (names, names[1:])
