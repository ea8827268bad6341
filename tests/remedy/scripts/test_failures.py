"""When a run of plan.ps1 stops because changes fail."""

from pathlib import Path

import pytest

from tests.builders.tenant.script_run import Graph, ScriptRun, planned_changes, steps

AS = "2026-11-20T02:17:00Z"


@pytest.mark.slow
def test_a_run_stops_where_no_change_can_be_made(tmp_path: Path) -> None:
    with planned_changes(tmp_path, AS) as (emulator, _, script):
        data, most = script.literals, script.numbers["$MaxFailures"]
        for method in ("POST", "DELETE"):
            emulator.faults.add("denied", method=method, times=None)
        emulator.journal.clear()
        outcomes = ScriptRun(data, Graph(emulator, data)).run(data, most)
        # The fourth change depends on the third: that it is skipped does not show that changes can be made.
        assert outcomes == ["done", "failed", "failed", "skipped", "failed"]
        assert (outcomes.count("failed"), len(emulator.journal.writes())) == (most, 4)
        assert len(outcomes) < len(list(steps(data)))


@pytest.mark.slow
def test_failures_between_changes_that_are_made_do_not_stop_a_run(tmp_path: Path) -> None:
    with planned_changes(tmp_path, AS) as (emulator, _, script):
        data, most = script.literals, script.numbers["$MaxFailures"]
        emulator.faults.add("denied", method="POST", times=None, first=2, every=2)
        outcomes = ScriptRun(data, Graph(emulator, data)).run(data, most)
    assert len(outcomes) == len(list(steps(data)))
    assert outcomes.count("failed") >= most
