"""Audits a snapshot up to the table of findings, as `auditor audit -f parquet` does, and prints the times.

usage: python -m benchmarks.processes.engine SNAPSHOT POLICIES [--only IDS] [--times N] [--outcomes | --actions]
       [--digest] [--pairs] [--parquet]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.enums import Contents
from auditor.domain.policy.model import PolicySet
from auditor.findings.spill import spill_file
from auditor.policy.loader import load
from auditor.render import render
from auditor.snapshot.reader import read
from benchmarks.peers.digest import digest, digest_of_pairs
from benchmarks.tenant import AS_OF


def main() -> None:
    """Audit once and print the seconds and the number of findings, with their digest if requested."""
    parser = argparse.ArgumentParser()
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("policies", type=Path)
    parser.add_argument("--only", default="", help="ids of policies, separated by commas")
    parser.add_argument("--times", type=int, default=1, help="repeat each policy, over other people each time")
    parser.add_argument("--digest", action="store_true", help="print the digest of the findings")
    parser.add_argument("--pairs", action="store_true", help="print the digest of the sorted (policy, user) pairs")
    parser.add_argument("--actions", action="store_true", help="with evidence and actions, which most formats need")
    parser.add_argument("--outcomes", action="store_true", help="evaluate without describing findings")
    parser.add_argument("--parquet", action="store_true", help="write findings.parquet as well")
    args = parser.parse_args()
    policies = load([(str(args.policies), args.policies.read_bytes())]).policies
    if args.only:
        chosen = set(args.only.split(","))
        policies = replace(policies, policies=tuple(policy for policy in policies.policies if policy.id in chosen))
    policies = multiplied(policies, args.times)
    contents = Contents.ACTIONS if args.actions else Contents.GUIDED_COLUMNS
    contents = Contents.OUTCOMES if args.outcomes else contents
    started, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(dir=args.snapshot.parent) as folder, spill_file(Path(folder, "x")) as spill:
        result = audit(
            [read(args.snapshot)],
            policies,
            builtin(),
            AS_OF,
            contents=contents,
            only_tenant=True,
            spill=spill,
        )
        if args.parquet:
            with Path(folder, "findings.parquet").open("wb") as file:
                file.writelines(render(result, "parquet", locale="en"))
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
        findings = result.tenants[0].findings
        readings: dict[str, object] = {"seconds": seconds, "cpu": used, "findings": len(findings)}
        if args.digest:
            readings |= digest(findings)
        if args.pairs:
            readings["pairs"] = digest_of_pairs((finding.policy, finding.subject.id) for finding in findings)
    print(json.dumps(readings))


def multiplied(policies: PolicySet, times: int) -> PolicySet:
    """Repeat the policies, each time with the population of another policy."""
    originals = policies.policies
    copies = [
        replace(policy, id=f"{policy.id}-{turn}", users=originals[(index + 7 * turn) % len(originals)].users)
        for turn in range(1, times)
        for index, policy in enumerate(originals)
    ]
    return replace(policies, policies=(*originals, *copies))


if __name__ == "__main__":
    main()
