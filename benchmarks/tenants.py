"""Small tenants one after the other: what each takes, and that a whole audit of many holds one at a time."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.auditing import audited, memory
from benchmarks.measuring import Row, fleet, module, spread

_TENANTS = 200
_MANY = 1000
_USERS = 500
_FLAT = 1.7
"""How many times the memory five times the tenants may take: what a run says of each, findings and actions aside."""
_BAR = 15
"""Milliseconds that evaluating a tenant may take."""

Told = dict[str, Any]
"""What a process says it took."""


def measure(users: int, rounds: int) -> list[Row]:
    """Walk the tenants in a fresh process, several times; `users`, the size of the big tenant, says nothing here."""
    del users
    runs = [module("run_tenants", str(fleet(_TENANTS, _USERS))).told for _ in range(rounds)]
    tenant = f"a tenant of {_USERS} users × {runs[0]['policies']} policies of the starter library, "
    tenant += f"{runs[0]['findings'] / _TENANTS:,.0f} findings ({_TENANTS} tenants in one process)"
    whole = "reading the same files whole with pyarrow, digests included: "
    return [
        _row(f"{tenant}: snapshot opened and evaluated", runs, ("open", "judge"), against=whole, bar=_BAR),
        _row("the same, and every finding described: names, evidence, money", runs, tuple(runs[0]["parts"])),
        *(_held(formats, told) for formats, told in (("html,json", "default files"), ("csv", "CSV"))),
    ]


def _held(formats: str, told: str) -> Row:
    """Audit few and many tenants with the whole command, once each."""
    few, many = (audited(str(fleet(tenants, _USERS)), formats) for tenants in (_TENANTS, _MANY))
    return memory(
        f"{_MANY:,} tenants of {_USERS} users, whole audit, starter library, {told}",
        f"{_TENANTS} tenants",
        (few[1], f"CPU {1000 * few[0] / _TENANTS:.0f} ms a tenant"),
        (many[1], f"CPU {1000 * many[0] / _MANY:.0f} ms a tenant"),
        bar=_FLAT,
    )


def _row(what: str, runs: Sequence[Told], parts: Sequence[str], *, against: str = "", bar: int | None = None) -> Row:
    """Tell what some parts of the work took for each tenant."""
    each = [sum(ran["parts"][name] for name in parts) for ran in runs]
    told = ", ".join(f"{name} {median(ran['parts'][name] for ran in runs):.1f}" for name in parts)
    ratios = [milliseconds / ran["floor"] for milliseconds, ran in zip(each, runs, strict=True)]
    return Row(
        what=what,
        measured=f"{spread(each)} ms of CPU ({told})",
        against=against and f"{against}{spread([ran['floor'] for ran in runs])} ms",
        ratio=f"{spread(ratios)}×",
        bar="" if bar is None else f"≤ {bar} ms",
        met=None if bar is None else median(each) <= bar,
    )
