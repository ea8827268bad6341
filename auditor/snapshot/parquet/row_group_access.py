"""Reads single row groups of a snapshot that several machines share, checked against facts of all row groups."""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from msgspec import Struct

from auditor.domain.message import Message
from auditor.files import input as files
from auditor.snapshot.model import UserBatch
from auditor.snapshot.parquet.bounds import damaged
from auditor.snapshot.parquet.integrity import TAIL_BYTES, unreadable
from auditor.snapshot.parquet.user_files import UserFile, UserFilesReader, not_collected_of, open_user_files, sku_ids_of


class RowGroupFacts(Struct, frozen=True):
    """Facts that are computed from all row groups of the files about users."""

    sku_ids: tuple[str, ...]
    """Distinct SKUs in the assignments."""
    not_collected: frozenset[str]
    """Properties that were not collected for at least one user."""
    sums: tuple[int, ...]
    """CRC-32 of the bytes of each row group in both files, including the footers."""


def row_group_facts_of(folder: Path) -> RowGroupFacts:
    """Return the facts of a snapshot folder. The digests of the manifest are not checked here, but by `read`."""
    users_file, assignments_file = open_user_files(folder)
    sums = tuple(
        _checksum(folder, users_file, assignments_file, group)
        for group in range(_group_count(folder, users_file, assignments_file))
    )
    return RowGroupFacts(sku_ids_of(assignments_file), not_collected_of(users_file), sums)


def row_groups(folder: Path) -> int:
    """Return the number of row groups of the files about users."""
    return _group_count(folder, *open_user_files(folder))


def read_row_group(
    folder: Path,
    group: int,
    row_group_facts: RowGroupFacts | None,
    users: tuple[str, ...] | None,
    assignments: tuple[str, ...] | None,
) -> Iterator[UserBatch]:
    """Yield one row group of a snapshot folder. Raises SnapshotError if its bytes differ from the facts."""
    if row_group_facts is not None:
        users_file, assignments_file = open_user_files(folder)
        if (
            group >= _group_count(folder, users_file, assignments_file)
            or _checksum(folder, users_file, assignments_file, group) != row_group_facts.sums[group]
        ):
            raise damaged(
                Message(
                    "checksum mismatch in row group {group} of {folder}: the snapshot changed during the audit",
                    group=group,
                    folder=folder,
                )
            )
    return UserFilesReader(folder).groups(users, assignments, (group,))


def _group_count(folder: Path, users_file: UserFile, assignments_file: UserFile) -> int:
    count: int = users_file.file.num_row_groups
    if count != assignments_file.file.num_row_groups:
        raise damaged(Message("users and assignments of {folder} do not match", folder=folder))
    return count


def _checksum(folder: Path, users_file: UserFile, assignments_file: UserFile, group: int) -> int:
    checksum = 0
    for path, file in ((folder / "users.parquet", users_file), (folder / "assignments.parquet", assignments_file)):
        try:
            with files.opened(path, max_bytes=files.COLUMNS) as content:
                for start, size in _spans(file.file.metadata, group, os.fstat(content.fileno()).st_size):
                    content.seek(start)
                    checksum = zlib.crc32(content.read(size), checksum)
        except OSError as error:
            raise unreadable(error) from error
    return checksum


def _spans(footer: pq.FileMetaData, group: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each column of a row group, and of the end of the file."""
    columns = footer.row_group(group)
    for number in range(columns.num_columns):
        column = columns.column(number)
        # A dictionary page precedes the data pages, but not every writer records its offset.
        offset = min(column.dictionary_page_offset or column.data_page_offset, column.data_page_offset)
        yield offset, column.total_compressed_size
    footer_size = footer.serialized_size + TAIL_BYTES
    yield max(0, size - footer_size), footer_size
