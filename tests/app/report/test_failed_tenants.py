"""An exception in one tenant, at any stage of audit, plan or store, is reported and does not stop the other tenants.

Some exceptions are raised by real damaged input. For the others, a public function of the stage is replaced by one
that raises a different exception for each of six tenants.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.app.audit.failed_tenants import unaudited_of
from auditor.app.report import failed_tenants, outputs
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.render import TenantSpans, render, result_json
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call, expect
from tests.builders.service.failures import BREAKING, FAILING, NAMES, POLICY, SENTENCE, assert_contained, failing, made
from tests.builders.tenant.tenants import bought, tenant, user

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tenants with two users each, saved as `auditor collect` saves them."""
    root = tmp_path_factory.mktemp("saved") / "snapshots"
    people = [user("ann", "SPE_E3", accountEnabled=False), user("bob", "SPE_E3")]
    for number, name in enumerate(NAMES):
        guid = f"{number}1111111-2222-3333-4444-555555555555"
        write(root, tenant(*people, name=name, tenant_id=guid, subscribedSkus=[bought("SPE_E3", 5, 2)]))
    return root


@pytest.fixture(scope="module")
def before(fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of an audit without failures."""
    folder = tmp_path_factory.mktemp("before")
    (folder / "p.yaml").write_text(POLICY)
    call("audit", "p.yaml", "--snapshot", fleet, "--as-of", AS_OF, "-f", "json", cwd=folder)
    return folder / "out" / "result.json"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(POLICY)
    return tmp_path


STAGES = {
    "read": "auditor.app.audit.run.read",
    "bind": "auditor.app.audit.pipeline.bind",
    "describe": "auditor.app.audit.pipeline.findings_about_users",
    "conclude": "auditor.app.audit.pipeline.conclude",
    "fleet names": "auditor.engine.notices:FleetNames.add",
    "guidance": "auditor.remedy.actions.action_builder.context_of",
    "actions": "auditor.remedy.actions.action_builder.settle_seats",
}


@pytest.mark.parametrize("stage", STAGES)
def test_audit_of_snapshots(workspace: Path, fleet: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    failing(monkeypatch, STAGES[stage])
    completed = call("audit", "--snapshot", fleet, "--as-of", AS_OF, "-f", "json", "-f", "terminal", cwd=workspace)
    assert_contained(completed, workspace)


@pytest.mark.parametrize("failing_format", ["json", "html", "xlsx"])
def test_report_formats(workspace: Path, fleet: Path, monkeypatch: pytest.MonkeyPatch, failing_format: str) -> None:
    """If a format cannot render a tenant, the tenant is reported as not audited in every file of the run."""

    def raise_for(result: Result) -> None:
        for audited in result.tenants:
            if audited.failure is None and audited.name in BREAKING:
                raise made(BREAKING[audited.name])

    def failing_render(result: Result, name: str, **options: Any) -> Iterable[bytes]:
        if name == failing_format:
            raise_for(result)
        return render(result, name, **options)

    def failing_json(result: Result, spans: TenantSpans) -> Iterable[bytes]:
        if failing_format == "json":
            raise_for(result)
        return result_json(result, spans)

    monkeypatch.setattr(outputs, "render", failing_render)
    monkeypatch.setattr(outputs, "result_json", failing_json)
    monkeypatch.setattr(failed_tenants, "render", failing_render)
    formats = ("-f", "json", "-f", "html", "-f", "xlsx")
    completed = call("audit", "--snapshot", fleet, "--as-of", AS_OF, *formats, cwd=workspace)
    assert_contained(completed, workspace)
    files = {path.name for path in (workspace / "out").iterdir()}
    assert files == {"result.json", "report.html", "report.xlsx", "tenants"}


def test_comparison(workspace: Path, fleet: Path, before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "auditor.result.diff.compared_tenant")
    arguments = ("audit", "--snapshot", fleet, "--as-of", AS_OF, "-f", "json", "--compare", before)
    assert_contained(call(*arguments, cwd=workspace), workspace)


@pytest.mark.parametrize(
    "phase", ["options_of", "draft", "changed_snapshot", "add_constraints", "build_actions", "compared_costs"]
)
def test_plan(workspace: Path, fleet: Path, monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    failing(monkeypatch, f"auditor.app.plan.planner.{phase}")
    completed = expect(3, "plan", "--snapshot", fleet, "--as-of", AS_OF, "-f", "json", cwd=workspace)
    plans = {plan["name"]: plan for plan in json.loads((workspace / "out" / "plan.json").read_text())["tenants"]}
    assert set(plans) == set(NAMES)
    assert [name for name, plan in plans.items() if plan["actions"]] == ["contoso", "woodgrove"]
    assert SENTENCE not in completed.err + completed.text


@pytest.mark.parametrize("phase", ["auditor.store.store:Store.put", "results"])
def test_store(workspace: Path, fleet: Path, before: Path, monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    """Snapshots and results of the other tenants are stored by `store put` and by `audit --store`."""
    if phase == "results":
        failing_result_log(monkeypatch)
    else:
        failing(monkeypatch, phase)
    for arguments in (
        ("store", "put", "nights", fleet, before),
        ("audit", "--snapshot", fleet, "--as-of", AS_OF, "-f", "json", "--store", "again"),
    ):
        completed = expect(3, *arguments, cwd=workspace)
        assert SENTENCE not in completed.err + completed.text
        assert [name for name in (*BREAKING, "woodgrove") if name not in completed.err] == []


def failing_result_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let writing the results fail for six tenants."""
    from auditor.history.result_log import ResultLog  # noqa: PLC0415

    original = ResultLog.put

    def put(self: ResultLog, result: Any, tenant: Any, *arguments: Any) -> int:
        if tenant.name in BREAKING:
            raise made(BREAKING[tenant.name])
        return original(self, result, tenant, *arguments)

    monkeypatch.setattr(ResultLog, "put", put)


def test_stored_night_that_cannot_be_restored(workspace: Path, fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("store", "put", "nights", fleet, cwd=workspace).code == 0
    failing(monkeypatch, "auditor.store.store:Store.restore")
    assert_contained(call("audit", "--snapshot", "nights", "--as-of", AS_OF, "-f", "json", cwd=workspace), workspace)


def test_damaged_snapshot(workspace: Path, fleet: Path) -> None:
    """Without a replaced function: the bytes of a file do not match its manifest."""
    import shutil  # noqa: PLC0415

    shutil.copytree(fleet, workspace / "snapshots")
    (users,) = (workspace / "snapshots" / FAILING).glob("*/users.parquet")
    users.write_bytes(users.read_bytes()[:-9])
    completed = call(
        "audit", "--snapshot", "snapshots", "--as-of", AS_OF, "-f", "json", "-f", "terminal", cwd=workspace
    )
    assert_contained(completed, workspace, {FAILING: "OSError"})
    single = call("audit", "--snapshot", users.parent, "--as-of", AS_OF, "-f", "json", cwd=workspace)
    assert single.code == 2, "a single tenant that fails is an error"
    manifest = replace(tenant(name=FAILING).manifest, locale="nl")
    assert unaudited_of(manifest, Message("damaged")).locale == "nl"


def test_exception_in_the_only_tenant_exits_with_70(
    workspace: Path, fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, STAGES["describe"], {FAILING: "Exception"})
    assert call("audit", "--snapshot", fleet, "--tenant", FAILING, "--as-of", AS_OF, cwd=workspace).code == 70
