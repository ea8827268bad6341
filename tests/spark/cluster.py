"""A standalone Spark cluster on the loopback interface: one master and two workers with one core each."""

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

_JAVA_OPTIONS = (
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
    *("-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote"),
)
QUICK_JAVA = {**os.environ, "JAVA_TOOL_OPTIONS": " ".join(_JAVA_OPTIONS)}
"""An environment for JVMs that run for half a minute: optimising and verifying classes would take longer."""
_START = 240.0
"""Time limit in seconds for the start of a JVM on a busy machine."""
_MASTER = re.compile(r"spark://127\.0\.0\.1:[0-9]+")


class Cluster(Struct, frozen=True, kw_only=True):
    """The address of a master and the processes of its workers."""

    master: str
    workers: tuple[subprocess.Popen[bytes], ...]
    environment: Mapping[str, str]

    def kill(self, number: int) -> None:
        """Kill a worker and all its child processes, like a power failure of its machine."""
        processes = [self.workers[number].pid, *descendants(self.workers[number].pid)]
        for process in processes:
            _kill(process)

    def busy(self, number: int) -> bool:
        """Return whether a Python process evaluates on a worker."""
        return any("pyspark.daemon" in command_of(process) for process in descendants(self.workers[number].pid))


def home() -> Path:
    """Return the folder of the Spark distribution in PySpark."""
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Start master and workers with logs and data in `folder`; stop them at the end, also after an error."""
    environment = {
        **QUICK_JAVA,
        "SPARK_HOME": str(home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_NO_DAEMONIZE": "1",
        "PYSPARK_PYTHON": sys.executable,
    }
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(_start(folder / "master.log", environment, "master.Master", "--port", "0"))
        master = _wait_for_log(folder / "master.log", _MASTER, processes[0])
        for number in range(2):
            options = ("--port", "0", "-c", "1", "-m", "1200m", "-d", str(folder / f"work-{number}"), master)
            processes.append(_start(folder / f"worker-{number}.log", environment, "worker.Worker", *options))
        for number in range(2):
            _wait_for_log(folder / f"worker-{number}.log", re.compile("Successfully registered"), processes[number + 1])
        yield Cluster(master=master, workers=tuple(processes[1:]), environment=environment)
    finally:
        for process in processes:
            for child in descendants(process.pid):
                _kill(child)
            process.kill()
            process.wait()


def _start(log: Path, environment: Mapping[str, str], role: str, *options: str) -> subprocess.Popen[bytes]:
    command = [str(home() / "bin" / "spark-class"), f"org.apache.spark.deploy.{role}", "--host", "127.0.0.1"]
    with log.open("wb") as stream:
        return subprocess.Popen(
            [*command, "--webui-port", "0", *options], env=dict(environment), stdout=stream, stderr=subprocess.STDOUT
        )


def _wait_for_log(log: Path, pattern: re.Pattern[str], process: subprocess.Popen[bytes]) -> str:
    """Wait until a pattern appears in a log, and return the match."""
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        match = pattern.search(log.read_text(encoding="utf-8", errors="replace"))
        if match is not None:
            return match[0]
        time.sleep(0.2)
    raise AssertionError(f"{log.name} does not contain {pattern.pattern!r}:\n{log.read_text(errors='replace')[-2000:]}")


def descendants(process: int) -> list[int]:
    """Return the child processes of a process and their descendants (Linux)."""
    try:
        children = [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
        threads = [int(task.name) for task in Path(f"/proc/{process}/task").iterdir() if int(task.name) != process]
        for thread in threads:
            children += map(int, Path(f"/proc/{process}/task/{thread}/children").read_text().split())
    except OSError:
        return []  # the process has ended
    return [process_id for child in children for process_id in (child, *descendants(child))]


def command_of(process: int) -> str:
    """Return the command line of a process, or an empty text if it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def _kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return  # the process has ended
