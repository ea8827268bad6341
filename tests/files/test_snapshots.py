"""Tests that untrusted snapshots with excessive or impossible content are refused, naming the folder."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.domain.errors import SnapshotError
from auditor.snapshot.reader import read
from tests.builders.document.policy_documents import SPARE_SEATS
from tests.builders.service.command_line import AS_OF, call, expect
from tests.builders.tenant.demo_snapshots import saved_demo
from tests.builders.tenant.snapshot_damage import column, copied, edited, rewritten


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snapshots of the two demo tenants, and one policy file."""
    folder = tmp_path_factory.mktemp("elsewhere")
    saved_demo(folder / "snapshots")
    (folder / "policies").mkdir()
    (folder / "policies" / "a.yaml").write_text(SPARE_SEATS)
    return folder


@pytest.fixture
def workspace(root: Path, tmp_path: Path) -> Path:
    """A copy of `root` that tests can change."""
    return copied(root, tmp_path / "here")


def snapshot_folder(workspace: Path, tenant: str = "contoso") -> Path:
    (folder,) = (workspace / "snapshots" / tenant).iterdir()
    return folder


def replace_table(folder: Path, name: str, table: pa.Table, **options: object) -> Path:
    """Replace a file, with Parquet options, and update the manifest."""
    path = folder / f"{name}.parquet"
    pq.write_table(table, path, **options)
    entry = {"rows": table.num_rows, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    edited(folder, lambda document: document["files"][f"{name}.parquet"].update(entry))
    return path


def refusal(folder: Path) -> str:
    """Return the error message of reading a snapshot; it must contain the folder."""
    with pytest.raises(SnapshotError) as caught:
        list(read(folder).batches())
    assert caught.value.slug in {"snapshot-damaged", "snapshot-unreadable"}
    assert str(folder) in caught.value.message
    return caught.value.message


def long_text(table: pa.Table, name: str, length: int) -> pa.Table:
    codes = pa.DictionaryArray.from_arrays(pa.array([0] * table.num_rows, pa.int32()), pa.array(["x" * length]))
    return table.set_column(table.column_names.index(name), name, codes)


@pytest.mark.slow
def test_small_file_that_decodes_to_gigabytes_is_refused(workspace: Path) -> None:
    """One text of a megabyte is in the file once and is the value of every name: 300 kB on disk, 300 GB decoded."""
    folder = snapshot_folder(workspace)
    users = pa.table({"id": [f"{n:08}" for n in range(300_000)]})
    codes = pa.DictionaryArray.from_arrays(pa.array([0] * users.num_rows, pa.int32()), pa.array(["x" * (1 << 20)]))
    table = users.append_column("displayName", codes)
    path = replace_table(folder, "users", table, compression="zstd", row_group_size=300_000, store_schema=False)
    assert path.stat().st_size < 4 << 20
    assignments = pq.read_table(folder / "assignments.parquet").slice(0, 0)
    replace_table(folder, "assignments", assignments)
    edited(folder, lambda document: [s.update(status="not-needed", asked=[]) for s in document["sources"]])
    assert "texts of" in refusal(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["groups", "organization"])
def test_small_table_that_decodes_to_gigabytes_is_refused(workspace: Path, name: str) -> None:
    folder = snapshot_folder(workspace)
    table = pq.read_table(folder / f"{name}.parquet").slice(0, 1)
    large = pa.concat_tables([table] * 100_000).combine_chunks()
    path = replace_table(folder, name, long_text(large, "displayName", 1 << 20), compression="zstd", store_schema=False)
    assert path.stat().st_size < 4 << 20
    assert "texts of" in refusal(folder)


@pytest.mark.slow
def test_excessive_number_of_rows_is_refused(workspace: Path) -> None:
    folder = snapshot_folder(workspace)
    nulls = pa.table(
        {name: pa.nulls(30_000_000, pa.string()) for name in ("id", "displayName", "licenseProcessingState")}
    )
    path = replace_table(folder, "groups", nulls, compression="zstd", row_group_size=30_000_000)
    assert path.stat().st_size < 1 << 20
    assert "more than any tenant has" in refusal(folder)


@pytest.mark.slow
def test_excessive_compression_ratio_is_refused(workspace: Path) -> None:
    folder = snapshot_folder(workspace)
    table = pa.table({"id": ["x" * (66 << 20)]})
    replace_table(folder, "groups", table, compression="zstd", use_dictionary=False, write_statistics=False)
    assert "bytes that expand to" in refusal(folder)


def invalid_text(rows: int) -> pa.Array:
    ends = b"".join((2 * number).to_bytes(4, "little") for number in range(rows + 1))
    return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(ends), pa.py_buffer(b"\xff\xfe" * rows)])


@pytest.mark.parametrize(
    ("name", "text"), [("users", "displayName"), ("users", "department"), ("groups", "displayName")]
)
def test_invalid_utf_8_is_refused(workspace: Path, name: str, text: str) -> None:
    folder = snapshot_folder(workspace)
    rewritten(
        folder, name, lambda table: table.set_column(table.column_names.index(text), text, invalid_text(table.num_rows))
    )
    assert "not valid" in refusal(folder)


@pytest.mark.parametrize("instant", [-(1 << 62), 253_402_300_800_000_000, (1 << 63) - 1])
@pytest.mark.parametrize(("name", "text"), [("users", "createdDateTime"), ("subscriptions", "nextLifecycleDateTime")])
def test_instants_outside_the_calendar_are_refused(workspace: Path, name: str, text: str, instant: int) -> None:
    folder = snapshot_folder(workspace)
    rewritten(folder, name, column(text, lambda rows: [instant] * rows, pa.timestamp("us", tz="UTC")))
    assert "outside of the years" in refusal(folder)


def test_number_beyond_2_to_the_53_is_refused(workspace: Path) -> None:
    folder = snapshot_folder(workspace)
    rewritten(folder, "products", column("enabled", lambda rows: [1 << 60] * rows, pa.int64()))
    assert "beyond 2^53" in refusal(folder)


@pytest.mark.parametrize("name", ["users", "assignments", "groups"])
def test_duplicate_column_names_are_refused(workspace: Path, name: str) -> None:
    folder = snapshot_folder(workspace)

    def duplicate_first_column(table: pa.Table) -> pa.Table:
        return pa.Table.from_arrays(
            [*table.columns, table.column(0)], names=[*table.column_names, table.column_names[0]]
        )

    rewritten(folder, name, duplicate_first_column)
    assert "two columns with the same name" in refusal(folder)


def garble_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def remove_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def remove_files(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def replace_manifest_by_pipe(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


def write_newer_schema(folder: Path) -> None:
    (folder / "manifest.json").write_text(json.dumps({"schema": "auditor/snapshot/v9"}))


DAMAGE = [
    garble_manifest,
    remove_manifest,
    remove_files,
    write_newer_schema,
    *([replace_manifest_by_pipe] if os.name == "posix" else []),
]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("options", [(), ("--as-of", AS_OF)])
def test_damaged_snapshot_makes_one_tenant_unavailable(
    workspace: Path, damage: Callable[[Path], None], options: tuple[str, ...]
) -> None:
    damage(snapshot_folder(workspace))
    expect(3, "audit", "--snapshot", "snapshots", "-f", "json=r.json", *options, cwd=workspace)
    tenants = {tenant["name"]: tenant for tenant in json.loads((workspace / "r.json").read_text())["tenants"]}
    assert sorted(tenants) == ["contoso", "fabrikam"]
    assert "snapshots/contoso" in tenants["contoso"]["failure"]
    assert tenants["fabrikam"].get("failure") is None
    assert tenants["fabrikam"]["complete"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_explicitly_named_damaged_snapshot_is_refused(workspace: Path, damage: Callable[[Path], None]) -> None:
    folder = snapshot_folder(workspace)
    damage(folder)
    expect(2, "audit", "--snapshot", folder, "-f", "json=r.json", cwd=workspace)
    assert not (workspace / "r.json").exists()


def test_older_snapshot_does_not_replace_a_damaged_latest_one(workspace: Path) -> None:
    """A damaged older snapshot does not affect the latest one."""
    folder = snapshot_folder(workspace)
    copied(folder, folder.with_name("2026-12-01T000000Z"))
    garble_manifest(folder.with_name("2026-12-01T000000Z"))
    expect(3, "audit", "--snapshot", "snapshots", "-f", "json=r.json", cwd=workspace)
    folder.with_name("2026-12-01T000000Z").rename(folder.with_name("2020-01-01T000000Z"))
    expect(0, "audit", "--snapshot", "snapshots", "-f", "json=r.json", "--fail-on", "never", cwd=workspace)


@pytest.mark.parametrize("other", ["", "2026-11-20T020000Z"])
def test_damaged_snapshot_after_the_asked_instant_makes_its_tenant_unavailable(workspace: Path, other: str) -> None:
    """With --as-of before all snapshots, or before all of this tenant, it is not left out."""
    garble_manifest(snapshot_folder(workspace))
    if other:
        folder = snapshot_folder(workspace, "fabrikam")
        edited(folder, lambda document: document.update(instant="2026-11-20T02:00:00Z"))
        folder.rename(folder.with_name(other))
    options = ("-f", "json=r.json", "--as-of", "2026-11-20T02:10:00Z", "--fail-on", "never")
    expect(3, "audit", "--snapshot", "snapshots", *options, cwd=workspace)
    tenants = {tenant["name"]: tenant for tenant in json.loads((workspace / "r.json").read_text())["tenants"]}
    assert "manifest.json" in tenants["contoso"]["failure"]
    assert "collect the snapshot again" in tenants["contoso"]["failure"], "the report says what to do"
    assert tenants["fabrikam"]["complete"]


def test_damaged_snapshot_after_the_asked_instant_does_not_replace_an_earlier_one(workspace: Path) -> None:
    folder = snapshot_folder(workspace)
    garble_manifest(copied(folder, folder.with_name("2026-12-01T000000Z")))
    options = ("-f", "json=r.json", "--as-of", AS_OF, "--fail-on", "never")
    expect(0, "audit", "--snapshot", "snapshots", *options, cwd=workspace)


@pytest.mark.parametrize("level", ["tenant", "night"])
def test_damaged_location_does_not_stop_the_tenants_of_other_locations(workspace: Path, level: str) -> None:
    for tenant in ("contoso", "fabrikam"):
        garble_manifest(snapshot_folder(workspace, tenant))
        folders = [snapshot_folder(workspace, name) for name in ("contoso", "fabrikam")]
        locations = folders if level == "night" else [folder.parent for folder in folders]
        arguments = [argument for location in locations for argument in ("--snapshot", str(location))]
        result = call("audit", *arguments, "-f", "json=r.json", "--fail-on", "never", cwd=workspace)
        if tenant == "fabrikam":
            assert result.code == 2, "no location has a readable snapshot"
            return
        assert result.code == 3, result.err
        tenants = {item["name"]: item for item in json.loads((workspace / "r.json").read_text())["tenants"]}
        assert "manifest.json" in tenants["contoso"]["failure"]
        assert tenants["fabrikam"]["complete"]


def test_damaged_snapshot_that_may_be_of_any_tenant_is_refused(workspace: Path) -> None:
    """A folder that has snapshots of a tenant with another name does not tell whose the damaged one is."""
    folder = snapshot_folder(workspace)
    garble_manifest(copied(folder, folder.with_name("2026-12-01T000000Z")))
    options = ("--snapshot", "snapshots/fabrikam", "-f", "json=-")
    expect(3, "audit", "--snapshot", "snapshots/contoso", *options, cwd=workspace)
    folder.parent.rename(workspace / "all")
    expect(2, "audit", "--snapshot", "all", *options, cwd=workspace)


def test_root_with_only_damaged_snapshots_is_refused(workspace: Path) -> None:
    for tenant in ("contoso", "fabrikam"):
        garble_manifest(snapshot_folder(workspace, tenant))
    expect(2, "audit", "--snapshot", "snapshots", "-f", "json=r.json", cwd=workspace)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can change the user id")
@pytest.mark.parametrize("closed", ["night", "tenant", "root"])
def test_folder_without_permission_is_reported(workspace: Path, closed: str) -> None:
    """A folder of one tenant makes that tenant fail; if the root cannot be listed, nothing is audited."""
    folder = {
        "night": snapshot_folder(workspace),
        "tenant": snapshot_folder(workspace).parent,
        "root": workspace / "snapshots",
    }[closed]
    for path in workspace.parents:
        if path.name.startswith(("pytest-", "popen-", "test_")):  # pytest creates them for one user only
            path.chmod(0o755)
    for path in (workspace, *workspace.rglob("*")):
        path.chmod(0o755)
    arguments = ("audit", "--snapshot", "snapshots", "-f", "json=-")
    assert call(*arguments, cwd=workspace).code in {0, 1}  # imports all modules while they are readable
    folder.chmod(0)
    os.seteuid(65534)
    try:
        result = call(*arguments, cwd=workspace)
    finally:
        os.seteuid(0)
        folder.chmod(0o755)
    assert result.code == (2 if closed == "root" else 3), result.err
    assert "cannot be read" in result.text + result.err
