"""A snapshot folder into a Snapshot: checked against its digests, and read row group by row group."""

from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.files import input as files
from auditor.snapshot.manifest import FileEntry, decode
from auditor.snapshot.model import Manifest, Snapshot
from auditor.snapshot.parquet.bounds import check_footer
from auditor.snapshot.parquet.integrity import (
    AGAIN,
    UNREADABLE,
    cast_table,
    check_asked,
    check_form,
    check_rows,
    check_states,
    checked,
    opened,
    size_of,
    undecodable,
    unreadable,
)
from auditor.snapshot.parquet.members import MemberFile, in_parts
from auditor.snapshot.parquet.row_group_access import Outline
from auditor.snapshot.parquet.user_files import PeopleFile, PeopleReader, not_collected_of, sku_ids_of
from auditor.snapshot.schema import ASSIGNMENTS, FILES, SMALL_TABLES, USERS


def manifest_of(folder: Path) -> Manifest:
    """Read only what a snapshot says of itself."""
    return _manifest(folder)[0]


def read(folder: Path, outline: Outline | None = None) -> Snapshot:
    """Open a snapshot folder; a damaged, foreign or newer one is refused with a SnapshotError before it is used.

    With an outline the files about people are opened, not read: whoever made it checks them, and `read_row_group` holds
    what is read of them against it.
    """
    manifest, files, digest = _manifest(folder)
    promised: list[tuple[Path, FileEntry]] = []
    for name in FILES:
        entry = files.get(f"{name}.parquet")
        if entry is None:
            raise SnapshotError(
                "snapshot-damaged",
                Message("{folder} does not list {name}.parquet", folder=folder, name=name),
                hint=AGAIN,
            )
        promised.append((folder / f"{name}.parquet", entry))
    tables, people, links, members = _open_all(promised, outline)
    check_states(folder / "groups.parquet", tables["groups"])
    check_asked(folder / "users.parquet", people.present(None), manifest)
    reader = PeopleReader(folder)
    reader.keep(people, links)
    return Snapshot(
        manifest=manifest,
        tables=tables,
        user_count=files["users.parquet"].rows,
        read_users=reader,
        identity=digest,
        sku_ids=links.sku_ids,
        not_collected=_not_collected(people, outline),
        members=members,
    )


def products_of(folder: Path) -> pa.Table:
    """Read the SKUs of a snapshot and nothing else of it; SnapshotError where they are damaged, as `read` says it."""
    name = "products"
    entry = _manifest(folder)[1].get(f"{name}.parquet")
    if entry is None:
        raise SnapshotError(
            "snapshot-damaged", Message("{folder} does not list {name}.parquet", folder=folder, name=name), hint=AGAIN
        )
    path = folder / f"{name}.parquet"
    return _table(path, entry, checked(path, entry), SMALL_TABLES[name])


def identity_of(folder: Path) -> str:
    """Return the digest that stands for a snapshot's content, as `read` tells it; its files are not checked for it."""
    return _manifest(folder)[2]


def user_count_of(folder: Path) -> int:
    """Return how many users a snapshot folder promises; its files are not looked at for it."""
    entry = _manifest(folder)[1].get("users.parquet")
    return 0 if entry is None else entry.rows


def _manifest(folder: Path) -> tuple[Manifest, dict[str, FileEntry], str]:
    return decode(manifest_text(folder), where=str(folder / "manifest.json"))


def content_of(path: Path) -> bytes:
    """Return the bytes of a file of a snapshot; SnapshotError where it cannot be read."""
    try:
        return files.read(path, most=files.COLUMNS)
    except OSError as error:
        raise unreadable(error) from error


def manifest_text(folder: Path) -> bytes:
    """Return the manifest of a snapshot as it stands in its file; SnapshotError where it cannot be read."""
    try:
        return files.read(folder / "manifest.json", most=files.MANIFEST)
    except FileNotFoundError as error:
        raise SnapshotError(
            "snapshot-missing",
            Message("{folder} has no manifest.json", folder=folder),
            hint=Message("name a folder that `auditor collect` wrote"),
        ) from error
    except OSError as error:
        raise unreadable(error) from error


def _open_all(
    promised: list[tuple[Path, FileEntry]], outline: Outline | None
) -> tuple[dict[str, pa.Table], "PeopleFile", "PeopleFile", MemberFile | None]:
    """Check the files, read the small tables and open the large ones; the first mistake in their order is told."""
    if outline is not None or sum(entry.size for _, entry in promised) < _WORTH_THREADS:
        found = [open_table_file(path, entry, outline) for path, entry in promised]
    else:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  a small snapshot needs no threads

        # Digests and decoding let go of the lock.
        with ThreadPoolExecutor(max_workers=2) as pool:
            found = list(pool.map(partial(open_table_file, outline=None), *zip(*promised, strict=True)))
    people, links = (file for file in found if isinstance(file, PeopleFile))
    tables = {path.stem: table for (path, _), table in zip(promised, found, strict=True) if isinstance(table, pa.Table)}
    return tables, people, links, next((file for file in found if isinstance(file, MemberFile)), None)


def _not_collected(people: PeopleFile, outline: Outline | None) -> frozenset[str] | None:
    if outline is not None:
        return outline.not_collected
    # A small file is read whole anyway.
    return None if people.keeps else not_collected_of(people)


_WORTH_THREADS = 8 << 20
"""Bytes from which on two threads read faster than one."""


def open_table_file(path: Path, entry: FileEntry, outline: Outline | None) -> "pa.Table | PeopleFile | MemberFile":
    """Hold a file against its promise and its schema; a small table is read."""
    schema = SMALL_TABLES.get(path.stem)
    content = checked(path, entry) if schema is not None or outline is None else None
    if schema is not None:
        if content is None and path.stem == "members":
            members = in_parts(path, entry)
            if members is not None:
                return members
        return _table(path, entry, content, schema)
    file = opened(path, codes=True, content=content)
    check_rows(path, file.metadata.num_rows, entry.rows)
    try:
        form = file.schema_arrow
    except UNREADABLE as error:
        raise undecodable(path, error) from error
    if path.stem == "users":
        check_form(path, form, USERS, required=("id",))
        return PeopleFile(path, file, form, USERS, keeps=content is not None)
    check_form(path, form, ASSIGNMENTS, required=tuple(ASSIGNMENTS.names))
    found = PeopleFile(path, file, form, ASSIGNMENTS, keeps=content is not None)
    try:
        found.sku_ids = sku_ids_of(found) if outline is None else outline.sku_ids
    except UNREADABLE as error:
        raise undecodable(path, error) from error
    return found


def _table(path: Path, entry: FileEntry, content: bytes | None, schema: pa.Schema) -> pa.Table:
    """Read a small table; one that was read of another tenant, byte for byte, is the same."""
    known = _KNOWN.get((path.stem, entry.sha256))
    if known is None:
        file = opened(path, codes=False, content=content)
        check_rows(path, file.metadata.num_rows, entry.rows)
        try:
            check_footer(path, file.metadata, size_of(path, content), whole=True)
            known = _read_table(path, file, schema)
        except UNREADABLE as error:
            raise undecodable(path, error) from error
        if content is not None and len(content) <= _SHARED:
            if len(_KNOWN) >= _MOST_KNOWN:
                _KNOWN.clear()
            _KNOWN[path.stem, entry.sha256] = known
    check_rows(path, known.num_rows, entry.rows)
    return known


_KNOWN: dict[tuple[str, str], pa.Table] = {}
"""Small tables by name and digest: tenants of one provider have many in common, above all the empty ones."""
_SHARED = 1 << 14
"""Bytes of a file up to which its table is kept for other tenants."""
_MOST_KNOWN = 64


def _read_table(path: Path, file: pq.ParquetFile, schema: pa.Schema) -> pa.Table:
    form = file.schema_arrow
    check_form(path, form, schema, required=tuple(schema.names))
    return cast_table(path, file.read(columns=schema.names, use_threads=False).select(schema.names), schema)
