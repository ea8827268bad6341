"""Evaluates a snapshot on Spark in a separate process and prints the times.

usage: python -m benchmarks.processes.spark SNAPSHOT POLICIES MASTER
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.enums import Contents
from auditor.policy.loader import load
from auditor.snapshot.reader import read
from auditor.spark.evaluation import distribute
from auditor.spark.session import session
from auditor.spark.task import evaluate_tasks
from benchmarks.peers.digest import digest
from benchmarks.tenant import AS_OF


def main() -> None:
    """Evaluate once on a warm Spark session, and print the seconds of its start and of the evaluation."""
    snapshot, written, master = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    policies = load([(str(written), written.read_bytes())]).policies
    created = time.perf_counter()
    with session(master) as spark:
        # An empty job starts what every job needs: executors, their Python processes, and their imports.
        spark.range(0, 2, 1, 2).mapInArrow(partial(_unchanged, evaluate_tasks), "id BIGINT").toArrow()
        started = time.perf_counter()
        distributed = distribute(spark, [snapshot], policies, builtin(), AS_OF)
        batches = distributed.batches
        result = audit(
            [read(snapshot)], policies, builtin(), AS_OF, evaluator=batches, only_tenant=True, contents=Contents.ACTIONS
        )
        ended = time.perf_counter()
    readings = {"start": started - created, "seconds": ended - started}
    print(json.dumps(readings | digest(result.tenants[0].findings)))


def _unchanged(imported: object, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Return the batches unchanged; unpickling this function imports the engine."""
    assert imported is not None
    yield from batches


if __name__ == "__main__":
    main()
