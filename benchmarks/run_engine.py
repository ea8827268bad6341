"""A snapshot and policies into a table of findings by the engine: run as a process of its own, times on stdout.

usage: python -m benchmarks.run_engine SNAPSHOT POLICIES [--only IDS] [--times N] [--digest] [--pairs] [--stream]
"""

import argparse
import hashlib
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from auditor.__main__ import settle
from auditor.app.streaming import Aside, scratch_beside, stream, write_streamed
from auditor.catalogue import builtin
from auditor.checks.registry import registered
from auditor.domain.policy import PolicySet
from auditor.engine.binding import bind
from auditor.engine.evaluate import evaluate, judged_batches
from auditor.engine.table import findings_table
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.snapshot.reader import read
from benchmarks.digesting import digested
from benchmarks.tenant import AS_OF


def main() -> None:
    """Evaluate once, from Parquet to the table, and print seconds and what was found."""
    settle()
    parser = argparse.ArgumentParser()
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("policies", type=Path)
    parser.add_argument("--only", default="", help="ids of policies, separated by commas")
    parser.add_argument("--times", type=int, default=1, help="each policy so often, over other people each time")
    parser.add_argument("--digest", action="store_true", help="of all that a finding says")
    parser.add_argument("--pairs", action="store_true", help="digest of the sorted (policy, user) pairs")
    parser.add_argument("--stream", action="store_true", help="a Parquet file of findings, as --findings writes it")
    args = parser.parse_args()
    policies = load([(str(args.policies), args.policies.read_bytes())]).policies
    if args.only:
        chosen = set(args.only.split(","))
        policies = replace(policies, policies=tuple(policy for policy in policies.policies if policy.id in chosen))
    policies = multiplied(policies, args.times)
    if args.stream:
        print(json.dumps(streamed(args.snapshot, policies)))
        return
    catalogue = builtin()
    started, cpu = time.perf_counter(), time.process_time()
    plan = bind(policies, TenantFacts(read(args.snapshot), catalogue, policies, AS_OF), registered())
    table = findings_table(plan, evaluate(plan, ids=True))
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    told: dict[str, object] = {"seconds": seconds, "cpu": used, "findings": table.num_rows}
    if args.digest:
        told |= digested(table)
    if args.pairs:
        told["pairs"] = pairs(table)
    print(json.dumps(told))


def streamed(snapshot: Path, policies: PolicySet) -> dict[str, object]:
    """Evaluate into a Parquet file of findings, from Parquet to Parquet, as `audit --findings` does."""
    started, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(dir=snapshot.parent) as folder:
        place = Path(folder, "findings.parquet")
        with scratch_beside(place) as scratch:
            aside = Aside(file=scratch)
            found = stream([read(snapshot)], policies, builtin(), AS_OF, judge=judged_batches, aside=aside)
            write_streamed(found, place, place.with_name("summary.json"))
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    return {"seconds": seconds, "cpu": used, "findings": found.count}


def multiplied(policies: PolicySet, times: int) -> PolicySet:
    """Repeat the policies, each time over the population of another of them."""
    own = policies.policies
    more = [
        replace(policy, id=f"{policy.id}-{turn}", users=own[(place + 7 * turn) % len(own)].users)
        for turn in range(1, times)
        for place, policy in enumerate(own)
    ]
    return replace(policies, policies=(*own, *more))


def pairs(table: pa.Table) -> str:
    """Digest whom each policy has a finding about, however many."""
    found = sorted(set(zip(table["policy"].to_pylist(), table["subject"].to_pylist(), strict=True)))
    return hashlib.sha256("\n".join("\x1f".join(pair) for pair in found).encode()).hexdigest()


if __name__ == "__main__":
    main()
