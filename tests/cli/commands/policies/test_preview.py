"""`auditor preview`: the effect of a policy change compared with a folder or a git ref, without names of people."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from auditor import resources
from auditor.demo.tenants import snapshots
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.result.model import Coverage
from auditor.snapshot.model import Snapshot
from auditor.snapshot.writer import write
from tests.builders.document.policy_documents import LEAVERS
from tests.builders.service.command_line import AS_OF, Ran, call, contents, expect
from tests.builders.tenant.snapshot_damage import copied
from tests.builders.tenant.tenants import NOW

pytestmark = pytest.mark.slow
ADDED = "- {id: spare, severity: high, seats: {of: paid, spare: {min: 100000}}}\n"


def preview(workspace: Path, fleet: Path, *arguments: str | Path, **environment: str) -> Ran:
    variables = {"AUDITOR_REDACT_KEY": "the same pseudonyms in every run", **environment}
    return call("preview", "--snapshot", fleet, "--as-of", AS_OF, *arguments, cwd=workspace, **variables)


def preview_document(workspace: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((workspace / "out" / "preview.json").read_text())
    jsonschema.validate(document, json.loads(resources.schema("preview")))
    return document


def git(workspace: Path, *arguments: str) -> None:
    name = ["-c", "user.name=T", "-c", "user.email=t@contoso.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *name, *arguments], cwd=workspace, check=True, capture_output=True, timeout=30)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose commit has one policy and whose working tree adds another."""
    (tmp_path / "policies").mkdir()
    file = tmp_path / "policies" / "all.yaml"
    file.write_text(LEAVERS)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "policies")
    git(tmp_path, "commit", "-q", "-m", "one")
    file.write_text(LEAVERS + ADDED)
    return tmp_path


def test_finding_shows_its_product_name_once(repository: Path, fleet: Path) -> None:
    completed = preview(repository, fleet, "--base", "main", "-f", "markdown=-", "-q")
    lines = [line for line in completed.text.splitlines() if line.startswith("- spare ")]
    assert lines == ["- spare · too few spare (high, open) · Microsoft 365 E3"] * 2


def test_git_ref_is_read_without_checkout_and_added_findings_exit_with_1(repository: Path, fleet: Path) -> None:
    completed = preview(repository, fleet, "--base", "main")
    assert completed.code == 1, completed.err
    document = preview_document(repository)
    assert document["base"]["commit"] is not None
    assert {finding["policy"] for tenant in document["tenants"] for finding in tenant["added"]} == {"spare"}
    assert document["summary"]["removed"] == document["summary"]["changed"] == 0
    assert document["summary"]["worse"]["high"] == document["summary"]["added"] > 0
    assert [policy["before"] for policy in document["summary"]["policies"]] == [None]
    assert (repository / "policies" / "all.yaml").read_text() == LEAVERS + ADDED


def test_fail_on_threshold_sets_the_exit_code(repository: Path, fleet: Path) -> None:
    assert preview(repository, fleet, "--base", "main", "--fail-on", "critical").code == 0
    assert preview(repository, fleet, "--base", "main", "--fail-on", "never").code == 0
    assert preview(repository, fleet, "--base", "main", AUDITOR_FAIL_ON="critical").code == 0


def test_removing_a_policy_only_removes_findings(repository: Path, fleet: Path) -> None:
    git(repository, "commit", "-qam", "two")
    (repository / "policies" / "all.yaml").write_text(LEAVERS)
    assert preview(repository, fleet, "--base", "HEAD", "--fail-on", "info").code == 0
    document = preview_document(repository)
    assert document["summary"]["added"] == 0
    assert {finding["policy"] for tenant in document["tenants"] for finding in tenant["removed"]} == {"spare"}


def test_moving_a_policy_changes_nothing(repository: Path, fleet: Path) -> None:
    (repository / "policies" / "all.yaml").unlink()
    (repository / "policies" / "moved.yaml").write_text("# moved down\n" * 9 + LEAVERS)
    assert preview(repository, fleet, "--base", "main", "--fail-on", "info").code == 0
    assert preview_document(repository)["summary"]["policies"] == []


def test_changes_of_severity_and_waivers_are_reported_by_department(repository: Path, fleet: Path) -> None:
    (repository / "policies" / "all.yaml").write_text(LEAVERS.replace("medium", "critical"))
    completed = preview(repository, fleet, "--base", "main")
    assert completed.code == 1, "findings with a raised severity count as new"
    document = preview_document(repository)
    worse = document["summary"]["worse"]["critical"]
    assert f"findings are new, more severe or no longer waived: {worse} critical\n" in completed.err
    pairs = [pair for tenant in document["tenants"] for pair in tenant["changed"]]
    assert pairs
    assert {(pair["before"]["severity"], pair["after"]["severity"]) for pair in pairs} == {("medium", "critical")}
    assert sum(department["changed"] for department in document["summary"]["departments"]) == len(pairs)
    waived = LEAVERS + (
        "waivers:\n- {id: W-1, policies: [leavers], reason: agreed with HR, owner: a@contoso.example,"
        " expires: 2027-01-31}\n"
    )
    (repository / "policies" / "all.yaml").write_text(waived)
    assert preview(repository, fleet, "--base", "main", "--fail-on", "info").code == 0
    after = [pair["after"] for tenant in preview_document(repository)["tenants"] for pair in tenant["changed"]]
    assert {(finding["status"], finding["waiver"]) for finding in after} == {("waived", "W-1")}


def test_names_appear_only_with_the_names_option(repository: Path, fleet: Path) -> None:
    (repository / "policies" / "all.yaml").write_text(LEAVERS.replace("medium", "low"))
    formats = ("-f", "json,markdown,html")
    preview(repository, fleet, "--base", "main", "--names", *formats)
    people = {
        text
        for tenant in preview_document(repository)["tenants"]
        for pair in tenant["changed"]
        for text in (pair["after"]["subject"]["id"], pair["after"]["subject"]["name"])
    }
    assert people
    for name in contents(repository / "out"):
        (repository / "out" / name).unlink()
    preview(repository, fleet, "--base", "main", *formats)
    files = sorted((repository / "out").iterdir())
    assert [path.name for path in files] == ["preview.html", "preview.json", "preview.md"]
    for path in files:
        assert [person for person in people if person in path.read_text()] == []


def test_two_runs_write_the_same_bytes(repository: Path, fleet: Path) -> None:
    preview(repository, fleet, "--base", "main", "-o", "a", "-f", "json,markdown,html")
    preview(repository, fleet, "--base", "main", "-o", "b", "-f", "json,markdown,html")
    assert contents(repository / "a") == contents(repository / "b")


def test_hostile_titles_are_escaped_and_the_comment_is_limited_in_length(repository: Path, fleet: Path) -> None:
    hostile = "</details><img src=x onerror=alert(1)> @everyone | [x](https://evil.example)"
    policies = "".join(
        f"- {{id: p{number}, title: {json.dumps(hostile * 3)}, severity: low,"
        " seats: {of: SPE_E3, spare: {min: 100000}}}\n"
        for number in range(200)
    )
    (repository / "policies" / "all.yaml").write_text("version: 1\npolicies:\n" + policies)
    assert preview(repository, fleet, "--base", "main", "-f", "markdown,html").code == 0
    comment = (repository / "out" / "preview.md").read_text()
    page = (repository / "out" / "preview.html").read_text()
    assert 10_000 < len(comment) < 60_000
    assert comment.rstrip().endswith("see preview.json for the full text._")
    assert "<img" not in comment + page
    assert "@everyone" not in comment
    assert "](https" not in comment
    assert comment.count("<details>") == comment.count("</details>")


def test_policy_errors_name_the_base_or_head_side(repository: Path, fleet: Path) -> None:
    git(repository, "commit", "-qam", "two")
    (repository / "policies" / "all.yaml").write_text("version: 1\npolicies: [{id: x}]\n")
    completed = preview(repository, fleet, "--base", "main")
    assert (completed.code, "head: " in completed.err, "base: " in completed.err) == (2, True, False)
    git(repository, "commit", "-qam", "broken")
    completed = preview(repository, fleet, "--base", "main", "-f", "json=wrong.json")
    assert (completed.code, "main:policies/all.yaml:2" in completed.err, "base: " in completed.err) == (2, True, True)
    assert not (repository / "wrong.json").exists()


@pytest.mark.parametrize(
    ("base", "slug"),
    [
        ("--upload-pack=touch${IFS}owned", "base-unsafe"),
        ("-x", "base-unsafe"),
        ("", "base-unsafe"),
        ("main..main", "base-unsafe"),
        ("main:policies", "base-unsafe"),
        ("main;touch owned", "base-unsafe"),
        ("nobody", "base-unknown"),
        ("main^{tree}", "base-git"),
    ],
)
def test_invalid_git_ref_is_an_error(repository: Path, fleet: Path, base: str, slug: str) -> None:
    before = contents(repository)
    completed = preview(repository, fleet, f"--base={base}")
    assert completed.code == 2
    assert f"[{slug}]" in completed.err
    assert contents(repository) == before


def test_symlinks_in_the_base_and_paths_outside_the_repository_are_errors(
    repository: Path, fleet: Path, tmp_path: Path
) -> None:
    (repository / "policies" / "link.yaml").symlink_to("/etc/hostname")
    git(repository, "add", "policies/link.yaml")
    git(repository, "commit", "-qm", "link")
    assert "[base-link]" in preview(repository, fleet, "--base", "main").err
    outside = tmp_path.parent / f"{tmp_path.name}-outside.yaml"
    outside.write_text(LEAVERS)
    assert "[base-outside]" in preview(repository, fleet, "--base", "main", outside).err


def test_missing_repository_and_missing_snapshot_are_errors(workspace: Path, fleet: Path) -> None:
    completed = preview(workspace, fleet, "--base", "main", GIT_CEILING_DIRECTORIES=str(workspace.parent))
    assert completed.code == 2
    assert "[base-" in completed.err
    completed = call("preview", "--base", "policies", cwd=workspace)
    assert (completed.code, "[usage]" in completed.err) == (2, True)


def without_sign_ins(snapshot: Snapshot) -> tuple[Coverage, ...]:
    """Return the sources of a snapshot whose sign-in activity was denied."""
    return tuple(
        replace(entry, status=SourceStatus.DENIED, reason=Message("denied"))
        if entry.name is Source.SIGN_IN_ACTIVITY
        else entry
        for entry in snapshot.manifest.sources
    )


def test_policy_that_cannot_be_evaluated_makes_the_preview_incomplete(repository: Path, tmp_path: Path) -> None:
    snapshot = next(iter(snapshots(NOW)))
    sources = without_sign_ins(snapshot)
    write(tmp_path / "partial", replace(snapshot, manifest=replace(snapshot.manifest, sources=sources)))
    idle = "- {id: idle, severity: low, users: {inactiveFor: 90d}, assignments: {of: paid, allow: []}}\n"
    (repository / "policies" / "all.yaml").write_text(LEAVERS + idle)
    completed = preview(repository, tmp_path / "partial", "--base", "main")
    assert completed.code == 3, completed.err
    document = preview_document(repository)
    assert not document["complete"]
    assert {(entry["side"], entry["policy"]) for entry in document["summary"]["notEvaluated"]} == {("head", "idle")}
    assert "Incomplete" in (repository / "out" / "preview.md").read_text()


@pytest.fixture
def tenants_without_sign_ins(tmp_path: Path) -> Path:
    """Six snapshots of tenants whose sign-in activity was not collected."""
    snapshot = next(iter(snapshots(NOW)))
    sources = without_sign_ins(snapshot)
    for number in range(6):
        manifest = replace(snapshot.manifest, tenant=f"t{number}", tenant_id=f"{number:032}", sources=sources)
        write(tmp_path / "several", replace(snapshot, manifest=manifest))
    return tmp_path / "several"


def test_unevaluated_policies_and_unmatched_ones_are_printed_once_for_all_tenants(
    repository: Path, tenants_without_sign_ins: Path
) -> None:
    idle = "- {id: idle, severity: low, users: {inactiveFor: 90d}, assignments: {of: paid, allow: []}}\n"
    nobody = "- {id: nobody, severity: low, users: {department: Nobody}, assignments: {of: paid, allow: []}}\n"
    (repository / "policies" / "all.yaml").write_text(LEAVERS + idle + nobody)
    completed = preview(repository, tenants_without_sign_ins, "--base", "policies", COLUMNS="400")
    lines = [line for line in completed.text.splitlines() if "not evaluated" in line]
    assert len(lines) == 1
    tenants = "t0 (Contoso Retail), t1 (Contoso Retail), t2 (Contoso Retail) and 3 more"
    assert f"not evaluated before and after the change: idle ({tenants}): " in lines[0]
    entries = preview_document(repository)["summary"]["notEvaluated"]
    assert len(entries) == 12, "preview.json has every tenant and both sides"
    validated = call("validate", "--snapshot", tenants_without_sign_ins, "--as-of", AS_OF, cwd=repository)
    assert validated.err.count("warning[") == 2, validated.err
    assert "warning[policy-not-evaluated]: t0, t1, t2 and 3 more: the policy idle" in validated.err
    assert "warning[policy-no-match]: t0, t1, t2 and 3 more: the policy nobody" in validated.err
    assert validated.err.count("; `auditor audit --snapshot` shows all tenants and reasons\n") == 2


def test_tenant_whose_snapshot_is_damaged_is_named_and_makes_the_preview_incomplete(
    repository: Path, fleet: Path, tmp_path: Path
) -> None:
    damaged = copied(fleet, tmp_path / "damaged")
    next(damaged.glob("fabrikam/*/users.parquet")).write_bytes(b"PAR1")
    completed = preview(repository, damaged, "--base", "main")
    assert completed.code == 3, completed.err
    assert "[audit-incomplete]: fabrikam: " in completed.err
    document = preview_document(repository)
    assert [(tenant["name"], bool(tenant["added"])) for tenant in document["tenants"]] == [
        ("contoso", True),
        ("fabrikam", False),
    ]
    assert not document["complete"]
    unknown = {(entry["side"], entry["tenant"], entry["policy"]) for entry in document["summary"]["notEvaluated"]}
    assert unknown == {(side, "fabrikam", "leavers") for side in ("base", "head")} | {("head", "fabrikam", "spare")}


def test_unreadable_tenant_to_which_no_policy_applies_is_named(repository: Path, fleet: Path, tmp_path: Path) -> None:
    damaged = copied(fleet, tmp_path / "damaged")
    next(damaged.glob("fabrikam/*/manifest.json")).write_text("{")
    (repository / "policies" / "all.yaml").write_text(LEAVERS.replace("  severity", "  tenants: [contoso]\n  severity"))
    completed = preview(repository, damaged, "--base", "policies", "-q")
    assert (completed.code, "fabrikam: " in completed.err, completed.out) == (3, True, b"")


def test_demo_compared_with_a_folder_is_printed_to_stdout(workspace: Path) -> None:
    completed = expect(
        0, "preview", "--demo", "--base", "policies", "--as-of", AS_OF, "-f", "markdown=-", cwd=workspace
    )
    assert completed.text.startswith(
        "<!-- auditor-preview -->\n### This policy change does not add, remove or change any finding"
    )


def test_text_outputs_are_translated_and_json_is_not(repository: Path, fleet: Path) -> None:
    completed = preview(repository, fleet, "--base", "HEAD", "-f", "json,markdown,html", "--locale", "nl")
    assert "Bevindingen na deze beleidswijziging: " in completed.text
    assert "toegevoegd" in completed.text
    assert "geschreven" in completed.err
    page = (repository / "out" / "preview.html").read_text(encoding="utf-8")
    comment = (repository / "out" / "preview.md").read_text(encoding="utf-8")
    assert '<html lang="nl">' in page
    for text in (page.partition("<body>")[2], comment):
        assert "Toegevoegd" in text
        assert not re.search(r"\b(?:Added|Removed|Changed|A month|Policy|state as of|added|finding)\b", text)
    machine = (repository / "out" / "preview.json").read_bytes()
    preview(repository, fleet, "--base", "HEAD", "-f", "json")
    assert (repository / "out" / "preview.json").read_bytes() == machine
