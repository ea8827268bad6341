"""Tests that damaged, foreign, newer and forged snapshots are refused with a reason."""

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import SnapshotError
from auditor.snapshot.folders import Damaged, snapshots
from auditor.snapshot.reader import read
from auditor.snapshot.schema import ASSIGNMENTS, FILES, SMALL_TABLES
from auditor.snapshot.writer import SnapshotWriter, write
from tests.builders.tenant.snapshot_damage import column, copied, edited, rewritten
from tests.builders.tenant.tenants import bought, path, tenant, user

GROUPS = [{"id": "g1", "displayName": "Staff", "members": ["id-ann"], "transitiveMembers": ["id-ann"]}]


@pytest.fixture(scope="module")
def snapshot_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    people = [user("ann", "SPE_E3", "SPE_E5", department="Store"), user("bob", "SPE_E5", paths=[path("SPE_E5", "g1")])]
    state = tenant(*people, subscribedSkus=[bought("SPE_E3"), bought("SPE_E5")], groups=GROUPS)
    return write(tmp_path_factory.mktemp("snapshots"), state)


@pytest.fixture
def folder(snapshot_folder: Path, tmp_path: Path) -> Path:
    return copied(snapshot_folder, tmp_path / "copy")


def refusal_slug(folder: Path) -> str:
    """Return the slug of the error that reading the snapshot or iterating over its users raises."""
    with pytest.raises(SnapshotError) as caught:
        list(read(folder).batches())
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.hint
    return diagnostic.slug


def test_written_snapshot_is_read(snapshot_folder: Path) -> None:
    snapshot = read(snapshot_folder)
    (batch,) = snapshot.batches()
    assert [row["displayName"] for row in batch.users.to_pylist()] == ["Ann", "Bob"]
    assert batch.assignments.column("user").to_pylist() == [0, 0, 1]
    assert (snapshot.user_count, len(snapshot.sku_ids)) == (2, 2)
    assert snapshot.manifest.tenant == "contoso"
    assert snapshot.identity.startswith("sha256:")
    coverage = {source: snapshot.manifest.coverage(source).status for source in Source}
    assert list(coverage) == list(Source), "a reader also learns which sources were not needed"
    assert coverage[Source.MEMBERS] is SourceStatus.COMPLETE
    assert coverage[Source.DEVICES] is SourceStatus.NOT_NEEDED


def test_two_snapshots_are_iterated_alternately(snapshot_folder: Path, tmp_path: Path) -> None:
    first = read(snapshot_folder)
    second = read(write(tmp_path, tenant(user("eve", "SPE_E3"), name="other", subscribedSkus=[bought("SPE_E3")])))
    for columns in (("displayName",), None, ("displayName", "id")):
        for snapshot, names in ((first, ["Ann", "Bob"]), (second, ["Eve"])):
            (batch,) = snapshot.batches(columns, ("user",))
            assert batch.users.column("displayName").to_pylist() == names
            assert len(set(batch.assignments.column("user").to_pylist())) == len(names)


@pytest.mark.parametrize("name", [*(f"{name}.parquet" for name in FILES), "manifest.json"])
def test_changed_bytes_are_detected(folder: Path, name: str) -> None:
    target = folder / name
    body = target.read_bytes()
    for position in {0, 4, len(body) // 3, len(body) // 2, len(body) - 9, len(body) - 1}:
        flipped = bytearray(body)
        flipped[position] ^= 0x41
        target.write_bytes(flipped)
        assert refusal_slug(folder) in {"snapshot-damaged", "snapshot-foreign"}, position
    for size in (0, 1, len(body) // 2, len(body) - 1):
        target.write_bytes(body[:size])
        if name == "manifest.json" and size == len(body) - 1:
            continue  # the line break at the end has no meaning
        assert refusal_slug(folder) == "snapshot-damaged", size
    target.write_bytes(body + b"x")
    assert refusal_slug(folder) == "snapshot-damaged"
    target.unlink()
    assert refusal_slug(folder) == ("snapshot-missing" if name == "manifest.json" else "snapshot-damaged")


def tenant_value(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["tenant"].update({name: value})


def source_value(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["sources"][0].update({name: value})


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        (lambda document: document.update(schema="auditor/snapshot/v2"), "snapshot-version"),
        (lambda document: document.update(schema="somebody/else/v1"), "snapshot-foreign"),
        (lambda document: document.update(schema=1), "snapshot-foreign"),
        # The name is part of the paths of reports, so it must not lead out of their folder.
        (tenant_value("name", "../../evil"), "snapshot-damaged"),
        (tenant_value("name", ""), "snapshot-damaged"),
        (tenant_value("name", "Contoso"), "snapshot-damaged"),
        (tenant_value("name", "contoso\n"), "snapshot-damaged"),
        (tenant_value("name", 5), "snapshot-damaged"),
        (tenant_value("cloud", "moon"), "snapshot-damaged"),
        (tenant_value("locale", 5), "snapshot-damaged"),
        (lambda document: document.update(instant="2026-11-20T02:17:00"), "snapshot-damaged"),
        (lambda document: document.update(instant="yesterday"), "snapshot-damaged"),
        (lambda document: document.update(sources=None), "snapshot-damaged"),
        (lambda document: document.update(files=[]), "snapshot-damaged"),
        (lambda document: document.pop("tool"), "snapshot-damaged"),
        (lambda document: document["files"].pop("users.parquet"), "snapshot-damaged"),
        (lambda document: document["files"]["users.parquet"].update(rows=3), "snapshot-damaged"),
        (source_value("status", "fine"), "snapshot-damaged"),
        (source_value("count", float("inf")), "snapshot-damaged"),
        (source_value("reason", 5), "snapshot-damaged"),
    ],
)
def test_forged_manifest_is_an_error(folder: Path, change: Callable[[dict[str, Any]], object], slug: str) -> None:
    edited(folder, change)
    assert refusal_slug(folder) == slug


def test_edited_manifest_without_a_new_digest_is_an_error(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"contoso"', '"fabrikam"'))
    assert refusal_slug(folder) == "snapshot-damaged"


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '"\\ud800"', '{"a": "\\ud800"}', "[]", "null", "{}", "\xff", "1" * 5000]
)
def test_invalid_manifest_is_an_error(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_bytes(text.encode("latin-1"))
    assert refusal_slug(folder) in {"snapshot-damaged", "snapshot-foreign"}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("users", column("id", lambda rows: [1] * rows)),
        ("users", column("id", lambda rows: [None] * rows, pa.string())),
        ("users", column("id", lambda rows: ["id-ann"] * rows)),
        ("users", lambda table: table.take([0, 1, 0])),
        ("users", column("accountEnabled", lambda rows: ["yes"] * rows)),
        ("users", lambda table: table.drop_columns(["id"])),
        ("users", lambda table: table.slice(0, 1)),
        ("assignments", lambda table: table.drop_columns(["user"])),
        ("assignments", column("user", lambda rows: [7] * rows)),
        ("assignments", column("user", lambda rows: [-1] * rows)),
        ("assignments", column("user", lambda rows: [1, *[0] * (rows - 1)])),
        ("assignments", column("skuId", lambda rows: [None] * rows, pa.string())),
        ("products", column("enabled", lambda rows: ["many"] * rows)),
        ("products", column("skuId", lambda rows: [None] * rows, pa.string())),
        ("products", lambda table: table.drop_columns(["consumed"])),
        ("groups", column("membersStatus", lambda rows: ["fine"] * rows)),
    ],
)
def test_table_with_invalid_content_is_an_error(
    folder: Path, name: str, change: Callable[[pa.Table], pa.Table]
) -> None:
    rewritten(folder, name, change)
    assert refusal_slug(folder) == "snapshot-damaged"


@pytest.mark.parametrize(("second_id", "slug"), [("id-ann", "snapshot-damaged"), ("id-aaa", None), ("id-bob", None)])
def test_user_in_two_row_groups_is_an_error(
    snapshot_folder: Path, tmp_path: Path, second_id: str, slug: str | None
) -> None:
    snapshot = read(snapshot_folder)
    (batch,) = snapshot.batches()
    ann, no_assignments = batch.users.slice(0, 1), batch.assignments.slice(0, 0)
    index = ann.schema.get_field_index("id")
    second_user = ann.set_column(index, ann.schema.field(index), pa.array([second_id]))
    with SnapshotWriter(tmp_path, "contoso", "now") as writer:
        for users in (ann, second_user):
            writer.write_users(users, no_assignments.cast(ASSIGNMENTS))
        for name in SMALL_TABLES:
            writer.write_table(name, snapshot.table(name))
        folder = writer.commit(snapshot.manifest)
    if slug is None:
        assert [batch.users.num_rows for batch in read(folder).batches()] == [1, 1]
    else:
        assert refusal_slug(folder) == slug


@pytest.mark.parametrize("gaps", [{}, {"dee": ["licenseAssignmentStates"]}, {"ann": ["department", "mail"]}])
def test_not_collected_properties_are_known_before_users_are_read(tmp_path: Path, gaps: dict[str, list[str]]) -> None:
    people = [user(name, "SPE_E5", notCollected=gaps.get(name)) for name in ("ann", "bob", "cid", "dee")]
    state = tenant(*people, subscribedSkus=[bought("SPE_E5")], rows=2)
    with SnapshotWriter(tmp_path, "contoso", "2026-11-20T021700Z") as writer:
        for batch in state.batches():
            writer.write_users(batch.users, batch.assignments)
        folder = writer.commit(state.manifest)
    assert read(folder).not_collected == frozenset(name for names in gaps.values() for name in names)


def test_dictionary_columns_written_as_plain_text_are_accepted(folder: Path) -> None:
    before = [batch.assignments.to_pylist() for batch in read(folder).batches()]
    rewritten(folder, "assignments", lambda table: table.cast(pa.schema(
        [field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field for field in table.schema]
    )))  # fmt: skip
    assert [batch.assignments.to_pylist() for batch in read(folder).batches()] == before


def readable(root: Path) -> list[Path]:
    """Return the folders of the snapshots below a root. Raises the error of the first that cannot be read."""
    folders = []
    for entry in snapshots(root):
        if isinstance(entry, Damaged):
            raise entry.error
        folders.append(entry[1])
    return folders


def test_all_snapshots_below_a_folder_are_found(snapshot_folder: Path, tmp_path: Path) -> None:
    first = copied(snapshot_folder, tmp_path / "contoso" / "a")
    second = copied(snapshot_folder, tmp_path / "contoso" / "b")
    fabrikam = copied(snapshot_folder, tmp_path / "fabrikam")
    assert readable(tmp_path) == [first, second, fabrikam]
    assert readable(second) == [second]


def test_unfinished_folders_are_ignored(snapshot_folder: Path, tmp_path: Path) -> None:
    complete = copied(snapshot_folder, tmp_path / "contoso" / "2026-11-20T021700Z")
    incomplete = copied(snapshot_folder, tmp_path / "contoso" / ".2026-11-21T021700Z.partial-7")
    edited(incomplete, lambda document: document.update(instant="2026-11-21T02:17:00Z"))
    (tmp_path / "contoso" / ".2026-11-22T021700Z.partial-8").mkdir()
    assert readable(tmp_path) == [complete]


@pytest.mark.parametrize(
    "name", ["fabrikam/2026-11-20T021700Z", "fabrikam/2026-11-20T021700.000001Z", "fabrikam", "a/b"]
)
@pytest.mark.parametrize("remaining", [("users", "assignments", "groups"), ("organization",)])
def test_snapshot_without_manifest_is_damaged(
    name: str, remaining: tuple[str, ...], snapshot_folder: Path, tmp_path: Path
) -> None:
    complete = copied(snapshot_folder, tmp_path / "contoso" / "2026-11-20T021700Z")
    without_manifest = tmp_path / name
    without_manifest.mkdir(parents=True)
    (without_manifest / "findings.parquet").write_text("no table of a snapshot")
    (without_manifest.parent / "notes.txt").write_text("nor this")
    if not without_manifest.name.startswith("2026"):
        assert readable(tmp_path) == [complete]
    for table in remaining:
        shutil.copy(snapshot_folder / f"{table}.parquet", without_manifest)
    if "users" not in remaining and not without_manifest.name.startswith("2026"):
        assert readable(tmp_path) == [complete], "a table of that name alone is not a snapshot"
        return
    with pytest.raises(SnapshotError) as caught:
        readable(tmp_path)
    assert caught.value.slug == "snapshot-damaged"
    assert str(without_manifest) in str(caught.value)
    without_manifest.rename(without_manifest.with_name(f".{without_manifest.name}.partial-7"))
    assert readable(tmp_path) == [complete], "a snapshot that is being written is ignored"


def test_folder_named_as_a_snapshot_is_damaged_if_it_has_none(snapshot_folder: Path, tmp_path: Path) -> None:
    """An empty one, or one with other files, is not skipped; one that contains the folders of tenants is."""
    copied(snapshot_folder, tmp_path / "2026-11-20T021700Z" / "contoso")
    (tmp_path / "fabrikam" / "2026-11-20T021700Z").mkdir(parents=True)
    (damaged,) = (entry for entry in snapshots(tmp_path) if isinstance(entry, Damaged))
    assert (damaged.tenant, damaged.folder) == ("fabrikam", tmp_path / "fabrikam" / "2026-11-20T021700Z")
    assert "has no manifest.json" in damaged.error.message


def test_folder_without_snapshots_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for root in (tmp_path, tmp_path / "file", tmp_path / "nothing"):
        with pytest.raises(SnapshotError) as caught:
            readable(root)
        assert caught.value.slug == "snapshot-missing"


def test_foreign_manifest_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "extension").mkdir()
    (tmp_path / "extension" / "manifest.json").write_text(json.dumps({"manifest_version": 3}))
    with pytest.raises(SnapshotError) as caught:
        readable(tmp_path)
    assert caught.value.slug == "snapshot-foreign"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["users", "assignments", "groups"])
def test_garbled_pages_with_a_valid_digest_raise_only_snapshot_errors(
    snapshot_folder: Path, tmp_path: Path, name: str
) -> None:
    body = (snapshot_folder / f"{name}.parquet").read_bytes()
    refusals = 0
    for number, index in enumerate(range(4, len(body), max(1, len(body) // 40))):
        folder = copied(snapshot_folder, tmp_path / str(number))
        garbled = bytearray(body)
        garbled[index] ^= 0x5A
        (folder / f"{name}.parquet").write_bytes(garbled)
        digest = hashlib.sha256(garbled).hexdigest()
        edited(folder, lambda document: document["files"][f"{name}.parquet"].update(sha256=digest))  # noqa: B023
        # Any other error would propagate. Most bytes are compressed values, some of which still decode.
        with suppress(SnapshotError):
            list(read(folder).batches())
            continue
        refusals += 1
    assert refusals
