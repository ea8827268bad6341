"""One row group of a snapshot into what the policies say of its users, on whichever machine a task runs.

The driver sends policies, catalogue and instant with each task; a worker reads the snapshot by itself from a place that
it shares with the driver, judges the row group with `auditor.engine`, and sends the columns of findings back.
"""

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from auditor import __version__
from auditor.catalogue import Catalogue
from auditor.catalogue.store import dumps, loads
from auditor.checks.registry import registered
from auditor.domain.errors import AuditorError, SnapshotError
from auditor.domain.message import Message
from auditor.domain.policy import PolicySet
from auditor.engine.batch import judge_batch
from auditor.engine.binding import BoundPolicies, bind
from auditor.engine.evaluate import columns
from auditor.engine.outcome import BatchOutcome
from auditor.engine.tenant_facts import TenantFacts
from auditor.import_block import keep_out
from auditor.snapshot.parquet.row_group_access import Outline, read_row_group
from auditor.snapshot.reader import read

ANSWERS = pa.schema(
    [
        ("place", pa.int64()),
        ("size", pa.int64()),
        ("outcome", pa.binary()),
        ("slug", pa.string()),
        ("problem", pa.string()),
    ]
)
"""What comes back of each task: its place in the list, and either what the users came to, or why that is not known.

An outcome is pickled and compressed, since the JVM copies it several times; `size` is its length before.
"""
ANSWERS_DDL = "place BIGINT, size BIGINT, outcome BINARY, slug STRING, problem STRING"
"""The same in Spark's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row group of one snapshot."""

    folder: str
    identity: str
    """The digest of the snapshot that the driver has read: a worker that sees another one says so."""
    group: int
    outline: Outline | None
    """What the driver knows of all its row groups; None where there is but this one, which a worker checks itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeTask:
    """Everything that judging needs beside the snapshot, in a form that travels."""

    policies: PolicySet
    products: str
    """The catalogue as `auditor.catalogue.store` writes it."""
    free: frozenset[str]
    as_of: datetime
    tool_version: str = __version__

    def catalogue(self) -> Catalogue:
        """Return the catalogue again."""
        return replace(loads(self.products, where=Message("the driver's catalogue")), free=self.free)


def packed(policies: PolicySet, catalogue: Catalogue, as_of: datetime) -> bytes:
    """Return the errand as bytes; only `judge` of the same version of the program reads them."""
    errand = JudgeTask(policies=policies, products=dumps(catalogue), free=catalogue.free, as_of=as_of)
    return pickle.dumps(errand, protocol=pickle.HIGHEST_PROTOCOL)


def judge(
    errand: bytes, tasks: tuple[Task, ...], places: Iterable[pa.RecordBatch], *, alone: bool
) -> Iterator[pa.RecordBatch]:
    """Judge the tasks whose places Spark hands out, an answer each: the function of `mapInArrow`.

    `alone`: nobody else's functions run in this session, so that a worker can do without pandas.
    """
    if alone:
        keep_out("pandas")
    for batch in places:
        for place in batch.column(0).to_pylist():
            yield _answer(errand, place, tasks[place])


def outcome_of(answer: bytes | pa.Buffer, size: int) -> list[BatchOutcome]:
    """Return what came back of one task."""
    found: list[BatchOutcome] = pickle.loads(pa.decompress(answer, size, "lz4"))  # noqa: S301 - our own workers'
    return found


def _answer(errand: bytes, place: int, task: Task) -> pa.RecordBatch:
    outcome: bytes | None = None
    size = slug = problem = None
    try:
        bound = _plan(errand, task.folder, task.identity, task.outline)
        users, links = columns(bound)
        batches = read_row_group(Path(task.folder), task.group, task.outline, users, links)
        judged = pickle.dumps([judge_batch(bound, batch) for batch in batches], protocol=pickle.HIGHEST_PROTOCOL)
        size, outcome = len(judged), pa.compress(judged, "lz4", asbytes=True)
    except AuditorError as error:
        slug, problem = error.slug, error.message
    return pa.record_batch([[place], [size], [outcome], [slug], [problem]], schema=ANSWERS)


@lru_cache(maxsize=4)
def _plan(errand: bytes, folder: str, identity: str, outline: Outline | None) -> BoundPolicies:
    """Bind the policies to a snapshot; a worker's process keeps it for the tasks that follow."""
    told = _told(errand)
    snapshot = read(Path(folder), outline)
    if snapshot.identity != identity:
        raise SnapshotError(
            "spark-snapshot", Message("a worker finds another snapshot in {folder} than the driver", folder=folder)
        )
    return bind(told.policies, TenantFacts(snapshot, _catalogue(errand), told.policies, told.as_of), registered())


@lru_cache(maxsize=1)
def _told(errand: bytes) -> JudgeTask:
    told = pickle.loads(errand)  # noqa: S301 - our own driver's, over the connection that carries the program itself
    if not isinstance(told, JudgeTask) or told.tool_version != __version__:
        raise SnapshotError(
            "spark-version",
            Message("a worker has version {version} of the auditor, the driver another", version=__version__),
        )
    return told


@lru_cache(maxsize=1)
def _catalogue(errand: bytes) -> Catalogue:
    return _told(errand).catalogue()
