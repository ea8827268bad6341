"""Measures reading five hundred policy files against bare YAML and schema libraries."""

from statistics import median

from benchmarks.measurement import Row, at_most, module, spread


def measure(_users: int, rounds: int) -> list[Row]:
    """Load the files in several processes, alternating with the floor."""
    seconds: list[float] = []
    floor: list[float] = []
    for _ in range(rounds):
        readings = module("processes.policies").readings
        seconds += readings["load"]
        floor += readings["floor"]
    ratios = [load / bare for load, bare in zip(seconds, floor, strict=True)]
    return [
        Row(
            what="500 policy files with 1,000 policies and 500 waivers, parsed and checked, every value with its place",
            measured=f"{spread(seconds, 2)} s",
            against=f"PyYAML's CSafeLoader and jsonschema_rs, plain values only: {spread(floor, 2)} s",
            ratio=f"{spread(ratios)}×",
            bar=at_most(median(seconds), 1, " s"),
        )
    ]
