"""The big tenant: from Parquet to a table of findings, against plain loops and against Cloud Custodian's filters."""

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measuring import FIFTY, Row, module, peer, spread, tenant

Told = dict[str, Any]
"""What a process says it took: seconds, CPU seconds, findings."""

_FEW = 5
"""Every fifth policy: what the others cost is the price of a further one."""
_BAR = 12
_THRICE = 2.5
_CUSTODIAN_USERS = 20_000


def measure(users: int, rounds: int) -> list[Row]:
    """Run the engine before and after its slow peers, several times, and hold their findings against each other."""
    snapshot = tenant(users)
    engine = ("run_engine", str(snapshot), str(FIFTY))
    before = [module(*engine) for _ in range(rounds)]
    rows = _against_loops(users, snapshot, rounds, before=[ran.told for ran in before])
    peak = max(ran.peak for ran in before)
    count = len(policy_ids()) - len(policy_ids()[::_FEW])
    further: dict[str, list[float]] = {"seconds": [], "cpu": []}
    for _ in range(rounds):
        few = module(*engine, "--only", ",".join(policy_ids()[::_FEW])).told
        every = module(*engine).told
        for name, values in further.items():
            values.append(1000 * (every[name] - few[name]) / count)
    rows += [
        Row(
            what=f"{users:,} users × 50 policies, peak memory of the process",
            measured=f"{peak} MB",
            against="",
            ratio="",
            bar="≤ 700 MB",
            met=peak <= 700,
        ),
        Row(
            what=f"{users:,} users, each further policy",
            measured=f"{spread(further['seconds'])} ms; CPU {spread(further['cpu'])} ms",
            against=f"{len(policy_ids()[::_FEW])} of the 50",
            ratio="",
            bar="≤ 33.3 ms",
            met=median(further["cpu"]) <= 1000 / 30,
        ),
        _thrice_the_policies(users, engine, rounds),
        _thrice_the_users(users, engine, peak),
        *_streamed(users, engine, rounds),
    ]
    return rows + _against_custodian(users, snapshot, rounds)


def _thrice_the_policies(users: int, engine: tuple[str, ...], rounds: int) -> Row:
    turns = [(module(*engine).told, module(*engine, "--times", "3").told) for _ in range(rounds)]
    ratios = [many["cpu"] / few["cpu"] for few, many in turns]
    return Row(
        what=f"{users:,} users × 150 policies ({turns[0][1]['findings']:,} findings)",
        measured=_seconds([many for _, many in turns]),
        against=f"50 policies: {_seconds([few for few, _ in turns])}",
        ratio=f"CPU {spread(ratios, 2)}×",
        bar="≤ 2.5×",
        met=median(ratios) <= _THRICE,
    )


def _thrice_the_users(users: int, engine: tuple[str, ...], peak: int) -> Row:
    ran = module(engine[0], str(tenant(3 * users)), *engine[2:])
    return Row(
        what=f"{3 * users:,} users × 50 policies, peak memory with all findings in one table "
        f"({ran.told['findings']:,} findings)",
        measured=f"{ran.peak} MB",
        against=f"{users:,} users: {peak} MB",
        ratio=f"{ran.peak / peak:.2f}×",
        bar="",
    )


def _streamed(users: int, engine: tuple[str, ...], rounds: int) -> list[Row]:
    """Write findings to a Parquet file, as `audit -f parquet` does, and see that memory does not grow."""
    few = [module(*engine, "--parquet") for _ in range(rounds)]
    many = module(engine[0], str(tenant(3 * users)), *engine[2:], "--parquet")
    peak = max(ran.peak for ran in few)
    return [
        Row(
            what=f"{users:,} users × 50 policies, snapshot to a Parquet file of findings (`-f parquet`)",
            measured=f"{_seconds([ran.told for ran in few])}; {peak} MB",
            against="",
            ratio="",
            bar="",
        ),
        Row(
            what=f"{3 * users:,} users × 50 policies, the same ({many.told['findings']:,} findings), peak memory",
            measured=f"{many.peak} MB; {_seconds([many.told])}",
            against=f"{users:,} users: {peak} MB",
            ratio=f"{many.peak / peak:.2f}×",
            bar="≤ 1.2×",
            met=many.peak <= 1.2 * peak,
        ),
    ]


def _seconds(runs: Sequence[Told]) -> str:
    return f"{spread([ran['seconds'] for ran in runs], 2)} s, CPU {median(ran['cpu'] for ran in runs):.2f} s"


def _cpu_ratio(peers: Told, runs: Sequence[Told]) -> float:
    """Return how much more work the peer is: seconds of CPU, those of both cores added up."""
    return float(peers["cpu"] / median(ran["cpu"] for ran in runs))


def policy_ids() -> list[str]:
    """Return the ids of the fifty policies in order of writing."""
    return re.findall(r"- \{id: ([a-z0-9-]+),", FIFTY.read_text(encoding="utf-8"))


def _against_loops(users: int, snapshot: Path, rounds: int, before: list[Told]) -> list[Row]:
    structs = peer("structs")
    if structs is None:
        return []
    loops = module("run_loops", str(snapshot), str(FIFTY), "closures", "source", path=structs).told
    engine = ("run_engine", str(snapshot), str(FIFTY))
    checked = module(*engine, "--digest").told
    runs = [*before, *(module(*engine).told for _ in range(rounds))]
    rows = []
    for style, words in (
        ("closures", "the same rules as Python loops that interpret the policies"),
        ("source", "the same rules written out as Python source, one function each"),
    ):
        peers = loops[style]
        same = all(peers[name] == checked[name] for name in ("findings", "digest"))
        agreed = "the same findings to the last one" if same else "OTHER FINDINGS"
        # The bar was set by what loops take by themselves; that they end in no order and no table is their advantage.
        whole, ratios = ([peers[name] / ran["seconds"] for ran in runs] for name in ("seconds", "rules"))
        rows.append(
            Row(
                what=f"{users:,} users × 50 policies, Parquet to findings table ({checked['findings']:,} findings)",
                measured=_seconds(runs),
                against=f"{words}, over msgspec structs, to the same table: {_seconds([peers])}, of which the loops "
                f"{peers['rules']:.2f} s (building the structs, {loops['build']:.0f} s, not counted); {agreed}",
                ratio=f"{spread(ratios)}× faster than the loops alone; to the same table {spread(whole)}×, "
                f"CPU {_cpu_ratio(peers, runs):.1f}×",
                bar=f"≥ {_BAR}×",
                met=same and median(ratios) >= _BAR,
            )
        )
    return rows


def _against_custodian(users: int, snapshot: Path, rounds: int) -> list[Row]:
    custodian = peer("custodian")
    if custodian is None:
        return []
    small = tenant(_CUSTODIAN_USERS)
    peers = module("run_custodian", str(small), path=custodian).told
    only = ("--only", ",".join(peers["policies"]))
    same = module("run_engine", str(small), str(FIFTY), *only, "--pairs").told["pairs"] == peers["pairs"]
    runs = [module("run_engine", str(snapshot), str(FIFTY), *only).told for _ in range(rounds)]
    each = [ran["seconds"] / users * 1e6 for ran in runs]
    theirs = peers["seconds"] / peers["users"] * 1e6
    ratios = [theirs / ours for ours in each]
    work = _cpu_ratio(peers, runs) * users / peers["users"]
    whom = "the same (policy, user) pairs there" if same else "OTHER PAIRS"
    return [
        Row(
            what=f"a user × {len(peers['policies'])} policies ({users:,} users, loading included)",
            measured=f"{spread(each, 2)} µs",
            against=f"Cloud Custodian's filters over {peers['users']:,} users at hand: {theirs:.0f} µs; {whom}",
            ratio=f"{spread(ratios, 0)}× faster; CPU {work:,.0f}×",
            bar="≥ 150×",
            met=same and median(ratios) >= 150,
        )
    ]
