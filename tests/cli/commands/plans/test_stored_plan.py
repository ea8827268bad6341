"""`auditor plan --store`: the plan is written and shown although it cannot be stored."""

import json
from pathlib import Path

import pytest

from auditor.snapshot.writer import write
from tests.builders.document.policy_documents import DENIED_TO_LEAVERS
from tests.builders.service.command_line import expect
from tests.builders.tenant.plan_tenants import E3, grant, snapshot, user

AS_OF = "--as-of=2026-11-20T02:17:00Z"


@pytest.mark.slow
def test_plan_that_cannot_be_stored_is_written_and_shown(tmp_path: Path) -> None:
    write(tmp_path / "snapshots", snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 1}))
    options = ("plan", "p.yaml", "--snapshot", "snapshots", AS_OF)
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "p.yaml").write_text(DENIED_TO_LEAVERS, encoding="utf-8")
    completed = expect(3, *options, "--store", "file/store", cwd=tmp_path)
    assert "error[store-unwritable]" in completed.err
    plan = json.loads((tmp_path / "out" / "plan.json").read_text(encoding="utf-8"))
    assert ("1 open finding" in completed.text, plan["tenants"][0]["before"]["open"]) == (True, 1)
    expect(0, *options, "-q", "--store", "store", cwd=tmp_path)
    marker = tmp_path / "store" / "store.json"
    marker.write_text(marker.read_text(encoding="utf-8").replace("store/v1", "store/v9"), encoding="utf-8")
    assert "error[store-version]" in expect(2, *options, "-o", "p", "--store", "store", cwd=tmp_path).err
    assert not (tmp_path / "p").exists()
