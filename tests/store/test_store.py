"""Tests that a store restores every night exactly, and reports damaged or conflicting ones."""

import errno
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from auditor.domain.errors import AuditorError, DeliveryError, SnapshotError
from auditor.files.folder import Folder
from auditor.files.output import opened
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import read
from auditor.snapshot.writer import write
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import commit_name
from tests.builders.tenant.nights import SKUS, night, series
from tests.builders.tenant.snapshot_damage import edited, rewritten
from tests.builders.tenant.two_people import ANN, BOB, TWO_PEOPLE, assert_same_tables, store_in

pytestmark = pytest.mark.slow


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(nights=series())
def test_any_series_of_nights_is_restored_exactly(nights: tuple[Snapshot, ...]) -> None:
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.store.delta.pack.MIN_MEMBER_DELTA", 1)
        folder = Path(name)
        store = store_in(folder)
        sources = [write(folder / "given", snapshot) for snapshot in nights]
        stored = [store.put(source) for source in sources]
        assert all(new for _, new in stored)
        for source, (entry, _) in zip(sources, stored, strict=True):
            restored = store.restore(entry, folder / "back")
            assert_same_tables(source, restored)
            assert read(restored).manifest == read(source).manifest


def test_unchanged_parts_of_a_night_are_not_stored_again(tmp_path: Path) -> None:
    many_users = [
        {**ANN, "id": f"u{number:05}", "displayName": f"Person {number * 7919 % 5003}"} for number in range(5000)
    ]
    store = store_in(tmp_path)
    first, _ = store.put(write(tmp_path, night({**TWO_PEOPLE, "users": many_users}, 0)))
    changed = [{**user, "city": "Oslo"} if number % 500 == 0 else user for number, user in enumerate(many_users)]
    second, _ = store.put(write(tmp_path, night({**TWO_PEOPLE, "users": changed}, 1)))
    assert [part.kind for part in second.parts] == ["full", "steps"]
    assert second.own_size * 10 < first.own_size


def test_put_is_idempotent_and_refuses_another_snapshot_of_that_instant(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    folder = write(tmp_path / "a", night(TWO_PEOPLE, 0))
    assert store.put(folder)[1] is True
    assert store.put(folder)[1] is False
    other = write(tmp_path / "b", night({**TWO_PEOPLE, "users": [ANN]}, 0))
    with pytest.raises(SnapshotError) as caught:
        store.put(other)
    assert caught.value.slug == "store-exists"
    assert len(store.nights()) == 1


def test_put_refuses_another_tenant_id_under_an_existing_name(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.put(write(tmp_path / "a", night(TWO_PEOPLE, 0)))
    other = night(TWO_PEOPLE, 1)
    other = replace(other, manifest=replace(other.manifest, tenant_id="another"))
    with pytest.raises(SnapshotError) as caught:
        store.put(write(tmp_path / "b", other))
    assert caught.value.slug == "store-tenant"
    assert [entry.manifest.tenant_id for entry in store.nights()] == ["t"]


def test_equal_content_in_different_bytes_is_the_same_night(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", night(TWO_PEOPLE, 0))
    before = (folder / "users.parquet").read_bytes()
    rewritten(folder, "users", lambda table: table.replace_schema_metadata({"writer": "another"}))
    assert (folder / "users.parquet").read_bytes() != before
    store = store_in(tmp_path)
    entry, _ = store.put(folder)
    restored = store.restore(entry, tmp_path / "back")
    assert (restored / "users.parquet").read_bytes() != (folder / "users.parquet").read_bytes()
    assert store.put(restored) == (entry, False)
    rewritten(restored, "products", lambda table: table.slice(0, 0))
    with pytest.raises(SnapshotError) as caught:
        store.put(restored)
    assert caught.value.slug == "store-exists"


def test_unsorted_night_of_another_writer_is_restored_unchanged(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", night(TWO_PEOPLE, 0))
    for name, order in (("users", [1, 0]), ("assignments", [1, 2, 0])):
        rewritten(folder, name, lambda table, order=order: table.take(order))  # type: ignore[misc]
    rewritten(folder, "assignments", lambda t: t.set_column(0, t.schema.field(0), [[0, 0, 1]]))
    store = store_in(tmp_path)
    entry, _ = store.put(folder)
    restored = store.restore(entry, tmp_path / "back")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {p.name: p.read_bytes() for p in restored.iterdir()}


def test_cohorts_compare_consecutive_nights(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    properties = ("id", "assignedLicenses")
    store.put(write(tmp_path, night({**TWO_PEOPLE, "users": [ANN, BOB]}, 0, asked=properties)))
    users = [{**ANN, "id": "cleo"}, {**BOB, "assignedLicenses": ANN["assignedLicenses"]}]
    entry, _ = store.put(write(tmp_path, night({**TWO_PEOPLE, "users": users}, 1, asked=properties)))
    assert entry.summary["cohorts"]["skus"] == {
        SKUS[0]: {"kept": 1, "new": 1, "reclaimed": 0, "lapsed": 1},
        SKUS[1]: {"kept": 0, "new": 0, "reclaimed": 1, "lapsed": 0},
    }
    assert entry.summary["seats"][0]["holders"] == 2


@pytest.mark.parametrize("damage", ["cut", "gone", "other"])
def test_damaged_part_is_reported_and_nothing_is_restored(damage: str, tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first, _ = store.put(write(tmp_path, night(TWO_PEOPLE, 0)))
    second, _ = store.put(write(tmp_path, night({**TWO_PEOPLE, "users": [ANN]}, 1)))
    path = tmp_path / "store" / second.parts[-1].name
    match damage:
        case "cut":
            path.write_bytes(path.read_bytes()[:-100])
        case "gone":
            path.unlink()
        case _:
            shutil.copy(tmp_path / "store" / first.parts[0].name, path)
    with pytest.raises(SnapshotError) as caught:
        store.restore(second, tmp_path / "back")
    assert caught.value.slug == "store-damaged"
    assert not list((tmp_path / "back").glob("*/*"))
    if second.parts[0].name == first.parts[0].name:
        store.restore(first, tmp_path / "back")


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        (lambda text: text.replace('"rowGroups"', '"rowGroup"'), "store-damaged"),
        (lambda text: text[: len(text) // 2], "store-damaged"),
        (lambda text: text.replace("auditor/store/v1", "auditor/store/v2"), "store-version"),
        (lambda text: text.replace("auditor/store/v1", "else/v1"), "store-foreign"),
    ],
)
def test_invalid_commit_is_an_error(change: Any, slug: str, tmp_path: Path) -> None:
    store = store_in(tmp_path)
    entry, _ = store.put(write(tmp_path, night(TWO_PEOPLE, 0)))
    path = tmp_path / "store" / commit_name(entry)
    path.write_text(change(path.read_text()))
    with pytest.raises(AuditorError) as caught:
        store.nights()
    assert caught.value.slug == slug


def test_part_without_commit_is_ignored(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    entry, _ = store.put(write(tmp_path, night(TWO_PEOPLE, 0)))
    (tmp_path / "store" / commit_name(entry)).unlink()
    assert store.nights() == ()
    assert store.put(tmp_path / "contoso" / "2026-01-29T021700Z")[1] is True


def test_snapshot_of_a_newer_schema_is_refused_and_nothing_stored(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    store.put(write(tmp_path, night(TWO_PEOPLE, 0)))
    newer = write(tmp_path, night(TWO_PEOPLE, 1))
    edited(newer, lambda document: document.update(schema="auditor/snapshot/v2"))
    before = store.backend.names("")
    with pytest.raises(SnapshotError) as caught:
        store.put(newer)
    assert caught.value.slug == "snapshot-version"
    assert store.backend.names("") == before


def test_damaged_commit_does_not_prevent_later_nights(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first, _ = store.put(write(tmp_path, night(TWO_PEOPLE, 0)))
    path = tmp_path / "store" / commit_name(first)
    intact = path.read_text()
    path.write_text(intact[:100])
    second, new = store.put(write(tmp_path, night({**TWO_PEOPLE, "users": [ANN]}, 1)))
    assert (new, [part.kind for part in second.parts]) == (True, ["full"])
    path.write_text(intact)
    assert store.nights() == (first, second)


def test_damaged_night_does_not_prevent_later_nights(tmp_path: Path) -> None:
    many_users = [{**ANN, "id": f"u{number:05}"} for number in range(3000)]
    store = store_in(tmp_path)
    first, _ = store.put(write(tmp_path, night({**TWO_PEOPLE, "users": many_users}, 0)))
    (tmp_path / "store" / first.parts[0].name).unlink()
    source = write(tmp_path, night({**TWO_PEOPLE, "users": many_users[1:]}, 1))
    entry, _ = store.put(source)
    assert [part.kind for part in entry.parts] == ["full"]
    assert_same_tables(source, store.restore(entry, tmp_path / "back"))


def test_no_truncated_object_remains_on_a_full_share_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend, files = FolderBackend(tmp_path), []

    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    def second_is_truncated(descriptor: int) -> BinaryIO:
        file = opened(descriptor)
        files.append(file)
        if len(files) == 2:
            file.write(b"{")
            file.close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return file

    monkeypatch.setattr(Folder, "link", refused)
    with monkeypatch.context() as full:
        full.setattr("auditor.store.objects.backends.opened", second_is_truncated)
        with pytest.raises(DeliveryError, match="No space left"):
            backend.create("contoso/nights/a.json", b"{}")
    assert backend.names("") == ()
    assert backend.create("contoso/nights/a.json", b"{}")
    assert backend.read("contoso/nights/a.json") == b"{}"
