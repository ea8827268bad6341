"""A collection that is asked to stop does so at once, and leaves nothing half done."""

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
from auditor.domain.tenant import Tenant, Token
from tests.builders.tenant.collection import INSTANT, PEOPLE
tenant = Tenant(name="contoso", tenant_id=sys.argv[1], credential=Token(token_env="T"), endpoint=sys.argv[2])
print("started", flush=True)
try:
    collect_all([tenant], lambda _: PEOPLE, root=Path(sys.argv[3]), instant=INSTANT)
except KeyboardInterrupt:
    sys.exit(130)
"""


def asked(graph: Emulator, path: str) -> None:
    """Wait until a program has asked for something, however slow the machine is."""
    deadline = time.monotonic() + 300
    while not graph.journal.of(path):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_being_stopped_leaves_no_half_snapshot(graph: Emulator, tmp_path: Path, number: signal.Signals) -> None:
    graph.faults.add("slow", path="/users", query="$skiptoken", seconds=900, times=None)
    env = {**os.environ, **environment(graph), "T": graph.bearer("contoso")}
    arguments = [graph.tenants["contoso"].tenant_id, graph.endpoint, str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *arguments], env=env, stdout=subprocess.PIPE)
    asked(graph, "/users")
    process.send_signal(number)
    process.communicate(timeout=120)  # far less than the answer takes that it waits for
    assert process.returncode == (-9 if number is signal.SIGKILL else 130)
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.name == "manifest.json"]
    assert not left
    if number is not signal.SIGKILL:
        assert not list(tmp_path.iterdir())
    graph.faults.clear()
    outcome = collect_all(
        [configured(graph)], lambda _: PEOPLE, root=tmp_path, instant=INSTANT, environ=environment(graph)
    )
    assert outcome[0].folder is not None
    assert [path.name for path in (tmp_path / "contoso").iterdir()] == [outcome[0].folder.name]


def test_a_runner_ends_what_no_interrupt_reaches(graph: Emulator, tmp_path: Path) -> None:
    """Whoever starts the program in the background makes it ignore SIGINT; SIGTERM must end it all the same."""
    graph.faults.add("slow", path="/users", query="$skiptoken", seconds=900, times=None)
    env = {**os.environ, **environment(graph), "T": graph.bearer("contoso")}
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + SCRIPT
    arguments = [graph.tenants["contoso"].tenant_id, graph.endpoint, str(tmp_path)]
    with subprocess.Popen([sys.executable, "-c", deaf, *arguments], env=env, stdout=subprocess.PIPE) as process:
        asked(graph, "/users")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    assert process.returncode == 130
    assert not list(tmp_path.iterdir())


def test_what_swallows_every_exception_swallows_no_request_to_stop(graph: Emulator, tmp_path: Path) -> None:
    """Libraries hold bare `except:` clauses; a request to stop that arrives inside one must not be lost."""
    swallowing = """
import os, signal, time
def needs(_):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.1)
    except BaseException:
        pass
    return PEOPLE
"""
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + swallowing
    script += SCRIPT.replace("lambda _: PEOPLE", "needs")
    env = {**os.environ, **environment(graph), "T": graph.bearer("contoso")}
    arguments = [graph.tenants["contoso"].tenant_id, graph.endpoint, str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", script, *arguments], env=env, timeout=300, check=False)
    assert done.returncode == 130
    assert not list(tmp_path.iterdir())
