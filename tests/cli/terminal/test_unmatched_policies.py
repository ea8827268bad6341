"""What no audit passes in silence: policies that match nobody, and recipients whose choice no policy meets."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders.service.command_line import AS_OF, Ran, call, expect

POLICY = """\
version: 1
policies:
- {id: sales, severity: high, owner: licensing@contoso.example, tags: [sales], users: {department: Slaes},
   assignments: {require: [SPE_F1]}}
- {id: disabled, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
- {id: evened, severity: low, balance: {of: [SPE_E3], spare: {min: 1, max: 5}}}
"""
TENANTS = """\
version: 1
tenants:
- name: contoso
  tenantId: 11111111-2222-3333-4444-555555555555
  recipients:
  - {address: ann@contoso.example, RECIPIENT}
mail: {from: audit@contoso.example, smtp: {host: relay.contoso.example, port: 587}}
"""
TEST = """\
version: 1
tests:
- name: Somebody in Sales
  given: {users: [{userPrincipalName: ann@contoso.example, department: Sales}]}
  policies: [sales]
  expect: []
"""
SLAES = "no user meets the condition department 'Slaes' (nearest in use: department 'Sales')"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "sales.yaml").write_text(POLICY)
    return tmp_path


def audit(workspace: Path, saved: Path, *more: str, folder: str = "out") -> Ran:
    return call("audit", "p", "--snapshot", saved, "--as-of", AS_OF, "-o", folder, *more, cwd=workspace)


def counts(document: Any) -> dict[str, int | None]:
    parts = {tenant["name"]: tenant["policies"] for tenant in document["tenants"]}
    parts["fleet"] = document["fleet"]["policies"]
    return {f"{name} {outcome['id']}": outcome["judged"] for name, found in parts.items() for outcome in found}


@pytest.mark.slow
def test_every_route_of_an_audit_counts_alike(workspace: Path, demo: Path) -> None:
    whole = audit(workspace, demo)
    held = json.loads((workspace / "out" / "result.json").read_bytes())
    wanted = counts(held)
    assert wanted == {
        "contoso disabled": 22, "contoso sales": 0, "fabrikam disabled": 2, "fabrikam sales": 0, "fleet evened": 1,
    }  # fmt: skip
    assert SLAES in " ".join(whole.text.split())
    assert "policy: sales" not in whole.text, "what has a notice is named once"
    for part in (1, 2, 3):
        audit(workspace, demo, "--shard", f"{part}/3", "-f", "json", folder=f"shard{part}")
    shards = [path for path in sorted(workspace.glob("shard*/result.json")) if json.loads(path.read_bytes())["tenants"]]
    assert call("report", *shards, "-f", "json", "-o", "merged", cwd=workspace).code != 2
    assert counts(json.loads((workspace / "merged" / "result.json").read_bytes())) == wanted


@pytest.mark.slow
def test_the_page_and_explain_show_the_count(workspace: Path, demo: Path) -> None:
    audit(workspace, demo)
    page = (workspace / "out" / "report.html").read_text()
    assert ">Evaluated</th>" in page
    assert "It applies to nobody and nothing here." in page
    ran = call("explain", "disabled", "p", "--result", "out/result.json", cwd=workspace)
    assert "Evaluated: Contoso Retail 22, Fabrikam Interiør 2" in ran.text


def test_validate_holds_policies_against_a_snapshot(workspace: Path, saved: Path) -> None:
    ran = expect(0, "validate", "p", "--snapshot", saved / "contoso", cwd=workspace)
    assert "p/sales.yaml:3:3: warning[policy-no-match]" in ran.err
    assert SLAES in ran.err
    assert "disabled" not in ran.err
    assert call("validate", "p", "--snapshot", saved / "contoso", "--strict", cwd=workspace).code == 2
    assert call("validate", "p", cwd=workspace).err.count("warning") == 0


def test_validate_says_what_cannot_be_evaluated_there(workspace: Path, saved: Path) -> None:
    (workspace / "p" / "group.yaml").write_text(
        "version: 1\npolicies:\n- {id: g, severity: low, users: {memberOf: Nobody knows it}, "
        "assignments: {require: [SPE_F1]}}\n"
    )
    ran = call("validate", "p", "--snapshot", saved / "contoso", cwd=workspace)
    assert "warning[policy-not-evaluated]: contoso: the policy g cannot be evaluated" in ran.err


def test_policy_tests_say_which_policy_judged_nobody(workspace: Path) -> None:
    (workspace / "p" / "sales_test.yaml").write_text(TEST)
    ran = expect(0, "test", "p", cwd=workspace)
    assert "p/sales.yaml:3:3: warning[policy-no-match]" in ran.err
    assert SLAES in ran.err
    (workspace / "p" / "sales_test.yaml").write_text(TEST.replace("department: Sales", "department: Slaes").replace(
        "expect: []", "expect: [{policy: sales, check: assignment.missing}]"))  # fmt: skip
    ran = call("test", "p", cwd=workspace)
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipient", "message"),
    [
        (
            "owners: [licencing@contoso.example]",
            "asks for owners 'licencing@contoso.example', which no policy of the tenant has",
        ),
        ("tags: [sales, slaes]", "asks for tags 'slaes', which no policy of the tenant has"),
        ("severities: [critical]", "asks for severities 'critical', which no policy of the tenant has"),
        (
            "severities: [low], tags: [sales]",
            "no policy matches all filters of the recipient ann@contoso.example of the tenant contoso",
        ),
    ],
)
def test_recipients_whom_no_policy_reaches(workspace: Path, saved: Path, recipient: str, message: str) -> None:
    (workspace / "tenants.yaml").write_text(TENANTS.replace("RECIPIENT", recipient))
    ran = call("validate", "p", "--tenants", "tenants.yaml", cwd=workspace)
    assert (ran.code, ran.err.count("recipient-no-match")) == (0, 1)
    assert message in ran.err
    assert "tags" not in recipient or "severities" in recipient or "did you mean 'sales'?" in ran.err
    audit(workspace, saved, "-f", "json")
    sent = call("send", "out/result.json", "--dry-run", cwd=workspace)
    assert (sent.code, sent.err.count("recipient-no-match")) == (0, 1)
    assert message in sent.err


def test_recipients_whom_policies_reach_are_fine(workspace: Path) -> None:
    (workspace / "tenants.yaml").write_text(TENANTS.replace("RECIPIENT", "severities: [critical, high], tags: [SALES]"))
    ran = call("validate", "p", "--tenants", "tenants.yaml", cwd=workspace)
    assert (ran.code, ran.err.count("warning")) == (0, 0)
