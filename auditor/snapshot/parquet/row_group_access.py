"""What machines that share a snapshot have to know of it as a whole, so that each reads only its own row groups."""

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.files import input as files
from auditor.snapshot.model import UserBatch
from auditor.snapshot.parquet.integrity import AGAIN, unreadable
from auditor.snapshot.parquet.user_files import PeopleFile, PeopleReader, not_collected_of, opened_people, sku_ids_of

_TAIL: Final = 8
"""Bytes after the footer: its length and the letters PAR1 (parquet.apache.org/docs/file-format)."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What follows from all row groups of the files about people."""

    sku_ids: tuple[str, ...]
    """The products that somebody holds."""
    not_collected: frozenset[str]
    """The properties that were not collected of somebody."""
    sums: tuple[int, ...]
    """The CRC-32 of what a row group takes in both files, their footers included."""


def outlined(folder: Path) -> Outline:
    """Read an outline of a snapshot folder; the digests that its manifest promises are `read`'s to check."""
    people, links = opened_people(folder)
    sums = tuple(_sum(folder, people, links, group) for group in range(_groups(folder, people, links)))
    return Outline(sku_ids_of(links), not_collected_of(people), sums)


def row_groups(folder: Path) -> int:
    """Return how many row groups the people of a snapshot folder stand in."""
    return _groups(folder, *opened_people(folder))


def read_row_group(
    folder: Path,
    group: int,
    outline: Outline | None,
    users: tuple[str, ...] | None,
    assignments: tuple[str, ...] | None,
) -> Iterator[UserBatch]:
    """Yield one row group of a snapshot folder; with an outline its bytes have to be those that were seen then."""
    if outline is not None:
        people, links = opened_people(folder)
        if group >= _groups(folder, people, links) or _sum(folder, people, links, group) != outline.sums[group]:
            raise SnapshotError(
                "snapshot-damaged",
                Message("row group {group} of {folder} is not what it was a moment ago", group=group, folder=folder),
                hint=AGAIN,
            )
    return PeopleReader(folder).groups(users, assignments, (group,))


def _groups(folder: Path, people: PeopleFile, links: PeopleFile) -> int:
    found: int = people.file.num_row_groups
    if found != links.file.num_row_groups:
        raise SnapshotError(
            "snapshot-damaged", Message("users and assignments of {folder} do not match", folder=folder), hint=AGAIN
        )
    return found


def _sum(folder: Path, people: PeopleFile, links: PeopleFile, group: int) -> int:
    found = 0
    for path, file in ((folder / "users.parquet", people), (folder / "assignments.parquet", links)):
        try:
            with files.opened(path, most=files.COLUMNS) as content:
                for start, size in _spans(file.file.metadata, group, os.fstat(content.fileno()).st_size):
                    content.seek(start)
                    found = zlib.crc32(content.read(size), found)
        except OSError as error:
            raise unreadable(error) from error
    return found


def _spans(footer: pq.FileMetaData, group: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where the columns of a row group begin and how long they are, and the end of the file likewise."""
    columns = footer.row_group(group)
    for number in range(columns.num_columns):
        column = columns.column(number)
        # Not every writer tells of a dictionary; where there is one, it comes first.
        first = min(column.dictionary_page_offset or column.data_page_offset, column.data_page_offset)
        yield first, column.total_compressed_size
    end = footer.serialized_size + _TAIL
    yield max(0, size - end), end
