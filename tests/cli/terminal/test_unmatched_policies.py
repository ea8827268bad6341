"""Warnings about policies that match nobody and about mail recipients whose filters no policy matches."""

import json
import re
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


def audit(workspace: Path, fleet: Path, *options: str, folder: str = "out") -> Ran:
    return call("audit", "p", "--snapshot", fleet, "--as-of", AS_OF, "-o", folder, *options, cwd=workspace)


def counts(document: Any) -> dict[str, int | None]:
    outcomes_by_name = {tenant["name"]: tenant["policies"] for tenant in document["tenants"]}
    outcomes_by_name["fleet"] = document["fleet"]["policies"]
    return {
        f"{name} {outcome['id']}": outcome["judged"]
        for name, outcomes in outcomes_by_name.items()
        for outcome in outcomes
    }


@pytest.mark.slow
def test_shards_and_merged_results_count_evaluated_subjects_like_one_audit(workspace: Path, demo: Path) -> None:
    single = audit(workspace, demo)
    document = json.loads((workspace / "out" / "result.json").read_bytes())
    expected = counts(document)
    assert expected == {
        "contoso disabled": 22, "contoso sales": 0, "fabrikam disabled": 2, "fabrikam sales": 0, "fleet evened": 1,
    }  # fmt: skip
    assert SLAES in " ".join(single.text.split())
    assert "policy: sales" not in single.text, "a policy with a notice is listed once"
    for number in (1, 2, 3):
        audit(workspace, demo, "--shard", f"{number}/3", "-f", "json", folder=f"shard{number}")
    shards = [path for path in sorted(workspace.glob("shard*/result.json")) if json.loads(path.read_bytes())["tenants"]]
    assert call("report", *shards, "-f", "json", "-o", "merged", cwd=workspace).code != 2
    assert counts(json.loads((workspace / "merged" / "result.json").read_bytes())) == expected


@pytest.mark.slow
def test_page_and_explain_show_the_number_of_evaluated_subjects(workspace: Path, demo: Path) -> None:
    audit(workspace, demo)
    page = (workspace / "out" / "report.html").read_text()
    assert ">Evaluated</th>" in page
    assert "It does not apply to anything here." in page
    completed = call("explain", "disabled", "p", "--result", "out/result.json", cwd=workspace)
    assert "Evaluated: Contoso Retail 22, Fabrikam Interiør 2" in completed.text


def test_validate_warns_about_a_policy_that_matches_nobody_in_the_snapshot(workspace: Path, fleet: Path) -> None:
    completed = expect(0, "validate", "p", "--snapshot", fleet / "contoso", cwd=workspace)
    assert "p/sales.yaml:3:3: warning[policy-no-match]" in completed.err
    assert SLAES in completed.err
    assert "disabled" not in completed.err
    assert call("validate", "p", "--snapshot", fleet / "contoso", "--strict", cwd=workspace).code == 2
    assert call("validate", "p", cwd=workspace).err.count("warning") == 0


def test_validate_warns_about_a_policy_that_cannot_be_evaluated_in_the_snapshot(workspace: Path, fleet: Path) -> None:
    (workspace / "p" / "group.yaml").write_text(
        "version: 1\npolicies:\n- {id: g, severity: low, users: {memberOf: Nobody knows it}, "
        "assignments: {require: [SPE_F1]}}\n"
    )
    completed = call("validate", "p", "--snapshot", fleet / "contoso", cwd=workspace)
    assert "warning[policy-not-evaluated]: contoso: the policy g cannot be evaluated" in completed.err


def test_policy_tests_warn_about_a_policy_that_matches_nobody(workspace: Path) -> None:
    (workspace / "p" / "sales_test.yaml").write_text(TEST)
    completed = expect(0, "test", "p", cwd=workspace)
    assert "p/sales.yaml:3:3: warning[policy-no-match]" in completed.err
    assert SLAES in completed.err
    (workspace / "p" / "sales_test.yaml").write_text(TEST.replace("department: Sales", "department: Slaes").replace(
        "expect: []", "expect: [{policy: sales, check: assignment.missing}]"))  # fmt: skip
    completed = call("test", "p", cwd=workspace)
    assert (completed.code, completed.err) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipient", "message"),
    [
        (
            "owners: [licencing@contoso.example]",
            "filters by owners 'licencing@contoso.example', which no policy of the tenant has",
        ),
        ("tags: [sales, slaes]", "filters by tags 'slaes', which no policy of the tenant has"),
        ("severities: [critical]", "filters by severities 'critical', which no policy of the tenant has"),
        (
            "severities: [low], tags: [sales]",
            "no policy matches all filters of the recipient ann@contoso.example of the tenant contoso",
        ),
    ],
)
def test_validate_and_send_warn_about_recipients_without_a_matching_policy(
    workspace: Path, fleet: Path, recipient: str, message: str
) -> None:
    (workspace / "tenants.yaml").write_text(TENANTS.replace("RECIPIENT", recipient))
    completed = call("validate", "p", "--tenants", "tenants.yaml", cwd=workspace)
    assert (completed.code, completed.err.count("warning[recipient-no-match]")) == (0, 1)
    assert re.search(r"^tenants\.yaml:\d+:\d+: warning\[recipient-no-match\]", completed.err, re.MULTILINE)
    assert message in completed.err
    assert "tags" not in recipient or "severities" in recipient or "did you mean 'sales'?" in completed.err
    audit(workspace, fleet, "-f", "json")
    sent = call("send", "out/result.json", "--dry-run", cwd=workspace)
    assert (sent.code, sent.err.count("recipient-no-match")) == (0, 1)
    assert message in sent.err


def test_validate_accepts_recipients_with_a_matching_policy(workspace: Path) -> None:
    (workspace / "tenants.yaml").write_text(TENANTS.replace("RECIPIENT", "severities: [critical, high], tags: [SALES]"))
    completed = call("validate", "p", "--tenants", "tenants.yaml", cwd=workspace)
    assert (completed.code, completed.err.count("warning")) == (0, 0)
