"""Evaluates one row group of a snapshot on a Spark worker.

The driver sends policies, catalogue and instant with each task; a worker reads the snapshot from a location that it
shares with the driver, evaluates the row group with `auditor.engine`, and returns the columns of findings.
"""

import pickle
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from auditor import __version__
from auditor.catalogue import Catalogue
from auditor.catalogue.store import dumps, loads
from auditor.checks.registry import all_checks
from auditor.domain.errors import AuditorError, SnapshotError
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.engine.evaluate import columns, evaluate_batch
from auditor.engine.outcome import BatchOutcome
from auditor.engine.policy.binding import BoundPolicies, bind
from auditor.engine.tenant_facts import TenantFacts
from auditor.import_block import block_import
from auditor.snapshot.parquet.row_group_access import RowGroupFacts, read_row_group
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
"""The schema of results: the index of the task, and its outcome or the reason why there is none.

Outcomes are pickled and compressed, because the JVM copies them several times; `size` is the uncompressed length.
"""
ANSWERS_DDL = "place BIGINT, size BIGINT, outcome BINARY, slug STRING, problem STRING"
"""The same schema in Spark's DDL."""


class Task(Struct, frozen=True, kw_only=True):
    """One row group of one snapshot."""

    folder: str
    identity: str
    """The digest of the snapshot that the driver read; a worker that reads another one reports it."""
    group: int
    row_group_facts: RowGroupFacts | None
    """The driver's facts of all row groups; None for a snapshot with one, which the worker checks itself."""


class EvaluationInputs(Struct, frozen=True, kw_only=True):
    """Everything that a worker needs besides the snapshot, in picklable form."""

    policies: PolicySet
    products: str
    """The catalogue in the form of `auditor.catalogue.store`."""
    free: frozenset[str]
    as_of: datetime
    tool_version: str = __version__


def job_inputs(policies: PolicySet, catalogue: Catalogue, as_of: datetime) -> bytes:
    """Return the inputs of a job as bytes for `evaluate_tasks`, which requires the same version of the program."""
    inputs = EvaluationInputs(policies=policies, products=dumps(catalogue), free=catalogue.free, as_of=as_of)
    return pickle.dumps(inputs, protocol=pickle.HIGHEST_PROTOCOL)


def evaluate_tasks(
    inputs: bytes, tasks: tuple[Task, ...], batches: Iterable[pa.RecordBatch], *, owned_session: bool
) -> Iterator[pa.RecordBatch]:
    """Evaluate the tasks whose indices are in `batches`, with one result each; called by Spark's `mapInArrow`.

    With `owned_session`, no other functions run in this session, so that workers do not need pandas.
    """
    if owned_session:
        block_import("pandas")
    for batch in batches:
        for index in batch.column(0).to_pylist():
            yield _evaluate(inputs, index, tasks[index])


def outcome_of(answer: bytes | pa.Buffer, size: int) -> list[BatchOutcome]:
    """Return the outcome of one task."""
    outcomes: list[BatchOutcome] = pickle.loads(pa.decompress(answer, size, "lz4"))  # noqa: S301  from this job's workers
    return outcomes


def _evaluate(inputs: bytes, index: int, task: Task) -> pa.RecordBatch:
    outcome: bytes | None = None
    size = slug = problem = None
    try:
        bound = _bind(inputs, task.folder, task.identity, task.row_group_facts)
        users, links = columns(bound)
        batches = read_row_group(Path(task.folder), task.group, task.row_group_facts, users, links)
        outcomes = pickle.dumps([evaluate_batch(bound, batch) for batch in batches], protocol=pickle.HIGHEST_PROTOCOL)
        size, outcome = len(outcomes), pa.compress(outcomes, "lz4", asbytes=True)
    except AuditorError as error:
        slug, problem = error.slug, error.message
    return pa.record_batch([[index], [size], [outcome], [slug], [problem]], schema=ANSWERS)


@lru_cache(maxsize=4)
def _bind(inputs: bytes, folder: str, identity: str, row_group_facts: RowGroupFacts | None) -> BoundPolicies:
    """Bind the policies to a snapshot; a worker process caches the result for the following tasks."""
    values = _inputs(inputs)
    snapshot = read(Path(folder), row_group_facts)
    if snapshot.identity != identity:
        raise SnapshotError(
            "spark-snapshot", Message("a worker reads a different snapshot in {folder} than the driver", folder=folder)
        )
    facts = TenantFacts(snapshot, _catalogue(inputs), values.policies, values.as_of)
    return bind(values.policies, facts, all_checks(), counts_seats=True)


@lru_cache(maxsize=1)
def _inputs(inputs: bytes) -> EvaluationInputs:
    values = pickle.loads(inputs)  # noqa: S301  from the driver, over the connection that also carries code
    if not isinstance(values, EvaluationInputs) or values.tool_version != __version__:
        raise SnapshotError(
            "spark-version",
            Message(
                "a worker has version {version} of the auditor, but the driver has another version", version=__version__
            ),
        )
    return values


@lru_cache(maxsize=1)
def _catalogue(inputs: bytes) -> Catalogue:
    values = _inputs(inputs)
    return replace(loads(values.products, where=Message("the driver's catalogue")), free=values.free)
