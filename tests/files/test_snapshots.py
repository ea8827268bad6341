"""Snapshots from elsewhere: what would take too much memory or cannot be is refused with its place."""

import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.demo.tenants import snapshots
from auditor.domain.errors import SnapshotError
from auditor.snapshot.reader import read
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.snapshot_damage import column, copied, edited, rewritten

NOW = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's two tenants, with one policy file."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for snapshot in snapshots(NOW):
        write(folder / "snapshots", snapshot)
    (folder / "policies").mkdir()
    (folder / "policies" / "a.yaml").write_text(
        "version: 1\npolicies:\n- {id: spare, severity: low, seats: {of: paid, spare: {min: 1}}}\n"
    )
    return folder


@pytest.fixture
def here(root: Path, tmp_path: Path) -> Path:
    return copied(root, tmp_path / "here")


def one(here: Path, tenant: str = "contoso") -> Path:
    (folder,) = (here / "snapshots" / tenant).iterdir()
    return folder


def replaced(folder: Path, name: str, table: pa.Table, **form: object) -> Path:
    """Write another file in the place of one, and make the manifest agree with it."""
    path = folder / f"{name}.parquet"
    pq.write_table(table, path, **form)
    entry = {"rows": table.num_rows, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    edited(folder, lambda document: document["files"][f"{name}.parquet"].update(entry))
    return path


def refusal(folder: Path) -> str:
    """Read a whole snapshot, which has to fail with the place."""
    with pytest.raises(SnapshotError) as caught:
        list(read(folder).batches())
    assert caught.value.slug in {"snapshot-damaged", "snapshot-unreadable"}
    assert str(folder) in caught.value.message
    return caught.value.message


def long_text(table: pa.Table, name: str, length: int) -> pa.Table:
    codes = pa.DictionaryArray.from_arrays(pa.array([0] * table.num_rows, pa.int32()), pa.array(["x" * length]))
    return table.set_column(table.column_names.index(name), name, codes)


@pytest.mark.slow
def test_a_small_file_that_stands_for_gigabytes_is_refused(here: Path) -> None:
    """One text of a megabyte that stands once in the file and is every name: 300 kB on the disk, 300 GB decoded."""
    folder = one(here)
    people = pa.table({"id": [f"{n:08}" for n in range(300_000)]})
    codes = pa.DictionaryArray.from_arrays(pa.array([0] * people.num_rows, pa.int32()), pa.array(["x" * (1 << 20)]))
    table = people.append_column("displayName", codes)
    path = replaced(folder, "users", table, compression="zstd", row_group_size=300_000, store_schema=False)
    assert path.stat().st_size < 4 << 20
    links = pq.read_table(folder / "assignments.parquet").slice(0, 0)
    replaced(folder, "assignments", links)
    edited(folder, lambda document: [s.update(status="not-needed", asked=[]) for s in document["sources"]])
    assert "texts of" in refusal(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["groups", "organization"])
def test_a_small_table_that_stands_for_gigabytes_is_refused(here: Path, name: str) -> None:
    folder = one(here)
    table = pq.read_table(folder / f"{name}.parquet").slice(0, 1)
    large = pa.concat_tables([table] * 100_000).combine_chunks()
    path = replaced(folder, name, long_text(large, "displayName", 1 << 20), compression="zstd", store_schema=False)
    assert path.stat().st_size < 4 << 20
    assert "texts of" in refusal(folder)


@pytest.mark.slow
def test_more_rows_than_any_tenant_has_are_refused(here: Path) -> None:
    folder = one(here)
    gaps = pa.table(
        {name: pa.nulls(30_000_000, pa.string()) for name in ("id", "displayName", "licenseProcessingState")}
    )
    path = replaced(folder, "groups", gaps, compression="zstd", row_group_size=30_000_000)
    assert path.stat().st_size < 1 << 20
    assert "more than any tenant has" in refusal(folder)


@pytest.mark.slow
def test_bytes_that_stand_for_far_more_are_refused(here: Path) -> None:
    folder = one(here)
    table = pa.table({"id": ["x" * (96 << 20)]})
    replaced(folder, "groups", table, compression="zstd", use_dictionary=False)
    assert "bytes that expand to" in refusal(folder)


def invalid_text(rows: int) -> pa.Array:
    ends = b"".join((2 * number).to_bytes(4, "little") for number in range(rows + 1))
    return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(ends), pa.py_buffer(b"\xff\xfe" * rows)])


@pytest.mark.parametrize(
    ("name", "text"), [("users", "displayName"), ("users", "department"), ("groups", "displayName")]
)
def test_text_that_is_not_utf_8_is_refused(here: Path, name: str, text: str) -> None:
    folder = one(here)
    rewritten(
        folder, name, lambda table: table.set_column(table.column_names.index(text), text, invalid_text(table.num_rows))
    )
    assert "not valid" in refusal(folder)


@pytest.mark.parametrize("moment", [-(1 << 62), 253_402_300_800_000_000, (1 << 63) - 1])
@pytest.mark.parametrize(("name", "text"), [("users", "createdDateTime"), ("subscriptions", "nextLifecycleDateTime")])
def test_instants_that_no_calendar_has_are_refused(here: Path, name: str, text: str, moment: int) -> None:
    folder = one(here)
    rewritten(folder, name, column(text, lambda rows: [moment] * rows, pa.timestamp("us", tz="UTC")))
    assert "outside of the years" in refusal(folder)


def test_a_number_that_nobody_counts_to_is_refused(here: Path) -> None:
    folder = one(here)
    rewritten(folder, "products", column("enabled", lambda rows: [1 << 60] * rows, pa.int64()))
    assert "beyond 2^53" in refusal(folder)


@pytest.mark.parametrize("name", ["users", "assignments", "groups"])
def test_two_columns_of_one_name_are_refused(here: Path, name: str) -> None:
    folder = one(here)

    def doubled(table: pa.Table) -> pa.Table:
        return pa.Table.from_arrays(
            [*table.columns, table.column(0)], names=[*table.column_names, table.column_names[0]]
        )

    rewritten(folder, name, doubled)
    assert "two columns of one name" in refusal(folder)


def garbled(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def lost(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def piped(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


def foreign(folder: Path) -> None:
    (folder / "manifest.json").write_text(json.dumps({"schema": "auditor/snapshot/v9"}))


DAMAGE = [garbled, lost, foreign, *([piped] if os.name == "posix" else [])]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("at", [(), ("--as-of", AS_OF)])
def test_one_damaged_tenant_of_a_root_is_unavailable(
    here: Path, damage: Callable[[Path], None], at: tuple[str, ...]
) -> None:
    damage(one(here))
    ran = call("audit", "--snapshot", "snapshots", "-f", "json=r.json", *at, cwd=here)
    assert ran.code == 3, ran.err
    tenants = {tenant["name"]: tenant for tenant in json.loads((here / "r.json").read_text())["tenants"]}
    assert sorted(tenants) == ["contoso", "fabrikam"]
    assert "snapshots/contoso" in tenants["contoso"]["failure"]
    assert tenants["fabrikam"].get("failure") is None
    assert tenants["fabrikam"]["complete"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_snapshot_that_is_named_is_refused(here: Path, damage: Callable[[Path], None]) -> None:
    folder = one(here)
    damage(folder)
    ran = call("audit", "--snapshot", folder, "-f", "json=r.json", cwd=here)
    assert ran.code == 2, ran.err
    assert not (here / "r.json").exists()


def test_an_older_snapshot_never_stands_in_for_a_damaged_one(here: Path) -> None:
    """Nor does a damaged one of a night long ago matter to tonight's."""
    folder = one(here)
    copied(folder, folder.with_name("2026-12-01T000000Z"))
    garbled(folder.with_name("2026-12-01T000000Z"))
    ran = call("audit", "--snapshot", "snapshots", "-f", "json=r.json", cwd=here)
    assert ran.code == 3, ran.err
    folder.with_name("2026-12-01T000000Z").rename(folder.with_name("2020-01-01T000000Z"))
    ran = call("audit", "--snapshot", "snapshots", "-f", "json=r.json", "--fail-on", "never", cwd=here)
    assert ran.code == 0, ran.err


def test_a_root_of_nothing_but_damage_is_refused(here: Path) -> None:
    for tenant in ("contoso", "fabrikam"):
        garbled(one(here, tenant))
    ran = call("audit", "--snapshot", "snapshots", "-f", "json=r.json", cwd=here)
    assert ran.code == 2, ran.err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("which", ["night", "tenant", "root"])
def test_a_closed_folder_is_reported(here: Path, which: str) -> None:
    """One of a tenant is its failure; where nothing can be listed, nothing is audited."""
    folder = {"night": one(here), "tenant": one(here).parent, "root": here / "snapshots"}[which]
    for path in here.parents:
        if path.name.startswith(("pytest-", "popen-", "test_")):  # pytest makes them for one account
            path.chmod(0o755)
    for path in (here, *here.rglob("*")):
        path.chmod(0o755)
    arguments = ("audit", "--snapshot", "snapshots", "-f", "json=-")
    assert call(*arguments, cwd=here).code in {0, 1}  # whatever is imported was read now
    folder.chmod(0)
    os.seteuid(65534)
    try:
        ran = call(*arguments, cwd=here)
    finally:
        os.seteuid(0)
        folder.chmod(0o755)
    assert ran.code == (2 if which == "root" else 3), ran.err
    assert "cannot be read" in ran.text + ran.err
