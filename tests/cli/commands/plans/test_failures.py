"""`auditor plan` if a tenant could not be audited, or the plan cannot be stored: the rest is written and shown."""

import json
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from auditor import resources
from auditor.snapshot.writer import write
from tests.builders.document.policy_documents import DENIED_TO_LEAVERS
from tests.builders.service.command_line import AS_OF, expect
from tests.builders.tenant.plan_tenants import E3, grant, snapshot, user


@pytest.mark.slow
def test_tenant_that_could_not_be_audited_has_no_plan(tmp_path: Path) -> None:
    """Neither 0 open findings nor a proof, scripts or a remark about the solution; the others have their plan."""
    (tmp_path / "rules.yaml").write_text(DENIED_TO_LEAVERS, encoding="utf-8")
    state = snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 1})
    write(tmp_path / "snapshots", state)
    other = write(tmp_path / "snapshots", replace(state, manifest=replace(state.manifest, tenant="adatum")))
    manifest = (other / "manifest.json").read_text(encoding="utf-8")
    (other / "manifest.json").write_text("{")
    common = ("plan", "rules.yaml", "--snapshot", "snapshots", "--as-of", AS_OF)
    formats = "json,html,markdown,powershell,http,approvals,terminal"
    completed = expect(3, *common, "-f", formats, "-o", "p", "--store", "kept", cwd=tmp_path)
    document = json.loads((tmp_path / "p" / "plan.json").read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(resources.schema("plan")))
    failed, planned = document["tenants"]
    assert (failed["name"], failed["before"]["open"], failed["after"]["open"]) == ("adatum", None, None)
    assert planned["before"]["open"] == 1
    for text in (" ".join(completed.text.split()), (tmp_path / "p" / "plan.md").read_text(encoding="utf-8")):
        assert "adatum could not be audited: " in text
        assert "manifest.json: invalid JSON: " in text
        assert "adatum has" not in text
        assert "A better plan may exist" not in text
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        planned["name"],
        "plan.html",
        "plan.json",
        "plan.md",
    ]
    html = (tmp_path / "p" / "plan.html").read_text(encoding="utf-8")
    assert (html.count("not audited"), html.count('class="proof"')) == (2, 1)
    assert [path.name for path in (tmp_path / "kept").iterdir() if path.is_dir()] == [planned["name"]]
    (other / "manifest.json").write_text(manifest, encoding="utf-8")
    verify = ("verify", "p/plan.json", "rules.yaml", "--snapshot", "snapshots", "--as-of", AS_OF, "-f", "json=-")
    (verified,) = json.loads(expect(1, *verify, cwd=tmp_path).out)["tenants"]
    assert verified["name"] == planned["name"], "without a plan there is nothing to verify"
    (other / "manifest.json").write_text("{")
    alone = expect(3, *common, "--tenant", "adatum", "-f", "http=-", cwd=tmp_path)
    assert (alone.out, "error[audit-incomplete]: adatum: " in alone.err) == (b"", True)


@pytest.mark.slow
def test_plan_that_cannot_be_stored_is_written_and_shown(tmp_path: Path) -> None:
    write(tmp_path / "snapshots", snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 1}))
    options = ("plan", "p.yaml", "--snapshot", "snapshots", "--as-of", AS_OF)
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
