"""Evaluates the users of snapshots on a Spark cluster, one task per row group."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from auditor.catalogue import Catalogue
from auditor.domain.errors import AuditorError, SnapshotError
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.engine.evaluate import people_are_readable
from auditor.engine.outcome import BatchOutcome
from auditor.engine.policy.binding import BoundPolicies
from auditor.snapshot.parquet.row_group_access import row_group_facts_of, row_groups
from auditor.snapshot.reader import identity_of
from auditor.spark.session import is_owned
from auditor.spark.task import ANSWERS_DDL, Task, evaluate_tasks, job_inputs, outcome_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_MAX_PARTITIONS: Final = 512
"""Maximum number of partitions of a job. A partition is a Spark task, which is repeated completely if it fails."""
_PARTITIONS_PER_CPU: Final = 2
"""Partitions per processor of this machine: local tasks do not fail, and each costs a tenth of a second."""
_BYTES_PER_JOB: Final = 256 << 20
"""Bytes of users.parquet per job: some four million users, whose findings are returned together."""


_Answer = tuple[pa.Buffer, int]
"""The result of a task, as `auditor.spark.task.outcome_of` reads it."""


class Distributed:
    """The outcomes of the users of several snapshots; evaluated lazily on the cluster."""

    def __init__(self, session: "SparkSession", inputs: bytes, jobs: Sequence[tuple[Task, ...]]) -> None:
        self._session = session
        self._inputs = inputs
        self._jobs = jobs
        self._task_indices: dict[str, dict[int, list[int]]] = {}
        for number, job in enumerate(jobs):
            for index, task in enumerate(job):
                self._task_indices.setdefault(task.identity, {}).setdefault(number, []).append(index)
        self._last: tuple[int, list[_Answer]] = (-1, [])

    def batches(self, bound: BoundPolicies) -> Iterator[BatchOutcome]:
        """Yield the same outcomes as `auditor.engine.evaluate.evaluated_batches`, evaluated on the cluster.

        Raises AuditorError if a worker cannot read the snapshot that the driver reads, if it has another version of the
        program, or if Spark gives up on a task.
        """
        if not people_are_readable(bound):
            return
        for number, indices in self._task_indices.get(bound.facts.snapshot.identity, {}).items():
            # The results of the latest job are kept, because several tenants may share it.
            if self._last[0] != number:
                self._last = (-1, [])
                self._last = (number, _run_job(self._session, self._inputs, self._jobs[number]))
            for index in indices:
                yield from outcome_of(*self._last[1][index])


def distribute(
    session: "SparkSession",
    folders: Sequence[Path],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    at_once: int = _BYTES_PER_JOB,
) -> Distributed:
    """Divide the row groups of all folders into Spark jobs; each worker reads the folders itself.

    A job reads `at_once` bytes about users, or slightly more; all results of a job are in memory at once.
    """
    jobs: list[list[Task]] = []
    remaining = 0.0
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        identity, groups = identity_of(folder), row_groups(folder)
        row_group_facts = row_group_facts_of(folder) if groups > 1 else None
        for group in range(groups):
            if remaining <= 0:
                jobs.append([])
                remaining = at_once
            jobs[-1].append(Task(folder=str(folder), identity=identity, group=group, row_group_facts=row_group_facts))
            remaining -= (folder / "users.parquet").stat().st_size / groups
    return Distributed(session, job_inputs(policies, catalogue, as_of), [tuple(job) for job in jobs])


def _run_job(session: "SparkSession", inputs: bytes, tasks: tuple[Task, ...]) -> list[_Answer]:
    """Run a job and return the results of its tasks, in the order of `tasks`."""
    from pyspark.errors import PySparkException  # noqa: PLC0415  only needed with Spark

    owned_session = is_owned(session)
    indices = session.range(0, len(tasks), 1, min(len(tasks), _partitions(session, owned_session=owned_session)))
    try:
        answers = indices.mapInArrow(
            partial(evaluate_tasks, inputs, tasks, owned_session=owned_session), ANSWERS_DDL
        ).toArrow()
    except PySparkException as error:
        raise _as_auditor_error(error) from error
    problems = [row for row in answers.select(["place", "slug", "problem"]).to_pylist() if row["slug"] is not None]
    if problems:
        first = min(problems, key=lambda row: row["place"])
        raise SnapshotError(
            first["slug"],
            Message("a worker of the Spark cluster: {first}", first=first["problem"]),
            hint=Message(
                "put the snapshots where the driver and every worker find them under the same path, and install the "
                "same version of the auditor on all of them"
            ),
        )
    sizes = zip(answers.column("place").to_pylist(), answers.column("size").to_pylist(), strict=True)
    by_index = {
        index: (outcome.as_buffer(), size)
        for (index, size), outcome in zip(sizes, answers.column("outcome"), strict=True)
    }
    return [by_index[index] for index in range(len(tasks))]


def _partitions(session: "SparkSession", *, owned_session: bool) -> int:
    """Return the maximum number of partitions of a job.

    The number of processors of a cluster is unknown until its executors have registered.
    """
    if owned_session and (session.sparkContext.master or "").startswith("local"):
        return _PARTITIONS_PER_CPU * session.sparkContext.defaultParallelism
    return _MAX_PARTITIONS


def _as_auditor_error(error: Exception) -> AuditorError:
    """Return an error with the last exception of a worker in one line; Spark's logs have the complete traceback."""
    raised = [line for line in str(error).splitlines() if re.match(r"[A-Za-z_.]+(Error|Exception|Interrupt)\b", line)]
    missing = next((line for line in raised if line.startswith("ModuleNotFoundError")), None)
    reason = missing or (raised[-1] if raised else str(error).strip().partition("\n")[0])
    return AuditorError(
        "spark-failed",
        Message("Spark stopped: {reason}", reason=reason),
        hint=Message(
            "the auditor and its libraries have to be installed on every worker, in the Python that Spark starts there"
        )
        if missing
        else Message("see the logs of the driver and of the workers; a task is tried four times"),
    )
