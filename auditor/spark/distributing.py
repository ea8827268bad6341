"""Snapshot folders into what their people came to, judged over a Spark cluster row group by row group."""

import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auditor.catalogue import Catalogue
from auditor.domain.errors import AuditorError, SnapshotError
from auditor.domain.policy import PolicySet
from auditor.engine.evaluating import evaluate, people_are_readable
from auditor.engine.outcome import BatchOutcome, Evaluation
from auditor.engine.plan import Plan
from auditor.snapshot.reading import identity_of, row_groups
from auditor.spark.errand import ANSWERS_DDL, Task, judge, packed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PARTITIONS: Final = 512
"""At most: a partition is a task of Spark's, and one that fails is judged again as a whole."""


class Distributed:
    """What the people of some snapshots came to, ready to be concluded tenant by tenant."""

    def __init__(self, answers: Mapping[str, Sequence[bytes]]) -> None:
        self._answers = answers

    def batches(self, plan: Plan) -> Iterator[BatchOutcome]:
        """Yield what `auditor.engine.evaluating.judged_batches` yields, from batches that were judged elsewhere."""
        if people_are_readable(plan):
            for answer in self._answers[plan.facts.snapshot.identity]:
                yield from pickle.loads(answer)  # noqa: S301 - our own workers'

    def evaluate(self, plan: Plan) -> Evaluation:
        """Return what `auditor.engine.evaluating.evaluate` returns."""
        return evaluate(plan, self.batches(plan))


def distribute(
    session: "SparkSession", folders: Sequence[Path], policies: PolicySet, catalogue: Catalogue, as_of: datetime
) -> Distributed:
    """Judge every row group of every folder in one job of Spark's; each worker reads the folders itself.

    Raises AuditorError where a worker cannot read what the driver reads, has another version of the program, or where
    Spark gives a task up.
    """
    identities = {folder.resolve(): identity_of(folder) for folder in folders}
    tasks = tuple(
        Task(folder=str(folder), identity=identity, group=group)
        for folder, identity in identities.items()
        for group in range(row_groups(folder))
    )
    answers: dict[str, list[bytes]] = {identity: [] for identity in identities.values()}
    for task, answer in zip(tasks, _judged(session, packed(policies, catalogue, as_of), tasks), strict=True):
        answers[task.identity].append(answer)
    return Distributed(answers)


def _judged(session: "SparkSession", errand: bytes, tasks: tuple[Task, ...]) -> list[bytes]:
    """Return what each task came to, in the order of tasks whatever the order in which they ended."""
    from pyspark.errors import PySparkException  # noqa: PLC0415  only who uses Spark needs it

    if not tasks:
        return []
    places = session.range(0, len(tasks), 1, min(len(tasks), _PARTITIONS))
    try:
        answers = places.mapInArrow(partial(judge, errand, tasks), ANSWERS_DDL).toArrow()
    except PySparkException as error:
        raise _given_up(error) from error
    problems = [row for row in answers.select(["place", "slug", "problem"]).to_pylist() if row["slug"] is not None]
    if problems:
        first = min(problems, key=lambda row: row["place"])
        raise SnapshotError(
            first["slug"],
            f"a worker of the Spark cluster: {first['problem']}",
            hint="put the snapshots where the driver and every worker find them under the same path, and install the "
            "same version of the auditor on all of them",
        )
    found = dict(zip(answers.column("place").to_pylist(), answers.column("outcome").to_pylist(), strict=True))
    return [found[place] for place in range(len(tasks))]


def _given_up(error: Exception) -> AuditorError:
    """Tell why in the words of the last exception of a worker; all of its lines are in Spark's logs."""
    told = [line for line in str(error).splitlines() if re.match(r"[A-Za-z_.]+(Error|Exception|Interrupt)\b", line)]
    missing = next((line for line in told if line.startswith("ModuleNotFoundError")), None)
    reason = missing or (told[-1] if told else str(error).strip().partition("\n")[0])
    return AuditorError(
        "spark-failed",
        f"Spark gave up: {reason}",
        hint="the auditor and its libraries have to be installed on every worker, in the Python that Spark starts there"
        if missing
        else "the logs of the driver and of the workers tell more; a task is tried four times",
    )
