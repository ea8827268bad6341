"""Audits on a Spark cluster write the same bytes as local ones, also if a worker dies during the run."""

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
_USERS_PER_ROW_GROUP = 64
"""Small enough that the larger demo tenant is split into eight tasks, for two workers and three jobs."""
_FORMATS = ("-f", "json,csv,parquet")


@pytest.fixture(scope="module")
def snapshot_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("saved")
    for snapshot in snapshots(datetime(2026, 11, 21, 2, 17, tzinfo=UTC)):
        _in_small_row_groups(root, snapshot)
    return root


@pytest.fixture(scope="module")
def local_files(snapshot_root: Path) -> dict[str, bytes]:
    """The files that an audit without Spark writes."""
    completed = call(
        "audit", "--as-of", AS_OF, "--snapshot", snapshot_root, *_FORMATS, "-o", "here", cwd=snapshot_root.parent
    )
    assert completed.code in {0, 1, 3}, completed.err
    return _files(snapshot_root.parent / "here")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as spark_cluster:
        yield spark_cluster


@pytest.mark.slow
def test_cluster_with_a_lost_worker_writes_the_same_files(
    cluster: Cluster, snapshot_root: Path, local_files: dict[str, bytes], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "auditor", "audit", "--as-of", AS_OF, "--snapshot", str(snapshot_root), *_FORMATS,
               "-o", str(tmp_path / "lost"), "--engine", "spark", "--spark-master", cluster.master]  # fmt: skip
    with subprocess.Popen(command, cwd=tmp_path, env=dict(cluster.environment), stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 300
        while not cluster.busy(1) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert process.poll() is None, "the audit ended before a worker could be killed"
        cluster.kill(1)
        _, errors = process.communicate(timeout=400)
    assert process.returncode in {0, 1, 3}, errors.decode()
    assert _files(tmp_path / "lost") == local_files


_SEVERAL_JOBS = """
import io, sys
from datetime import datetime
from pathlib import Path
from auditor.app.policy_files import load_policies
from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.enums import Contents
from auditor.findings.spill import SpillFile
from auditor.render import render
from auditor.snapshot.reader import read
from auditor.spark.evaluation import distribute
from auditor.spark.session import session

root, output, as_of = Path(sys.argv[1]), Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
folders = sorted(file.parent for file in root.rglob("manifest.json"))
policies = load_policies((), waivers_from=as_of.date()).policies
at_once = sum((folder / "users.parquet").stat().st_size for folder in folders) // 3
with session("local[2]") as spark:
    evaluation = distribute(spark, folders, policies, builtin(), as_of, at_once=at_once)
    spill = SpillFile(io.BytesIO(), budget=0)
    result = audit(map(read, folders), policies, builtin(), as_of, evaluator=evaluation.batches, spill=spill, contents=Contents.ACTIONS)
    for name, file in (("csv", "findings.csv"), ("json", "result.json")):
        (output / file).write_bytes(b"".join(render(result, name, locale="en")))
"""


@pytest.mark.slow
def test_findings_of_several_jobs_give_the_same_files(
    snapshot_root: Path, local_files: dict[str, bytes], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _SEVERAL_JOBS, str(snapshot_root), str(tmp_path), AS_OF]
    completed = subprocess.run(command, cwd=tmp_path, env=QUICK_JAVA, capture_output=True, check=False, timeout=300)
    assert completed.returncode == 0, completed.stderr.decode()
    assert b"log level" not in completed.stderr, "Spark prints how to set its log level"
    assert _files(tmp_path) == {name: local_files[name] for name in ("findings.csv", "result.json")}


def _files(output: Path) -> dict[str, bytes]:
    files = {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert {"result.json", "findings.csv"} <= set(files)
    return files


def _in_small_row_groups(root: Path, snapshot: Snapshot) -> None:
    """Write a snapshot with small row groups, which become separate tasks; its content is unchanged."""
    people = next(snapshot.batches())
    owners = people.assignments.column("user").to_numpy()
    manifest = snapshot.manifest
    with SnapshotWriter(root, manifest.tenant, folder_name(manifest)) as writer:
        for start in range(0, people.users.num_rows, _USERS_PER_ROW_GROUP):
            users = people.users.slice(start, _USERS_PER_ROW_GROUP)
            first, last = owners.searchsorted([start, start + users.num_rows])
            writer.write_users(users, people.assignments.slice(first, last - first))
        for name, table in snapshot.tables.items():
            writer.write_table(name, table)
        writer.commit(manifest)
