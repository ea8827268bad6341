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
from auditor.snapshot.parquet.row_group_access import outline_of, row_groups
from auditor.snapshot.reader import identity_of
from auditor.spark.session import is_alone
from auditor.spark.task import ANSWERS_DDL, Task, judge, outcome_of, packed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_MAX_PARTITIONS: Final = 512
"""Partitions per job: a partition is a Spark task, and a failed one is repeated as a whole."""
_PARTITIONS_PER_CPU: Final = 2
"""Partitions per processor of this machine: local tasks do not fail, and each costs a tenth of a second."""
_BYTES_PER_JOB: Final = 256 << 20
"""Bytes of users.parquet per job: some four million users, whose findings are returned together."""


_Answer = tuple[pa.Buffer, int]
"""The result of a task, as `auditor.spark.task.outcome_of` reads it."""


class Distributed:
    """What the people of some snapshots come to, evaluated on the cluster when it is asked for."""

    def __init__(self, session: "SparkSession", inputs: bytes, jobs: Sequence[tuple[Task, ...]]) -> None:
        self._session = session
        self._inputs = inputs
        self._jobs = jobs
        self._places: dict[str, dict[int, list[int]]] = {}
        for number, job in enumerate(jobs):
            for index, task in enumerate(job):
                self._places.setdefault(task.identity, {}).setdefault(number, []).append(index)
        self._last: tuple[int, list[_Answer]] = (-1, [])

    def batches(self, bound: BoundPolicies) -> Iterator[BatchOutcome]:
        """Yield what `auditor.engine.evaluate.evaluated_batches` yields, from batches that are evaluated elsewhere.

        Raises AuditorError where a worker cannot read what the driver reads, has another version of the program, or
        where Spark gives a task up.
        """
        if not people_are_readable(bound):
            return
        for number, places in self._places.get(bound.facts.snapshot.identity, {}).items():
            # The results of one job are kept, for the tenants that share it, until the next.
            if self._last[0] != number:
                self._last = (-1, [])
                self._last = (number, _judged(self._session, self._inputs, self._jobs[number]))
            for path in places:
                yield from outcome_of(*self._last[1][path])


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

    A job reads `at_once` bytes about users, or little more: its results are in memory together.
    """
    jobs: list[list[Task]] = []
    remaining = 0.0
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        identity, groups = identity_of(folder), row_groups(folder)
        outline = outline_of(folder) if groups > 1 else None
        for group in range(groups):
            if remaining <= 0:
                jobs.append([])
                remaining = at_once
            jobs[-1].append(Task(folder=str(folder), identity=identity, group=group, outline=outline))
            remaining -= (folder / "users.parquet").stat().st_size / groups
    return Distributed(session, packed(policies, catalogue, as_of), [tuple(job) for job in jobs])


def _judged(session: "SparkSession", inputs: bytes, tasks: tuple[Task, ...]) -> list[_Answer]:
    """Return what each task came to, in the order of tasks whatever the order in which they ended."""
    from pyspark.errors import PySparkException  # noqa: PLC0415  only who uses Spark needs it

    alone = is_alone(session)
    places = session.range(0, len(tasks), 1, min(len(tasks), _partitions(session, alone=alone)))
    try:
        answers = places.mapInArrow(partial(judge, inputs, tasks, alone=alone), ANSWERS_DDL).toArrow()
    except PySparkException as error:
        raise _failure(error) from error
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
    by_place = {
        place: (outcome.as_buffer(), size)
        for (place, size), outcome in zip(sizes, answers.column("outcome"), strict=True)
    }
    return [by_place[place] for place in range(len(tasks))]


def _partitions(session: "SparkSession", *, alone: bool) -> int:
    """Return the number of tasks into which a job is divided at most.

    The number of processors of a cluster is unknown until its executors have registered.
    """
    if alone and (session.sparkContext.master or "").startswith("local"):
        return _PARTITIONS_PER_CPU * session.sparkContext.defaultParallelism
    return _MAX_PARTITIONS


def _failure(error: Exception) -> AuditorError:
    """Tell why in the words of the last exception of a worker; all of its lines are in Spark's logs."""
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
