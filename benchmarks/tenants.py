"""Measures audits of small tenants: the time per tenant, and how little memory grows with their number."""

from collections.abc import Sequence
from statistics import median

from benchmarks.audit import audited, memory
from benchmarks.measurement import Readings, Row, at_most, fleet, module, spread

_TENANTS = 200
_MANY_TENANTS = 1000
_USERS = 500
_MAX_GROWTH = 1.7
"""Maximum growth of memory for five times the tenants; a run keeps data of each besides findings and actions."""
_BAR = 15
"""Maximum milliseconds to evaluate a tenant."""


def measure(_users: int, rounds: int) -> list[Row]:
    """Audit the tenants in a fresh process, several times."""
    runs = [module("processes.tenants", str(fleet(_TENANTS, _USERS))).readings for _ in range(rounds)]
    tenant = f"a tenant of {_USERS} users × {runs[0]['policies']} policies of the starter library, "
    tenant += f"{runs[0]['findings'] / _TENANTS:,.0f} findings ({_TENANTS} tenants in one process)"
    floor = "reading the same files whole with pyarrow, digests included: "
    return [
        _row(f"{tenant}: snapshot opened and evaluated", runs, ("open", "evaluate"), against=floor, bar=_BAR),
        _row("the same, and every finding described: names, evidence, money", runs, tuple(runs[0]["parts"])),
        *(_memory(formats, title) for formats, title in (("html,json", "default files"), ("csv", "CSV"))),
    ]


def _memory(formats: str, title: str) -> Row:
    """Audit few and many tenants with the complete command, once each."""
    few, many = (audited(str(fleet(tenants, _USERS)), formats) for tenants in (_TENANTS, _MANY_TENANTS))
    return memory(
        f"{_MANY_TENANTS:,} tenants of {_USERS} users, whole audit, starter library, {title}",
        f"{_TENANTS} tenants",
        (few.peak, f"CPU {1000 * few.cpu / _TENANTS:.0f} ms a tenant"),
        (many.peak, f"CPU {1000 * many.cpu / _MANY_TENANTS:.0f} ms a tenant"),
        bar=_MAX_GROWTH,
    )


def _row(
    what: str, runs: Sequence[Readings], parts: Sequence[str], *, against: str = "", bar: int | None = None
) -> Row:
    """Return the row for some parts of the work per tenant."""
    totals = [sum(run["parts"][name] for name in parts) for run in runs]
    details = ", ".join(f"{name} {median(run['parts'][name] for run in runs):.1f}" for name in parts)
    ratios = [milliseconds / run["floor"] for milliseconds, run in zip(totals, runs, strict=True)]
    return Row(
        what=what,
        measured=f"{spread(totals)} ms of CPU ({details})",
        against=against and f"{against}{spread([run['floor'] for run in runs])} ms",
        ratio=f"{spread(ratios)}×",
        bar=at_most(median(totals), bar, " ms"),
    )
