"""Tests that snapshots are synced to disk before they get their name, and that leftovers of killed processes go."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.page_decoder import Decoder
from auditor.collect.tables.row_groups import row_groups
from auditor.collect.work_folder import work_folder
from auditor.domain.errors import SnapshotError
from auditor.snapshot import folders
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.manifest import decode
from auditor.snapshot.reader import read
from auditor.snapshot.writer import write
from tests.builders.tenant.collection import manifest

_UNUSED_PID = "4194305"
"""A process id that no process has: above the maximum of Linux."""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to resolve file descriptors")
def test_files_are_synced_before_the_folder_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    fsync, rename = os.fsync, os.rename

    def record_fsync(descriptor: int) -> None:
        events.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def record_rename(*arguments: Any, **folders: Any) -> None:
        events.append("renamed")
        rename(*arguments, **folders)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "rename", record_rename)
    folder = write(tmp_path, snapshot_of({"users": [{"id": "a"}]}, manifest()))
    before = events[: events.index("renamed")]
    assert {path.name for path in folder.iterdir()} <= set(before)
    assert before[-1].startswith("."), "the folder itself is synced, too"
    assert events[len(before) + 1 :] == ["contoso", tmp_path.name], "and its parents are synced after the rename"


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from auditor.domain.enums import Cloud
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.model import Manifest
from auditor.snapshot.writer import write
users = [{"id": f"{place:05}", "assignedLicenses": [{"skuId": "a"}]} for place in range(300)]
for second in range(10_000):
    instant = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=second)
    manifest = Manifest(tenant="contoso", tenant_id="x", cloud=Cloud.WORLDWIDE, instant=instant, sources=())
    write(Path(sys.argv[1]), snapshot_of({"users": users}, manifest))
    print("written", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.03, 0.11, 0.27])
def test_killed_writer_leaves_complete_or_hidden_snapshots(tmp_path: Path, delay: float) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline(), "there is a snapshot to read"
        time.sleep(delay)
        process.kill()
    snapshots = [path for path in tmp_path.glob("contoso/*") if not path.name.startswith(".")]
    for folder in snapshots:
        assert read(folder).user_count == 300
    found = [entry[1] for entry in folders.snapshots(tmp_path) if not isinstance(entry, folders.Damaged)]
    assert found == sorted(snapshots)
    with work_folder(tmp_path / "contoso"):
        assert not [path for path in (tmp_path / "contoso").iterdir() if path.name.startswith(".")]


def test_truncated_snapshot_files_are_detected(tmp_path: Path) -> None:
    folder = write(tmp_path, snapshot_of({"users": [{"id": "a"}]}, manifest()))
    _, files, _ = decode((folder / "manifest.json").read_bytes(), where="")
    for name, entry in files.items():
        content = (folder / name).read_bytes()
        assert len(content) == entry.size
        (folder / name).write_bytes(content[:-1])
        with pytest.raises(SnapshotError):
            read(folder)
        (folder / name).write_bytes(content)
    read(folder)


@pytest.mark.parametrize(
    ("name", "days", "is_kept"),
    [
        (f".collecting-{_UNUSED_PID}-0a0b0c0d", 0, False),
        (f".2026-11-21T021700Z.partial-{_UNUSED_PID}", 0, False),
        (".collecting-OWN_PID-00", 0, False),
        (f".collecting-{os.getppid()}-0a0b0c0d", 0, True),
        (f".2026-11-21T021700Z.partial-{os.getppid()}", 0, True),
        (f".collecting-{os.getppid()}-0a0b0c0d", 3, False),
        (".collecting-nobody-0a0b0c0d", 0, True),
        (".git", 9, True),
        ("2026-11-20T021700Z", 9, True),
    ],
)
def test_work_folder_removes_leftovers_and_nothing_else(tmp_path: Path, name: str, days: int, *, is_kept: bool) -> None:
    leftover = tmp_path / "contoso" / name.replace("OWN_PID", str(os.getpid()))
    leftover.mkdir(parents=True)
    (leftover / "users-0000.arrow").write_bytes(b"half")
    modified = time.time() - days * 86_400
    os.utime(leftover, (modified, modified))
    with work_folder(tmp_path / "contoso"):
        assert leftover.exists() is is_kept


def test_work_folders_of_one_process_are_independent(tmp_path: Path) -> None:
    with work_folder(tmp_path / "contoso") as first:
        first.mkdir()
        with work_folder(tmp_path / "contoso") as second:
            assert first.exists()
            assert second != first


def test_row_groups_can_be_stopped_between_steps(tmp_path: Path) -> None:
    decoder = Decoder(("id",))
    spool = Spool(tmp_path, "users", decoder.schema)
    spool.add(decoder(b'{"value": [{"id": "a"}]}').rows)
    calls = []

    def check_stopped() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(row_groups(spool, check_stopped=check_stopped))
