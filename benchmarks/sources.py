"""Measures the cost of optional sources in a collection: the command `auditor collect` with and without them."""

import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.collect import graph
from benchmarks.measurement import Measurement, Readings, Row, at_most, run, spread

_USERS = 100_000
_MAX_RATIO = 1.6
_PLAIN = """\
version: 1
policies:
  - id: plain
    title: Members in use hold no E5
    severity: info
    users: {accountEnabled: true, userType: Member, department: {in: [Sales]}, usageLocation: NL, createdWithin: 30d}
    assignments: {deny: [SPE_E5]}
"""
_SELECTORS = (
    "inactiveIn: {services: '*', for: 90d}",
    "inactiveIn: {services: [copilot], for: 90d}",
    "appsUnused: {on: [windows, mac], for: 180d}",
    "mailboxUsage: {largerThan: 50GB}",
    "managedDevice: {seenWithin: 90d}",
    "hasRole: '*'",
    "coveredBy: conditionalAccess",
    "agent: true",
)
"""A selector for each optional source."""


def measure(_users: int, rounds: int) -> list[Row]:
    """Collect 100,000 users with and without optional sources, alternately."""
    with graph(str(_USERS)) as service, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, service)
        # The first pair is discarded, because the emulator generates its pages during that run.
        pairs = [(_collect(folder, "plain"), _collect(folder, "use")) for _ in range(rounds + 1)][1:]
    plain, use = zip(*pairs, strict=True)
    peak = {name: max(measurement.peak for measurement in runs) for name, runs in (("use", use), ("plain", plain))}
    ratios = [with_use.cpu / without.cpu for without, with_use in pairs]
    return [
        Row(
            what=f"{_USERS:,} people, `auditor collect` with usage reports, devices, roles and Conditional Access",
            measured=f"CPU {spread([measurement.cpu for measurement in use], 2)} s; {peak['use']} MB",
            against=f"without them: CPU {spread([measurement.cpu for measurement in plain], 2)} s; {peak['plain']} MB",
            ratio=f"CPU {spread(ratios, 2)}×",
            bar=at_most(median(ratios), _MAX_RATIO),
        )
    ]


def _write(folder: Path, service: Readings) -> None:
    """Write a tenants file, a policy file that needs no optional source, and one that needs all of them."""
    name, identity = service["tenants"][0]
    os.environ["BEARER"] = service["bearers"][0]
    (folder / "tenants.yaml").write_text(
        f"version: 1\ntenants:\n  - name: {name}\n    tenantId: {identity}\n    endpoint: {service['endpoint']}\n"
        "    credential: {type: token, tokenEnv: BEARER}\n"
    )
    (folder / "plain.yaml").write_text(_PLAIN)
    policies = [
        f"  - {{id: use-{number}, title: Use, severity: info, users: {{{selector}}},\n"
        "     assignments: {deny: [SPE_E5]}}\n"
        for number, selector in enumerate(_SELECTORS)
    ]
    (folder / "use.yaml").write_text(_PLAIN + "".join(policies))


def _collect(folder: Path, policies: str) -> Measurement:
    """Run `auditor collect` once."""
    with tempfile.TemporaryDirectory(dir=folder) as output:
        command = [sys.executable, "-m", "auditor", "collect", str(folder / f"{policies}.yaml")]
        return run([*command, "--tenants", str(folder / "tenants.yaml"), "-o", output, "-q"])
