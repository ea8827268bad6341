"""Compares the evaluation of a large tenant with plain Python loops and with Cloud Custodian's filters."""

import re
from collections.abc import Sequence
from statistics import median

from benchmarks.measurement import FIFTY, Bar, Readings, Row, at_least, at_most, module, peer, spread, tenant

_SUBSET_STEP = 5
"""Every fifth policy is in the subset; the difference to all policies is the cost of the others."""
_LOOP_USERS = 200_000
"""Number of users for loops and for 150 policies; the time of loops is proportional to the number of users."""
_CUSTODIAN_USERS = 20_000
_FASTER_EVALUATION = 12
_FASTER_TABLE = 2


def measure(users: int, rounds: int) -> list[Row]:
    """Measure evaluation alone, and up to the table of findings, and compare both with the peers."""
    evaluations, tables, files, further_cpu = [], [], [], []
    subset = ",".join(policy_ids()[::_SUBSET_STEP])
    for _ in range(rounds):
        evaluations.append(_engine(users, "--outcomes"))
        further_cpu.append(evaluations[-1]["cpu"] - _engine(users, "--outcomes", "--only", subset)["cpu"])
        tables.append(_engine(users))
        files.append(module("processes.engine", str(tenant(users)), str(FIFTY), "--parquet"))
    milliseconds = [1000 * seconds / (len(policy_ids()) - len(subset.split(","))) for seconds in further_cpu]
    peak = max(measurement.peak for measurement in files)
    cpu = [measurement.readings["cpu"] for measurement in files]
    return [
        *_against_loops(users, evaluations, tables),
        Row(
            what=f"{users:,} users, evaluation of each further policy",
            measured=f"CPU {spread(milliseconds)} ms",
            against=f"{len(subset.split(','))} of the 50",
            bar=at_most(median(milliseconds), 33.3, " ms"),
        ),
        Row(
            what=f"{users:,} users × 50 policies, snapshot to the Parquet file of findings (`-f parquet`)",
            measured=f"CPU {spread(cpu)} s; {peak} MB",
            bar=at_most(peak, 700, " MB"),
        ),
        _triple_policies(rounds),
        _with_actions(),
        *_against_custodian(users, rounds),
    ]


def policy_ids() -> list[str]:
    """Return the ids of the fifty policies in the order of the file."""
    return re.findall(r"- \{id: ([a-z0-9-]+),", FIFTY.read_text(encoding="utf-8"))


def _engine(users: int, *options: str) -> Readings:
    return module("processes.engine", str(tenant(users)), str(FIFTY), *options).readings


def _triple_policies(rounds: int) -> Row:
    """Compare 50 with 150 policies; most of the time is spent on findings, so the bar is the time of a finding."""
    turns = [(_engine(_LOOP_USERS), _engine(_LOOP_USERS, "--times", "3")) for _ in range(rounds)]
    times = [[1_000_000 * readings["cpu"] / readings["findings"] for readings in turn] for turn in turns]
    ratios = [many / few for few, many in times]
    fewer, more = (readings["findings"] for readings in turns[0])
    return Row(
        what=f"{_LOOP_USERS:,} users × 150 policies, to the table ({more:,} findings)",
        measured=f"CPU {spread([many for _, many in times])} µs a finding",
        against=f"50 policies ({fewer:,} findings): CPU {spread([few for few, _ in times])} µs a finding",
        ratio=f"{spread(ratios, 2)}×",
        bar=at_most(median(ratios), 1.1),
    )


def _with_actions() -> Row:
    readings = _engine(_LOOP_USERS, "--actions")
    return Row(
        what=f"{_LOOP_USERS:,} users × 50 policies, the table with evidence, and the actions, as most formats need",
        measured=f"CPU {readings['cpu']:.1f} s ({1_000_000 * readings['cpu'] / _LOOP_USERS:.0f} µs a user)",
    )


def _against_loops(users: int, evaluations: Sequence[Readings], tables: Sequence[Readings]) -> list[Row]:
    """Compare with loops, whose seconds are scaled to the same number of users; the findings must be equal."""
    structs = peer("structs")
    if structs is None:
        return []
    snapshot = str(tenant(_LOOP_USERS))
    loops = module("processes.loops", snapshot, str(FIFTY), "interpreted", "compiled", path=structs).readings
    digests = _engine(_LOOP_USERS, "--digest")
    evaluation = f"{users:,} users × 50 policies, evaluation alone (`auditor validate --snapshot`)"
    table = (
        f"{users:,} users × 50 policies, snapshot to the table of findings with guidance and fingerprints, as in "
        f"`auditor audit -f parquet` ({tables[0]['findings']:,} findings)"
    )
    rows = []
    for style, title in (
        ("interpreted", "the same rules as Python loops that interpret the policies"),
        ("compiled", "the same rules written out as Python source, one function each"),
    ):
        same = all(loops[style][name] == digests[name] for name in ("findings", "digest"))
        agreement = "the same findings to the last one" if same else "OTHER FINDINGS"
        peers = {name: seconds * users / _LOOP_USERS for name, seconds in loops[style].items() if name != "digest"}
        scaled = f"{_LOOP_USERS:,} users, scaled (building the structs not counted); {agreement}"
        # The time of the loops alone; not having to sort the findings or to build a table is their advantage.
        rules = f"{title}, over msgspec structs, no table: CPU {peers['rules cpu']:.1f} s; {scaled}"
        ratios = [peers["rules cpu"] / readings["cpu"] for readings in evaluations]
        faster = [peers["rules"] / readings["seconds"] for readings in evaluations]
        rows.append(
            Row(
                what=evaluation,
                measured=_seconds(evaluations),
                against=rules,
                ratio=f"{spread(faster)}× faster; CPU {spread(ratios)}×",
                bar=_if_same(at_least(median(faster), _FASTER_EVALUATION), same=same),
            )
        )
        ratios = [peers["cpu"] / readings["cpu"] for readings in tables]
        rows.append(
            Row(
                what=table,
                measured=_seconds(tables),
                against=f"{title}, to a table without guidance and fingerprints: CPU {peers['cpu']:.1f} s; {scaled}",
                ratio=f"CPU {spread(ratios)}×",
                bar=_if_same(at_least(median(ratios), _FASTER_TABLE), same=same) if style == "interpreted" else None,
            )
        )
    return rows


def _if_same(bar: Bar, *, same: bool) -> Bar:
    """Return a bar that is missed if the results of the peer differ."""
    return Bar(bar.text, bar.met and same)


def _against_custodian(users: int, rounds: int) -> list[Row]:
    custodian = peer("custodian")
    if custodian is None:
        return []
    peers = module("processes.custodian", str(tenant(_CUSTODIAN_USERS)), path=custodian).readings
    only = ("--only", ",".join(peers["policies"]))
    same = _engine(_CUSTODIAN_USERS, *only, "--pairs")["pairs"] == peers["pairs"]
    evaluations = [_engine(users, *only, "--outcomes") for _ in range(rounds)]
    engine_times = [1_000_000 * readings["seconds"] / users for readings in evaluations]
    peer_us = 1_000_000 * peers["seconds"] / peers["users"]
    ratios = [peer_us / engine_time for engine_time in engine_times]
    work = peers["cpu"] / median(readings["cpu"] for readings in evaluations) * users / peers["users"]
    agreement = "the same (policy, user) pairs there" if same else "OTHER PAIRS"
    return [
        Row(
            what=f"a user × {len(peers['policies'])} policies, evaluation alone ({users:,} users, loading included)",
            measured=f"{spread(engine_times, 2)} µs",
            against=f"Cloud Custodian's filters over {peers['users']:,} users, decoded: {peer_us:.0f} µs; {agreement}",
            ratio=f"{spread(ratios, 0)}× faster; CPU {work:,.0f}×",
            bar=_if_same(at_least(median(ratios), 150), same=same),
        )
    ]


def _seconds(readings: Sequence[Readings]) -> str:
    seconds = [reading["seconds"] for reading in readings]
    return f"{spread(seconds, 2)} s, CPU {median(reading['cpu'] for reading in readings):.2f} s"
