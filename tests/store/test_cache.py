"""Objects of nights in an object store are downloaded once, and read from the local cache afterwards."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from auditor.domain.errors import SnapshotError
from auditor.snapshot.writer import write
from auditor.store.objects.backends import ObjectStoreBackend
from auditor.store.store import Store
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import TWO_PEOPLE


class Bucket:
    """The methods of an fsspec filesystem that the backend calls, on objects in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.downloaded: list[str] = []

    def invalidate_cache(self) -> None:
        """Do nothing: lists are not cached."""

    def find(self, path: str, *, detail: bool) -> Mapping[str, Mapping[str, object]]:
        assert detail
        return {name: {} for name in self.objects if name.startswith(path)}

    def cat(self, paths: Sequence[str], *, on_error: str) -> Mapping[str, object]:
        assert on_error == "return"
        self.downloaded += paths
        return {path: self.objects.get(path, FileNotFoundError(path)) for path in paths}

    def pipe_file(self, path: str, body: bytes, *, mode: str) -> None:
        assert mode == "create"
        if path in self.objects:
            raise FileExistsError(path)
        self.objects[path] = body

    def rm_file(self, path: str) -> None:
        del self.objects[path]


@pytest.mark.slow
@pytest.mark.parametrize("is_taken", [False, True])
def test_object_of_a_night_is_downloaded_once(tmp_path: Path, *, is_taken: bool) -> None:
    """Also if a killed writer left an object with its name, so that it has another name."""
    bucket = Bucket()
    store = Store(ObjectStoreBackend(bucket, "bucket", "s3://bucket", cache=tmp_path / "cache"))
    store.create()
    folder = write(tmp_path, night(TWO_PEOPLE, 0))
    names = [store.put(folder)[0].parts[-1].name]
    if is_taken:
        (commit,) = (name for name in bucket.objects if "/nights/" in name)
        del bucket.objects[commit]
        names.append(store.put(folder)[0].parts[-1].name)
    bucket.downloaded.clear()
    for number in range(2):
        (stored,) = store.nights()
        store.restore(stored, tmp_path / f"restored{number}")
    assert len(set(names)) == len(names)
    assert [name for name in bucket.downloaded if "/parts/" in name] == [f"bucket/{names[-1]}"]


def test_damaged_copy_is_downloaded_again(tmp_path: Path) -> None:
    bucket = Bucket()
    backend = ObjectStoreBackend(bucket, "bucket", "s3://bucket", cache=tmp_path / "cache")
    name = "contoso/parts/2026-01-01T000000Z-ba7816bf8f01cfea.zip"
    backend.create(name, b"abc")
    assert backend.read(name) == b"abc"
    (copy,) = (path for path in (tmp_path / "cache").rglob("*") if path.is_file())
    copy.write_bytes(b"harm")
    assert [backend.read(name), backend.read(name), len(bucket.downloaded)] == [b"abc", b"abc", 2]


def test_object_whose_name_lacks_its_digest_is_not_copied(tmp_path: Path) -> None:
    bucket = Bucket()
    backend = ObjectStoreBackend(bucket, "bucket", "s3://bucket", cache=tmp_path / "cache")
    backend.create("contoso/parts/2026-01-01T000000Z-0000000000000000.zip", b"abc")
    assert backend.read("contoso/parts/2026-01-01T000000Z-0000000000000000.zip") == b"abc"
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_damage_in_the_store_is_found_despite_an_undamaged_local_copy(tmp_path: Path) -> None:
    bucket = Bucket()
    store = Store(ObjectStoreBackend(bucket, "bucket", "s3://bucket", cache=tmp_path / "cache"))
    store.create()
    store.put(write(tmp_path, night(TWO_PEOPLE, 0)))
    (stored,) = store.nights()
    store.restore(stored, tmp_path / "restored")
    part = stored.parts[0]
    store.check(part)
    bucket.objects[f"bucket/{part.name}"] = b"garbage"
    with pytest.raises(SnapshotError, match="not the object"):
        store.check(part)
