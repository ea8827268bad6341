"""Tests that large tables of members are read by row group, for files of any writer."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.domain.errors import SnapshotError
from auditor.snapshot.reader import read
from auditor.snapshot.schema import MEMBERS, MEMBERS_PER_ROW_GROUP
from auditor.snapshot.writer import SnapshotWriter
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import Store
from tests.builders.tenant.snapshot_damage import copied, edited
from tests.builders.tenant.tenants import bought, guids, tenant, user

LISTS = [(group, transitive) for group in ("g1", "g2", "g3") for transitive in (False, True)]
MANY = 12_000


def large_table(count: int = MANY) -> pa.Table:
    rows = [(*key, user_id) for seed, key in enumerate(LISTS) for user_id in sorted(guids(count, seed))]
    groups, transitive, users = zip(*rows, strict=True)
    return pa.table([groups, users, transitive], schema=MEMBERS)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return large_table()


@pytest.fixture(scope="module")
def large_snapshot(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> Path:
    return write_snapshot(tmp_path_factory.mktemp("snapshots"), table)


def write_snapshot(root: Path, members: pa.Table) -> Path:
    state = tenant(user("ann", "SPE_E3"), subscribedSkus=[bought("SPE_E3")])
    (batch,) = state.batches()
    with SnapshotWriter(root, "contoso", "2026-11-20T021700Z") as writer:
        writer.write_users(batch.users, batch.assignments)
        writer.write_table("products", state.table("products"))
        writer.write_table("members", members)
        return writer.commit(state.manifest)


def with_members(source: Path, folder: Path, members: pa.Table, **options: Any) -> Path:
    """Return a copy of the snapshot with members written with the given Parquet options."""
    folder_copy = copied(source, folder)
    path = folder_copy / "members.parquet"
    pq.write_table(members, path, **options)
    entry = {"rows": members.num_rows, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    edited(folder_copy, lambda document: document["files"]["members.parquet"].update(entry))
    return folder_copy


def member_lists(snapshot: Any) -> dict[tuple[str, bool], list[str]]:
    return {key: snapshot.members_of(key[0], transitive=key[1]).to_pylist() for key in [*LISTS, ("g4", False)]}


def expected(table: pa.Table) -> dict[tuple[str, bool], list[str]]:
    members: dict[tuple[str, bool], list[str]] = {key: [] for key in [*LISTS, ("g4", False)]}
    for row in table.to_pylist():
        members[row["groupId"], row["transitive"]].append(row["userId"])
    return members


@pytest.mark.slow
def test_many_members_are_written_in_small_row_groups(large_snapshot: Path, table: pa.Table) -> None:
    footer = pq.ParquetFile(large_snapshot / "members.parquet").metadata
    assert footer.num_row_groups == -(-table.num_rows // MEMBERS_PER_ROW_GROUP)
    snapshot = read(large_snapshot)
    assert snapshot.members is not None
    assert "members" not in snapshot.tables
    assert snapshot.table("members") == table
    assert member_lists(snapshot) == expected(table)
    for group, transitive in LISTS:
        # 12,000 rows are in up to two row groups of 16,384; statistics may also match one with only other lists.
        assert 1 <= len(snapshot.members.likely(group, transitive=transitive)) <= 3
    assert not snapshot.members.likely("g4", transitive=False)


def test_few_members_are_read_as_a_table(tmp_path: Path) -> None:
    table = large_table(100)
    snapshot = read(write_snapshot(tmp_path, table))
    assert snapshot.members is None
    assert snapshot.tables["members"] == table
    assert member_lists(snapshot) == expected(table)


def dictionary_encoded(table: pa.Table) -> pa.Table:
    kinds = {"groupId": pa.dictionary(pa.int32(), pa.string()), "userId": pa.large_string(), "transitive": pa.bool_()}
    return table.cast(pa.schema([(name, kinds[name]) for name in table.column_names]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "options", "by_row_group"),
    [
        (lambda table: table, {"row_group_size": 5_000}, True),
        (lambda table: table, {"row_group_size": 5_000, "write_statistics": False}, True),
        (lambda table: table, {"row_group_size": 5_000, "write_statistics": ["userId"]}, True),
        (lambda table: table.take(Random(0).sample(range(table.num_rows), table.num_rows)), {"row_group_size": 9_000}, True),
        (dictionary_encoded, {"row_group_size": 5_000}, True),
        (lambda table: table.select(["transitive", "userId", "groupId"]), {"row_group_size": 5_000}, True),
        (lambda table: table.append_column("more", pa.array(["x"] * table.num_rows)), {"row_group_size": 5_000}, True),
        # One row group, as earlier versions of the auditor and many libraries write by default.
        (lambda table: pa.concat_tables([table, table]), {"write_statistics": False, "use_dictionary": False}, False),
    ],
)  # fmt: skip
def test_members_of_other_writers_are_read(
    large_snapshot: Path,
    table: pa.Table,
    tmp_path: Path,
    change: Callable[[pa.Table], pa.Table],
    options: dict[str, Any],
    *,
    by_row_group: bool,
) -> None:
    changed = change(table)
    snapshot = read(with_members(large_snapshot, tmp_path / "copy", changed, **options))
    assert (snapshot.members is not None) == by_row_group
    assert snapshot.table("members") == changed.select(MEMBERS.names).cast(MEMBERS)
    assert member_lists(snapshot) == expected(changed)


@pytest.mark.slow
def test_group_ids_of_members_are_case_sensitive(large_snapshot: Path, tmp_path: Path) -> None:
    table = pa.table([["G1", "g1"] * 60_000, guids(120_000), [True] * 120_000], schema=MEMBERS)
    snapshot = read(with_members(large_snapshot, tmp_path / "copy", table, row_group_size=5_000))
    assert snapshot.members is not None
    for group in ("g1", "G1"):
        assert len(snapshot.members_of(group, transitive=True)) == 60_000


@pytest.mark.slow
@pytest.mark.parametrize("statistics", [True, False])
@pytest.mark.parametrize("name", MEMBERS.names)
def test_null_in_members_is_an_error(
    large_snapshot: Path, table: pa.Table, tmp_path: Path, name: str, *, statistics: bool
) -> None:
    values = table[name].to_pylist()
    values[20_000] = None
    index = MEMBERS.names.index(name)
    table_with_null = table.set_column(
        index, pa.field(name, MEMBERS.field(name).type), pa.array(values, MEMBERS.field(name).type)
    )
    options = {"row_group_size": 5_000, "write_statistics": statistics}
    folder = with_members(large_snapshot, tmp_path / "copy", table_with_null, **options)
    # With statistics, nulls are detected before any row group is read.
    read_members = read if statistics else lambda folder: member_lists(read(folder))
    with pytest.raises(SnapshotError, match=f"missing value in its column {name}"):
        read_members(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop_columns(["transitive"]),
        lambda table: table.set_column(2, "transitive", pa.array(["yes"] * table.num_rows)),
        lambda table: table.set_column(0, "groupId", pa.array([1] * table.num_rows)),
    ],
)
def test_invalid_columns_of_members_are_an_error(
    large_snapshot: Path, table: pa.Table, tmp_path: Path, change: Callable[[pa.Table], pa.Table]
) -> None:
    with pytest.raises(SnapshotError) as caught:
        read(with_members(large_snapshot, tmp_path / "copy", change(table), row_group_size=5_000))
    assert caught.value.slug == "snapshot-damaged"


def test_row_count_other_than_in_the_manifest_is_an_error(large_snapshot: Path, tmp_path: Path) -> None:
    folder = copied(large_snapshot, tmp_path / "copy")
    edited(folder, lambda document: document["files"]["members.parquet"].update(rows=7))
    with pytest.raises(SnapshotError, match="number of rows in the manifest"):
        read(folder)


@pytest.mark.slow
def test_garbled_row_groups_raise_only_snapshot_errors(large_snapshot: Path, tmp_path: Path) -> None:
    body = (large_snapshot / "members.parquet").read_bytes()
    folder = copied(large_snapshot, tmp_path / "copy")
    refusals = 0
    for position in (4, 5, len(body) // 3, len(body) // 2, *range(len(body) - 4_000, len(body), 150)):
        garbled = bytearray(body)
        garbled[position] ^= 0x5A
        (folder / "members.parquet").write_bytes(garbled)
        digest = hashlib.sha256(garbled).hexdigest()
        edited(folder, lambda document: document["files"]["members.parquet"].update(sha256=digest))  # noqa: B023
        try:
            member_lists(read(folder))
        except SnapshotError as error:
            assert error.slug == "snapshot-damaged"  # noqa: PT017  most bytes are values, of which some still decode
            refusals += 1
    assert refusals > 5


@pytest.mark.slow
def test_store_restores_many_members_byte_for_byte(large_snapshot: Path, table: pa.Table, tmp_path: Path) -> None:
    store = Store(FolderBackend(tmp_path / "store")).create()
    restored = store.restore(store.put(large_snapshot)[0], tmp_path / "back")
    for file in large_snapshot.iterdir():
        assert (restored / file.name).read_bytes() == file.read_bytes(), file.name
    # Files of other writers keep their order of rows.
    shuffled = table.take(Random(1).sample(range(table.num_rows), table.num_rows))
    folder = with_members(large_snapshot, tmp_path / "other", shuffled, row_group_size=5_000)
    edited(folder, lambda document: document.update(instant="2026-11-21T02:17:00Z"))
    restored_shuffled = store.restore(store.put(folder)[0], tmp_path / "back")
    assert read(restored_shuffled).table("members") == shuffled
