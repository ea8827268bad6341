"""Many members are read in parts, whoever wrote the file; what is in it is what was put into it."""

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
    rows = [(*own, each) for seed, own in enumerate(LISTS) for each in sorted(guids(count, seed))]
    groups, transitive, users = zip(*rows, strict=True)
    return pa.table([groups, users, transitive], schema=MEMBERS)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return large_table()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> Path:
    return written(tmp_path_factory.mktemp("snapshots"), table)


def written(root: Path, members: pa.Table) -> Path:
    state = tenant(user("ann", "SPE_E3"), subscribedSkus=[bought("SPE_E3")])
    (batch,) = state.batches()
    with SnapshotWriter(root, "contoso", "2026-11-20T021700Z") as writer:
        writer.write_users(batch.users, batch.assignments)
        writer.write_table("products", state.table("products"))
        writer.write_table("members", members)
        return writer.commit(state.manifest)


def replaced(source: Path, folder: Path, members: pa.Table, **options: Any) -> Path:
    """The snapshot with members as another program wrote them."""
    made = copied(source, folder)
    path = made / "members.parquet"
    pq.write_table(members, path, **options)
    entry = {"rows": members.num_rows, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    edited(made, lambda document: document["files"]["members.parquet"].update(entry))
    return made


def member_lists(snapshot: Any) -> dict[tuple[str, bool], list[str]]:
    return {own: snapshot.members_of(own[0], transitive=own[1]).to_pylist() for own in [*LISTS, ("g4", False)]}


def expected(table: pa.Table) -> dict[tuple[str, bool], list[str]]:
    found: dict[tuple[str, bool], list[str]] = {own: [] for own in [*LISTS, ("g4", False)]}
    for row in table.to_pylist():
        found[row["groupId"], row["transitive"]].append(row["userId"])
    return found


@pytest.mark.slow
def test_many_members_are_written_in_small_row_groups_and_read_as_they_were(whole: Path, table: pa.Table) -> None:
    footer = pq.ParquetFile(whole / "members.parquet").metadata
    assert footer.num_row_groups == -(-table.num_rows // MEMBERS_PER_ROW_GROUP)
    snapshot = read(whole)
    assert snapshot.members is not None
    assert "members" not in snapshot.tables
    assert snapshot.table("members") == table
    assert member_lists(snapshot) == expected(table)
    for group, transitive in LISTS:
        # 12,000 rows stand in two parts of 16,384; another may have the same group's other list, and the other group's.
        assert 1 <= len(snapshot.members.likely(group, transitive=transitive)) <= 3
    assert not snapshot.members.likely("g4", transitive=False)


def test_few_members_are_a_table_like_any_other(tmp_path: Path) -> None:
    table = large_table(100)
    snapshot = read(written(tmp_path, table))
    assert snapshot.members is None
    assert snapshot.tables["members"] == table
    assert member_lists(snapshot) == expected(table)


def coded(table: pa.Table) -> pa.Table:
    kinds = {"groupId": pa.dictionary(pa.int32(), pa.string()), "userId": pa.large_string(), "transitive": pa.bool_()}
    return table.cast(pa.schema([(name, kinds[name]) for name in table.column_names]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "options", "parted"),
    [
        (lambda table: table, {"row_group_size": 5_000}, True),
        (lambda table: table, {"row_group_size": 5_000, "write_statistics": False}, True),
        (lambda table: table, {"row_group_size": 5_000, "write_statistics": ["userId"]}, True),
        (lambda table: table.take(Random(0).sample(range(table.num_rows), table.num_rows)), {"row_group_size": 9_000}, True),
        (coded, {"row_group_size": 5_000}, True),
        (lambda table: table.select(["transitive", "userId", "groupId"]), {"row_group_size": 5_000}, True),
        (lambda table: table.append_column("more", pa.array(["x"] * table.num_rows)), {"row_group_size": 5_000}, True),
        # As this program wrote them before, and as many a library does when it is not told otherwise.
        (lambda table: pa.concat_tables([table, table]), {"write_statistics": False, "use_dictionary": False}, False),
    ],
)  # fmt: skip
def test_other_writers_members_say_the_same(
    whole: Path,
    table: pa.Table,
    tmp_path: Path,
    change: Callable[[pa.Table], pa.Table],
    options: dict[str, Any],
    *,
    parted: bool,
) -> None:
    changed = change(table)
    snapshot = read(replaced(whole, tmp_path / "copy", changed, **options))
    assert (snapshot.members is not None) == parted
    assert snapshot.table("members") == changed.select(MEMBERS.names).cast(MEMBERS)
    assert member_lists(snapshot) == expected(changed)


@pytest.mark.slow
def test_a_group_that_is_written_with_capitals_is_distinguished_by_them(whole: Path, tmp_path: Path) -> None:
    table = pa.table([["G1", "g1"] * 60_000, guids(120_000), [True] * 120_000], schema=MEMBERS)
    snapshot = read(replaced(whole, tmp_path / "copy", table, row_group_size=5_000))
    assert snapshot.members is not None
    for group in ("g1", "G1"):
        assert len(snapshot.members_of(group, transitive=True)) == 60_000


@pytest.mark.slow
@pytest.mark.parametrize("statistics", [True, False])
@pytest.mark.parametrize("name", MEMBERS.names)
def test_a_gap_is_refused(whole: Path, table: pa.Table, tmp_path: Path, name: str, *, statistics: bool) -> None:
    values = table[name].to_pylist()
    values[20_000] = None
    index = MEMBERS.names.index(name)
    gapped = table.set_column(
        index, pa.field(name, MEMBERS.field(name).type), pa.array(values, MEMBERS.field(name).type)
    )
    options = {"row_group_size": 5_000, "write_statistics": statistics}
    folder = replaced(whole, tmp_path / "copy", gapped, **options)
    # Statistics tell before anything is read, where there are some.
    attempt = read if statistics else lambda folder: member_lists(read(folder))
    with pytest.raises(SnapshotError, match=f"missing value in its column {name}"):
        attempt(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop_columns(["transitive"]),
        lambda table: table.set_column(2, "transitive", pa.array(["yes"] * table.num_rows)),
        lambda table: table.set_column(0, "groupId", pa.array([1] * table.num_rows)),
    ],
)
def test_columns_of_something_else_are_refused(
    whole: Path, table: pa.Table, tmp_path: Path, change: Callable[[pa.Table], pa.Table]
) -> None:
    with pytest.raises(SnapshotError) as caught:
        read(replaced(whole, tmp_path / "copy", change(table), row_group_size=5_000))
    assert caught.value.slug == "snapshot-damaged"


def test_other_rows_than_the_manifest_tells_are_refused(whole: Path, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path / "copy")
    edited(folder, lambda document: document["files"]["members.parquet"].update(rows=7))
    with pytest.raises(SnapshotError, match="number of rows that the manifest says"):
        read(folder)


@pytest.mark.slow
def test_garbled_parts_are_refused_or_read_and_nothing_else(whole: Path, tmp_path: Path) -> None:
    body = (whole / "members.parquet").read_bytes()
    folder = copied(whole, tmp_path / "copy")
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
def test_a_store_gives_many_members_back_byte_for_byte(whole: Path, table: pa.Table, tmp_path: Path) -> None:
    store = Store(FolderBackend(tmp_path / "store")).create()
    back = store.restore(store.put(whole)[0], tmp_path / "back")
    for file in whole.iterdir():
        assert (back / file.name).read_bytes() == file.read_bytes(), file.name
    # Of another writer's, in another order: the order stays.
    other = table.take(Random(1).sample(range(table.num_rows), table.num_rows))
    folder = replaced(whole, tmp_path / "other", other, row_group_size=5_000)
    edited(folder, lambda document: document.update(instant="2026-11-21T02:17:00Z"))
    again = store.restore(store.put(folder)[0], tmp_path / "back")
    assert read(again).table("members") == other
