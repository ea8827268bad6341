"""Whatever is raised inside a tenant, at any stage, stays with it: the others are audited, and it is told.

Hostile credentials, answers and snapshots raise what they can by themselves. Where no real component raises an
exception of a kind, a public function of the stage is replaced by one that raises it: for each of six tenants its own.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.app.report import containment, outputs
from auditor.domain.result.model import Result
from auditor.render import TenantSpans, result_json
from auditor.render import render as renderer
from auditor.render.artifact import Artifact
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call
from tests.builders.service.failures import (
    BREAKING,
    FAILING,
    KINDS,
    NAMES,
    POLICY,
    SENTENCE,
    THREE,
    assert_contained,
    failing,
    made,
)
from tests.builders.tenant.tenants import bought, tenant, user


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tenants of two people, saved as a collection would."""
    root = tmp_path_factory.mktemp("saved") / "snapshots"
    people = [user("ann", "SPE_E3", accountEnabled=False), user("bob", "SPE_E3")]
    for number, name in enumerate(NAMES):
        guid = f"{number}1111111-2222-3333-4444-555555555555"
        write(root, tenant(*people, name=name, tenant_id=guid, subscribedSkus=[bought("SPE_E3", 5, 2)]))
    return root


@pytest.fixture(scope="module")
def before(saved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of an audit in which nothing fails."""
    folder = tmp_path_factory.mktemp("before")
    (folder / "p.yaml").write_text(POLICY)
    call("audit", "p.yaml", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", cwd=folder)
    return folder / "out" / "result.json"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(POLICY)
    return tmp_path


AUDITED = {
    "read": "auditor.app.audit.run.read",
    "bind": "auditor.app.audit.pipeline.bind",
    "describe": "auditor.app.audit.pipeline.describe",
    "conclude": "auditor.app.audit.pipeline.conclude",
    "fleet names": "auditor.engine.notices:FleetNames.add",
    "guidance": "auditor.remedy.actions.action_builder.context_of",
    "actions": "auditor.remedy.actions.action_builder.settle_seats",
}


@pytest.mark.slow
@pytest.mark.parametrize("stage", AUDITED)
def test_an_audit_of_snapshots(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    failing(monkeypatch, AUDITED[stage])
    ran = call("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", "-f", "terminal", cwd=here)
    assert_contained(ran, here)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["json", "html", "xlsx"])
def test_a_report(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, form: str, kind: str) -> None:
    """A finding that a format cannot be evaluated: its tenant is told as not audited, in every file of the run."""
    real = renderer

    def render(result: Result, name: str, **more: Any) -> Artifact:
        if name == form and any(tenant.name == FAILING and tenant.failure is None for tenant in result.tenants):
            raise made(kind)
        return real(result, name, **more)

    def whole(result: Result, spans: TenantSpans) -> Artifact:
        if form == "json" and any(tenant.name == FAILING and tenant.failure is None for tenant in result.tenants):
            raise made(kind)
        return result_json(result, spans)

    monkeypatch.setattr(outputs, "render", render)
    monkeypatch.setattr(outputs, "result_json", whole)
    monkeypatch.setattr(containment, "render", render)
    chosen = [word for name in THREE for word in ("--tenant", name)]
    formats = ("-f", "json", "-f", "html", "-f", "xlsx")
    ran = call("audit", "--snapshot", saved, *chosen, "--as-of", AS_OF, *formats, cwd=here)
    assert_contained(ran, here, {FAILING: kind}, THREE)
    assert {path.name for path in (here / "out").iterdir()} == {"result.json", "report.html", "report.xlsx", "tenants"}


@pytest.mark.slow
def test_a_comparison(here: Path, saved: Path, before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "auditor.result.diff.compared_tenant")
    asked = ("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", "--compare", before)
    assert_contained(call(*asked, cwd=here), here)


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["options_of", "draft", "resulting", "learn", "listed", "figures"])
def test_a_plan(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    failing(monkeypatch, f"auditor.app.plan.planner.{phase}")
    ran = call("plan", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", cwd=here)
    assert ran.code == 3, ran.err
    plans = {plan["name"]: plan for plan in json.loads((here / "out" / "plan.json").read_text())["tenants"]}
    assert set(plans) == set(NAMES)
    assert [name for name, plan in plans.items() if plan["actions"]] == ["contoso", "woodgrove"]
    assert SENTENCE not in ran.err + ran.text


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["auditor.store.store:Store.put", "ledger"])
def test_a_store(here: Path, saved: Path, before: Path, monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    """Snapshots and results of the others are kept, by `store put` and by `audit --store`."""
    if phase == "ledger":
        failing_ledger(monkeypatch)
    else:
        failing(monkeypatch, phase)
    for asked in (
        ("store", "put", "nights", saved, before),
        ("audit", "--snapshot", saved, "--as-of", AS_OF, "-f", "json", "--store", "again"),
    ):
        ran = call(*asked, cwd=here)
        assert ran.code == 3, ran.err
        assert SENTENCE not in ran.err + ran.text
        assert [name for name in (*BREAKING, "woodgrove") if name not in ran.err] == []


def failing_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a result comes to: the ledgers of six tenants cannot be written."""
    from auditor.history.result_log import Ledger  # noqa: PLC0415

    real = Ledger.put

    def put(self: Ledger, result: Any, tenant: Any, *more: Any) -> int:
        if tenant.name in BREAKING:
            raise made(BREAKING[tenant.name])
        return real(self, result, tenant, *more)

    monkeypatch.setattr(Ledger, "put", put)


@pytest.mark.slow
def test_a_night_that_cannot_be_put_together_again(here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("store", "put", "nights", saved, cwd=here).code == 0
    failing(monkeypatch, "auditor.store.store:Store.restore")
    assert_contained(call("audit", "--snapshot", "nights", "--as-of", AS_OF, "-f", "json", cwd=here), here)


@pytest.mark.slow
def test_a_damaged_snapshot(here: Path, saved: Path) -> None:
    """By itself, without anything replaced: bytes of a file are not those that its manifest promises."""
    import shutil  # noqa: PLC0415

    shutil.copytree(saved, here / "snapshots")
    (users,) = (here / "snapshots" / FAILING).glob("*/users.parquet")
    users.write_bytes(users.read_bytes()[:-9])
    ran = call("audit", "--snapshot", "snapshots", "--as-of", AS_OF, "-f", "json", "-f", "terminal", cwd=here)
    assert_contained(ran, here, {FAILING: "OSError"})
    alone = call("audit", "--snapshot", users.parent, "--as-of", AS_OF, "-f", "json", cwd=here)
    assert alone.code == 2, "with one tenant there are no others"


@pytest.mark.slow
def test_a_bug_with_the_only_tenant_is_a_bug_of_the_run(
    here: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, AUDITED["describe"], {FAILING: "Exception"})
    assert call("audit", "--snapshot", saved, "--tenant", FAILING, "--as-of", AS_OF, cwd=here).code == 70
