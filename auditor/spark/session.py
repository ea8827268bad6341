"""Opens a Spark session on a master; a failure is raised as one error with the reason."""

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
from auditor.import_block import unblock_import
from auditor.installation import install_command, missing_requirements

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL: Final = "local[*]"
_OWNED_SETTING: Final = "spark.auditor.owned"
"""A custom setting that marks a session in which only this program runs."""
_LOCAL_JAVA: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Options of a JVM that runs for one audit and only forwards bytes: optimising compilation would not pay off."""
_MIN_JAVA: Final = 17
"""Spark 4 requires Java 17 or newer (spark.apache.org/docs/latest, "Downloading")."""
_LOGGING_CONFIG: Final = Path(__file__).with_name("log4j2.properties")
_CONNECT_TIMEOUT: Final = 5.0
"""Seconds until the master must answer; Spark itself would try for minutes."""
_CHECK_ADDRESS: Final = Message("check the address (it is on the master's web page), the network and its firewall")
_STANDALONE: Final = re.compile(r"spark://(?P<hosts>[^/,\s]+(?:,[^/,\s]+)*)")


@contextmanager
def session(master: str | None) -> Iterator["SparkSession"]:
    """Yield the existing session, as in a notebook, else a new one on `master`, which is stopped at the end.

    Raises UsageError if PySpark, Java or the master cannot be reached, or another session exists.
    """
    if find_spec("pyspark") is None:
        hint = Message(
            "run: {command}; or leave --engine spark out: the local engine gives the same result",
            command=install_command(missing_requirements("spark")),
        )
        raise UsageError("spark-missing", Message("PySpark is not installed"), hint=hint)
    for name in ("pandas", "pytz"):  # required by PySpark's Arrow functions
        unblock_import(name)
    from pyspark.sql import SparkSession  # noqa: PLC0415  takes half a second, only needed with Spark

    running = SparkSession.getActiveSession()
    if running is not None:
        _check_same(running.conf.get("spark.master", ""), master)
        yield running
        return
    address = master or LOCAL
    check_java(os.environ)
    check_route(address)
    created = _create(address)
    try:
        yield created
    finally:
        created.stop()


def is_owned(session: "SparkSession") -> bool:
    """Return whether this program created the session; in a notebook, other code uses it too."""
    return session.conf.get(_OWNED_SETTING, "false") == "true"


def check_java(environ: Mapping[str, str]) -> None:
    """Raise UsageError if Java is missing or too old for Spark."""
    home = environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java", path=environ.get("PATH"))
    try:
        # Spark starts the same program.
        command = [java or "", "-version"]
        process = subprocess.run(command, capture_output=True, check=True) if java else None  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        process = None
    if process is None:
        hint = Message(
            "install Java {oldest_java} or newer and set JAVA_HOME, or leave --engine spark out", oldest_java=_MIN_JAVA
        )
        raise UsageError("spark-java", Message("Spark needs Java, which is not installed"), hint=hint)
    # Java also prints variables of the environment, which need not be UTF-8.
    version = re.search(rb'version "(?:1\.)?([0-9]+)', process.stderr)
    if version is not None and int(version[1]) < _MIN_JAVA:
        values = {"oldest_java": _MIN_JAVA, "java": java, "version": version[1].decode()}
        message = Message("Spark needs Java {oldest_java} or newer; {java} is Java {version}", **values)
        raise UsageError("spark-java", message, hint=Message("set JAVA_HOME to a newer one"))


def check_route(master: str) -> None:
    """Raise UsageError for an invalid master address, and for a standalone master that does not answer."""
    standalone = _STANDALONE.fullmatch(master)
    if standalone is None:
        if not re.fullmatch(r"local(\[(\*|[1-9][0-9]*)(,[1-9][0-9]*)?\])?|yarn|k8s://\S+", master):
            message = Message("{master} is not the address of a Spark master", master=repr(master))
            hint = Message("local[2], spark://HOST:7077, yarn or k8s://HOST:PORT")
            raise UsageError("spark-master", message, hint=hint)
        return
    reasons = []
    for host_port in standalone["hosts"].split(","):
        host, _, port = host_port.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT).close()
        except (OSError, ValueError) as error:
            reasons.append(f"{host_port}: {error}")
        else:
            return
    message = Message("no Spark master responds at {master} ({reasons})", master=master, reasons="; ".join(reasons))
    raise UsageError("spark-route", message, hint=_CHECK_ADDRESS)


def _check_same(current: str | None, master: str | None) -> None:
    """Raise UsageError if this process already has a session on another master: there can be only one."""
    if master is not None and master != current:
        message = Message(
            "this process has a Spark session at {there} already, so there can be none at {master}",
            there=current,
            master=master,
        )
        hint = Message("leave --spark-master out to use that session, or stop it first")
        raise UsageError("spark-master", message, hint=hint)


def _create(master: str) -> "SparkSession":
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # noqa: PLC0415
    from pyspark.errors import PySparkException  # noqa: PLC0415
    from pyspark.sql import SparkSession  # noqa: PLC0415

    # py4j logs every message, including addresses of snapshots.
    logging.getLogger("py4j").setLevel(logging.ERROR)
    local = master.startswith("local")
    java = (f"-Dlog4j2.configurationFile={_LOGGING_CONFIG.as_uri()}", *(_LOCAL_JAVA if local else ()))
    builder = (
        SparkSession.builder.appName("auditor")
        .master(master)
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.defaultJavaOptions", " ".join(java))
        .config(_OWNED_SETTING, "true")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.maxResultSize", "0")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "1")
    )
    if local:
        # PySpark takes the interpreter of its workers from this variable only; `python3` may be another one.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        return builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise not_started(master, str(error)) from error


def not_started(master: str, text: str) -> UsageError:
    """Return the error for a session that PySpark or Java failed to start."""
    if _STANDALONE.fullmatch(master) and "stopped SparkContext" in text:
        # The connection was accepted, but not by Spark, which gave up after a minute.
        message = Message("{master} is not a Spark master, or has another version", master=master)
        return UsageError("spark-route", message, hint=_CHECK_ADDRESS)
    lines = text.splitlines() or [text]
    # Java's message follows a line that names the failed call.
    reason = next((line.removeprefix(": ") for line in lines if line.startswith(": ")), lines[0])
    return UsageError("spark-session", Message("Spark does not start: {reason}", reason=reason))
