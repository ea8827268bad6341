"""Runs commands in separate processes and measures time and peak memory; formats values with their spread."""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "benchmarks"
"""Generated tenants, libraries of peers and compiled modules, kept between runs."""
FIFTY = ROOT / "benchmarks" / "fifty.yaml"
PEERS = {"structs": ("msgspec",), "custodian": ("c7n",), "plots": ("matplotlib",)}
"""Folder → packages installed into it; the project does not depend on them."""
Readings = dict[str, Any]
"""The measurements that a process prints as JSON."""


class Measurement(Struct, frozen=True, kw_only=True):
    """The measurements of one process."""

    wall: float
    """Seconds from start to end."""
    cpu: float
    """CPU seconds, user and system."""
    peak: int
    """Peak resident memory in MB."""
    out: str

    @property
    def readings(self) -> Readings:
        """The JSON document on the last line of the output."""
        readings: Readings = json.loads(self.out.strip().splitlines()[-1])
        return readings


class Bar(Struct, frozen=True):
    """A limit for a measurement, and whether it is met."""

    text: str
    met: bool


def at_most(value: float, limit: float | None, unit: str = "×") -> Bar | None:
    """Return the bar of an upper limit; None if there is no limit."""
    return None if limit is None else Bar(f"≤ {limit:g}{unit}", value <= limit)


def at_least(value: float, limit: float, unit: str = "×") -> Bar:
    """Return the bar of a lower limit."""
    return Bar(f"≥ {limit:g}{unit}", value >= limit)


class Row(Struct, frozen=True, kw_only=True):
    """One line of a table: what was measured, against what, and whether the bar is met."""

    what: str
    measured: str
    against: str = ""
    ratio: str = ""
    """The median, with the smallest and the largest value in brackets."""
    bar: Bar | None = None


def run(arguments: Sequence[str], *, path: Path | None = None, accept: tuple[int, ...] = (0,)) -> Measurement:
    """Run a command in the project folder; `path` is prepended to its module path.

    Keep this process small: the peak memory of a child process starts at the memory of its parent.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # The same allocator as in the command; the modules import Arrow before they could choose it.
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "NO_COLOR": "1"}
    environment |= {"PYTHONPYCACHEPREFIX": str(CACHE / "compiled")}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    if process.returncode not in accept:
        sys.exit(f"{' '.join(arguments)} ended with {process.returncode}:\n{text[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return Measurement(wall=wall, cpu=cpu, peak=_megabytes(usage), out=text)


def peak() -> int:
    """Return the peak resident memory of this process so far, in MB."""
    return _megabytes(resource.getrusage(resource.RUSAGE_SELF))


def reset_peak() -> int:
    """Let the peak begin at the memory in use, and return it; other systems than Linux cannot forget a peak."""
    control = Path("/proc/self/clear_refs")
    if control.exists():
        control.write_text("5")  # proc(5): "reset the peak resident set size to the process's current value"
    return peak()


def _megabytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10)


INCOMPLETE = (0, 3)
"""Exit codes of audits of generated tenants: those without optional sources leave policies unevaluated."""


def module(name: str, *arguments: str, path: Path | None = None) -> Measurement:
    """Run a module of this package."""
    return run([sys.executable, "-m", f"benchmarks.{name}", *arguments], path=path)


def tenant(users: int) -> Path:
    """Return the snapshot of a tenant of that size."""
    return next(_generated_folder(f"tenant-{users}", users).glob("*/*/manifest.json")).parent


def fleet(tenants: int, users: int) -> Path:
    """Return the folder of the snapshots of many small tenants."""
    return _generated_folder(f"fleet-{tenants}-{users}", users, tenants)


def _generated_folder(name: str, *sizes: int) -> Path:
    """Return a folder of the cache, generated again if the generator or the writer of snapshots has changed."""
    folder = CACHE / name
    recipe = b"".join((ROOT / path).read_bytes() for path in ("benchmarks/tenant.py", "auditor/snapshot/writer.py"))
    if not (folder / "recipe").is_file() or (folder / "recipe").read_bytes() != recipe:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        module("tenant", str(folder), *map(str, sizes))
        (folder / "recipe").write_bytes(recipe)
    return folder


def peer(name: str) -> Path | None:
    """Return the folder of a peer's libraries, installed once; None, with a message on stderr, if that fails."""
    folder = CACHE / "peers" / name
    if not folder.is_dir():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        installed = subprocess.run(
            [*command, "--target", str(part), *PEERS[name]], capture_output=True, text=True, check=False
        )
        if installed.returncode:
            print(f"benchmarks: without {', '.join(PEERS[name])}: {installed.stderr.strip()[-300:]}", file=sys.stderr)
            return None
        part.rename(folder)
    return folder


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Format the median with the smallest and the largest value."""
    if len(values) == 1:
        return f"{values[0]:,.{digits}f}"
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} [{low:,.{digits}f}–{high:,.{digits}f}]"


def alternated(
    commands: dict[str, Sequence[str]], rounds: int, *, accept: tuple[int, ...] = (0,)
) -> dict[str, list[float]]:
    """Run commands alternately, once unmeasured, and return the seconds of each, so that disturbances affect all."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            measurement = run(command, accept=accept)
            if turn:
                seconds[name].append(measurement.wall)
    return seconds
