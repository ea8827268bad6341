"""Compares collection with raw sockets that fetch the same bytes, the SDK's typed models, and sequential requests."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

from auditor.collect.concurrency import MAX_READING
from benchmarks.measuring import ROOT, Row, module, spread
from benchmarks.raw_graph import Raw, raw_tenants
from benchmarks.run_graph import MODELLED

_USERS = 100_000
_TENANTS = 200
_EACH = 500
_PAGE_DELAY = 0.25
_DELAY = 0.05
"""Seconds added to each request of many tenants, as the latency of a remote service."""

_LISTED = 1_000_000
_MAX_MB = 150
"""Memory above the process for a report, or a list of devices, of as many rows."""

Told = dict[str, Any]


def measure(users: int, rounds: int) -> list[Row]:
    """Collect 100,000 users, a million users, and many small tenants."""
    return [*_one_tenant(users, rounds), _report(), _devices(), *_many_tenants(rounds)]


@contextmanager
def graph(*arguments: str) -> Iterator[Told]:
    """Run the emulator in a separate process."""
    command = [sys.executable, "-m", "benchmarks.run_graph", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def _collected(told: Told, what: str) -> Told:
    return _run(told, "run_collect", what)


def _run(told: Told, *arguments: str) -> Told:
    """Run a module of this package that is given the Graph on stdin."""
    name, *others = arguments
    command = [sys.executable, "-m", f"benchmarks.{name}", *others]
    output = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, input=json.dumps(told), cwd=ROOT
    ).stdout
    found: Told = json.loads(output.strip().splitlines()[-1])
    return found


@contextmanager
def _slowed(told: Told, path: str, seconds: float) -> Iterator[None]:
    """Make the emulator wait before each answer."""
    address = told["endpoint"].removesuffix("/v1.0") + "/emulator/faults"
    order = json.dumps({"kind": "slow", "path": path, "seconds": seconds, "times": None}).encode()
    urlopen(Request(address, data=order, method="POST"), timeout=30).close()
    try:
        yield
    finally:
        urlopen(Request(address, method="DELETE"), timeout=30).close()


def _one_tenant(users: int, rounds: int) -> list[Row]:
    with graph(str(_USERS)) as told:
        raw = Raw(told["endpoint"], told["bearers"][0])
        pages = raw.pages()
        _collected(told, "users")  # every page that will be asked for is made now
        floors, runs = [], []
        for _ in range(rounds):
            floors.append(min(raw.download(pages) for _ in range(5)))
            runs.append(_collected(told, "users"))
        typed = _collected(told, "typed")["cpu"] * _USERS
        with _slowed(told, "/users*", _PAGE_DELAY):
            slow = [_collected(told, "users") for _ in range(rounds)]
    one_by_one = len(pages) * _PAGE_DELAY + min(floors)
    rows = [_against_raw(floors, runs, len(pages)), _against_models(typed, runs), _memory(runs)]
    rows.append(_against_latency(one_by_one, slow, len(pages)))
    return [*rows, _vast(users, runs)]


def _against_raw(floors: list[float], runs: list[Told], pages: int) -> Row:
    floor = min(floors)
    ratios = [ran["cpu"] / floor for ran in runs]
    return Row(
        what=f"{_USERS:,} users in {pages} pages over loopback, requests to finished snapshot",
        measured=f"CPU {_seconds([ran['cpu'] for ran in runs])}; wall {_seconds([ran['wall'] for ran in runs])}",
        against=f"a raw socket that fetches the same pages and reads none: {floor:.3f} s, the best of {5 * len(runs)}",
        ratio=f"CPU {spread(ratios)}×",
        bar="≤ 25×",
        met=median(ratios) <= 25,
    )


def _against_models(typed: float, runs: list[Told]) -> Row:
    ratios = [typed / ran["cpu"] for ran in runs]
    return Row(
        what=f"{_USERS:,} users, the SDK's request builders with its native answers, pages into columns",
        measured=f"CPU {_seconds([ran['cpu'] for ran in runs])}",
        against=f"the SDK's typed models, {MODELLED} users measured and scaled: CPU {typed:,.0f} s",
        ratio=f"{spread(ratios, 0)}× less",
        bar="≥ 150×",
        met=median(ratios) >= 150,
    )


def _memory(runs: list[Told]) -> Row:
    peak = max(ran["peak"] for ran in runs)
    return Row(
        what=f"{_USERS:,} users, peak memory of the process, the SDK in it",
        measured=f"{peak} MB",
        against="",
        ratio="",
        bar="≤ 400 MB",
        met=peak <= 400,
    )


def _against_latency(one_by_one: float, slow: list[Told], pages: int) -> Row:
    ratios = [one_by_one / ran["wall"] for ran in slow]
    return Row(
        what=f"{_USERS:,} users, {_PAGE_DELAY * 1000:.0f} ms added to every answer about users",
        measured=f"wall {_seconds([ran['wall'] for ran in slow])}",
        against=f"{pages} pages one after the other: {one_by_one:.1f} s",
        ratio=f"{spread(ratios)}× faster",
        bar="≥ 6×",
        met=median(ratios) >= 6,
    )


def _vast(users: int, runs: list[Told]) -> Row:
    usual = max(ran["peak"] for ran in runs)
    with graph(str(users), "--quick") as told:
        vast = _collected(told, "users")
    assert vast["users"] == users, vast
    ratio = vast["peak"] / usual
    return Row(
        what=f"{users:,} users, requests to finished snapshot, peak memory of the process",
        measured=f"{vast['peak']} MB; CPU {vast['cpu']:.1f} s; wall {vast['wall']:.0f} s with the pages being made",
        against=f"{_USERS:,} users: {usual} MB",
        ratio=f"{ratio:.2f}×",
        bar="≤ 1.5×",
        met=ratio <= 1.5,
    )


def _report() -> Row:
    """Read one usage report of a million people."""
    told = module("run_reports", str(_LISTED)).told
    assert told["rows"] == _LISTED, told
    taken = told["peak"] - told["before"]
    return Row(
        what=f"a usage report of {_LISTED:,} rows, joined to as many users, memory above the process with its users",
        measured=f"{taken} MB; CPU {told['cpu']:.1f} s",
        against="",
        ratio="",
        bar=f"≤ {_MAX_MB} MB",
        met=taken <= _MAX_MB,
    )


def _devices() -> Row:
    """Read one managed device of each of a million people."""
    with graph(str(_LISTED), "--quick") as told:
        ran = _run(told, "run_devices")
    assert ran["rows"] > _LISTED // 2, ran
    taken = ran["peak"] - ran["before"]
    return Row(
        what=f"{_LISTED:,} managed devices of as many people, requests to a row per user, memory above the process",
        measured=f"{taken} MB; CPU {ran['cpu']:.1f} s",
        against="",
        ratio="",
        bar=f"≤ {_MAX_MB} MB",
        met=taken <= _MAX_MB,
    )


def _many_tenants(rounds: int) -> list[Row]:
    rows = []
    with graph(str(_EACH), "--tenants", str(_TENANTS)) as told:
        raw_tenants(told)  # every page that will be asked for is made now
        for delay in (0.0, _DELAY):
            if delay:
                with _slowed(told, "/*", delay):
                    floors, runs = _turns(told, rounds)
            else:
                floors, runs = _turns(told, rounds)
            rows.append(_against_requests(delay, floors, runs))
    return rows


def _turns(told: Told, rounds: int) -> tuple[list[float], list[Told]]:
    """Alternate measurement and floor, so that disturbances affect both."""
    floors, runs = [], []
    for _ in range(rounds):
        floors.append(raw_tenants(told))
        runs.append(_collected(told, "small"))
    return floors, runs


def _against_requests(delay: float, floors: list[float], runs: list[Told]) -> Row:
    ratios = [ran["wall"] / floor for ran, floor in zip(runs, floors, strict=True)]
    each = [ran["cpu"] / _TENANTS * 1000 for ran in runs]
    added = f", {delay * 1000:.0f} ms added to every answer" if delay else " over loopback"
    return Row(
        what=f"{_TENANTS} tenants of {_EACH} users{added}, signing in to finished snapshots, {MAX_READING} at a time",
        measured=f"wall {_seconds([ran['wall'] for ran in runs])}; CPU {spread(each)} ms a tenant",
        against=f"their requests over raw sockets, {MAX_READING} at a time: {_seconds(floors)}",
        ratio=f"{spread(ratios)}×",
        bar="≤ 2×",
        met=median(ratios) <= 2,
    )


def _seconds(values: list[float]) -> str:
    return f"{spread(values, 2)} s"
