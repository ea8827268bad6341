"""Measures the command `auditor audit` over one large tenant at two sizes, from the first import to result.json."""

import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from statistics import median

from msgspec import Struct

from benchmarks.measurement import INCOMPLETE, Row, module, run, spread, tenant

_SIZES = (100_000, 300_000)
_MAX_GROWTH = 3.6
"""Maximum growth of time and memory for three times as many users: linear, plus a fifth for noise."""
_STREAMED_SIZES = (1_000_000, 3_000_000)
_MAX_STREAMED_GROWTH = 1.2
"""Maximum growth of memory for three times as many users if findings are written while they are described."""


class _Measurements(Struct, frozen=True, kw_only=True):
    """The measurements of one size, one value for each repetition."""

    cpu: Sequence[float]
    """CPU seconds of the command, all threads."""
    peak: int
    """MB."""
    floor: Sequence[float]
    evaluation: Sequence[float]
    findings: int


def measure(_users: int, rounds: int) -> list[Row]:
    """Audit both tenants, alternating with their floors."""
    small, large = (_measure_size(size, rounds) for size in _SIZES)
    rows = [_row(size, measurements) for size, measurements in zip(_SIZES, (small, large), strict=True)]
    cpu = median(large.cpu) / median(small.cpu)
    memory_ratio = large.peak / small.peak
    rows.append(
        Row(
            what=f"how much more {_SIZES[1]:,} users take than {_SIZES[0]:,}",
            measured=f"CPU {cpu:.2f}×; memory {memory_ratio:.2f}×",
            against=f"{_SIZES[1] / _SIZES[0]:g} times the users, "
            f"{large.findings / small.findings:.2f} times the findings",
            ratio="",
            bar=f"≤ {_MAX_GROWTH:g}×",
            met=cpu <= _MAX_GROWTH and memory_ratio <= _MAX_GROWTH,
        )
    )
    return [*rows, _streaming_row("csv,parquet", "CSV and Parquet"), _streaming_row("html,json", "HTML and JSON")]


def _streaming_row(formats: str, title: str) -> Row:
    """Audit very large tenants, once each, into files that are written finding by finding."""
    few, many = (audited(str(tenant(size)), formats) for size in _STREAMED_SIZES)
    return memory(
        f"{_STREAMED_SIZES[1]:,} users, whole audit, starter library, {title} out",
        f"{_STREAMED_SIZES[0]:,} users",
        (few[1], f"CPU {few[0]:.1f} s"),
        (many[1], f"CPU {many[0]:.1f} s"),
        bar=_MAX_STREAMED_GROWTH,
    )


def memory(what: str, against: str, few: tuple[int, str], many: tuple[int, str], *, bar: float) -> Row:
    """Compare the peak memory of a large job with that of a small one; each is MB and a text of other measurements."""
    ratio = many[0] / few[0]
    return Row(
        what=f"{what}, peak memory",
        measured=f"{many[0]} MB; {many[1]}",
        against=f"{against}: {few[0]} MB; {few[1]}",
        ratio=f"{ratio:.2f}×",
        bar=f"≤ {bar:g}×",
        met=ratio <= bar,
    )


def audited(snapshot: str, formats: str) -> tuple[float, int]:
    """Return the CPU seconds and the peak memory in MB of an audit that writes some formats."""
    with tempfile.TemporaryDirectory(prefix="auditor-bench-") as out:
        audit = ["audit", "policies", "--snapshot", snapshot, "-f", formats, "-o", out, "--fail-on", "never", "-q"]
        command = [sys.executable, "-m", "auditor", *audit, "--as-of", "2026-11-20T02:17:00Z"]
        return _children_cpu(lambda: run(command, accept=INCOMPLETE).peak)


def _measure_size(users: int, rounds: int) -> _Measurements:
    snapshot = str(tenant(users))
    cpu: list[float] = []
    peaks: list[int] = []
    readings = []
    for _ in range(rounds):
        seconds, peak = audited(snapshot, "json")
        cpu.append(seconds)
        peaks.append(peak)
        readings.append(module("processes.audit", snapshot).readings)
    return _Measurements(
        cpu=cpu,
        peak=max(peaks),
        floor=[reading["floor"] for reading in readings],
        evaluation=[reading["evaluation"] for reading in readings],
        findings=readings[0]["findings"],
    )


def _children_cpu(call: Callable[[], int]) -> tuple[float, int]:
    """Return the CPU seconds of the child processes that a call waits for, and its return value."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak


def _row(users: int, measurements: _Measurements) -> Row:
    floors = [read + evaluate for read, evaluate in zip(measurements.floor, measurements.evaluation, strict=True)]
    ratios = [cpu / floor for cpu, floor in zip(measurements.cpu, floors, strict=True)]
    per_user = 1_000_000 * median(measurements.cpu) / users
    return Row(
        what=f"{users:,} users, whole audit, starter library, JSON out ({measurements.findings:,} findings, "
        "each written twice: in the file of the run and in that of the tenant)",
        measured=f"CPU {spread(measurements.cpu)} s ({per_user:.0f} µs a user); peak memory {measurements.peak} MB",
        against=f"reading and digesting the files with pyarrow: CPU {spread(measurements.floor, 2)} s; "
        f"opening them and evaluating: CPU {spread(measurements.evaluation, 2)} s",
        ratio=f"{spread(ratios)}× of both",
        bar="",
    )
