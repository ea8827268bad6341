"""Measures the CPU time of reading and digesting the files of a snapshot, and of opening and evaluating it.

usage: python -m benchmarks.processes.audit SNAPSHOT
"""

import json
import sys
import time
from pathlib import Path

from auditor.catalogue import builtin
from auditor.checks.registry import all_checks
from auditor.engine.evaluate import evaluate, evaluated_batches
from auditor.engine.policy.binding import bind
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.reader import read
from benchmarks.processes.tenants import read_whole, starter_policies
from benchmarks.tenant import AS_OF


def main(folder: Path) -> None:
    """Measure the floor, then the evaluation, and print CPU seconds, without loading the policies and the catalogue."""
    policies, catalogue = starter_policies(), builtin()
    started = time.process_time()
    read_whole(folder)
    floor = time.process_time()
    bound = bind(policies, TenantFacts(read(folder), catalogue, policies, AS_OF), all_checks())
    evaluation = evaluate(bound, evaluated_batches(bound))
    evaluated = time.process_time()
    findings = sum(outcome.findings for outcome in evaluation.outcomes)
    readings = {"floor": floor - started, "evaluation": evaluated - floor, "findings": findings}
    print(json.dumps(readings))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
