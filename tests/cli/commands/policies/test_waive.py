"""`auditor waive`: writes a waiver for exactly the given findings, or changes no file."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from auditor.cli.commands.policies.waive import EXAMPLES
from tests.builders.service.command_line import AS_OF, ROOT, Ran, call, expect

pytestmark = pytest.mark.slow
WAIVERS = "# who may what\nversion: 1\nwaivers:\n- id: W-0 # first\n  policies: [usage-location]\n  reason: a\n  owner: b\n  expires: 2026-12-31\n# end\n"


@pytest.fixture(scope="module")
def audited_folder(tmp_path_factory: pytest.TempPathFactory, demo: Path) -> Path:
    """A folder with the starter library and a result; tests must not change it."""
    folder = tmp_path_factory.mktemp("audited")
    shutil.copytree(ROOT / "policies", folder / "policies", ignore=shutil.ignore_patterns("*_test.yaml", "*.py"))
    assert call("audit", "--snapshot", demo, "--as-of", AS_OF, "-f", "json", "-q", cwd=folder).code == 1
    return folder


@pytest.fixture
def workspace(audited_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(audited_folder, tmp_path / "workspace")


def findings(workspace: Path, **filters: str) -> list[dict[str, Any]]:
    result = json.loads((workspace / "out" / "result.json").read_text())
    items = [finding for tenant in result["tenants"] for finding in tenant["findings"]]
    return [finding for finding in items if all(finding[name] == value for name, value in filters.items())]


def waive(workspace: Path, *arguments: str | Path, until: str = "2027-01-31", reason: str = "a pilot: 'E5'") -> Ran:
    owner = ("--owner", "licensing@contoso.example")
    return call("waive", *arguments, "--until", until, "--reason", reason, *owner, "--as-of", AS_OF, cwd=workspace)


def test_missing_result_error_names_the_audit_command(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    shutil.copyfile(ROOT / "policies" / "reclaim.yaml", tmp_path / "policies" / "reclaim.yaml")
    shutil.copyfile(ROOT / "policies" / "sets.yaml", tmp_path / "policies" / "sets.yaml")
    completed = waive(tmp_path, "0123abcd")
    assert (completed.code, "out/result.json" in completed.err, "run `auditor audit` first" in completed.err) == (
        2,
        True,
        True,
    ), completed.err


def test_a_past_end_is_refused_before_policies_are_read(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "broken.yaml").write_text("broken: [")
    completed = waive(tmp_path, "0123abcd", until="2026-11-19")
    assert (completed.code, completed.out) == (2, b"")
    assert "waiver-past" in completed.err
    assert "yaml-" not in completed.err
    assert "yaml-" in waive(tmp_path, "0123abcd", until="2026-11-20").err


def test_example_of_the_help_writes_a_waiver_for_a_policy_without_an_owner(workspace: Path) -> None:
    _, _, _, *options = shlex.split(EXAMPLES.splitlines()[0])
    fingerprint = findings(workspace, policy="disabled-licensed", status="open")[0]["fingerprint"]
    expect(0, "waive", fingerprint, *options, "--as-of", AS_OF, cwd=workspace)


@pytest.mark.parametrize("live", [False, True])
def test_exactly_the_given_findings_are_waived(workspace: Path, demo: Path, live: bool) -> None:  # noqa: FBT001
    file = workspace / "policies" / "waivers.yaml"
    if live:
        file.write_text(WAIVERS)
    chosen = [
        finding["fingerprint"] for finding in findings(workspace, check="assignment.not-allowed", status="open")[:3]
    ]
    assert len(chosen) == 3
    completed = waive(workspace, *(fingerprint[:12] for fingerprint in chosen), *(("--snapshot", demo) if live else ()))
    assert completed.code == 0, completed.err
    if live:
        lines = iter(file.read_text().splitlines())
        assert all(line in lines for line in WAIVERS.splitlines())
    before = {finding["fingerprint"] for finding in findings(workspace, status="open")}
    call("audit", "--snapshot", demo, "--as-of", AS_OF, "-f", "json", "-q", cwd=workspace)
    waived = {finding["fingerprint"] for finding in findings(workspace, status="waived")}
    assert waived & before - {
        finding["fingerprint"] for finding in findings(workspace, policy="usage-location")
    } == set(chosen)
    repeated = waive(workspace, chosen[0])
    assert (repeated.code, "finding-waived" in repeated.err) == (2, True)


def test_finding_that_the_file_already_waives_is_refused(workspace: Path) -> None:
    """The saved result is older than the first waiver, so the finding is still open in it."""
    first, second, *_ = findings(workspace, check="assignment.not-allowed", status="open")
    assert waive(workspace, first["fingerprint"]).code == 0
    file = workspace / "policies" / "waivers.yaml"
    written = file.read_text()
    for repeated in ([first["fingerprint"]], [second["fingerprint"], first["fingerprint"]]):
        completed = waive(workspace, *repeated)
        assert (completed.code, completed.out) == (2, b"")
        assert f"is waived by W-{first['fingerprint'][:8]}" in completed.err
        assert file.read_text() == written
    assert waive(workspace, second["fingerprint"]).code == 0
    file.write_text(written.replace("2027-01-31", "2026-11-01"))
    assert waive(workspace, first["fingerprint"]).code == 0, "the waiver has expired"


@pytest.mark.parametrize(
    ("products", "waived"), [("[paid]", True), ("['*']", True), ("[free]", False), ("[trial]", False)]
)
def test_finding_whose_product_is_in_the_set_of_a_waiver_is_refused(
    workspace: Path,
    products: str,
    waived: bool,  # noqa: FBT001
) -> None:
    """The saved result is older than the waiver of the product set; it does not say which products are trials."""
    (first, *_) = findings(workspace, check="assignment.not-allowed", status="open")
    target = f"policies: [{first['policy']}], users: {{id: {first['subject']['id']}}}, products: {products}"
    waiver = f"{{id: W-1, {target}, reason: a, owner: b, expires: 2026-12-31}}"
    (workspace / "policies" / "waivers.yaml").write_text(f"version: 1\nwaivers: [{waiver}]\n")
    completed = waive(workspace, first["fingerprint"])
    assert ("is waived by W-1" in completed.err, completed.code) == (waived, 2 if waived else 0), completed.err


def test_file_that_cannot_be_written_is_a_usage_error(workspace: Path) -> None:
    (first, *_) = findings(workspace, check="assignment.not-allowed", status="open")
    (workspace / "file").write_text("")
    policies = ("--policies", "policies")
    completed = waive(workspace, first["fingerprint"], "--file", "file/waivers.yaml", *policies)
    assert (completed.code, completed.out) == (2, b"")
    assert "error[file-unwritable]" in completed.err
    assert "--file" in completed.err


@pytest.mark.parametrize("schema", [False, True])
def test_new_waiver_file_references_the_schema_written_by_init(workspace: Path, schema: bool) -> None:  # noqa: FBT001
    if schema:
        (workspace / ".schemas").mkdir()
        (workspace / ".schemas" / "policy.v1.json").write_text("{}")
    (first, *_) = findings(workspace, check="assignment.not-allowed", status="open")
    assert waive(workspace, first["fingerprint"]).code == 0
    line = "# yaml-language-server: $schema=../.schemas/policy.v1.json\n"
    assert (workspace / "policies" / "waivers.yaml").read_text().startswith(line * schema + "version: 1\n")


def test_print_option_prints_the_waiver_and_writes_nothing(workspace: Path) -> None:
    (first, *_) = findings(workspace, check="assignment.not-allowed", status="open")
    completed = waive(workspace, first["fingerprint"], "--print")
    assert completed.code == 0, completed.err
    assert completed.text.startswith(
        f"waivers:\n  - id: W-{first['fingerprint'][:8]}\n    policies: [{first['policy']}]\n"
    )
    assert not (workspace / "policies" / "waivers.yaml").exists()


@pytest.mark.parametrize(
    ("arguments", "slug"),
    [
        ({"reason": ""}, "policy-"),
        ({"until": "2027-02-01"}, "waiver-too-long"),
        ({"fingerprint": "0" * 8}, "finding-unknown"),
        ({"file": "broken: ["}, "yaml-"),
        ({"file": "{version: 1, waivers: []}\n"}, ""),
    ],
)
def test_invalid_waiver_is_an_error_and_writes_nothing(workspace: Path, arguments: dict[str, str], slug: str) -> None:
    (workspace / "policies" / "limit.yaml").write_text("version: 1\ndefaults: {waiverMaxDays: 72}\n")
    file = workspace / "policies" / "waivers.yaml"
    if "file" in arguments:
        file.write_text(arguments["file"])
    (first, *_) = findings(workspace, check="assignment.not-allowed", status="open")
    texts = {name: text for name, text in arguments.items() if name in {"until", "reason"}}
    completed = waive(workspace, arguments.get("fingerprint", first["fingerprint"]), **texts)
    if slug:
        assert (completed.code, slug in completed.err) == (2, True), completed.err
        assert (file.read_text() if file.exists() else None) == arguments.get("file")
    else:
        assert completed.code == 0, completed.err


def test_waiver_that_covers_other_findings_is_an_error_that_lists_them(tmp_path: Path) -> None:
    call("audit", "--demo", "--as-of", AS_OF, "-f", "json", "-q", cwd=tmp_path)
    groups = [finding["fingerprint"] for finding in findings(tmp_path, check="group.license-errors")]
    demo = ("--demo", "--print")
    completed = waive(tmp_path, groups[0], *demo)
    assert (completed.code, "waiver-wide" in completed.err) == (2, True)
    assert groups[1][:8] in completed.err
    fingerprints = [*groups, *(finding["fingerprint"] for finding in findings(tmp_path, check="group.processing"))]
    assert waive(tmp_path, *fingerprints, *demo).code == 0
