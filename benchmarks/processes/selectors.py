"""Evaluates each selector about usage, roles and coverage over a large tenant, and prints the milliseconds.

usage: python -m benchmarks.processes.selectors PEOPLE

Each selector is evaluated once per batch of users, with its columns read but not yet converted. The floor is one
comparison of a NumPy column of the same length.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from auditor.catalogue import builtin
from auditor.checks.registry import all_checks
from auditor.engine.policy.binding import bind
from auditor.engine.scope import Batch
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.snapshot.reader import read
from benchmarks.tenant import AS_OF, write_tenant

SELECTORS = {
    "inactiveIn, one service": "{inactiveIn: {services: [teams], for: 90d}}",
    "inactiveIn, all services": "{inactiveIn: {services: '*', for: 90d}}",
    "inactiveIn, Copilot": "{inactiveIn: {services: [copilot], for: 30d}}",
    "appsUnused": "{appsUnused: {on: [windows, mac], for: 180d}}",
    "mailboxUsage": "{mailboxUsage: {largerThan: 50GB, archive: true}}",
    "agent": "{agent: true}",
    "managedDevice": "{managedDevice: {seenWithin: 90d}}",
    "hasRole, one": "{hasRole: Role 3}",
    "hasRole, active or eligible": "{hasRole: {roles: '*', assigned: any}}",
    "coveredBy, any": "{coveredBy: conditionalAccess}",
    "coveredBy, risk": "{coveredBy: {conditionalAccess: risk}}",
    "heldFor": "{heldFor: {of: paid, atLeast: 30d}}",
    "licensedVia": "{licensedVia: group}",
}
_POLICY = """\
  - id: p{number:02}
    title: T
    severity: low
    users: {users}
    assignments: {{deny: [EXCHANGE_S_NOBODY]}}
"""


def main(people: int) -> None:
    """Print the CPU milliseconds of each selector over all batches."""
    text = "version: 1\npolicies:\n" + "".join(
        _POLICY.format(number=number, users=users) for number, users in enumerate(SELECTORS.values())
    )
    policies = load([("selectors.yaml", text.encode())]).policies
    spent = dict.fromkeys(SELECTORS, 0.0)
    chosen = dict.fromkeys(SELECTORS, 0)
    with tempfile.TemporaryDirectory() as folder:
        snapshot = read(write_tenant(Path(folder), people, use=True))
        bound = bind(policies, TenantFacts(snapshot, builtin(), policies, AS_OF), all_checks())
        for users in snapshot.batches():
            batch = Batch(bound, users)
            for name, policy in zip(SELECTORS, bound.policies, strict=True):
                started = time.process_time()
                mask = batch.selectors.of(policy.users)
                spent[name] += (time.process_time() - started) * 1000
                chosen[name] += int(np.count_nonzero(mask.true))
    numbers = np.arange(people)
    started = time.process_time()
    np.count_nonzero(numbers < people // 2)
    floor = (time.process_time() - started) * 1000
    print(json.dumps({"floor": floor, "spent": spent, "chosen": chosen}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
