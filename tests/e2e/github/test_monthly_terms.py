"""Audit, plan, verification and preview of a night detect monthly terms from the same earlier nights."""

import json
from dataclasses import replace  # noqa: TID251 - of dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders.service.command_line import expect
from tests.e2e.github.hub import Hub
from tests.e2e.github.repositories import NIGHTLY, PREVIEW, needs_bash, night, request, team
from tests.e2e.github.workflow import Event, WorkflowRun, run_workflow
from tests.emulator.server import Emulator

pytestmark = [needs_bash, pytest.mark.slow]
POLICY = """\
version: 1
policies:
  - id: renewals
    title: No subscription renews unnoticed
    severity: low
    rationale: Somebody decides about it.
    subscriptions: {of: paid, expiring: {within: 90d, exceptTerm: monthly}}
"""
NIGHTS = ("2026-10-20", "2026-11-12", "2026-11-13")


def dated(event: Event, day: str) -> Event:
    """Return the event with the clock of every step set to half past two of a day."""
    clock = str(int(datetime.fromisoformat(f"{day}T02:30:00+00:00").timestamp()))
    # The days of a job's clock: `date -u`, `date +%s`; `date -d INSTANT` does not depend on it.
    script = 'if [ "${2:-}" = -d ] || [ "${1:-}" = -d ]; then exec /bin/date "$@"; fi\n'
    event.hub.add_program("date", script + 'exec /bin/date --date="@$SOURCE_DATE_EPOCH" "$@"')
    return replace(event, environ={**event.environ, "SOURCE_DATE_EPOCH": clock})


def renew(emulator: Emulator, part_number: str, day: str) -> None:
    """Set the next date of the subscription to a product."""
    tenant = emulator.tenants["contoso"]
    (row,) = (row for row in tenant.subscriptions if row["skuPartNumber"] == part_number)
    row["nextLifecycleDateTime"] = f"{day}T00:00:00Z"
    tenant.touch()


def nights(folder: Path, emulator: Emulator, store: str = "") -> tuple[Hub, list[WorkflowRun]]:
    """Return the runs of NIGHTS: between the first two, a product renews for a month; another one is annual."""
    hub = team(folder, emulator, AUDIT_MAIL="false", AUDIT_STORE=store)
    for path in (hub.repository / "policies").glob("*.yaml"):
        path.unlink()
    (hub.repository / "policies" / "renewals.yaml").write_text(POLICY, encoding="utf-8")
    tenants = hub.repository / "tenants.yaml"
    text = tenants.read_text(encoding="utf-8")
    tenants.write_text(text.replace(", severities: [critical, high]", ""), encoding="utf-8")
    hub.commit()
    renew(emulator, "SPE_F1", "2026-12-20")
    runs = []
    for day, monthly in zip(NIGHTS, ("2026-11-10", "2026-12-10", "2026-12-10"), strict=True):
        renew(emulator, "SPE_E3", monthly)
        runs.append(run_workflow(NIGHTLY, dated(night(hub, emulator), day)))
        assert set(runs[-1].jobs.values()) == {"success"}, runs[-1].log
    return hub, runs


def document(hub: Hub, run: WorkflowRun, *path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(hub.artifacts(run.number).joinpath(*path).read_text(encoding="utf-8"))
    return loaded


def audited(hub: Hub, run: WorkflowRun) -> list[str]:
    """Return the products with a finding in the result of a run."""
    (tenant,) = document(hub, run, "licence-audit", "result.json")["tenants"]
    return sorted(finding["product"]["skuPartNumber"] for finding in tenant["findings"])


def planned(hub: Hub, run: WorkflowRun) -> int:
    """Return the number of open findings that the plan of a run starts from."""
    (tenant,) = document(hub, run, "licence-plan-1", "plan.json")["tenants"]
    return int(tenant["before"]["open"])


def previewed(hub: Hub, emulator: Emulator) -> list[str]:
    """Return the products with a finding that a pull request changes, which makes every renewal more severe."""
    hub.pull_request({"policies/renewals.yaml": POLICY.replace("severity: low", "severity: medium")})
    run = run_workflow(PREVIEW, dated(request(hub, emulator), NIGHTS[-1]))
    assert set(run.jobs.values()) == {"success"}, run.log
    preview = document(hub, run, "policy-preview", "preview.json")
    (changes,) = preview["tenants"]
    assert not changes["added"] + changes["removed"]
    return sorted(change["after"]["product"]["skuPartNumber"] for change in changes["changed"])


def test_audit_plan_verification_and_preview_of_a_night_have_the_same_findings(
    tmp_path: Path, emulator: Emulator
) -> None:
    hub, runs = nights(tmp_path, emulator)
    assert [audited(hub, run) for run in runs] == [["SPE_E3", "SPE_F1"], ["SPE_F1"], ["SPE_F1"]]
    assert [planned(hub, run) for run in runs] == [2, 1, 1]
    assert previewed(hub, emulator) == ["SPE_F1"]
    artifacts = hub.artifacts(runs[-1].number)
    plans = artifacts / "licence-plans-1" / "contoso"
    assert [path.name for path in plans.iterdir()] == ["plans"], "nights are in the history only"
    assert len(list((plans / "plans").iterdir())) == len(runs)
    options = ("--snapshot", artifacts / "snapshot-1", "--as-of", f"{NIGHTS[-1]}T02:30:00Z", "-f", "json")
    plan = artifacts / "licence-plan-1" / "plan.json"
    history = ("--history", artifacts / "licence-history")
    expect(0, "verify", plan, *options, *history, "-o", tmp_path / "verified", cwd=hub.repository)
    (tenant,) = json.loads((tmp_path / "verified" / "verification.json").read_text(encoding="utf-8"))["tenants"]
    assert [finding["state"] for finding in tenant["findings"]] == ["open"]


def test_without_a_history_in_the_artifact_no_command_knows_monthly_terms(tmp_path: Path, emulator: Emulator) -> None:
    hub, runs = nights(tmp_path, emulator, store=str(tmp_path / "store"))
    assert [audited(hub, run) for run in runs] == [["SPE_E3", "SPE_F1"]] * 3
    assert [planned(hub, run) for run in runs] == [2, 2, 2]
    assert previewed(hub, emulator) == ["SPE_E3", "SPE_F1"]
