"""Damages and forges snapshots."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def copied(source: Path, folder: Path) -> Path:
    return Path(shutil.copytree(source, folder))


def sealed_manifest(document: Any) -> bytes:
    """Return a manifest with the digest of its content, as defined in docs/snapshot.md."""
    if isinstance(document, dict):
        document.pop("digest", None)
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        document["digest"] = "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()
    return json.dumps(document).encode()


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest, and write the digest of its new content, as a forger would."""
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_bytes(sealed_manifest(document))


def rewritten(folder: Path, name: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change a table, and update the manifest."""
    path = folder / f"{name}.parquet"
    table = change(pq.read_table(path))
    pq.write_table(table, path)
    entry = {"rows": table.num_rows, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    edited(folder, lambda document: document["files"][f"{name}.parquet"].update(entry))


def column(
    name: str, values: Callable[[int], list[Any]], kind: pa.DataType | None = None
) -> Callable[[pa.Table], pa.Table]:
    """Return a change that replaces the values of a column; `values` gets the number of rows."""

    def change(table: pa.Table) -> pa.Table:
        return table.set_column(table.column_names.index(name), name, pa.array(values(table.num_rows), kind))

    return change
