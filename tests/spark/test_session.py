"""Errors before a Spark session starts: missing or old Java, invalid master address, unreachable master."""

import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from auditor.domain.errors import UsageError
from auditor.spark.session import check_java, check_route, not_started
from tests.builders.service.command_line import expect
from tests.spark.cluster import QUICK_JAVA


@pytest.mark.parametrize("variable", ["PATH", "JAVA_HOME"])
def test_missing_java_is_an_error(tmp_path: Path, variable: str) -> None:
    with pytest.raises(UsageError, match="needs Java, which is not installed") as caught:
        check_java({variable: str(tmp_path)})
    assert "JAVA_HOME" in (caught.value.hint or "")


@pytest.mark.skipif(sys.platform == "win32", reason="the fake java is a shell script")
@pytest.mark.parametrize(
    ("version", "old"), [("1.8.0_402", True), ("11.0.22", True), ("17.0.15", False), ("25", False)]
)
def test_java_older_than_17_is_an_error(tmp_path: Path, version: str, *, old: bool) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    options = "printf 'Picked up JAVA_TOOL_OPTIONS: -Duser.home=\\377\\n' >&2"
    java.write_text(f"#!/bin/sh\n{options}\necho 'openjdk version \"{version}\" 2026-04-15' >&2\n")
    java.chmod(0o755)
    if not old:
        check_java({"JAVA_HOME": str(tmp_path)})
        return
    with pytest.raises(UsageError, match="17 or newer"):
        check_java({"JAVA_HOME": str(tmp_path)})


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*]", "local[2,4]", "yarn", "k8s://https://here:6443"])
def test_addresses_that_are_passed_to_spark_unchecked(master: str) -> None:
    check_route(master)


@pytest.mark.parametrize(
    "master", ["", "http://here:7077", "spark://", "here:7077", "local[x]", "local[0]", "spark://a b:1"]
)
def test_invalid_master_address_is_an_error(master: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_route(master)
    assert caught.value.slug == "spark-master"


def test_unreachable_master_is_an_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        port = closed.getsockname()[1]
        with pytest.raises(UsageError, match=rf"no Spark master responds at spark://127\.0\.0\.1:{port}") as caught:
            check_route(f"spark://127.0.0.1:{port}")
    assert caught.value.slug == "spark-route"


def test_one_reachable_master_of_two_is_sufficient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_route(f"spark://127.0.0.1:1,127.0.0.1:{server.getsockname()[1]}")


def test_server_that_is_not_a_spark_master_is_an_error() -> None:
    java_error = (
        "An error occurred while calling None.org.apache.spark.sql.classic.SparkSession.\n"
        ": java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.\n"
        "This stopped SparkContext was created at:\n"
    )
    error = not_started("spark://here:7077", java_error)
    assert (error.slug, "spark://here:7077" in error.message) == ("spark-route", True)


def test_error_of_java_without_a_text_is_an_error() -> None:
    assert not_started("yarn", "").slug == "spark-session"


@pytest.mark.spark
@pytest.mark.skipif(find_spec("pyspark") is None or shutil.which("java") is None, reason="requires PySpark and Java")
def test_error_of_java_at_start_is_reported_in_one_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "auditor", "audit", "--demo", "--engine", "spark", "-o", str(tmp_path / "out")]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening
        master = f"k8s://http://127.0.0.1:{closed.getsockname()[1]}"
        command += ["--spark-master", master]
        completed = subprocess.run(command, env=QUICK_JAVA, capture_output=True, text=True, check=False)
    assert completed.returncode == 2, completed.stderr
    assert "error[spark-session]: Spark does not start: io.fabric8" in completed.stderr
    assert not (tmp_path / "out").exists()


_NOTEBOOK_SCRIPT = """
from pyspark.sql import SparkSession
from auditor.domain.errors import UsageError
from auditor.spark.session import is_owned, session
existing = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
for master in (None, "local[1]"):
    with session(master) as spark:
        assert spark is existing and not is_owned(spark)
    assert existing.range(3).count() == 3, "still running"
try:
    with session("local[2]"):
        raise SystemExit("used a session with another master")
except UsageError as error:
    assert error.slug == "spark-master", error
existing.stop()
with session("local[1]") as spark:
    assert is_owned(spark)
"""


@pytest.mark.spark
@pytest.mark.skipif(find_spec("pyspark") is None or shutil.which("java") is None, reason="requires PySpark and Java")
def test_existing_session_of_a_notebook_is_used_and_not_stopped() -> None:
    command = [sys.executable, "-c", _NOTEBOOK_SCRIPT]
    completed = subprocess.run(command, env=QUICK_JAVA, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr


def test_spark_master_without_the_spark_engine_is_an_error(tmp_path: Path) -> None:
    completed = expect(2, "audit", "--demo", "--spark-master", "local[2]", cwd=tmp_path)
    assert "--engine spark" in completed.err


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="PySpark is installed")
def test_missing_pyspark_error_names_the_extra(tmp_path: Path) -> None:
    completed = expect(2, "audit", "--demo", "--engine", "spark", "-o", "out", cwd=tmp_path)
    assert "m365-license-auditor[spark]" in completed.err
    assert not (tmp_path / "out").exists()
