"""The same audit on this machine and on a cluster: equal to the last byte, also when a worker dies during the run."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest

from auditor.demo import snapshots
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import SnapshotWriter, folder_name
from tests.builders.service.command_line import call
from tests.spark.cluster import QUICK_JAVA, Cluster, running

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(find_spec("pyspark") is None, reason="PySpark is not installed"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc"),
]
AS_OF = "2026-11-21T02:17:00Z"
_USERS_A_ROW_GROUP = 64
"""So few that the built-in tenant alone is eight tasks, for two workers and three jobs."""
_FORMATS = ("-f", "json,csv,parquet")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("saved")
    for snapshot in snapshots(datetime(2026, 11, 21, 2, 17, tzinfo=UTC)):
        _in_small_row_groups(root, snapshot)
    return root


@pytest.fixture(scope="module")
def here(saved: Path) -> dict[str, bytes]:
    """What an audit without Spark writes."""
    done = call("audit", "--as-of", AS_OF, "--snapshot", saved, *_FORMATS, "-o", "here", cwd=saved.parent)
    assert done.code in {0, 1, 3}, done.err
    return _files(saved.parent / "here")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.mark.slow
def test_a_cluster_finds_the_same_and_a_lost_worker_changes_nothing(
    cluster: Cluster, saved: Path, here: dict[str, bytes], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "auditor", "audit", "--as-of", AS_OF, "--snapshot", str(saved), *_FORMATS,
               "-o", str(tmp_path / "lost"), "--engine", "spark", "--spark-master", cluster.master]  # fmt: skip
    with subprocess.Popen(command, cwd=tmp_path, env=dict(cluster.environment), stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 300
        while not cluster.busy(1) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        assert process.poll() is None, "the audit was over before a worker could be lost"
        cluster.kill(1)
        _, errors = process.communicate(timeout=400)
    assert process.returncode in {0, 1, 3}, errors.decode()
    assert _files(tmp_path / "lost") == here


_SEVERAL_JOBS = """
import io, sys
from datetime import datetime
from pathlib import Path
from auditor.app.policy_files import load_policies
from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.findings.spill import SpillFile
from auditor.render import render
from auditor.snapshot.folders import find
from auditor.snapshot.reader import read
from auditor.spark.evaluation import distribute
from auditor.spark.session import session

saved, output, as_of = Path(sys.argv[1]), Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
folders = find(saved)
policies = load_policies((), waivers_from=as_of.date()).policies
at_once = sum((folder / "users.parquet").stat().st_size for folder in folders) // 3
with session("local[2]") as spark:
    there = distribute(spark, folders, policies, builtin(), as_of, at_once=at_once)
    spill = SpillFile(io.BytesIO(), budget=0)
    found = audit(map(read, folders), policies, builtin(), as_of, judge=there.batches, spill=spill, actions=True)
    for name, file in (("csv", "findings.csv"), ("json", "result.json")):
        (output / file).write_bytes(b"".join(render(found, name, locale="en").chunks()))
"""


@pytest.mark.slow
def test_findings_that_come_back_in_several_jobs_are_the_same_table(
    saved: Path, here: dict[str, bytes], tmp_path: Path
) -> None:
    there = [sys.executable, "-c", _SEVERAL_JOBS, str(saved), str(tmp_path), AS_OF]
    done = subprocess.run(there, cwd=tmp_path, env=QUICK_JAVA, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    assert b"log level" not in done.stderr, "Spark tells how its own log may be set"
    assert _files(tmp_path) == {name: here[name] for name in ("findings.csv", "result.json")}


def _files(output: Path) -> dict[str, bytes]:
    found = {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert {"result.json", "findings.csv"} <= set(found)
    return found


def _in_small_row_groups(root: Path, snapshot: Snapshot) -> None:
    """Write a snapshot as many tasks; what stands in it is the same."""
    people = next(snapshot.batches())
    owners = people.assignments.column("user").to_numpy()
    manifest = snapshot.manifest
    with SnapshotWriter(root, manifest.tenant, folder_name(manifest)) as writer:
        for start in range(0, people.users.num_rows, _USERS_A_ROW_GROUP):
            users = people.users.slice(start, _USERS_A_ROW_GROUP)
            first, last = owners.searchsorted([start, start + users.num_rows])
            writer.write_users(users, people.assignments.slice(first, last - first))
        for name, table in snapshot.tables.items():
            writer.write_table(name, table)
        writer.commit(manifest)
