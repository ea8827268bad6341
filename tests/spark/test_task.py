"""The function that runs on Spark workers, without Spark: evaluation, imports, and rejected snapshots."""

import pickle
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from auditor.catalogue import builtin
from auditor.policy.loader import load
from auditor.snapshot.reader import identity_of
from auditor.spark.task import Task, evaluate_tasks, job_inputs, outcome_of
from tests.builders.tenant.demo_snapshots import saved_demo

pytestmark = pytest.mark.slow
NOW = datetime(2026, 11, 21, 2, 17, tzinfo=UTC)
POLICIES = b"version: 1\npolicies:\n- {id: none, severity: low, assignments: {allow: []}}\n"

_WORKER = """
import pickle, sys
from pathlib import Path
from auditor.spark.task import evaluate_tasks
import pyarrow as pa
inputs, tasks = pickle.loads(Path(sys.argv[1]).read_bytes())
batches = (pa.record_batch([[index]], ["id"]) for index in range(len(tasks)))  # an iterator, as in Spark
rows = [row for answer in evaluate_tasks(inputs, tasks, batches, owned_session=sys.argv[2] == "owned") for row in answer.to_pylist()]
assert all(row["problem"] is None for row in rows), rows
print("pandas" in sys.modules)
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("saved")
    return saved_demo(root, NOW)


def _inputs() -> bytes:
    return job_inputs(load([("policies/p.yaml", POLICIES)]).policies, builtin(), NOW)


def _tasks(folders: list[Path], identity: str | None = None) -> tuple[Task, ...]:
    return tuple(
        Task(folder=str(folder), identity=identity or identity_of(folder), group=0, row_group_facts=None)
        for folder in folders
    )


def _index_batches(*indexes: int) -> list[pa.RecordBatch]:
    return [pa.record_batch([pa.array([index], pa.int64())], ["id"]) for index in indexes]


def test_answers_are_in_the_order_of_the_requested_indexes(folders: list[Path]) -> None:
    tasks = _tasks(folders)
    answers = list(evaluate_tasks(_inputs(), tasks, _index_batches(1, 0), owned_session=False))
    assert [answer.column("place").to_pylist() for answer in answers] == [[1], [0]]
    for answer in answers:
        (outcome,) = outcome_of(answer.column("outcome")[0].as_buffer(), answer.column("size")[0].as_py())
        assert sum(map(len, outcome.chunks)) > 0


def test_snapshot_that_differs_from_the_drivers_is_reported_and_not_evaluated(folders: list[Path]) -> None:
    (answer,) = evaluate_tasks(
        _inputs(), _tasks(folders, identity="sha256:other"), _index_batches(0), owned_session=False
    )
    (row,) = answer.to_pylist()
    assert (row["slug"], row["outcome"], row["size"]) == ("spark-snapshot", None, None)
    assert "reads a different snapshot" in row["problem"]


def test_worker_of_a_session_used_alone_does_not_import_pandas(folders: list[Path], tmp_path: Path) -> None:
    """Arrow would import pandas with the first array, half a second per worker; a shared session may need it."""
    pytest.importorskip("pandas")
    (tmp_path / "inputs").write_bytes(pickle.dumps((_inputs(), _tasks(folders))))
    for mode, imported in (("owned", "False"), ("shared", "True")):
        command = [sys.executable, "-c", _WORKER, str(tmp_path / "inputs"), mode]
        completed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert completed.stdout.strip() == imported, completed.stderr
