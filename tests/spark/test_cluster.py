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
from tests.spark.cluster import Cluster, running

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(find_spec("pyspark") is None, reason="PySpark is not installed"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc"),
]
AS_OF = "2026-11-21T02:17:00Z"
_AUDIT = [sys.executable, "-m", "auditor", "audit", "--as-of", AS_OF]
_USERS_A_ROW_GROUP = 8
"""So few that the built-in tenant alone is some fifty tasks."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("saved")
    for snapshot in snapshots(datetime(2026, 11, 21, 2, 17, tzinfo=UTC)):
        _in_small_row_groups(root, snapshot)
    return root


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.mark.slow
def test_a_cluster_finds_the_same_and_a_lost_worker_changes_nothing(
    cluster: Cluster, saved: Path, tmp_path: Path
) -> None:
    here = _audited(saved, tmp_path / "here")
    command = _command(saved, tmp_path / "lost", "--spark-master", cluster.master)
    with subprocess.Popen(command, env=dict(cluster.environment), stderr=subprocess.PIPE) as process:
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
    for name in ("csv", "json"):
        (output / name).write_bytes(b"".join(render(found, name, locale="en").chunks()))
"""


@pytest.mark.slow
def test_findings_that_come_back_in_several_jobs_are_the_same_table(saved: Path, tmp_path: Path) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    root = str(tmp_path / "here")
    here = [*_AUDIT, "--snapshot", str(saved), "-f", f"json={root}/json", "-f", f"csv={root}/csv"]
    done = subprocess.run(here, capture_output=True, check=False, timeout=120)
    assert done.returncode in {0, 1, 3}, done.stderr.decode()
    there = [sys.executable, "-c", _SEVERAL_JOBS, str(saved), str(tmp_path / "there"), AS_OF]
    done = subprocess.run(there, capture_output=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    assert b"log level" not in done.stderr, "Spark tells how its own log may be set"
    for name in ("csv", "json"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def _audited(saved: Path, output: Path) -> dict[str, bytes]:
    done = subprocess.run(_command(saved, output), capture_output=True, check=False, timeout=120)
    assert done.returncode in {0, 1, 3}, done.stderr.decode()
    return _files(output)


def _command(saved: Path, output: Path, *options: str) -> list[str]:
    engine = ["--engine", "spark", *options] if options else []
    return [*_AUDIT, "--snapshot", str(saved), "-f", "json", "-f", "parquet", "-o", str(output), *engine]


def _files(output: Path) -> dict[str, bytes]:
    found = {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert {"result.json", "findings.parquet"} <= set(found)
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
