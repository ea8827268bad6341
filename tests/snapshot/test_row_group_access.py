"""Machines that share a snapshot read only their own row groups, and see what one that reads all of it sees."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.domain.errors import SnapshotError
from auditor.snapshot.parquet.row_group_access import outline_of, read_row_group, row_groups
from auditor.snapshot.reader import read
from auditor.snapshot.writer import SnapshotWriter
from tests.builders.tenant.snapshot_damage import copied
from tests.builders.tenant.tenants import bought, tenant, user

_PEOPLE = ("ann", "bob", "cid", "dee", "eve")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five people in three row groups; one of them lacks a property, two hold something else than the others."""
    people = [
        user(name, "SPE_E3" if name in "bob dee" else "SPE_E5", notCollected=["department"] if name == "cid" else None)
        for name in _PEOPLE
    ]
    state = tenant(
        *people,
        subscribedSkus=[bought("SPE_E3"), bought("SPE_E5")],
        groups=[{"id": "g1", "displayName": "Staff", "members": ["id-ann"]}],
        rows=2,
    )
    with SnapshotWriter(tmp_path_factory.mktemp("snapshots"), "contoso", "2026-11-20T021700Z") as writer:
        for batch in state.batches():
            writer.write_users(batch.users, batch.assignments)
        for name, table in state.tables.items():
            writer.write_table(name, table)
        return writer.commit(state.manifest)


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return copied(whole, tmp_path / "copy")


def test_a_snapshot_that_is_read_by_its_outline_says_the_same(whole: Path) -> None:
    alone, shared = read(whole), read(whole, outline_of(whole))
    assert (shared.identity, shared.user_count, shared.manifest) == (alone.identity, alone.user_count, alone.manifest)
    assert (shared.sku_ids, shared.not_collected) == (alone.sku_ids, alone.not_collected)
    assert len(shared.sku_ids) == 2
    assert shared.not_collected == frozenset({"department"})
    assert all(shared.table(name) == alone.table(name) for name in alone.tables)


def test_row_groups_are_the_batches_of_who_reads_all(whole: Path) -> None:
    seen = outline_of(whole)
    assert row_groups(whole) == len(seen.sums) == 3
    for group, batch in enumerate(read(whole).batches(("id", "displayName"), None)):
        (found,) = read_row_group(whole, group, seen, ("id", "displayName"), None)
        assert (found.offset, found.users, found.assignments) == (batch.offset, batch.users, batch.assignments)


def test_only_what_is_judged_is_read(folder: Path) -> None:
    seen = outline_of(folder)
    position = _first_byte(folder / "users.parquet", 2)
    _flip(folder / "users.parquet", position)
    read(folder, seen)
    for group in (0, 1):
        assert len(list(read_row_group(folder, group, seen, ("id",), ("user",)))) == 1
    with pytest.raises(SnapshotError, match=r"checksum mismatch in row group 2 of "):
        read_row_group(folder, 2, seen, ("id",), ("user",))


@pytest.mark.parametrize("name", ["users", "assignments"])
@pytest.mark.parametrize("where", ["first", "middle", "footer", "end"])
def test_no_byte_may_have_changed(folder: Path, name: str, where: str) -> None:
    seen = outline_of(folder)
    file = folder / f"{name}.parquet"
    size, first = file.stat().st_size, _first_byte(file, 1)
    footer = size - 8 - pq.read_metadata(file).serialized_size
    # A few bytes into the footer stands the version, which no reader minds.
    positions = {"first": first, "middle": (first + _first_byte(file, 2)) // 2, "footer": footer + 1, "end": size - 1}
    _flip(file, positions[where])
    with pytest.raises(SnapshotError) as caught:
        list(read_row_group(folder, 1, seen, ("id",), ("user",)))
    assert caught.value.slug == "snapshot-damaged"


def test_files_with_another_number_of_row_groups_do_not_belong_together(folder: Path) -> None:
    table = pq.read_table(folder / "assignments.parquet")
    pq.write_table(table, folder / "assignments.parquet")
    with pytest.raises(SnapshotError, match="do not match"):
        outline_of(folder)


def test_a_user_of_the_row_group_before_is_seen_without_reading_it(folder: Path) -> None:
    users = pq.ParquetFile(folder / "users.parquet")
    groups = [users.read_row_group(group) for group in range(3)]
    again = groups[1].slice(0, 1).append_column("again", pa.array(["id-bob"]))
    again = again.drop_columns(["id"]).rename_columns({"again": "id"}).select(groups[1].column_names)
    groups[1] = pa.concat_tables([again.cast(groups[1].schema), groups[1].slice(1)])
    with pq.ParquetWriter(folder / "users.parquet", groups[0].schema) as writer:
        for group in groups:
            writer.write_table(group)
    seen = outline_of(folder)
    assert len(list(read_row_group(folder, 0, seen, ("id",), ("user",)))) == 1
    with pytest.raises(SnapshotError, match="has a user twice"):
        list(read_row_group(folder, 1, seen, ("id",), ("user",)))


def _first_byte(file: Path, group: int) -> int:
    column = pq.read_metadata(file).row_group(group).column(0)
    offset: int = column.dictionary_page_offset or column.data_page_offset
    return offset


def _flip(file: Path, position: int) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)
