"""Compares Spark on two local processors with the local engine."""

from statistics import median

from benchmarks.measurement import FIFTY, Row, at_most, module, spread, tenant

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
    for local, spark in turns:
        if local["digest"] != spark["digest"]:
            raise SystemExit(f"Spark finds otherwise: {spark['findings']:,} findings, {local['findings']:,} here")
    ratios = [spark["seconds"] / local["seconds"] for local, spark in turns]
    return [
        Row(
            what=f"{users:,} users × 50 policies on Spark's {_MASTER}, the same findings to the last one",
            measured=f"{spread([spark['seconds'] for _, spark in turns])} s once it has started, which takes "
            f"{spread([spark['start'] for _, spark in turns])} s",
            against=f"the local engine: {spread([local['seconds'] for local, _ in turns])} s",
            ratio=f"{spread(ratios)}×",
            bar=at_most(median(ratios), _BAR, "× and its start"),
        )
    ]
