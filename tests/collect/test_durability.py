"""A snapshot is on the disk before it has its name, and nothing that was killed passes for one or stays for ever."""

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
from auditor.snapshot.folders import find
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.manifest import decode
from auditor.snapshot.reader import read
from auditor.snapshot.writer import write
from tests.builders.tenant.collection import manifest

_NOBODY = "4194305"
"""A number that no process has: Linux ends before it."""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux which file was meant")
def test_the_disk_has_every_byte_before_the_folder_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    settle, rename = os.fsync, os.rename

    def recorded(number: int) -> None:
        events.append(Path(f"/proc/self/fd/{number}").readlink().name)
        settle(number)

    def renamed(*arguments: Any, **folders: Any) -> None:
        events.append("renamed")
        rename(*arguments, **folders)

    monkeypatch.setattr(os, "fsync", recorded)
    monkeypatch.setattr(os, "rename", renamed)
    folder = write(tmp_path, snapshot_of({"users": [{"id": "a"}]}, manifest()))
    before = events[: events.index("renamed")]
    assert {path.name for path in folder.iterdir()} <= set(before)
    assert before[-1].startswith("."), "the names in the folder, too"
    assert events[len(before) + 1 :] == ["contoso", tmp_path.name], "and the name of the folder"


WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from auditor.domain.enums import Cloud
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.model import Manifest
from auditor.snapshot.writer import write
users = [{"id": f"{place:05}", "assignedLicenses": [{"skuId": "a"}]} for place in range(300)]
print("started", flush=True)
for second in range(10_000):
    instant = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=second)
    manifest = Manifest(tenant="contoso", tenant_id="x", cloud=Cloud.WORLDWIDE, instant=instant, sources=())
    write(Path(sys.argv[1]), snapshot_of({"users": users}, manifest))
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.03, 0.11, 0.27])
def test_whoever_is_killed_while_writing_leaves_whole_snapshots_or_hidden_ones(tmp_path: Path, moment: float) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moment)
        process.kill()
    shown = [path for path in tmp_path.glob("contoso/*") if not path.name.startswith(".")]
    for folder in shown:
        assert read(folder).user_count == 300
    if shown:
        assert find(tmp_path)[0] == max(shown)
    with work_folder(tmp_path / "contoso"):
        assert not [path for path in (tmp_path / "contoso").iterdir() if path.name.startswith(".")]


def test_a_snapshot_is_read_through_its_last_byte(tmp_path: Path) -> None:
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
    ("name", "days", "stays"),
    [
        (f".collecting-{_NOBODY}-0a0b0c0d", 0, False),
        (f".2026-11-21T021700Z.partial-{_NOBODY}", 0, False),
        ("its own number, of an earlier life", 0, False),
        (f".collecting-{os.getppid()}-0a0b0c0d", 0, True),
        (f".2026-11-21T021700Z.partial-{os.getppid()}", 0, True),
        (f".collecting-{os.getppid()}-0a0b0c0d", 3, False),
        (".collecting-nobody-0a0b0c0d", 0, True),
        (".git", 9, True),
        ("2026-11-20T021700Z", 9, True),
    ],
)
def test_leftovers_go_and_everything_else_stays(tmp_path: Path, name: str, days: int, *, stays: bool) -> None:
    left = tmp_path / "contoso" / name.replace("its own number, of an earlier life", f".collecting-{os.getpid()}-00")
    left.mkdir(parents=True)
    (left / "users-0000.arrow").write_bytes(b"half")
    moment = time.time() - days * 86_400
    os.utime(left, (moment, moment))
    with work_folder(tmp_path / "contoso"):
        assert left.exists() is stays


def test_two_collections_of_one_tenant_in_one_process_leave_each_other_alone(tmp_path: Path) -> None:
    with work_folder(tmp_path / "contoso") as first:
        first.mkdir()
        with work_folder(tmp_path / "contoso") as second:
            assert first.exists()
            assert second != first


def test_writing_stops_between_its_steps(tmp_path: Path) -> None:
    decoder = Decoder(("id",))
    spool = Spool(tmp_path, "users", decoder.schema)
    spool.add(decoder(b'{"value": [{"id": "a"}]}').rows)
    called = []

    def check_stopped() -> None:
        called.append(1)
        if len(called) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(row_groups(spool, check_stopped=check_stopped))
