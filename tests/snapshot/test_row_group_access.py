"""Tests reading single row groups, which machines that share an audit use instead of reading the whole snapshot."""

import weakref
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.domain.errors import SnapshotError
from auditor.snapshot.parquet.row_group_access import read_row_group, row_group_facts_of, row_groups
from auditor.snapshot.reader import read
from auditor.snapshot.writer import write
from tests.builders.tenant.snapshot_damage import copied
from tests.builders.tenant.tenants import bought, tenant, user

_PEOPLE = ("ann", "bob", "cid", "dee", "eve")


@pytest.fixture(scope="module")
def snapshot_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five users in three row groups; one lacks a property, two have another licence than the others."""
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
    return write(tmp_path_factory.mktemp("snapshots"), state)


@pytest.fixture
def folder(snapshot_folder: Path, tmp_path: Path) -> Path:
    return copied(snapshot_folder, tmp_path / "copy")


def test_snapshot_read_by_outline_is_equal(snapshot_folder: Path) -> None:
    complete, by_facts = read(snapshot_folder), read(snapshot_folder, row_group_facts_of(snapshot_folder))
    assert (by_facts.identity, by_facts.user_count, by_facts.manifest) == (
        complete.identity,
        complete.user_count,
        complete.manifest,
    )
    assert (by_facts.sku_ids, by_facts.not_collected) == (complete.sku_ids, complete.not_collected)
    assert len(by_facts.sku_ids) == 2
    assert by_facts.not_collected == frozenset({"department"})
    assert all(by_facts.table(name) == complete.table(name) for name in complete.tables)


def test_row_groups_equal_the_batches_of_a_complete_reading(snapshot_folder: Path) -> None:
    row_group_facts = row_group_facts_of(snapshot_folder)
    assert row_groups(snapshot_folder) == len(row_group_facts.sums) == 3
    for group, batch in enumerate(read(snapshot_folder).batches(("id", "displayName"), None)):
        (row_group,) = read_row_group(snapshot_folder, group, row_group_facts, ("id", "displayName"), None)
        assert (row_group.offset, row_group.users, row_group.assignments) == (
            batch.offset,
            batch.users,
            batch.assignments,
        )


def test_columns_of_a_row_group_are_freed_before_the_next_one_is_read(snapshot_folder: Path) -> None:
    batches = read(snapshot_folder).batches()
    users = weakref.ref(next(batches).users)
    assert users() is None
    assert next(batches).offset == 2


def test_only_the_requested_row_group_is_verified(folder: Path) -> None:
    row_group_facts = row_group_facts_of(folder)
    position = _first_byte(folder / "users.parquet", 2)
    _flip(folder / "users.parquet", position)
    read(folder, row_group_facts)
    for group in (0, 1):
        assert len(list(read_row_group(folder, group, row_group_facts, ("id",), ("user",)))) == 1
    with pytest.raises(SnapshotError, match=r"checksum mismatch in row group 2 of "):
        read_row_group(folder, 2, row_group_facts, ("id",), ("user",))


@pytest.mark.parametrize("name", ["users", "assignments"])
@pytest.mark.parametrize("location", ["first", "middle", "footer", "end"])
def test_changed_bytes_of_a_row_group_are_detected(folder: Path, name: str, location: str) -> None:
    row_group_facts = row_group_facts_of(folder)
    file = folder / f"{name}.parquet"
    size, first = file.stat().st_size, _first_byte(file, 1)
    footer = size - 8 - pq.read_metadata(file).serialized_size
    # The footer begins with the version, which readers ignore, so the byte after it is changed.
    positions = {"first": first, "middle": (first + _first_byte(file, 2)) // 2, "footer": footer + 1, "end": size - 1}
    _flip(file, positions[location])
    with pytest.raises(SnapshotError) as caught:
        list(read_row_group(folder, 1, row_group_facts, ("id",), ("user",)))
    assert caught.value.slug == "snapshot-damaged"


def test_different_numbers_of_row_groups_are_an_error(folder: Path) -> None:
    table = pq.read_table(folder / "assignments.parquet")
    pq.write_table(table, folder / "assignments.parquet")
    with pytest.raises(SnapshotError, match="do not match"):
        row_group_facts_of(folder)


def test_duplicate_user_of_the_previous_row_group_is_detected(folder: Path) -> None:
    users = pq.ParquetFile(folder / "users.parquet")
    groups = [users.read_row_group(group) for group in range(3)]
    duplicate = groups[1].slice(0, 1).append_column("again", pa.array(["id-bob"]))
    duplicate = duplicate.drop_columns(["id"]).rename_columns({"again": "id"}).select(groups[1].column_names)
    groups[1] = pa.concat_tables([duplicate.cast(groups[1].schema), groups[1].slice(1)])
    with pq.ParquetWriter(folder / "users.parquet", groups[0].schema) as writer:
        for group in groups:
            writer.write_table(group)
    row_group_facts = row_group_facts_of(folder)
    assert len(list(read_row_group(folder, 0, row_group_facts, ("id",), ("user",)))) == 1
    with pytest.raises(SnapshotError, match="has a user twice"):
        list(read_row_group(folder, 1, row_group_facts, ("id",), ("user",)))


def _first_byte(file: Path, group: int) -> int:
    column = pq.read_metadata(file).row_group(group).column(0)
    offset: int = column.dictionary_page_offset or column.data_page_offset
    return offset


def _flip(file: Path, position: int) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)
