"""Compares Spark on two local processors with the local engine."""

from statistics import median

from benchmarks.measurement import FIFTY, Row, module, spread, tenant

_MASTER = "local[2]"
_BAR = 3


def measure(users: int, rounds: int) -> list[Row]:
    """Run both engines alternately and compare their findings."""
    snapshot = str(tenant(users))
    turns = [
        (
            module("processes.engine", snapshot, str(FIFTY), "--digest").readings,
            module("processes.spark", snapshot, str(FIFTY), _MASTER).readings,
        )
        for _ in range(rounds)
    ]
    for here, there in turns:
        if here["digest"] != there["digest"]:
            raise SystemExit(f"Spark finds otherwise: {there['findings']:,} findings, {here['findings']:,} here")
    ratios = [there["seconds"] / here["seconds"] for here, there in turns]
    return [
        Row(
            what=f"{users:,} users × 50 policies on Spark's {_MASTER}, the same findings to the last one",
            measured=f"{spread([there['seconds'] for _, there in turns])} s once it has started, which takes "
            f"{spread([there['start'] for _, there in turns])} s",
            against=f"the local engine: {spread([here['seconds'] for here, _ in turns])} s",
            ratio=f"{spread(ratios)}×",
            bar=f"≤ {_BAR}× and its start",
            met=median(ratios) <= _BAR,
        )
    ]
