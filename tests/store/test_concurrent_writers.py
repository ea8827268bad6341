"""Tests concurrent writers and deletions of one store, and cleaning up after killed writers."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

import auditor.app.store.nights as storing
from auditor.app.store.integrity import check
from auditor.domain.enums import Severity
from auditor.domain.result.model import Result
from auditor.findings.stats import monthly_cost
from auditor.history.result_log import ResultLog
from auditor.result.codec.result_reader import load
from auditor.snapshot.writer import folder_name, write
from auditor.store.commit import Night
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import Store
from tests.builders.service.command_line import ROOT, call, clean_environment
from tests.builders.tenant.nights import START, night
from tests.builders.tenant.two_people import ANN, TWO_PEOPLE, assert_same_tables

pytestmark = pytest.mark.slow
Action = Callable[[], object]
MANY_USERS = [{**ANN, "id": f"u{number:04}", "displayName": f"Person {number * 7919 % 5003}"} for number in range(200)]
AFTER = START + timedelta(days=5, hours=1)


class Interrupted(FolderBackend):
    """A folder backend that runs another action to completion before the n-th request."""

    def __init__(self, root: Path, before: int, action: Action) -> None:
        super().__init__(root)
        self._before, self._action = before, action
        self.requests = 0

    def _count_request(self) -> None:
        self.requests += 1
        if self.requests == self._before:
            self._action()

    def names(self, under: str) -> tuple[str, ...]:
        self._count_request()
        return super().names(under)

    def modified_times(self, under: str) -> Mapping[str, datetime | None]:
        self._count_request()
        return super().modified_times(under)

    def read(self, name: str) -> bytes | None:
        self._count_request()
        return super().read(name)

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        self._count_request()
        return super().read_many(names)

    def create(self, name: str, body: bytes) -> bool:
        self._count_request()
        return super().create(name, body)

    def remove(self, name: str) -> None:
        self._count_request()
        super().remove(name)


def write_snapshots(folder: Path) -> tuple[Path, Path, Path]:
    """Write three snapshots: a first one, a small change of it, and a newer one that shares no parts with them."""
    changed = [{**user, "city": "Oslo"} if number == 7 else user for number, user in enumerate(MANY_USERS)]
    return (
        write(folder, night({**TWO_PEOPLE, "users": MANY_USERS}, 0)),
        write(folder, night({**TWO_PEOPLE, "users": changed}, 1)),
        write(folder, night({**TWO_PEOPLE, "users": MANY_USERS[1:]}, 5, columns=("id", "displayName", "notCollected"))),
    )


def stored_nights(root: Path) -> list[Night]:
    """Return the nights of a store, and check that none is damaged."""
    checks = list(check(root))
    assert [item.wrong for item in checks] == [None] * len(checks)
    return [item.found for item in checks if isinstance(item.found, Night)]


@pytest.mark.parametrize("interrupted", ["prune", "put"])
def test_concurrent_prune_and_put_lose_no_object(
    interrupted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run one of them completely before each request of the other, which covers these interleavings."""
    first, older, newest = write_snapshots(tmp_path / "given")
    before = Store(FolderBackend(tmp_path / "before")).create()
    before.put(first)
    before.put(newest)
    request_number, finished = 0, False
    while not finished:
        request_number += 1
        root = tmp_path / f"store{request_number}"
        shutil.copytree(tmp_path / "before", root)

        def put(backend: FolderBackend) -> None:
            Store(backend).put(older)

        def prune(backend: FolderBackend) -> None:
            with monkeypatch.context() as context:
                context.setattr(storing, "store_at", lambda _: Store(backend))
                storing.apply_retention(backend.root, "1d", AFTER, delete=True)

        action, other_action = (prune, put) if interrupted == "prune" else (put, prune)
        backend = Interrupted(root, request_number, partial(other_action, FolderBackend(root)))
        action(backend)
        finished = backend.requests < request_number
        assert newest.name in {folder_name(entry.manifest) for entry in stored_nights(root)}
    assert request_number > 8


WRITER = """
import sys
from pathlib import Path
from auditor.store.store import Store
from auditor.store.objects.backends import FolderBackend
print("ready", flush=True)
sys.stdin.readline()
for folder in sys.argv[2:]:
    Store(FolderBackend(Path(sys.argv[1]))).put(Path(folder))
"""
DELETER = """
import sys
from datetime import datetime
from pathlib import Path
from auditor.app.store.nights import apply_retention
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    apply_retention(Path(sys.argv[1]), "1d", datetime.fromisoformat(sys.argv[2]), delete=True)
"""


def run_concurrently(*scripts: tuple[str, ...]) -> list[tuple[int, str]]:
    """Run Python scripts in separate processes that start together; returns their exit codes and errors."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", *script],
            env=clean_environment({"PYTHONPATH": str(ROOT)}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for script in scripts
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=120)[1] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, errors, strict=True)]


def test_concurrent_processes_that_put_and_prune_leave_no_damage(tmp_path: Path) -> None:
    older = [write(tmp_path / "given", night({**TWO_PEOPLE, "users": MANY_USERS[day:]}, -day)) for day in range(1, 17)]
    store = Store(FolderBackend(tmp_path / "store")).create()
    store.put(write(tmp_path / "given", night(TWO_PEOPLE, 5)))
    root = str(tmp_path / "store")
    outcomes = run_concurrently(
        (WRITER, root, *map(str, older[::2])),
        (WRITER, root, *map(str, older[1::2])),
        (DELETER, root, AFTER.isoformat(), "30"),
    )
    assert outcomes == [(0, "")] * 3
    for number, entry in enumerate(stored_nights(tmp_path / "store")):
        store.restore(entry, tmp_path / f"back{number}")


def test_concurrent_processes_that_put_the_same_nights_store_each_once(tmp_path: Path) -> None:
    folders = [write(tmp_path / "given", night({**TWO_PEOPLE, "users": MANY_USERS[day:]}, day)) for day in range(6)]
    Store(FolderBackend(tmp_path / "store")).create()
    writer = (WRITER, str(tmp_path / "store"), *map(str, folders))
    assert run_concurrently(writer, writer) == [(0, "")] * 2
    entries = stored_nights(tmp_path / "store")
    assert len(entries) == 6
    assert {path.name for path in (tmp_path / "store" / "contoso" / "parts").iterdir()} == {
        part.name.rpartition("/")[2] for entry in entries for part in entry.parts
    }
    assert_same_tables(folders[-1], Store(FolderBackend(tmp_path / "store")).restore(entries[-1], tmp_path / "back"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Result]:
    """Results of one tenant on two days."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: spare, severity: high, seats: {of: [SPE_E3], spare: {max: 0}}}\n"
    )
    snapshot = write(folder, night(TWO_PEOPLE, 0))
    day_results = []
    for day in ("2026-02-01", "2026-02-02"):
        call("audit", "p.yaml", "--snapshot", snapshot, "--as-of", day, "-f", f"json={day}.json", cwd=folder)
        day_results.append(load((folder / f"{day}.json").read_bytes(), where=day))
    return day_results[0], day_results[1]


def test_result_of_two_concurrent_writers_is_stored_once(results: tuple[Result, Result], tmp_path: Path) -> None:
    """Run the other writer completely before each request: neither fails, and no files are left over."""
    for second in (results[0], replace(results[0], run=replace(results[0].run, id="another"))):
        request_number, finished = 0, False
        while not finished:
            request_number += 1
            root = tmp_path / f"{second.run.id}-{request_number}"

            def put(backend: FolderBackend, result: Result) -> None:
                ResultLog(backend, "contoso").put(result, result.tenants[0], monthly_cost(result.tenants[0].findings))

            Store(FolderBackend(root)).create()
            backend = Interrupted(root, request_number, partial(put, FolderBackend(root), results[0]))
            put(backend, second)
            finished = backend.requests < request_number
            put(FolderBackend(root), results[1])
            entries = ResultLog(FolderBackend(root), "contoso").entries()
            assert [entry.number for entry in entries] == [1, 2]
            assert len(list((root / "contoso" / "findings").iterdir())) == 2
            stored_nights(root)
        assert request_number > 3


def test_different_results_of_two_concurrent_writers_are_both_stored(
    results: tuple[Result, Result], tmp_path: Path
) -> None:
    earlier, later = results

    def put(backend: FolderBackend, result: Result) -> None:
        ResultLog(backend, "contoso").put(result, result.tenants[0], monthly_cost(result.tenants[0].findings))

    Store(FolderBackend(tmp_path)).create()
    for request_number in range(1, 6):
        root = tmp_path / str(request_number)
        Store(FolderBackend(root)).create()
        backend = Interrupted(root, request_number, partial(put, FolderBackend(root), earlier))
        put(backend, later) if request_number < 4 else put(FolderBackend(root), later)
        assert ResultLog(FolderBackend(root), "contoso").entries()[-1].as_of == later.run.as_of
        assert Severity.HIGH.value in ResultLog(FolderBackend(root), "contoso").entries()[-1].summary["open"]


KILLED = """
import os, sys
def killed(*_, **__):
    os._exit(9)
os.link = os.replace = os.rename = killed
from auditor.cli.main import run
run(["store", "put", sys.argv[1], sys.argv[2]])
"""


def test_old_temporary_files_of_killed_writers_are_reported_and_removed(tmp_path: Path) -> None:
    first, older, _ = write_snapshots(tmp_path / "given")
    assert call("store", "put", "audits", first, cwd=tmp_path).code == 0
    completed = subprocess.run(
        [sys.executable, "-c", KILLED, "audits", str(older)],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        check=False,
    )
    assert completed.returncode == 9
    parts = tmp_path / "audits" / "contoso" / "parts"
    (temporary_file,) = (path for path in parts.iterdir() if path.name.startswith("."))
    foreign_file = parts / ".DS_Store"
    foreign_file.write_bytes(b"")
    result = call("store", "check", "audits", cwd=tmp_path)
    assert (result.code, "1 temporary file" in result.err) == (0, True)
    prune = ("store", "prune", "audits", "--keep", "1d", "--as-of", "2026-02-01", "--delete")
    assert call(*prune, cwd=tmp_path).code == 0
    assert temporary_file.exists()  # its writer may still be running
    long_ago = time.time() - timedelta(days=3).total_seconds()
    announcement = tmp_path / "audits" / "contoso" / "prunes" / ".0123456789abcdef.json.fedcba9876543210"
    announcement.write_bytes(b"")
    for path in (temporary_file, announcement, foreign_file):
        os.utime(path, (long_ago, long_ago))
    assert "2 temporary files" in call(*prune, cwd=tmp_path).err
    assert not temporary_file.exists()
    assert not announcement.exists()
    assert foreign_file.exists()
    assert "temporary" not in call("store", "check", "audits", cwd=tmp_path).err
    assert call("store", "put", "audits", older, cwd=tmp_path).code == 0
    stored_nights(tmp_path / "audits")


def test_objects_of_killed_writers_are_removed_by_file_age(tmp_path: Path) -> None:
    """The name of an object contains the night, not the time at which it was written."""
    first, older, newest = write_snapshots(tmp_path / "given")
    root = tmp_path / "store"
    store = Store(FolderBackend(root)).create()
    for folder in (first, newest):
        store.put(folder)
    new_file, old_file = (root / "contoso" / "parts" / f"2026-01-01T000000Z-{digit * 16}.zip" for digit in "ab")
    for path in (new_file, old_file):
        path.write_bytes(b"x")
    long_ago = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    os.utime(old_file, (long_ago, long_ago))
    storing.apply_retention(root, "90d", AFTER, delete=True)
    assert (new_file.exists(), old_file.exists()) == (True, False)
    store.put(older)
    assert len(stored_nights(root)) == 3


def test_nights_deleted_while_they_are_read_cost_one_more_listing(tmp_path: Path) -> None:
    given = [write(tmp_path / "given", night(TWO_PEOPLE, day)) for day in range(6)]
    store = tmp_path / "audits"
    for folder in given:
        Store(FolderBackend(store)).create().put(folder)
    commits = sorted((store / "contoso" / "nights").iterdir())

    def delete() -> None:
        for commit in commits[:5]:
            commit.unlink()

    backend = Interrupted(store, before=2, action=delete)  # after the list of commits
    (kept,) = Store(backend).nights()
    assert kept.instant == START + timedelta(days=5)
    assert backend.requests == 2 + len(commits) + 1, "a list, the commits, and a list"
