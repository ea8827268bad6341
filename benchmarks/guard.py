"""Counts the function calls of each further user, policy or finding, and compares them with a bound.

Counts do not depend on how busy a machine is, so that CI can hold them where it could not hold seconds. A bound is what
was counted when it was set and a third more; who lowers a count lowers its bound, who must raise one says why in the
commit. The calls are Python's and those of C functions that the profiler sees, in one thread.

usage: python -m benchmarks.guard
"""

import cProfile
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct

from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import remedied
from auditor.app.redaction.pseudonyms import Key
from auditor.app.redaction.redact import redacted
from auditor.catalogue import builtin
from auditor.checks.registry import registered
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result
from auditor.engine.evaluate import evaluate
from auditor.engine.policy.binding import bind
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.render import render
from auditor.result.diff import compare
from auditor.snapshot.reader import read
from benchmarks.measurement import FIFTY, ROOT
from benchmarks.processes.engine import multiplied
from benchmarks.tenant import AS_OF, write_tenant

_USERS = 1000
_POLICIES = 50
_KEY = Key(secret=b"a key of 16 bytes or more", stable=True)
_FORMATS = ("csv", "xlsx", "parquet", "json", "ndjson", "sarif", "junit")
_PAGES = ("html", "markdown")
"""Formats that show few of many findings: their calls are divided by all findings."""
_BOUNDS = {
    "reading a policy": 450,
    "judging a user by 50 policies": 6,
    "judging 1,000 users by a policy": 600,
    "auditing, a finding": 15,
    "remedying, a finding": 126,
    "comparing, a finding": 5,
    "redacting, a finding": 400,  # names in free texts, days, and keyed fingerprints
    "csv, a finding": 24,
    "xlsx, a finding": 103,
    "parquet, a finding": 18,
    "json, a finding": 25,
    "ndjson, a finding": 22,
    "sarif, a finding": 67,
    "junit, a finding": 27,  # with the making of its values, which no format leaves to the next
    "html, all of it by its findings": 640,  # sets of actions about a product, with its seats and their movement
    "markdown, all of it by its findings": 140,  # the same, ranks with their reasons, warnings, and what comes next
}
"""Calls for each further one, or all of them divided."""


class Counted(Struct, frozen=True):
    """How many calls one more of something costs."""

    what: str
    calls: float

    @property
    def within(self) -> bool:
        """Whether that is within its bound."""
        return self.calls <= _BOUNDS[self.what]


def main() -> int:
    """Count, print a line each, and end with 1 where a bound is exceeded."""
    with tempfile.TemporaryDirectory() as folder:
        counts = list(_counted(Path(folder)))
    for one in counts:
        print(f"{'ok      ' if one.within else 'EXCEEDED'} {one.calls:8.1f} of {_BOUNDS[one.what]:6} calls  {one.what}")
    return int(not all(one.within for one in counts))


def _counted(folder: Path) -> Iterator[Counted]:
    yield _further("reading a policy", lambda n: lambda: load(_policies(n * _POLICIES)), each=_POLICIES)
    policies = load([("fifty.yaml", FIFTY.read_bytes())]).policies
    snapshots = {n: write_tenant(folder, n * _USERS, name=f"tenant-{n}") for n in (1, 2)}

    def judging(n: int, rules: PolicySet) -> Callable[[], object]:
        return lambda: evaluate(bind(rules, TenantFacts(read(snapshots[n]), builtin(), rules, AS_OF), registered()))

    yield _further("judging a user by 50 policies", lambda n: judging(n, policies), each=_USERS)
    yield _further("judging 1,000 users by a policy", lambda n: judging(1, multiplied(policies, n)), each=_POLICIES)
    files = [path for path in sorted((ROOT / "policies").glob("*.yaml")) if not path.stem.endswith("_test")]
    starter = load([(str(path), path.read_bytes()) for path in files]).policies
    audited = {n: audit([read(snapshots[n])], starter, builtin(), AS_OF) for n in snapshots}
    each = _count(audited[2]) - _count(audited[1])

    def auditing(n: int) -> Callable[[], object]:
        return lambda: audit([read(snapshots[n])], starter, builtin(), AS_OF)

    yield _further("auditing, a finding", auditing, each=each)
    yield _further("remedying, a finding", lambda n: lambda: remedied(audited[n], starter), each=each)
    results = {n: remedied(audited[n], starter) for n in snapshots}
    yield _further("comparing, a finding", lambda n: lambda: compare(results[n], results[n]), each=each)
    yield _further("redacting, a finding", lambda n: lambda: redacted(results[n], _KEY), each=each)
    for name in _FORMATS:
        yield _further(f"{name}, a finding", partial(_writing, results, name), each=each)
    for name in _PAGES:
        writing = _writing(results, name, 2)
        writing()
        yield Counted(f"{name}, all of it by its findings", _calls(writing) / _count(results[2]))


def _policies(count: int) -> list[tuple[str, bytes]]:
    """Return a file with as many policies."""
    line = "- {id: p%d, title: p, severity: low, users: {userType: Guest}, assignments: {of: paid, deny: ['*']}}"
    lines = ["version: 1", "policies:", *(line % number for number in range(count))]
    return [("policies.yaml", "\n".join(lines).encode())]


def _count(result: Result) -> int:
    return sum(len(tenant.findings) for tenant in result.tenants)


def _writing(results: Mapping[int, Result], format_: str, n: int) -> Callable[[], object]:
    return lambda: sum(map(len, render(results[n], format_, locale="en").chunks()))


def _further(what: str, work: Callable[[int], Callable[[], object]], *, each: int) -> Counted:
    """Count the calls of the job at its single and at its double size, after a run that loads what is loaded once."""
    work(2)()
    once, twice = (_calls(work(n)) for n in (1, 2))
    return Counted(what, (twice - once) / each)


def _calls(job: Callable[[], object]) -> int:
    profile = cProfile.Profile()
    profile.runcall(job)
    return sum(int(entry.callcount) for entry in profile.getstats())


if __name__ == "__main__":
    sys.exit(main())
