"""Tests that a collection stops at once on a signal and leaves no incomplete snapshot."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.app.tenants.collection import collect_all
from tests.builders.tenant.collection import INSTANT, PEOPLE, configured, environment
from tests.emulator.server import Emulator

pytestmark = pytest.mark.slow

SCRIPT = """
import sys
from pathlib import Path
from auditor.app.tenants.collection import collect_all
from auditor.domain.settings import Tenant, Token
from tests.builders.tenant.collection import INSTANT, PEOPLE
tenant = Tenant(name="contoso", tenant_id=sys.argv[1], credential=Token(token_env="T"), endpoint=sys.argv[2])
print("started", flush=True)
try:
    collect_all([tenant], lambda _: PEOPLE, root=Path(sys.argv[3]), instant=INSTANT)
except KeyboardInterrupt:
    sys.exit(130)
"""


def wait_for_request(graph: Emulator, path: str) -> None:
    """Wait until the emulator has received a request for a path, for at most 300 seconds."""
    deadline = time.monotonic() + 300
    while not graph.journal.of(path):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signal_leaves_no_incomplete_snapshot(graph: Emulator, tmp_path: Path, signal_number: signal.Signals) -> None:
    graph.faults.add("slow", path="/users", query="$skiptoken", seconds=900, times=None)
    env = {**os.environ, **environment(graph), "T": graph.bearer("contoso")}
    arguments = [graph.tenants["contoso"].tenant_id, graph.endpoint, str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], env=env, stdout=subprocess.PIPE)
    wait_for_request(graph, "/users")
    process.send_signal(signal_number)
    process.communicate(timeout=120)  # far less than the 900 seconds of the pending answer
    assert process.returncode == (-9 if signal_number is signal.SIGKILL else 130)
    manifests = [path for path in tmp_path.rglob("*") if path.is_file() and path.name == "manifest.json"]
    assert not manifests
    if signal_number is not signal.SIGKILL:
        assert not list(tmp_path.iterdir())
    graph.faults.clear()
    outcome = collect_all(
        [configured(graph)], lambda _: PEOPLE, root=tmp_path, instant=INSTANT, environ=environment(graph)
    )
    assert outcome[0].folder is not None
    assert [path.name for path in (tmp_path / "contoso").iterdir()] == [outcome[0].folder.name]


def test_sigterm_stops_a_process_that_ignores_sigint(graph: Emulator, tmp_path: Path) -> None:
    """Shells start background processes with SIGINT ignored; SIGTERM must stop them nevertheless."""
    graph.faults.add("slow", path="/users", query="$skiptoken", seconds=900, times=None)
    env = {**os.environ, **environment(graph), "T": graph.bearer("contoso")}
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + SCRIPT
    arguments = [graph.tenants["contoso"].tenant_id, graph.endpoint, str(tmp_path)]
    with subprocess.Popen([sys.executable, "-c", script, *arguments], env=env, stdout=subprocess.PIPE) as process:
        wait_for_request(graph, "/users")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    assert process.returncode == 130
    assert not list(tmp_path.iterdir())


def test_sigterm_inside_a_bare_except_is_not_lost(graph: Emulator, tmp_path: Path) -> None:
    """Libraries contain bare `except:` clauses; a signal that arrives inside one must not be lost."""
    needs_source = """
import os, signal, time
def needs(_):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
    except BaseException:
        pass
    return PEOPLE
"""
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + needs_source
    script += SCRIPT.replace("lambda _: PEOPLE", "needs")
    env = {**os.environ, **environment(graph), "T": graph.bearer("contoso")}
    arguments = [graph.tenants["contoso"].tenant_id, graph.endpoint, str(tmp_path)]
    completed = subprocess.run([sys.executable, "-c", script, *arguments], env=env, timeout=300, check=False)
    assert completed.returncode == 130
    assert not list(tmp_path.iterdir())
