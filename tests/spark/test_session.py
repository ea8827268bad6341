"""What is told before a session starts: no Java, an old one, an address that is none, a master that does not answer."""

import shutil
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from auditor.domain.errors import UsageError
from auditor.spark.session import check_java, check_route, not_started
from tests.builders.service.command_line import call
from tests.spark.cluster import QUICK_JAVA


def test_no_java_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs Java, which is not installed") as caught:
        check_java({"PATH": str(tmp_path)})
    assert "JAVA_HOME" in (caught.value.hint or "")


def test_an_empty_java_home_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs Java, which is not installed"):
        check_java({"JAVA_HOME": str(tmp_path)})


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("version", "old"), [("1.8.0_402", True), ("11.0.22", True), ("17.0.15", False), ("25", False)]
)
def test_an_old_java_is_reported(tmp_path: Path, version: str, *, old: bool) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-04-15' >&2\n")
    java.chmod(0o755)
    if not old:
        check_java({"JAVA_HOME": str(tmp_path)})
        return
    with pytest.raises(UsageError, match="17 or newer"):
        check_java({"JAVA_HOME": str(tmp_path)})


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*]", "local[2,4]", "yarn", "k8s://https://here:6443"])
def test_addresses_that_are_left_to_spark(master: str) -> None:
    check_route(master)


@pytest.mark.parametrize(
    "master", ["", "http://here:7077", "spark://", "here:7077", "local[x]", "local[0]", "spark://a b:1"]
)
def test_what_is_no_address_of_a_master(master: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_route(master)
    assert caught.value.slug == "spark-master"


def test_a_master_that_does_not_answer() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and never listening: a connection is refused
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"no Spark master answers at spark://127\.0\.0\.1:{port}") as caught:
            check_route(f"spark://127.0.0.1:{port}")
    assert caught.value.slug == "spark-route"


def test_one_master_of_two_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        check_route(f"spark://127.0.0.1:1,127.0.0.1:{listening.getsockname()[1]}")


def test_what_took_the_connection_and_is_no_master_is_reported() -> None:
    given_up = (
        "An error occurred while calling None.org.apache.spark.sql.classic.SparkSession.\n"
        ": java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.\n"
        "This stopped SparkContext was created at:\n"
    )
    error = not_started("spark://here:7077", given_up)
    assert (error.slug, "spark://here:7077" in error.message) == ("spark-route", True)


@pytest.mark.spark
@pytest.mark.skipif(find_spec("pyspark") is None or shutil.which("java") is None, reason="takes PySpark and Java")
def test_what_java_says_instead_of_starting_is_one_clear_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "auditor", "audit", "--demo", "--engine", "spark", "-o", str(tmp_path / "out")]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and never listening
        master = f"k8s://http://127.0.0.1:{taken.getsockname()[1]}"
        command += ["--spark-master", master]
        done = subprocess.run(command, env=QUICK_JAVA, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "error[spark-session]: Spark does not start: io.fabric8" in done.stderr
    assert not (tmp_path / "out").exists()


_IN_A_NOTEBOOK = """
from pyspark.sql import SparkSession
from auditor.domain.errors import UsageError
from auditor.spark.session import is_alone, session
there = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
for master in (None, "local[1]"):
    with session(master) as ours:
        assert ours is there and not is_alone(ours)
    assert there.range(3).count() == 3, "still running"
try:
    with session("local[2]"):
        raise SystemExit("took it for another")
except UsageError as error:
    assert error.slug == "spark-master", error
there.stop()
with session("local[1]") as ours:
    assert is_alone(ours)
"""


@pytest.mark.spark
@pytest.mark.skipif(find_spec("pyspark") is None or shutil.which("java") is None, reason="takes PySpark and Java")
def test_the_session_of_a_notebook_is_used_and_left_running() -> None:
    command = [sys.executable, "-c", _IN_A_NOTEBOOK]
    done = subprocess.run(command, env=QUICK_JAVA, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_master_without_the_engine_is_a_mistake(tmp_path: Path) -> None:
    done = call("audit", "--demo", "--spark-master", "local[2]", cwd=tmp_path)
    assert done.code == 2
    assert "--engine spark" in done.err


@pytest.mark.skipif(find_spec("pyspark") is not None, reason="PySpark is installed")
def test_without_pyspark_the_extra_is_named(tmp_path: Path) -> None:
    done = call("audit", "--demo", "--engine", "spark", "-o", "out", cwd=tmp_path)
    assert done.code == 2
    assert "m365-license-auditor[spark]" in done.err
    assert not (tmp_path / "out").exists()
