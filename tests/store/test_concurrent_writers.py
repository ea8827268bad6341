"""Writers and deletions of one store at the same moment, and what killed ones leave behind."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

import auditor.app.store.commands as storing
from auditor.app.store.integrity import check
from auditor.domain.enums import Severity
from auditor.domain.result.model import Result
from auditor.findings.stats import sums
from auditor.history.result_log import Ledger
from auditor.result.codec.result_reader import load
from auditor.snapshot.writer import folder_name, write
from auditor.store.commit import Night
from auditor.store.objects.backends import FolderBackend
from auditor.store.store import Store
from tests.builders.service.command_line import ROOT, call, clean_environment
from tests.builders.tenant.nights import START, night
from tests.builders.tenant.two_people import ANN, TWO_PEOPLE, assert_same_tables

Deed = Callable[[], object]
CROWD = [{**ANN, "id": f"u{number:04}", "displayName": f"Person {number * 7919 % 5003}"} for number in range(200)]
AFTER = START + timedelta(days=5, hours=1)


class Interrupted(FolderBackend):
    """A folder in which something else happens, to its end, before the n-th request."""

    def __init__(self, root: Path, before: int, deed: Deed) -> None:
        super().__init__(root)
        self._before, self._deed = before, deed
        self.requests = 0

    def _asked(self) -> None:
        self.requests += 1
        if self.requests == self._before:
            self._deed()

    def names(self, under: str) -> tuple[str, ...]:
        self._asked()
        return super().names(under)

    def written(self, under: str) -> Mapping[str, datetime | None]:
        self._asked()
        return super().written(under)

    def read(self, name: str) -> bytes | None:
        self._asked()
        return super().read(name)

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        self._asked()
        return super().read_many(names)

    def create(self, name: str, body: bytes) -> bool:
        self._asked()
        return super().create(name, body)

    def remove(self, name: str) -> None:
        self._asked()
        super().remove(name)


def given(folder: Path) -> tuple[Path, Path, Path]:
    """Snapshots: the first, one that is little more than steps from it, and a newer one that builds on neither."""
    changed = [{**user, "city": "Oslo"} if number == 7 else user for number, user in enumerate(CROWD)]
    return (
        write(folder, night({**TWO_PEOPLE, "users": CROWD}, 0)),
        write(folder, night({**TWO_PEOPLE, "users": changed}, 1)),
        write(folder, night({**TWO_PEOPLE, "users": CROWD[1:]}, 5, columns=("id", "displayName", "notCollected"))),
    )


def whole(root: Path) -> list[Night]:
    """Return the nights of a store all of which are whole."""
    found = list(check(root))
    assert [each.wrong for each in found] == [None] * len(found)
    return [each.found for each in found if isinstance(each.found, Night)]


@pytest.mark.slow
@pytest.mark.parametrize("interrupted", ["prune", "put"])
def test_a_deletion_beside_a_put_of_an_older_night_loses_no_object(
    interrupted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them, whole, before each request of the other: every interleaving of the two that such a pair has."""
    first, older, newest = given(tmp_path / "given")
    before = Store(FolderBackend(tmp_path / "before")).create()
    before.put(first)
    before.put(newest)
    number, ended = 0, False
    while not ended:
        number += 1
        root = tmp_path / f"store{number}"
        shutil.copytree(tmp_path / "before", root)

        def put(backend: FolderBackend) -> None:
            Store(backend).put(older)

        def prune(backend: FolderBackend) -> None:
            with monkeypatch.context() as context:
                context.setattr(storing, "store_at", lambda _: Store(backend))
                storing.thin(backend.root, "1d", AFTER, delete=True)

        deed, other = (prune, put) if interrupted == "prune" else (put, prune)
        backend = Interrupted(root, number, lambda other=other, root=root: other(FolderBackend(root)))  # type: ignore[misc]
        deed(backend)
        ended = backend.requests < number
        assert newest.name in {folder_name(kept.manifest) for kept in whole(root)}
    assert number > 8


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
from auditor.app.store.commands import thin
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[3])):
    thin(Path(sys.argv[1]), "1d", datetime.fromisoformat(sys.argv[2]), delete=True)
"""


def together(*scripts: tuple[str, ...]) -> list[tuple[int, str]]:
    """Run Python scripts in processes of their own, from one moment on; returns their exit codes and errors."""
    running = [
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
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=120)[1] for process in running]
    return [(process.returncode, text) for process, text in zip(running, errors, strict=True)]


@pytest.mark.slow
def test_processes_that_put_older_nights_and_delete_nights_leave_a_whole_store(tmp_path: Path) -> None:
    older = [write(tmp_path / "given", night({**TWO_PEOPLE, "users": CROWD[day:]}, -day)) for day in range(1, 17)]
    store = Store(FolderBackend(tmp_path / "store")).create()
    store.put(write(tmp_path / "given", night(TWO_PEOPLE, 5)))
    root = str(tmp_path / "store")
    ended = together(
        (WRITER, root, *map(str, older[::2])),
        (WRITER, root, *map(str, older[1::2])),
        (DELETER, root, AFTER.isoformat(), "30"),
    )
    assert ended == [(0, "")] * 3
    for number, kept in enumerate(whole(tmp_path / "store")):
        store.restore(kept, tmp_path / f"back{number}")


@pytest.mark.slow
def test_processes_that_put_the_same_nights_store_each_once(tmp_path: Path) -> None:
    folders = [write(tmp_path / "given", night({**TWO_PEOPLE, "users": CROWD[day:]}, day)) for day in range(6)]
    Store(FolderBackend(tmp_path / "store")).create()
    writer = (WRITER, str(tmp_path / "store"), *map(str, folders))
    assert together(writer, writer) == [(0, "")] * 2
    kept = whole(tmp_path / "store")
    assert len(kept) == 6
    assert {path.name for path in (tmp_path / "store" / "contoso" / "parts").iterdir()} == {
        entry.name.rpartition("/")[2] for each in kept for entry in each.parts
    }
    assert_same_tables(folders[-1], Store(FolderBackend(tmp_path / "store")).restore(kept[-1], tmp_path / "back"))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Result]:
    """Results of one tenant on two days."""
    folder = tmp_path_factory.mktemp("results")
    (folder / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: spare, severity: high, seats: {of: [SPE_E3], spare: {max: 0}}}\n"
    )
    snapshot = write(folder, night(TWO_PEOPLE, 0))
    found = []
    for day in ("2026-02-01", "2026-02-02"):
        call("audit", "p.yaml", "--snapshot", snapshot, "--as-of", day, "-f", f"json={day}.json", cwd=folder)
        found.append(load((folder / f"{day}.json").read_bytes(), where=day))
    return found[0], found[1]


@pytest.mark.slow
def test_the_same_result_of_two_writers_is_stored_once(results: tuple[Result, Result], tmp_path: Path) -> None:
    """The other writer, whole, before each request: of the same run nothing is refused, and nothing stays behind."""
    for second in (results[0], replace(results[0], run=replace(results[0].run, id="another"))):
        number, ended = 0, False
        while not ended:
            number += 1
            root = tmp_path / f"{second.run.id}-{number}"

            def put(backend: FolderBackend, result: Result) -> None:
                Ledger(backend, "contoso").put(result, result.tenants[0], sums(result.tenants[0].findings))

            Store(FolderBackend(root)).create()
            backend = Interrupted(root, number, lambda root=root: put(FolderBackend(root), results[0]))  # type: ignore[misc]
            put(backend, second)
            ended = backend.requests < number
            put(FolderBackend(root), results[1])
            entries = Ledger(FolderBackend(root), "contoso").entries()
            assert [entry.number for entry in entries] == [1, 2]
            assert len(list((root / "contoso" / "findings").iterdir())) == 2
            whole(root)
        assert number > 3


@pytest.mark.slow
def test_of_two_writers_of_different_results_both_are_stored(results: tuple[Result, Result], tmp_path: Path) -> None:
    early, late = results

    def put(backend: FolderBackend, result: Result) -> None:
        Ledger(backend, "contoso").put(result, result.tenants[0], sums(result.tenants[0].findings))

    Store(FolderBackend(tmp_path)).create()
    for number in range(1, 6):
        root = tmp_path / str(number)
        Store(FolderBackend(root)).create()
        backend = Interrupted(root, number, lambda root=root: put(FolderBackend(root), early))  # type: ignore[misc]
        put(backend, late) if number < 4 else put(FolderBackend(root), late)
        assert Ledger(FolderBackend(root), "contoso").entries()[-1].as_of == late.run.as_of
        assert Severity.HIGH.value in Ledger(FolderBackend(root), "contoso").entries()[-1].summary["open"]


KILLED = """
import os, sys
def killed(*_, **__):
    os._exit(9)
os.link = os.replace = os.rename = killed
from auditor.cli.main import run
run(["store", "put", sys.argv[1], sys.argv[2]])
"""


@pytest.mark.slow
def test_temporary_files_of_killed_writers_are_reported_and_removed_when_they_are_old(tmp_path: Path) -> None:
    first, older, _ = given(tmp_path / "given")
    assert call("store", "put", "audits", first, cwd=tmp_path).code == 0
    done = subprocess.run(
        [sys.executable, "-c", KILLED, "audits", str(older)],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": str(ROOT)}),
        check=False,
    )
    assert done.returncode == 9
    parts = tmp_path / "audits" / "contoso" / "parts"
    (hidden,) = (path for path in parts.iterdir() if path.name.startswith("."))
    stranger = parts / ".DS_Store"
    stranger.write_bytes(b"")
    ran = call("store", "check", "audits", cwd=tmp_path)
    assert (ran.code, "1 temporary file" in ran.err) == (0, True)
    prune = ("store", "prune", "audits", "--keep", "1d", "--as-of", "2026-02-01", "--delete")
    assert call(*prune, cwd=tmp_path).code == 0
    assert hidden.exists()  # whoever writes it may not have ended
    long_ago = time.time() - timedelta(days=3).total_seconds()
    for path in (hidden, stranger):
        os.utime(path, (long_ago, long_ago))
    assert "1 temporary file" in call(*prune, cwd=tmp_path).err
    assert not hidden.exists()
    assert stranger.exists()
    assert "temporary" not in call("store", "check", "audits", cwd=tmp_path).err
    assert call("store", "put", "audits", older, cwd=tmp_path).code == 0
    whole(tmp_path / "audits")


@pytest.mark.slow
def test_objects_of_killed_writers_are_removed_by_the_age_of_their_file(tmp_path: Path) -> None:
    """The name of an object tells the night, not when it was written."""
    first, older, newest = given(tmp_path / "given")
    root = tmp_path / "store"
    store = Store(FolderBackend(root)).create()
    for folder in (first, newest):
        store.put(folder)
    young, aged = (root / "contoso" / "parts" / f"2026-01-01T000000Z-{digit * 16}.zip" for digit in "ab")
    for path in (young, aged):
        path.write_bytes(b"x")
    long_ago = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    os.utime(aged, (long_ago, long_ago))
    storing.thin(root, "90d", AFTER, delete=True)
    assert (young.exists(), aged.exists()) == (True, False)
    store.put(older)
    assert len(whole(root)) == 3
