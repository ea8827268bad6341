"""Commands with policies that extend the starter library or a folder, also from a commit."""

import subprocess
from pathlib import Path

import pytest

from auditor import __version__
from auditor.app.audit.merge import policies_of
from auditor.app.audit.pipeline import audit
from auditor.app.policy_files import library_files, load_policies
from auditor.catalogue import builtin
from auditor.policy.documents import digest_of
from auditor.policy.yaml.reader import parse
from auditor.snapshot.writer import write
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.tenants import NOW, tenant, user

DIGEST = digest_of(parse(body, file=name) for name, body in library_files())
STARTER = f"version: 1\nextends:\n  from: starter@{__version__}\n  digest: {DIGEST}\n"
CHANGES = "  leaveOut: [inactive-90d]\n  policies:\n    guests-paid: {severity: high, status: report-only}\n"
BASE = "version: 1\npolicies:\n  - {id: e5, severity: low, title: No E5, assignments: {deny: [SPE_E5]}}\n"
TEST = """version: 1
tests:
  - name: a guest with a suite
    given:
      products: [{skuPartNumber: SPE_E5, enabled: 10}]
      users: [{userPrincipalName: g@contoso.example, userType: Guest, accountEnabled: true, licenses: [SPE_E5]}]
    expect:
      - {policy: guests-paid, check: assignment.not-allowed, user: g@contoso.example, product: SPE_E5, status: report-only}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "ours.yaml").write_text(STARTER + CHANGES)
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@contoso.example", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_changed_starter_library_validates_without_warnings(folder: Path) -> None:
    completed = call("validate", "--strict", cwd=folder)
    assert (completed.code, completed.err) == (0, f"1 file, {len(policies(folder))} policies, 0 waivers: valid\n")
    text = call("explain", "guests-paid", cwd=folder).out.decode()
    assert "- Severity: high\n- Status: report-only\n" in text
    assert "auditor.policies/entitlement.yaml:" in text


def policies(folder: Path) -> dict[str, object]:
    loaded = load_policies([folder / "policies"])
    return {policy.id: policy for policy in loaded.policies.policies}


@pytest.mark.slow
def test_policies_of_a_result_contain_the_changes(folder: Path) -> None:
    loaded = load_policies([folder / "policies"]).policies
    result = audit([tenant(user("ann", "SPE_E5"))], loaded, builtin(), NOW)
    restored = policies_of(result)
    assert [policy.spec for policy in restored.policies] == [policy.spec for policy in loaded.policies]
    assert [policy.report_only for policy in restored.policies] == [policy.report_only for policy in loaded.policies]


def test_policy_tests_next_to_the_file_use_the_changed_policies(folder: Path) -> None:
    (folder / "policies" / "ours_test.yaml").write_text(TEST)
    completed = call("test", "policies", cwd=folder)
    assert completed.code == 0, completed.out.decode() + completed.err


def test_extending_a_folder_outside_the_repository_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "p.yaml").write_text(BASE)
    inside = tmp_path / "repository" / "policies"
    inside.mkdir(parents=True)
    (inside / "p.yaml").write_text("version: 1\nextends: {from: ../../base}\n")
    assert "extends-digest" in call("validate", cwd=inside.parent).err
    (inside.parent / ".git").mkdir()
    assert "p.yaml:2:17: error[extends-missing]: base is outside the repository" in (
        call("validate", cwd=inside.parent).err.replace("../", "").replace("policies/", "")
    )


@pytest.mark.slow
def test_preview_reads_the_extended_folder_from_the_commit(tmp_path: Path) -> None:
    for name in ("policies", "base"):
        (tmp_path / name).mkdir()
    template = "version: 1\nextends: {from: ../base, digest: '%s'}\n"
    (tmp_path / "base" / "p.yaml").write_text(BASE)
    (tmp_path / "policies" / "p.yaml").write_text(template % digest_of([parse(BASE, file="p")]))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    changed = BASE.replace("SPE_E5]", "SPE_E5, SPE_E3]")
    (tmp_path / "base" / "p.yaml").write_text(changed)
    (tmp_path / "policies" / "p.yaml").write_text(template % digest_of([parse(changed, file="p")]))
    write(tmp_path / "state", tenant(user("ann", "SPE_E5"), user("bob", "SPE_E3")))
    completed = call("preview", "--base", "HEAD", "--snapshot", "state", "--as-of", AS_OF, "-f", "json=-", cwd=tmp_path)
    assert completed.code in {0, 1}, completed.err
    assert b"SPE_E3" in completed.out
