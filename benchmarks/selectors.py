"""Measures each selector about usage, roles and coverage over a large tenant against one comparison in NumPy."""

from benchmarks.measurement import Row, at_most, module, spread
from benchmarks.processes.selectors import SELECTORS

_BAR = 33
"""Maximum milliseconds for a million people."""


def measure(users: int, rounds: int) -> list[Row]:
    """Return a row for each selector."""
    runs = [module("processes.selectors", str(users)).readings for _ in range(rounds)]
    floors = [run["floor"] for run in runs]
    return [
        Row(
            what=f"`{name}`, {users:,} people",
            measured=f"{spread(milliseconds)} ms",
            against=f"one comparison: {spread(floors)} ms",
            ratio=f"{spread([time / floor for time, floor in zip(milliseconds, floors, strict=True)], 0)} times",
            bar=at_most(min(milliseconds), _BAR * users / 1_000_000, " ms"),
        )
        for name in SELECTORS
        for milliseconds in ([run["spent"][name] for run in runs],)
    ]
