"""Counts the function calls of each additional user, policy or finding, and compares them with a bound.

Counts do not depend on the load of the machine, so CI can check them, unlike seconds. A bound is the count when it was
set, plus a third. If you lower a count, lower its bound; if you have to raise a bound, say why in the commit. The calls
are those of Python functions, and of C functions that the profiler sees, in one thread.

usage: python -m benchmarks.guard
"""

import cProfile
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.checks.registry import all_checks
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result
from auditor.engine.evaluate import evaluate, evaluated_batches
from auditor.engine.policy.binding import bind
from auditor.engine.tenant_facts import TenantFacts
from auditor.policy.loader import load
from auditor.render import render
from auditor.result.diff import compare
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from auditor.snapshot.reader import read
from benchmarks.measurement import FIFTY
from benchmarks.processes.engine import multiplied
from benchmarks.processes.tenants import starter_policies
from benchmarks.tenant import AS_OF, write_tenant
from tests.builders.result.actions import with_actions

_USERS = 1000
_POLICIES = 50
_KEY = RedactionKey(secret=b"a key of 16 bytes or more", stable=True)
_FORMATS = ("csv", "xlsx", "parquet", "json", "ndjson", "sarif", "junit")
_PAGES = ("html", "markdown")
"""Formats that show only few of many findings: all their calls are divided by the number of findings."""
_BOUNDS = {
    "reading a policy": 450,
    "evaluating a user by 50 policies": 6,
    "evaluating 1,000 users by a policy": 600,
    "auditing, a finding": 12,
    "remedying, a finding": 126,
    "comparing, a finding": 5,
    "redacting, a finding": 400,  # names in free texts, days, and keyed fingerprints
    "csv, a finding": 24,
    "xlsx, a finding": 103,
    "parquet, a finding": 18,
    "json, a finding": 25,
    "ndjson, a finding": 22,
    "sarif, a finding": 67,
    "junit, a finding": 27,  # includes creating its values, which formats do not share
    "html, all of it by its findings": 300,  # sets of actions about a product, with its seats and their changes
    "markdown, all of it by its findings": 70,  # the same, and ranks with their reasons, warnings, next steps
}
"""Maximum calls for each additional policy, user or finding; for `_PAGES`, all calls divided by the findings."""


def main() -> int:
    """Print a line for each count; return 1 if a bound is exceeded."""
    with tempfile.TemporaryDirectory() as folder:
        counts = list(_counts(Path(folder)))
    for what, calls in counts:
        verdict = "ok      " if calls <= _BOUNDS[what] else "EXCEEDED"
        print(f"{verdict} {calls:8.1f} of {_BOUNDS[what]:6} calls  {what}")
    return int(any(calls > _BOUNDS[what] for what, calls in counts))


def _counts(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield the name of each bound, and the number of calls that it limits."""
    yield _per_unit("reading a policy", lambda n: lambda: load(_policies(n * _POLICIES)), units=_POLICIES)
    policies = load([("fifty.yaml", FIFTY.read_bytes())]).policies
    snapshots = {n: write_tenant(folder, n * _USERS, name=f"tenant-{n}") for n in (1, 2)}

    def evaluation(n: int, rules: PolicySet) -> Callable[[], object]:
        def run() -> object:
            bound = bind(rules, TenantFacts(read(snapshots[n]), builtin(), rules, AS_OF), all_checks())
            return evaluate(bound, evaluated_batches(bound))

        return run

    yield _per_unit("evaluating a user by 50 policies", lambda n: evaluation(n, policies), units=_USERS)
    repeated = partial(multiplied, policies)
    yield _per_unit("evaluating 1,000 users by a policy", lambda n: evaluation(1, repeated(n)), units=_POLICIES)
    starter = starter_policies()

    def audit_job(n: int) -> Callable[[], Result]:
        return lambda: audit([read(snapshots[n])], starter, builtin(), AS_OF)

    audited = {n: audit_job(n)() for n in snapshots}
    added_findings = _count(audited[2]) - _count(audited[1])
    yield _per_unit("auditing, a finding", audit_job, units=added_findings)
    yield _per_unit("remedying, a finding", lambda n: lambda: with_actions(audited[n], starter), units=added_findings)
    results = {n: with_actions(audited[n], starter) for n in snapshots}
    yield _per_unit("comparing, a finding", lambda n: lambda: compare(results[n], results[n]), units=added_findings)
    yield _per_unit("redacting, a finding", lambda n: lambda: redacted(results[n], _KEY), units=added_findings)
    for name in _FORMATS:
        yield _per_unit(f"{name}, a finding", partial(_render_job, results, name), units=added_findings)
    for name in _PAGES:
        render_job = _render_job(results, name, 2)
        render_job()
        yield f"{name}, all of it by its findings", _calls(render_job) / _count(results[2])


def _policies(count: int) -> list[tuple[str, bytes]]:
    """Return a file with that many policies."""
    line = "- {id: p%d, title: p, severity: low, users: {userType: Guest}, assignments: {of: paid, deny: ['*']}}"
    lines = ["version: 1", "policies:", *(line % number for number in range(count))]
    return [("policies.yaml", "\n".join(lines).encode())]


def _count(result: Result) -> int:
    return sum(len(tenant.findings) for tenant in result.tenants)


def _render_job(results: Mapping[int, Result], format_: str, n: int) -> Callable[[], object]:
    return lambda: sum(map(len, render(results[n], format_, locale="en")))


def _per_unit(what: str, work: Callable[[int], Callable[[], object]], *, units: int) -> tuple[str, float]:
    """Count the calls of a job at single and at double size, each after a run that fills the caches."""
    for n in (1, 2):
        work(n)()
    single, double = (_calls(work(n)) for n in (1, 2))
    return what, (double - single) / units


def _calls(job: Callable[[], object]) -> int:
    profile = cProfile.Profile()
    profile.runcall(job)
    return sum(int(entry.callcount) for entry in profile.getstats())


if __name__ == "__main__":
    sys.exit(main())
