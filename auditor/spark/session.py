"""The address of a Spark master into a session, or into one clear reason why there is none."""

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.import_block import let_in

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL: Final = "local[*]"
_ALONE: Final = "spark.auditor.alone"
"""A setting of our own: nobody but us runs anything in this session."""
_LOCAL_JAVA: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""A JVM that lives as long as one audit and hands bytes on: compiling it well would take longer than it runs."""
_OLDEST_JAVA: Final = 17
"""Spark 4 runs on Java 17 and newer (spark.apache.org/docs/latest, "Downloading")."""
_LOGGING: Final = Path(__file__).with_name("log4j2.properties")
_PATIENCE: Final = 5.0
"""Seconds for a first word from the master; Spark itself would try for minutes."""
_STANDALONE: Final = re.compile(r"spark://(?P<hosts>[^/,\s]+(?:,[^/,\s]+)*)")


@contextmanager
def session(master: str | None) -> Iterator["SparkSession"]:
    """Yield the session that is there already, as in a notebook, else a new one on `master`, stopped at the end.

    Raises UsageError where PySpark, Java or the master cannot be reached, or where another session is in the way.
    """
    if find_spec("pyspark") is None:
        raise UsageError(
            "spark-missing",
            Message("PySpark is not installed"),
            hint=Message(
                "pip install 'm365-license-auditor[spark]', or leave "
                "--engine spark out: the local engine finds the same"
            ),
        )
    let_in("pandas")  # PySpark's Arrow functions want it
    from pyspark.sql import SparkSession  # noqa: PLC0415  half a second that only Spark's users pay

    running = SparkSession.getActiveSession()
    if running is not None:
        _check_same(running.conf.get("spark.master", ""), master)
        yield running
        return
    address = master or LOCAL
    check_java(os.environ)
    check_route(address)
    made = _made(address)
    try:
        yield made
    finally:
        made.stop()


def is_alone(session: "SparkSession") -> bool:
    """Tell whether a session is one that `session` has made, not one of a notebook that others use."""
    return session.conf.get(_ALONE, "false") == "true"


def check_java(environ: Mapping[str, str]) -> None:
    """Raise UsageError where there is no Java, or one that is too old for Spark."""
    home = environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java", path=environ.get("PATH"))
    try:
        told = None if java is None else subprocess.run([java, "-version"], capture_output=True, text=True, check=True)  # noqa: S603 - the program that Spark starts too
    except (OSError, subprocess.CalledProcessError):
        told = None
    if told is None:
        raise UsageError(
            "spark-java",
            Message("Spark needs Java, and there is none"),
            hint=Message(
                "install a Java {oldest_java} or newer and set JAVA_HOME, or leave --engine spark out",
                oldest_java=_OLDEST_JAVA,
            ),
        )
    version = re.search(r'version "(?:1\.)?([0-9]+)', told.stderr)
    if version is not None and int(version[1]) < _OLDEST_JAVA:
        raise UsageError(
            "spark-java",
            Message(
                "Spark needs Java {oldest_java} or newer; {java} is Java {version}",
                oldest_java=_OLDEST_JAVA,
                java=java,
                version=version[1],
            ),
            hint=Message("set JAVA_HOME to a newer one"),
        )


def check_route(master: str) -> None:
    """Raise UsageError for an address that is none of Spark's, and for a standalone master that does not answer."""
    standalone = _STANDALONE.fullmatch(master)
    if standalone is None:
        if not re.fullmatch(r"local(\[(\*|[1-9][0-9]*)(,[1-9][0-9]*)?\])?|yarn|k8s://\S+", master):
            raise UsageError(
                "spark-master",
                Message("{master} is not the address of a Spark master", master=repr(master)),
                hint=Message("local[2], spark://HOST:7077, yarn or k8s://HOST:PORT"),
            )
        return
    reasons = []
    for place in standalone["hosts"].split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
        except (OSError, ValueError) as error:
            reasons.append(f"{place}: {error}")
        else:
            return
    raise UsageError(
        "spark-route",
        Message("no Spark master answers at {master} ({reasons})", master=master, reasons="; ".join(reasons)),
        hint=Message("check the address (it is on the master's web page), the network and its firewall"),
    )


def _check_same(there: str | None, master: str | None) -> None:
    """Raise UsageError where this process has a session elsewhere: there can be but one, and it is not ours to stop."""
    if master is not None and master != there:
        raise UsageError(
            "spark-master",
            Message(
                "this process has a Spark session at {there} already, so there can be none at {master}",
                there=there,
                master=master,
            ),
            hint=Message("leave --spark-master out to use that session, or stop it first"),
        )


def _made(master: str) -> "SparkSession":
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    # The wire to the JVM logs every word it exchanges, addresses of snapshots among them.
    logging.getLogger("py4j").setLevel(logging.ERROR)
    local = master.startswith("local")
    java = (f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}", *(_LOCAL_JAVA if local else ()))
    builder = (
        SparkSession.builder.appName("auditor")
        .master(master)
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.defaultJavaOptions", " ".join(java))
        .config(_ALONE, "true")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.maxResultSize", "0")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "1")
    )
    if local:
        # PySpark takes the interpreter of its workers from nowhere else; `python3` might be any.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        made: SparkSession = builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise not_started(master, str(error)) from error
    return made


def not_started(master: str, told: str) -> UsageError:
    """Return the error for what PySpark, or Java behind it, told instead of starting a session."""
    if _STANDALONE.fullmatch(master) and "stopped SparkContext" in told:
        # Something took the connection and never spoke Spark's language; Spark gave up after a minute.
        return UsageError(
            "spark-route",
            Message("what answers at {master} is no Spark master, or one of another version", master=master),
            hint=Message("check the address (it is on the master's web page), the network and its firewall"),
        )
    lines = told.splitlines()
    # Java's own words follow a line that says which of its calls failed.
    reason = next((line.removeprefix(": ") for line in lines if line.startswith(": ")), lines[0])
    return UsageError("spark-session", Message("Spark does not start: {reason}", reason=reason))
