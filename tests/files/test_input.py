"""Tests that only regular files up to a size limit are read."""

import os
import socket
from pathlib import Path

import pytest

from auditor.files import input as files

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and devices have paths only on POSIX")


def test_regular_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert files.read(path, max_bytes=5) == b"12345"
    with pytest.raises(OSError, match="larger than") as caught:
        files.read(path, max_bytes=4)
    assert caught.value.strerror


def test_high_limit_allocates_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x" * 100_000)
    assert files.read(path, max_bytes=1 << 60) == b"x" * 100_000


@posix
def test_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        files.read(tmp_path / "pipe", max_bytes=10)


@posix
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_device_is_refused(device: str) -> None:
    with pytest.raises(OSError, match="not a regular file"):
        files.read(Path(device), max_bytes=10)


@posix
def test_socket_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        with pytest.raises(OSError) as caught:
            files.read(tmp_path / "s", max_bytes=10)
        assert caught.value.strerror


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        files.read(tmp_path, max_bytes=10)
    assert caught.value.filename == str(tmp_path)


def test_sparse_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="larger than 8 GB"):
        files.read(path, max_bytes=files.RESULT)


@posix
def test_file_that_reports_size_zero_is_read_up_to_the_limit() -> None:
    path = Path("/proc/self/maps")
    if not path.exists():
        pytest.skip("there is no /proc")
    with pytest.raises(OSError, match="larger than"):
        files.read(path, max_bytes=16)


def test_name_with_a_nul_character_is_an_os_error() -> None:
    with pytest.raises(OSError, match="NUL") as caught:
        files.read(Path("a\0b"), max_bytes=10)
    assert caught.value.strerror
    assert not files.is_file(Path("a\0b"))
    assert not files.is_folder(Path("a\0b"))


@posix
def test_only_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    """Kubernetes mounts a ConfigMap as links into a hidden folder next to them."""
    root = tmp_path / "root"
    (root / "..2026_11_22").mkdir(parents=True)
    (root / "..2026_11_22" / "a.yaml").write_bytes(b"inside")
    (root / "..data").symlink_to("..2026_11_22")
    (root / "a.yaml").symlink_to("..data/a.yaml")
    (tmp_path / "secret").write_bytes(b"root:x:0")
    (root / "b.yaml").symlink_to(tmp_path / "secret")
    (root / "loop.yaml").symlink_to("loop.yaml")
    (root / "gone.yaml").symlink_to("nothing")
    (root / "pipe.yaml").symlink_to("pipe")
    os.mkfifo(root / "pipe")
    assert files.read(root / "a.yaml", max_bytes=100, within=root) == b"inside"
    assert files.read(root / "b.yaml", max_bytes=100) == b"root:x:0"
    for name in ("b.yaml", "loop.yaml", "gone.yaml", "pipe.yaml"):
        with pytest.raises(OSError) as caught:
            files.read(root / name, max_bytes=100, within=root)
        assert caught.value.strerror
    paths = files.list_files(root, lambda path: path.suffix == ".yaml" and path.parts[0][0] != ".")
    assert [path.name for path in paths] == ["a.yaml", "b.yaml", "gone.yaml", "loop.yaml", "pipe.yaml"]


@posix
def test_linked_folder_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.yaml").write_bytes(b"")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "other")
    assert files.list_files(tmp_path / "root", lambda path: path.suffix == ".yaml") == []


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may list every folder")
def test_folder_without_permission_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(PermissionError):
        files.list_files(tmp_path, lambda _: True)
