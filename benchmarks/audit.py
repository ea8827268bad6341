"""Measures the command `auditor audit` over one large tenant at two sizes, from the first import to result.json."""

import sys
import tempfile
from statistics import median

from msgspec import Struct

from benchmarks.measurement import INCOMPLETE, Measurement, Readings, Row, at_most, module, run, spread, tenant

_SIZES = (100_000, 300_000)
_MAX_GROWTH = 3.6
"""Maximum growth of time and memory for three times as many users: linear, plus a fifth for noise."""
_STREAMED_SIZES = (1_000_000, 3_000_000)
_MAX_STREAMED_GROWTH = 1.2
"""Maximum growth of memory for three times as many users if findings are written while they are described."""


class _Size(Struct, frozen=True, kw_only=True):
    """The measurements of one size, one for each repetition."""

    users: int
    audits: list[Measurement]
    floors: list[Readings]

    @property
    def cpu(self) -> list[float]:
        return [audit.cpu for audit in self.audits]

    @property
    def peak(self) -> int:
        return max(audit.peak for audit in self.audits)

    @property
    def findings(self) -> int:
        findings: int = self.floors[0]["findings"]
        return findings


def measure(_users: int, rounds: int) -> list[Row]:
    """Audit both tenants, alternating with their floors."""
    small, large = (_measure_size(size, rounds) for size in _SIZES)
    cpu, memory_ratio = median(large.cpu) / median(small.cpu), large.peak / small.peak
    growth = Row(
        what=f"how much more {large.users:,} users take than {small.users:,}",
        measured=f"CPU {cpu:.2f}×; memory {memory_ratio:.2f}×",
        against=f"{large.users / small.users:g} times the users, "
        f"{large.findings / small.findings:.2f} times the findings",
        bar=at_most(max(cpu, memory_ratio), _MAX_GROWTH),
    )
    streamed = [_streaming_row("csv,parquet", "CSV and Parquet"), _streaming_row("html,json", "HTML and JSON")]
    return [_row(small), _row(large), growth, *streamed]


def _streaming_row(formats: str, title: str) -> Row:
    """Audit very large tenants, once each, into files that are written finding by finding."""
    few, many = (audited(str(tenant(size)), formats) for size in _STREAMED_SIZES)
    return memory(
        f"{_STREAMED_SIZES[1]:,} users, whole audit, starter library, {title} out",
        f"{_STREAMED_SIZES[0]:,} users",
        (few.peak, f"CPU {few.cpu:.1f} s"),
        (many.peak, f"CPU {many.cpu:.1f} s"),
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
        bar=at_most(ratio, bar),
    )


def audited(snapshot: str, formats: str) -> Measurement:
    """Audit a snapshot, or all in a folder, and write some formats."""
    with tempfile.TemporaryDirectory(prefix="auditor-bench-") as out:
        audit = ["audit", "policies", "--snapshot", snapshot, "-f", formats, "-o", out, "--fail-on", "never", "-q"]
        command = [sys.executable, "-m", "auditor", *audit, "--as-of", "2026-11-20T02:17:00Z"]
        return run(command, accept=INCOMPLETE)


def _measure_size(users: int, rounds: int) -> _Size:
    snapshot = str(tenant(users))
    pairs = [(audited(snapshot, "json"), module("processes.audit", snapshot).readings) for _ in range(rounds)]
    return _Size(users=users, audits=[audit for audit, _ in pairs], floors=[floor for _, floor in pairs])


def _row(size: _Size) -> Row:
    floor, evaluation = ([readings[name] for readings in size.floors] for name in ("floor", "evaluation"))
    ratios = [cpu / (reading + judging) for cpu, reading, judging in zip(size.cpu, floor, evaluation, strict=True)]
    per_user = 1_000_000 * median(size.cpu) / size.users
    return Row(
        what=f"{size.users:,} users, whole audit, starter library, JSON out ({size.findings:,} findings, "
        "each written twice: in the file of the run and in that of the tenant)",
        measured=f"CPU {spread(size.cpu)} s ({per_user:.0f} µs a user); peak memory {size.peak} MB",
        against=f"reading and digesting the files with pyarrow: CPU {spread(floor, 2)} s; "
        f"opening them and evaluating: CPU {spread(evaluation, 2)} s",
        ratio=f"{spread(ratios)}× of both",
    )
