"""The big tenant: from Parquet to a table of findings, against plain loops and against Cloud Custodian's filters."""

import re
from pathlib import Path
from statistics import median

from benchmarks.measuring import FIFTY, Row, module, peer, spread, tenant

_FEW = 5
"""Every fifth policy: what the others cost is the price of a further one."""
_CUSTODIAN_USERS = 20_000


def measure(users: int, rounds: int) -> list[Row]:
    """Run the engine before and after its slow peers, several times, and hold their findings against each other."""
    snapshot = tenant(users)
    engine = ("run_engine", str(snapshot), str(FIFTY))
    before = [module(*engine) for _ in range(rounds)]
    rows = _against_loops(users, snapshot, rounds, before=[ran.told["seconds"] for ran in before])
    peak = max(ran.peak for ran in before)
    few = [module(*engine, "--only", ",".join(policy_ids()[::_FEW])).told["seconds"] for _ in range(rounds)]
    every = [module(*engine).told["seconds"] for _ in range(rounds)]
    count = len(policy_ids()) - len(policy_ids()[::_FEW])
    further = [1000 * (one - other) / count for one, other in zip(every, few, strict=True)]
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
            measured=f"{spread(further)} ms",
            against=f"{len(policy_ids()[::_FEW])} of the 50",
            ratio="",
            bar="≤ 33.3 ms",
            met=median(further) <= 1000 / 30,
        ),
    ]
    return rows + _against_custodian(users, snapshot, rounds)


def policy_ids() -> list[str]:
    """Return the ids of the fifty policies in order of writing."""
    return re.findall(r"- \{id: ([a-z0-9-]+),", FIFTY.read_text(encoding="utf-8"))


def _against_loops(users: int, snapshot: Path, rounds: int, before: list[float]) -> list[Row]:
    structs = peer("structs")
    if structs is None:
        return []
    loops = module("run_loops", str(snapshot), str(FIFTY), "closures", "source", path=structs).told
    engine = ("run_engine", str(snapshot), str(FIFTY))
    checked = module(*engine, "--digest").told
    seconds = [*before, *(module(*engine).told["seconds"] for _ in range(rounds))]
    rows = []
    for style, words, bar in (
        ("closures", "the same rules as Python loops that interpret the policies", 12),
        ("source", "the same rules written out as Python source, one function each", None),
    ):
        peers = loops[style]
        same = all(peers[name] == checked[name] for name in ("findings", "digest"))
        agreed = "the same findings to the last one" if same else "OTHER FINDINGS"
        ratios = [peers["seconds"] / each for each in seconds]
        rows.append(
            Row(
                what=f"{users:,} users × 50 policies, Parquet to findings table ({checked['findings']:,} findings)",
                measured=f"{spread(seconds, 2)} s",
                against=f"{words}, over msgspec structs: {peers['seconds']:.1f} s (building the structs, "
                f"{loops['build']:.0f} s, not counted); {agreed}",
                ratio=f"{spread(ratios)}× faster",
                bar="" if bar is None else f"≥ {bar}×",
                met=None if bar is None and same else same and median(ratios) >= (bar or 0),
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
    each = [module("run_engine", str(snapshot), str(FIFTY), *only).told["seconds"] / users * 1e6 for _ in range(rounds)]
    theirs = peers["seconds"] / peers["users"] * 1e6
    ratios = [theirs / ours for ours in each]
    whom = "the same (policy, user) pairs there" if same else "OTHER PAIRS"
    return [
        Row(
            what=f"a user × {len(peers['policies'])} policies ({users:,} users, loading included)",
            measured=f"{spread(each, 2)} µs",
            against=f"Cloud Custodian's filters over {peers['users']:,} users at hand: {theirs:.0f} µs; {whom}",
            ratio=f"{spread(ratios, 0)}× faster",
            bar="≥ 150×",
            met=same and median(ratios) >= 150,
        )
    ]
