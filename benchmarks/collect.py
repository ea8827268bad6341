"""Compares collection with raw sockets that fetch the same bytes, the SDK's typed models, and sequential requests."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from urllib.request import Request, urlopen

from auditor.collect.concurrency import MAX_READS
from benchmarks.measurement import ROOT, Readings, Row, at_least, at_most, module, spread
from benchmarks.peers.raw_graph import Raw, raw_tenants
from benchmarks.processes.graph import MODELLED

_USERS = 100_000
_TENANTS = 200
_EACH = 500
_PAGE_DELAY = 0.25
_DELAY = 0.05
"""Seconds added to each request of many tenants, as the latency of a remote service."""

_ROWS = 1_000_000
_MAX_MB = 150
"""Maximum memory above that of the process for a report, or a list of devices, of `_ROWS` rows."""


def measure(users: int, rounds: int) -> list[Row]:
    """Collect 100,000 users, a million users, and many small tenants."""
    return [*_one_tenant(users, rounds), _report(), _devices(), *_many_tenants(rounds)]


@contextmanager
def graph(*arguments: str) -> Iterator[Readings]:
    """Run the emulator in a separate process."""
    command = [sys.executable, "-m", "benchmarks.processes.graph", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()


def _collect(service: Readings, what: str) -> Readings:
    """Run the process that reads the address of the Graph from stdin."""
    command = [sys.executable, "-m", "benchmarks.processes.collect", what]
    output = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, input=json.dumps(service), cwd=ROOT
    ).stdout
    readings: Readings = json.loads(output.strip().splitlines()[-1])
    return readings


@contextmanager
def _slow(service: Readings, path: str, seconds: float) -> Iterator[None]:
    """Make the emulator wait before each answer."""
    address = service["endpoint"].removesuffix("/v1.0") + "/emulator/faults"
    fault = json.dumps({"kind": "slow", "path": path, "seconds": seconds, "times": None}).encode()
    urlopen(Request(address, data=fault, method="POST"), timeout=30).close()
    try:
        yield
    finally:
        urlopen(Request(address, method="DELETE"), timeout=30).close()


def _one_tenant(users: int, rounds: int) -> list[Row]:
    with graph(str(_USERS)) as service:
        raw = Raw(service["endpoint"], service["bearers"][0])
        pages = raw.pages()
        _collect(service, "users")  # generates every page that is requested later
        floors, runs = [], []
        for _ in range(rounds):
            floors.append(min(raw.download(pages) for _ in range(5)))
            runs.append(_collect(service, "users"))
        typed = _collect(service, "typed")["cpu"] * _USERS
        with _slow(service, "/users*", _PAGE_DELAY):
            slow = [_collect(service, "users") for _ in range(rounds)]
    peak = max(run["peak"] for run in runs)
    return [
        *(_against_raw(floors, runs, len(pages)), _against_models(typed, runs)),
        Row(
            what=f"{_USERS:,} users, peak memory of the process, the SDK in it",
            measured=f"{peak} MB",
            bar=at_most(peak, 400, " MB"),
        ),
        _against_latency(len(pages) * _PAGE_DELAY + min(floors), slow, len(pages)),
        _large_tenant(users, peak),
    ]


def _against_raw(floors: list[float], runs: list[Readings], pages: int) -> Row:
    floor = min(floors)
    ratios = [run["cpu"] / floor for run in runs]
    return Row(
        what=f"{_USERS:,} users in {pages} pages over loopback, requests to finished snapshot",
        measured=f"CPU {_seconds([run['cpu'] for run in runs])}; wall {_seconds([run['wall'] for run in runs])}",
        against=f"a raw socket that fetches the same pages and reads none: {floor:.3f} s, the best of {5 * len(runs)}",
        ratio=f"CPU {spread(ratios)}×",
        bar=at_most(median(ratios), 25),
    )


def _against_models(typed: float, runs: list[Readings]) -> Row:
    ratios = [typed / run["cpu"] for run in runs]
    return Row(
        what=f"{_USERS:,} users, the SDK's request builders with its native answers, pages into columns",
        measured=f"CPU {_seconds([run['cpu'] for run in runs])}",
        against=f"the SDK's typed models, {MODELLED} users measured and scaled: CPU {typed:,.0f} s",
        ratio=f"{spread(ratios, 0)}× less",
        bar=at_least(median(ratios), 150),
    )


def _against_latency(one_by_one: float, slow: list[Readings], pages: int) -> Row:
    ratios = [one_by_one / run["wall"] for run in slow]
    return Row(
        what=f"{_USERS:,} users, {_PAGE_DELAY * 1000:.0f} ms added to every answer about users",
        measured=f"wall {_seconds([run['wall'] for run in slow])}",
        against=f"{pages} pages one after the other: {one_by_one:.1f} s",
        ratio=f"{spread(ratios)}× faster",
        bar=at_least(median(ratios), 6),
    )


def _large_tenant(users: int, baseline: int) -> Row:
    with graph(str(users), "--quick") as service:
        large = _collect(service, "users")
    assert large["users"] == users, large
    ratio = large["peak"] / baseline
    return Row(
        what=f"{users:,} users, requests to finished snapshot, peak memory of the process",
        measured=f"{large['peak']} MB; CPU {large['cpu']:.1f} s; wall {large['wall']:.0f} s with the pages being made",
        against=f"{_USERS:,} users: {baseline} MB",
        ratio=f"{ratio:.2f}×",
        bar=at_most(ratio, 1.5),
    )


def _report() -> Row:
    """Read a usage report of a million people."""
    readings = module("processes.reports", str(_ROWS)).readings
    assert readings["rows"] == _ROWS, readings
    return _memory(
        f"a usage report of {_ROWS:,} rows, joined to as many users, memory above the process with its users", readings
    )


def _devices() -> Row:
    """Read one managed device of each of a million people."""
    with graph(str(_ROWS), "--quick") as service:
        readings = _collect(service, "devices")
    assert readings["rows"] > _ROWS // 2, readings
    return _memory(
        f"{_ROWS:,} managed devices of as many people, requests to a row per user, memory above the process", readings
    )


def _memory(what: str, readings: Readings) -> Row:
    memory = readings["peak"] - readings["before"]
    measured = f"{memory} MB; CPU {readings['cpu']:.1f} s"
    return Row(what=what, measured=measured, bar=at_most(memory, _MAX_MB, " MB"))


def _many_tenants(rounds: int) -> list[Row]:
    rows = []
    with graph(str(_EACH), "--tenants", str(_TENANTS)) as service:
        raw_tenants(service)  # generates every page that is requested later
        rows.append(_against_requests(0.0, *_alternate(service, rounds)))
        with _slow(service, "/*", _DELAY):
            rows.append(_against_requests(_DELAY, *_alternate(service, rounds)))
    return rows


def _alternate(service: Readings, rounds: int) -> tuple[list[float], list[Readings]]:
    """Alternate measurement and floor, so that disturbances affect both."""
    floors, runs = [], []
    for _ in range(rounds):
        floors.append(raw_tenants(service))
        runs.append(_collect(service, "small"))
    return floors, runs


def _against_requests(delay: float, floors: list[float], runs: list[Readings]) -> Row:
    ratios = [run["wall"] / floor for run, floor in zip(runs, floors, strict=True)]
    cpu_ms = [run["cpu"] / _TENANTS * 1000 for run in runs]
    delay_note = f", {delay * 1000:.0f} ms added to every answer" if delay else " over loopback"
    return Row(
        what=f"{_TENANTS} tenants of {_EACH} users{delay_note}, signing in to finished snapshots, "
        f"{MAX_READS} at a time",
        measured=f"wall {_seconds([run['wall'] for run in runs])}; CPU {spread(cpu_ms)} ms a tenant",
        against=f"their requests over raw sockets, {MAX_READS} at a time: {_seconds(floors)}",
        ratio=f"{spread(ratios)}×",
        bar=at_most(median(ratios), 2),
    )


def _seconds(values: list[float]) -> str:
    return f"{spread(values, 2)} s"
