"""Audits a folder of small snapshots with the starter library in a separate process, and prints the times.

usage: python -m benchmarks.processes.tenants FOLDER [MOST]
"""

import hashlib
import json
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor.catalogue import builtin
from auditor.checks.registry import all_checks
from auditor.domain.policy.model import PolicySet
from auditor.engine.evaluate import conclude, evaluated_batches
from auditor.engine.outcome import BatchOutcome
from auditor.engine.policy.binding import bind
from auditor.engine.tenant_facts import TenantFacts
from auditor.findings.from_evaluation import findings_about_objects, findings_about_users
from auditor.findings.group_products import GroupProductCollector
from auditor.policy.loader import load
from auditor.snapshot.reader import read
from benchmarks.measurement import ROOT
from benchmarks.tenant import AS_OF


def main(root: Path, most: int | None = None) -> None:
    """Audit at most `most` tenants once, each after its floor, and print the CPU milliseconds per tenant."""
    policies = starter_policies()
    catalogue = builtin()
    folders = [manifest.parent for manifest in sorted(root.glob("*/*/manifest.json"))[:most]]
    pc.count(pa.array([0]))
    parts = dict.fromkeys(("open", "evaluate", "describe"), 0.0)
    floor, findings = 0.0, 0
    for number, folder in enumerate((folders[0], *folders)):
        started = time.process_time()
        read_whole(folder)
        stamps = [time.process_time()]
        snapshot = read(folder)
        stamps.append(time.process_time())
        bound = bind(policies, TenantFacts(snapshot, catalogue, policies, AS_OF), all_checks())
        batches = list(evaluated_batches(bound))
        stamps.append(time.process_time())
        outcome = BatchOutcome()
        count = sum(batch.num_rows for batch in findings_about_users(bound, batches, outcome, GroupProductCollector()))
        count += findings_about_objects(bound, conclude(bound, outcome)).num_rows
        stamps.append(time.process_time())
        if number:  # the first tenant is audited twice, so that one-time costs of the process are not included
            floor += stamps[0] - started
            findings += count
            for index, name in enumerate(parts):
                parts[name] += stamps[index + 1] - stamps[index]
    milliseconds = {name: 1000 * seconds / len(folders) for name, seconds in parts.items()}
    readings = {"cpu": sum(milliseconds.values()), "parts": milliseconds, "floor": 1000 * floor / len(folders)}
    print(json.dumps(readings | {"findings": findings, "policies": len(policies.policies)}))


def starter_policies() -> PolicySet:
    """Load the starter library."""
    files = [path for path in sorted((ROOT / "policies").glob("*.yaml")) if not path.stem.endswith("_test")]
    return load([(str(path), path.read_bytes()) for path in files]).policies


def read_whole(folder: Path) -> None:
    """Read and digest all files of a snapshot: the minimum work of an audit."""
    for path in folder.glob("*.parquet"):
        content = path.read_bytes()
        hashlib.sha256(content).hexdigest()
        pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
