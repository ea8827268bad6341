"""Tests that `auditor collect --resume` continues an interrupted collection without repeating its requests."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor.app.tenants.collection import CollectOutcome, collect_all
from auditor.cli.commands.audits import collect as command
from auditor.cli.main import run
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.graph.transport.response_record import ResponseRecord
from tests.builders.service.command_line import ROOT, Ran, call, clean_environment
from tests.builders.tenant.collection import PEOPLE, configured, environment
from tests.builders.tenant.collection import collect as collect_in_process
from tests.emulator.__main__ import tenants_file
from tests.emulator.fixtures import SECRET
from tests.emulator.journal import Host
from tests.emulator.server import Emulator

pytestmark = pytest.mark.slow


def write_workspace(folder: Path, graph: Emulator) -> Path:
    """Write a tenants file with both tenants of the emulator, and a policy that needs mailboxes; returns the folder."""
    (folder / "tenants.yaml").write_text(tenants_file(graph))
    (folder / "policies").mkdir()
    (folder / "policies" / "p.yaml").write_text(
        "version: 1\npolicies:\n"
        "- {id: shared, title: Shared, severity: low, users: {mailboxType: shared},"
        " assignments: {of: paid, allow: []}}\n"
    )
    return folder


@pytest.fixture
def workspace(tmp_path: Path, graph: Emulator) -> Path:
    """A working directory with the two tenants of the emulator."""
    return write_workspace(tmp_path, graph)


@pytest.fixture(scope="module")
def whole(running: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, pa.Table]:
    """The tables of contoso as a collection without an interruption writes them."""
    workspace = write_workspace(tmp_path_factory.mktemp("whole"), running)
    assert collect(workspace, running).code == 0
    return tables(snapshot_of(workspace))


def variables(graph: Emulator) -> dict[str, str]:
    return environment(graph, EMULATOR_CLIENT_SECRET=SECRET)


def collect(workspace: Path, graph: Emulator, *arguments: str) -> Ran:
    return call("collect", "--no-progress", *arguments, cwd=workspace, **variables(graph))


def interrupted(
    workspace: Path,
    graph: Emulator,
    is_due: Callable[[], bool],
    *arguments: str,
    signal_number: signal.Signals = signal.SIGINT,
) -> tuple[int, str]:
    """Start a collection and send it a signal once something is due; returns the exit code and standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "collect", "--no-progress", *arguments],
        cwd=workspace,
        env=clean_environment({"PYTHONPATH": str(ROOT), **variables(graph)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 120
    while not is_due():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal_number)
    error = process.communicate(timeout=120)[1]
    return process.returncode, error.decode()


def requests(graph: Emulator, path: str, tenant: str = "contoso") -> int:
    """Return the number of requests of a tenant to a path, without the items of batches."""
    return sum(record.tenant == tenant and not record.batched for record in graph.journal.of(path))


def stop_at_batch(graph: Emulator, number: int) -> Callable[[], bool]:
    """Let the batch of contoso with a number and all later ones wait; the function returns whether one waits."""
    graph.faults.add("slow", path="/$batch", tenant="contoso", first=number, seconds=900, times=None)
    return lambda: any("slow" in record.faults for record in graph.journal.of("/$batch"))


def again(graph: Emulator) -> None:
    """Let Graph answer at once again, and forget the requests so far."""
    graph.faults.clear()
    graph.journal.clear()


def tables(snapshot: Path) -> Mapping[str, pa.Table]:
    return {path.name: pq.read_table(path) for path in sorted(snapshot.glob("*.parquet"))}


def snapshot_of(workspace: Path, tenant: str = "contoso") -> Path:
    (folder,) = (workspace / "snapshots" / tenant).iterdir()
    return folder


def hidden(workspace: Path) -> list[str]:
    return [path.name for path in (workspace / "snapshots").rglob(".*")]


def test_interruption_before_the_first_request_does_not_suggest_to_resume(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "collect_all", interrupt)
    monkeypatch.chdir(workspace)
    assert run(["collect", "--no-progress"]) == 130
    assert "--resume" not in capsys.readouterr().err


def test_resumed_collection_repeats_no_request(workspace: Path, graph: Emulator, whole: Mapping[str, pa.Table]) -> None:
    code, error = interrupted(workspace, graph, stop_at_batch(graph, 30))
    assert code == 130
    assert "to continue, run the same command with --resume" in error
    (folder,) = (workspace / "snapshots").glob(".collecting-*")
    assert {oct(path.stat().st_mode) for path in folder.iterdir()} == {"0o100600"}
    assert not (workspace / "snapshots" / "contoso").exists()
    again(graph)
    time.sleep(1.1)  # the times of a manifest are in seconds
    completed = collect(workspace, graph, "--resume")
    assert completed.code == 0, completed.err
    assert not hidden(workspace)
    assert requests(graph, "/users*") == requests(graph, "/subscribedSkus") == 0
    assert 30 <= requests(graph, "/$batch") <= 40  # of 65; about 29 were answered before
    assert tables(snapshot_of(workspace)) == whole
    manifest = json.loads((snapshot_of(workspace) / "manifest.json").read_text())
    assert {source["readAt"] for source in manifest["sources"] if source["status"] == "complete"} == {
        manifest["instant"]
    }, "no data looks newer than it is"


def test_killed_collection_is_resumed(workspace: Path, graph: Emulator, whole: Mapping[str, pa.Table]) -> None:
    """The answers that were still in memory are read again."""
    code, _ = interrupted(workspace, graph, stop_at_batch(graph, 30), signal_number=signal.SIGKILL)
    assert code == -signal.SIGKILL
    again(graph)
    completed = collect(workspace, graph, "--resume")
    assert completed.code == 0, completed.err
    assert not hidden(workspace)
    assert tables(snapshot_of(workspace)) == whole


def test_finished_tenants_are_not_read_again(workspace: Path, graph: Emulator) -> None:
    due = stop_at_batch(graph, 1)
    finished = workspace / "snapshots" / "fabrikam"
    interrupted(workspace, graph, lambda: due() and any(finished.glob("*/manifest.json")))
    before = snapshot_of(workspace, "fabrikam")
    again(graph)
    completed = collect(workspace, graph, "--resume")
    assert completed.code == 0, completed.err
    assert requests(graph, "*", "fabrikam") == 0 < requests(graph, "*")
    assert snapshot_of(workspace, "fabrikam") == before
    assert snapshot_of(workspace).name == before.name, "all snapshots of a collection have its instant"
    assert str(before.relative_to(workspace)) in completed.text


@pytest.mark.parametrize(
    ("kind", "path", "options"),
    [
        ("html", "/subscribedSkus", {"status": 200}),
        ("denied", "/users/*/mailboxSettings", {}),
        ("throttled", "/users/*/mailboxSettings", {"retry_after": "1"}),
    ],
)
def test_refusals_and_failures_are_requested_again(
    tmp_path: Path, graph: Emulator, kind: str, path: str, options: dict[str, Any]
) -> None:
    """A resumed collection asks again for what failed before, as after a permission was granted."""
    needs = PEOPLE.union(Needs(sources=frozenset({Source.SUBSCRIBED_SKUS, Source.MAILBOXES})))
    whole = collect_in_process(graph, needs).tables

    def collected() -> Mapping[str, pa.Table]:
        with closing(ResponseRecord(tmp_path, "contoso")) as record:
            return collect_in_process(graph, needs, record=record).tables

    graph.faults.add(kind, path=path, times=None, **options)
    assert collected() != whole
    again(graph)
    assert collected() == whole
    assert requests(graph, path) + requests(graph, "/$batch") > 0 == requests(graph, "/users")


def test_data_of_another_tenant_is_not_used(workspace: Path, graph: Emulator) -> None:
    """Neither answers nor snapshots are those of a tenant if its tenantId was corrected after the interruption."""
    due = stop_at_batch(graph, 30)
    finished = workspace / "snapshots" / "fabrikam"
    interrupted(workspace, graph, lambda: due() and any(finished.glob("*/manifest.json")))
    again(graph)
    ids = [graph.tenants[name].tenant_id for name in ("contoso", "fabrikam")]
    text = (workspace / "tenants.yaml").read_text().replace(ids[0], "contoso's").replace(ids[1], ids[0])
    (workspace / "tenants.yaml").write_text(text.replace("contoso's", ids[1]))
    completed = collect(workspace, graph, "--resume")
    assert completed.code == 3
    assert tables(snapshot_of(workspace))["users.parquet"].num_rows == 5, "contoso is now the other tenant"
    assert "fabrikam: snapshots/fabrikam" in completed.err
    assert "exists already" in completed.err


def test_collection_is_interrupted_twice(workspace: Path, graph: Emulator, whole: Mapping[str, pa.Table]) -> None:
    interrupted(workspace, graph, stop_at_batch(graph, 20), signal_number=signal.SIGTERM)
    again(graph)
    interrupted(workspace, graph, stop_at_batch(graph, 20), "--resume")
    again(graph)
    completed = collect(workspace, graph, "--resume")
    assert completed.code == 0, completed.err
    assert requests(graph, "/users*") == 0
    assert 20 <= requests(graph, "/$batch") <= 35
    assert tables(snapshot_of(workspace)) == whole


def test_usage_reports_are_not_downloaded_again(workspace: Path, graph: Emulator) -> None:
    """They are recorded under the request to Graph, because the address of a download expires."""
    everything = ("--all", "--tenant", "contoso")
    assert collect(workspace, graph, "-o", "before", *everything).code == 0
    (before,) = (workspace / "before" / "contoso").iterdir()
    downloads = len(graph.journal.of(host=Host.ELSEWHERE))
    graph.journal.clear()
    due = stop_at_batch(graph, 60)

    def are_downloaded() -> bool:
        return due() and len(graph.journal.of(host=Host.ELSEWHERE)) == downloads

    assert interrupted(workspace, graph, are_downloaded, *everything)[0] == 130
    again(graph)
    completed = collect(workspace, graph, "--resume", *everything)
    assert completed.code == 0, completed.err
    assert requests(graph, "*reports/*") == 0
    assert not graph.journal.of(host=Host.ELSEWHERE)
    assert requests(graph, "/$batch") > 0
    assert tables(snapshot_of(workspace)) == tables(before)


def test_other_policies_are_read_from_graph(workspace: Path, graph: Emulator) -> None:
    """Recorded answers without a property that is needed now are not used."""
    interrupted(workspace, graph, stop_at_batch(graph, 30))
    again(graph)
    completed = collect(workspace, graph, "--resume", "--all", "--tenant", "contoso")
    assert completed.code == 0, completed.err
    assert requests(graph, "/users") > 0
    assert "department" in tables(snapshot_of(workspace))["users.parquet"].column_names


@pytest.mark.parametrize("damage", ["cut off", "changed"])
def test_damaged_answers_are_read_again(
    workspace: Path, graph: Emulator, whole: Mapping[str, pa.Table], damage: str
) -> None:
    interrupted(workspace, graph, stop_at_batch(graph, 30))
    again(graph)
    (file,) = (workspace / "snapshots").glob(".collecting-*/contoso-*.arrow")
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle:] = b"" if damage == "cut off" else bytes([content[middle] ^ 1]) + content[middle + 1 :]
    file.write_bytes(content)
    completed = collect(workspace, graph, "--resume")
    assert completed.code == 0, completed.err
    assert requests(graph, "/$batch") > 40 or requests(graph, "/users") > 0
    assert tables(snapshot_of(workspace)) == whole


def test_nothing_to_resume(workspace: Path, graph: Emulator) -> None:
    completed = collect(workspace, graph, "--resume")
    assert completed.code == 2
    assert "no interrupted collection is in snapshots" in completed.err
    assert "run the same command without --resume" in completed.err
    assert not (workspace / "snapshots").exists()


def test_old_collection_is_not_resumed(workspace: Path, graph: Emulator) -> None:
    old = workspace / "snapshots" / ".collecting-4194305-2026-01-31T021700Z"  # more than the largest process id
    old.mkdir(parents=True)
    completed = collect(workspace, graph, "--resume")
    assert completed.code == 2
    assert "is of 2026-01-31T02:17:00Z, more than 24 hours ago" in completed.err
    assert collect(workspace, graph, "--tenant", "fabrikam").code == 0
    assert not hidden(workspace), "a new collection removes what an earlier one left"


def test_collection_in_progress_is_left_alone(workspace: Path, graph: Emulator) -> None:
    """Neither a second collection nor --resume takes the answers of one that is running."""
    due = stop_at_batch(graph, 30)

    def is_left_alone() -> bool:
        if not due():
            return False
        completed = collect(workspace, graph, "--resume")
        assert completed.code == 2
        assert "no interrupted collection" in completed.err
        time.sleep(1.1)  # another instant: folders of snapshots are named by the second
        assert collect(workspace, graph, "--tenant", "fabrikam").code == 0
        return True

    interrupted(workspace, graph, is_left_alone)
    again(graph)
    assert collect(workspace, graph, "--resume", "--tenant", "contoso").code == 0
    assert requests(graph, "/users*") == 0


def test_snapshot_of_the_same_second_is_not_reused(workspace: Path, graph: Emulator) -> None:
    """Without --resume, a folder with the instant of the collection is an error, never its result."""
    instant = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    tenants = [configured(graph, "fabrikam")]

    def collected() -> CollectOutcome:
        (outcome,) = collect_all(
            tenants,
            lambda _: PEOPLE,
            root=workspace / "snapshots",
            instant=instant,
            environ=environment(graph),
            resume=False,
        )
        return outcome

    assert collected().folder is not None
    second = collected()
    assert second.folder is None
    assert second.failure is not None
    assert [diagnostic.slug for diagnostic in second.failure.diagnostics] == ["snapshot-exists"]
