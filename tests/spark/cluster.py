"""A real standalone cluster on loopback: one master and two workers, each with one core, started and stopped by tests."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

QUICK_JAVA = {**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
"""An environment for JVMs that live for half a minute: compiling them well would take longer than they run."""
_START = 240.0
"""Seconds that a JVM may take to come up on a machine with other things to do."""
_MASTER = re.compile(r"spark://127\.0\.0\.1:[0-9]+")


class Cluster(Struct, frozen=True, kw_only=True):
    """The address of a master and the processes of its workers."""

    master: str
    workers: tuple[subprocess.Popen[bytes], ...]
    environment: Mapping[str, str]

    def kill(self, number: int) -> None:
        """Kill a worker with everything it has started, as a machine that loses its power."""
        doomed = [self.workers[number].pid, *descendants(self.workers[number].pid)]
        for process in doomed:
            _kill(process)

    def busy(self, number: int) -> bool:
        """Whether a Python process judges on a worker."""
        return any("pyspark.daemon" in command_of(process) for process in descendants(self.workers[number].pid))


def home() -> Path:
    """Return the folder of PySpark's own Spark."""
    found = find_spec("pyspark")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Start master and workers with their logs and work in `folder`; stop them at the end, whatever happened."""
    environment = {
        **QUICK_JAVA,
        "SPARK_HOME": str(home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_NO_DAEMONIZE": "1",
        "PYSPARK_PYTHON": sys.executable,
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(_start(folder / "master.log", environment, "master.Master", "--port", "0"))
        master = _told(folder / "master.log", _MASTER, started[0])
        for number in range(2):
            options = ("--port", "0", "-c", "1", "-m", "1200m", "-d", str(folder / f"work-{number}"), master)
            started.append(_start(folder / f"worker-{number}.log", environment, "worker.Worker", *options))
        for number in range(2):
            _told(folder / f"worker-{number}.log", re.compile("Successfully registered"), started[number + 1])
        yield Cluster(master=master, workers=tuple(started[1:]), environment=environment)
    finally:
        for process in started:
            for child in descendants(process.pid):
                _kill(child)
            process.kill()
            process.wait()


def _start(log: Path, environment: Mapping[str, str], role: str, *options: str) -> subprocess.Popen[bytes]:
    command = [str(home() / "bin" / "spark-class"), f"org.apache.spark.deploy.{role}", "--host", "127.0.0.1"]
    with log.open("wb") as out:
        return subprocess.Popen(
            [*command, "--webui-port", "0", *options], env=dict(environment), stdout=out, stderr=subprocess.STDOUT
        )


def _told(log: Path, wanted: re.Pattern[str], process: subprocess.Popen[bytes]) -> str:
    """Wait until a log says what is wanted."""
    end = time.monotonic() + _START
    while time.monotonic() < end and process.poll() is None:
        found = wanted.search(log.read_text(encoding="utf-8", errors="replace"))
        if found is not None:
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"{log.name} never said {wanted.pattern!r}:\n{log.read_text(errors='replace')[-2000:]}")


def descendants(process: int) -> list[int]:
    """Return the processes that a process has started, and those that they have started (Linux)."""
    try:
        children = [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
        threads = [int(task.name) for task in Path(f"/proc/{process}/task").iterdir() if int(task.name) != process]
        for thread in threads:
            children += map(int, Path(f"/proc/{process}/task/{thread}/children").read_text().split())
    except OSError:
        return []  # it has ended meanwhile
    return [one for child in children for one in (child, *descendants(child))]


def command_of(process: int) -> str:
    """Return the command line of a process; empty for one that has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return  # it was quicker
