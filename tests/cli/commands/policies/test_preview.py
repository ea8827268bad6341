"""`auditor preview`: what a change of policies would do, from a folder or a git ref, told without names."""

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
from auditor.snapshot.writer import write
from tests.builders.document.policy_documents import LEAVERS
from tests.builders.service.command_line import AS_OF, Ran, call, contents, expect
from tests.builders.tenant.tenants import NOW

ADDED = "- {id: spare, severity: high, seats: {of: paid, spare: {min: 100000}}}\n"


def preview(here: Path, saved: Path, *more: str | Path, **environment: str) -> Ran:
    keyed = {"AUDITOR_REDACT_KEY": "the same pseudonyms in every run", **environment}
    return call("preview", "--snapshot", saved, "--as-of", AS_OF, *more, cwd=here, **keyed)


def preview_document(here: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((here / "out" / "preview.json").read_text())
    jsonschema.validate(found, json.loads(resources.schema("preview")))
    return found


def git(here: Path, *arguments: str) -> None:
    name = ["-c", "user.name=T", "-c", "user.email=t@contoso.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *name, *arguments], cwd=here, check=True, capture_output=True, timeout=30)


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A repository whose commit has one policy and whose working tree adds another."""
    (tmp_path / "policies").mkdir()
    file = tmp_path / "policies" / "all.yaml"
    file.write_text(LEAVERS)
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "policies")
    git(tmp_path, "commit", "-q", "-m", "one")
    file.write_text(LEAVERS + ADDED)
    return tmp_path


@pytest.mark.slow
def test_a_finding_names_its_product_as_reports_do_and_once(changed: Path, saved: Path) -> None:
    ran = preview(changed, saved, "--base", "main", "-f", "markdown=-", "-q")
    about = [line for line in ran.text.splitlines() if line.startswith("- spare ")]
    assert about == ["- spare · too few spare (high, open) · Microsoft 365 E3"] * 2


@pytest.mark.slow
def test_a_ref_is_read_without_a_checkout_and_added_findings_fail(changed: Path, saved: Path) -> None:
    ran = preview(changed, saved, "--base", "main")
    assert ran.code == 1, ran.err
    found = preview_document(changed)
    assert found["base"]["commit"] is not None
    assert {each["policy"] for tenant in found["tenants"] for each in tenant["added"]} == {"spare"}
    assert found["summary"]["removed"] == found["summary"]["changed"] == 0
    assert found["summary"]["worse"]["high"] == found["summary"]["added"] > 0
    assert [policy["before"] for policy in found["summary"]["policies"]] == [None]
    assert (changed / "policies" / "all.yaml").read_text() == LEAVERS + ADDED


@pytest.mark.slow
def test_the_threshold_decides(changed: Path, saved: Path) -> None:
    assert preview(changed, saved, "--base", "main", "--fail-on", "critical").code == 0
    assert preview(changed, saved, "--base", "main", "--fail-on", "never").code == 0
    assert preview(changed, saved, "--base", "main", AUDITOR_FAIL_ON="critical").code == 0


@pytest.mark.slow
def test_the_way_back_only_removes(changed: Path, saved: Path) -> None:
    git(changed, "commit", "-qam", "two")
    (changed / "policies" / "all.yaml").write_text(LEAVERS)
    assert preview(changed, saved, "--base", "HEAD", "--fail-on", "info").code == 0
    found = preview_document(changed)
    assert found["summary"]["added"] == 0
    assert {each["policy"] for tenant in found["tenants"] for each in tenant["removed"]} == {"spare"}


@pytest.mark.slow
def test_a_moved_policy_changes_nothing(changed: Path, saved: Path) -> None:
    (changed / "policies" / "all.yaml").unlink()
    (changed / "policies" / "moved.yaml").write_text("# moved down\n" * 9 + LEAVERS)
    assert preview(changed, saved, "--base", "main", "--fail-on", "info").code == 0
    assert preview_document(changed)["summary"]["policies"] == []


@pytest.mark.slow
def test_severity_and_waiver_are_changes_with_departments(changed: Path, saved: Path) -> None:
    (changed / "policies" / "all.yaml").write_text(LEAVERS.replace("medium", "critical"))
    assert preview(changed, saved, "--base", "main").code == 1, "graver findings are new at that severity"
    found = preview_document(changed)
    pairs = [pair for tenant in found["tenants"] for pair in tenant["changed"]]
    assert pairs
    assert {(pair["before"]["severity"], pair["after"]["severity"]) for pair in pairs} == {("medium", "critical")}
    assert sum(each["changed"] for each in found["summary"]["departments"]) == len(pairs)
    waived = LEAVERS + (
        "waivers:\n- {id: W-1, policies: [leavers], reason: agreed with HR, owner: a@contoso.example,"
        " expires: 2027-01-31}\n"
    )
    (changed / "policies" / "all.yaml").write_text(waived)
    assert preview(changed, saved, "--base", "main", "--fail-on", "info").code == 0
    after = [pair["after"] for tenant in preview_document(changed)["tenants"] for pair in tenant["changed"]]
    assert {(each["status"], each["waiver"]) for each in after} == {("waived", "W-1")}


@pytest.mark.slow
def test_nobody_is_named_unless_it_is_asked_for(changed: Path, saved: Path) -> None:
    (changed / "policies" / "all.yaml").write_text(LEAVERS.replace("medium", "low"))
    formats = ("-f", "json,markdown,html")
    preview(changed, saved, "--base", "main", "--names", *formats)
    people = {
        text
        for tenant in preview_document(changed)["tenants"]
        for pair in tenant["changed"]
        for text in (pair["after"]["subject"]["id"], pair["after"]["subject"]["name"])
    }
    assert people
    for name in contents(changed / "out"):
        (changed / "out" / name).unlink()
    preview(changed, saved, "--base", "main", *formats)
    files = sorted((changed / "out").iterdir())
    assert [path.name for path in files] == ["preview.html", "preview.json", "preview.md"]
    for path in files:
        assert [person for person in people if person in path.read_text()] == []


@pytest.mark.slow
def test_two_runs_write_the_same_bytes(changed: Path, saved: Path) -> None:
    preview(changed, saved, "--base", "main", "-o", "a", "-f", "json,markdown,html")
    preview(changed, saved, "--base", "main", "-o", "b", "-f", "json,markdown,html")
    assert contents(changed / "a") == contents(changed / "b")


@pytest.mark.slow
def test_hostile_text_is_inert_and_the_comment_fits(changed: Path, saved: Path) -> None:
    hostile = "</details><img src=x onerror=alert(1)> @everyone | [x](https://evil.example)"
    policies = "".join(
        f"- {{id: p{number}, title: {json.dumps(hostile * 3)}, severity: low,"
        " seats: {of: SPE_E3, spare: {min: 100000}}}\n"
        for number in range(200)
    )
    (changed / "policies" / "all.yaml").write_text("version: 1\npolicies:\n" + policies)
    assert preview(changed, saved, "--base", "main", "-f", "markdown,html").code == 0
    comment = (changed / "out" / "preview.md").read_text()
    page = (changed / "out" / "preview.html").read_text()
    assert 10_000 < len(comment) < 60_000
    assert comment.rstrip().endswith("has all of it._")
    assert "<img" not in comment + page
    assert "@everyone" not in comment
    assert "](https" not in comment
    assert comment.count("<details>") == comment.count("</details>")


def test_what_is_broken_says_which_side(changed: Path, saved: Path) -> None:
    git(changed, "commit", "-qam", "two")
    (changed / "policies" / "all.yaml").write_text("version: 1\npolicies: [{id: x}]\n")
    ran = preview(changed, saved, "--base", "main")
    assert (ran.code, "head: " in ran.err, "base: " in ran.err) == (2, True, False)
    git(changed, "commit", "-qam", "broken")
    ran = preview(changed, saved, "--base", "main", "-f", "json=wrong.json")
    assert (ran.code, "main:policies/all.yaml:2" in ran.err, "base: " in ran.err) == (2, True, True)
    assert not (changed / "wrong.json").exists()


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
def test_a_ref_that_is_none_is_refused(changed: Path, saved: Path, base: str, slug: str) -> None:
    before = contents(changed)
    ran = preview(changed, saved, f"--base={base}")
    assert ran.code == 2
    assert f"[{slug}]" in ran.err
    assert contents(changed) == before


def test_a_link_in_the_base_and_a_place_outside_are_refused(changed: Path, saved: Path, tmp_path: Path) -> None:
    (changed / "policies" / "link.yaml").symlink_to("/etc/hostname")
    git(changed, "add", "policies/link.yaml")
    git(changed, "commit", "-qm", "link")
    assert "[base-link]" in preview(changed, saved, "--base", "main").err
    outside = tmp_path.parent / f"{tmp_path.name}-outside.yaml"
    outside.write_text(LEAVERS)
    assert "[base-outside]" in preview(changed, saved, "--base", "main", outside).err


def test_no_repository_and_no_snapshot_are_reported(here: Path, saved: Path) -> None:
    ran = preview(here, saved, "--base", "main", GIT_CEILING_DIRECTORIES=str(here.parent))
    assert ran.code == 2
    assert "[base-" in ran.err
    ran = call("preview", "--base", "policies", cwd=here)
    assert (ran.code, "[usage]" in ran.err) == (2, True)


@pytest.mark.slow
def test_a_policy_that_cannot_be_evaluated_makes_it_incomplete(changed: Path, tmp_path: Path) -> None:
    first = next(iter(snapshots(NOW)))
    sources = tuple(
        replace(each, status=SourceStatus.DENIED, reason=Message("denied"))
        if each.name is Source.SIGN_IN_ACTIVITY
        else each
        for each in first.manifest.sources
    )
    write(tmp_path / "partial", replace(first, manifest=replace(first.manifest, sources=sources)))
    idle = "- {id: idle, severity: low, users: {inactiveFor: 90d}, assignments: {of: paid, allow: []}}\n"
    (changed / "policies" / "all.yaml").write_text(LEAVERS + idle)
    ran = preview(changed, tmp_path / "partial", "--base", "main")
    assert ran.code == 3, ran.err
    found = preview_document(changed)
    assert not found["complete"]
    assert {(each["side"], each["policy"]) for each in found["summary"]["notEvaluated"]} == {("head", "idle")}
    assert "Incomplete" in (changed / "out" / "preview.md").read_text()


@pytest.mark.slow
def test_the_demo_against_a_folder_goes_to_stdout(here: Path) -> None:
    ran = expect(0, "preview", "--demo", "--base", "policies", "--as-of", AS_OF, "-f", "markdown=-", cwd=here)
    assert ran.text.startswith(
        "<!-- auditor-preview -->\n### This policy change does not add, remove or change any finding"
    )


@pytest.mark.slow
def test_people_read_the_change_in_their_language(changed: Path, saved: Path) -> None:
    ran = preview(changed, saved, "--base", "HEAD", "-f", "json,markdown,html", "--locale", "nl")
    assert "Deze beleidswijziging: " in ran.text
    assert "toegevoegd" in ran.text
    assert "geschreven" in ran.err
    page = (changed / "out" / "preview.html").read_text(encoding="utf-8")
    comment = (changed / "out" / "preview.md").read_text(encoding="utf-8")
    assert '<html lang="nl">' in page
    for text in (page.partition("<body>")[2], comment):
        assert "Toegevoegd" in text
        assert not re.search(r"\b(?:Added|Removed|Changed|A month|Policy|state as of|added|finding)\b", text)
    machine = (changed / "out" / "preview.json").read_bytes()
    preview(changed, saved, "--base", "HEAD", "-f", "json")
    assert (changed / "out" / "preview.json").read_bytes() == machine
