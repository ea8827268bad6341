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
from auditor.domain.errors import AuditorError, SnapshotError
from auditor.domain.policy import PolicySet
from auditor.engine.evaluating import columns
from auditor.engine.facts import Facts
from auditor.engine.judging import judge_batch
from auditor.engine.plan import Plan, bind
from auditor.snapshot.reading import read, read_row_groups

ANSWERS = pa.schema([("place", pa.int64()), ("outcome", pa.binary()), ("slug", pa.string()), ("problem", pa.string())])
"""What comes back of each task: its place in the list, and either what the users came to or why that is not known."""
ANSWERS_DDL = "place BIGINT, outcome BINARY, slug STRING, problem STRING"
"""The same in Spark's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row group of one snapshot."""

    folder: str
    identity: str
    """The digest of the snapshot that the driver has read: a worker that sees another one says so."""
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Everything that judging needs beside the snapshot, in a form that travels."""

    policies: PolicySet
    products: str
    """The catalogue as `auditor.catalogue.store` writes it."""
    free: frozenset[str]
    as_of: datetime
    tool_version: str = __version__

    def catalogue(self) -> Catalogue:
        """Return the catalogue again."""
        return replace(loads(self.products, where="the driver's catalogue"), free=self.free)


def packed(policies: PolicySet, catalogue: Catalogue, as_of: datetime) -> bytes:
    """Return the errand as bytes; only `judge` of the same version of the program reads them."""
    errand = Errand(policies=policies, products=dumps(catalogue), free=catalogue.free, as_of=as_of)
    return pickle.dumps(errand, protocol=pickle.HIGHEST_PROTOCOL)


def judge(errand: bytes, tasks: tuple[Task, ...], places: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Judge the tasks whose places Spark hands out, an answer each: the function of `mapInArrow`."""
    for batch in places:
        for place in batch.column(0).to_pylist():
            yield _answer(errand, place, tasks[place])


def _answer(errand: bytes, place: int, task: Task) -> pa.RecordBatch:
    outcome: bytes | None = None
    slug = problem = None
    try:
        plan = _plan(errand, task.folder, task.identity)
        users, links = columns(plan)
        parts = [judge_batch(plan, part) for part in read_row_groups(Path(task.folder), (task.group,), users, links)]
        outcome = pickle.dumps(parts, protocol=pickle.HIGHEST_PROTOCOL)
    except AuditorError as error:
        slug, problem = error.slug, error.message
    return pa.record_batch([[place], [outcome], [slug], [problem]], schema=ANSWERS)


@lru_cache(maxsize=4)
def _plan(errand: bytes, folder: str, identity: str) -> Plan:
    """Bind the policies to a snapshot; a worker's process keeps it for the tasks that follow."""
    told = _told(errand)
    snapshot = read(Path(folder))
    if snapshot.identity != identity:
        raise SnapshotError("spark-snapshot", f"a worker finds another snapshot in {folder} than the driver")
    return bind(told.policies, Facts(snapshot, _catalogue(errand), told.policies, told.as_of))


@lru_cache(maxsize=1)
def _told(errand: bytes) -> Errand:
    told = pickle.loads(errand)  # noqa: S301 - our own driver's, over the connection that carries the program itself
    if not isinstance(told, Errand) or told.tool_version != __version__:
        raise SnapshotError("spark-version", f"a worker has version {__version__} of the auditor, the driver another")
    return told


@lru_cache(maxsize=1)
def _catalogue(errand: bytes) -> Catalogue:
    return _told(errand).catalogue()
