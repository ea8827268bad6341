"""Small tenants one after the other: opening the snapshot, judging it and describing what was found, for each."""

from statistics import median

from benchmarks.measuring import Row, fleet, module, spread

_TENANTS = 200
_USERS = 500
_BAR = 15
"""Milliseconds a tenant."""


def measure(users: int, rounds: int) -> list[Row]:
    """Walk the tenants in a fresh process, several times; `users`, the size of the big tenant, says nothing here."""
    del users
    runs = [module("run_tenants", str(fleet(_TENANTS, _USERS))).told for _ in range(rounds)]
    each = [ran["cpu"] for ran in runs]
    parts = ", ".join(f"{name} {median(ran['parts'][name] for ran in runs):.1f}" for name in runs[0]["parts"])
    ratios = [ran["cpu"] / ran["floor"] for ran in runs]
    return [
        Row(
            what=f"a tenant of {_USERS} users × {runs[0]['policies']} policies of the starter library, "
            f"{runs[0]['findings'] / _TENANTS:,.0f} findings ({_TENANTS} tenants in one process)",
            measured=f"{spread(each)} ms of CPU ({parts})",
            against="reading the same files whole with pyarrow, digests included: "
            f"{spread([ran['floor'] for ran in runs])} ms",
            ratio=f"{spread(ratios)}×",
            bar=f"≤ {_BAR} ms",
            met=median(each) <= _BAR,
        )
    ]
