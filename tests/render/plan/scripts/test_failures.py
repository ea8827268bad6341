"""When plan.ps1 stops because of failed changes."""

from pathlib import Path

import pytest

from tests.builders.tenant.script_run import Graph, ScriptRun, planned_changes, steps

TIME = "2026-11-20T02:17:00Z"


@pytest.mark.slow
def test_run_stops_if_no_change_succeeds(tmp_path: Path) -> None:
    with planned_changes(tmp_path, TIME) as (emulator, _, script):
        data, most = script.literals, script.numbers["$MaxFailures"]
        for method in ("POST", "DELETE"):
            emulator.faults.add("denied", method=method, times=None)
        emulator.journal.clear()
        outcomes = ScriptRun(data, Graph(emulator, data)).run(data, most)
        # The fourth change depends on the third: a skipped change does not count as a success.
        assert outcomes == ["done", "failed", "failed", "skipped", "failed"]
        assert (outcomes.count("failed"), len(emulator.journal.writes())) == (most, 4)
        assert len(outcomes) < len(list(steps(data)))


@pytest.mark.slow
def test_run_continues_if_failures_alternate_with_successes(tmp_path: Path) -> None:
    with planned_changes(tmp_path, TIME) as (emulator, _, script):
        data, most = script.literals, script.numbers["$MaxFailures"]
        emulator.faults.add("denied", method="POST", times=None, first=2, every=2)
        outcomes = ScriptRun(data, Graph(emulator, data)).run(data, most)
    assert len(outcomes) == len(list(steps(data)))
    assert outcomes.count("failed") >= most
