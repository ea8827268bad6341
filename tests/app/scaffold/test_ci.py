"""`auditor init --ci`: generated pipelines are valid, and their scripts run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from auditor.cli.main import command_parser
from auditor.settings.loader import read
from tests.builders.service.command_line import ROOT, call, clean_environment, contents, expect

SCHEMAS = {
    "azure-devops": ("azure-pipelines.yml", "vendor.azure-pipelines"),
    "gitlab": (".gitlab-ci.yml", "vendor.gitlab-ci"),
    "container-job": ("compose.yaml", "vendor.compose-spec"),
}
CREDENTIALS = {"azure-devops": "AzureCli", "gitlab": "WorkloadIdentity", "container-job": "ManagedIdentity"}
BIN = Path(sys.executable).parent
CLIENT = "bbbbbbbb-1111-2222-3333-444444444444"


def generate(folder: Path, ci: str, *options: str) -> Any:
    expect(0, "init", "--ci", ci, "--no-input", "--mail-from", "audit@contoso.example", *options, cwd=folder)
    return yaml.safe_load((folder / SCHEMAS[ci][0]).read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("ci", SCHEMAS)
def test_generated_file_matches_the_schema_of_its_vendor(tmp_path: Path, ci: str) -> None:
    from check_jsonschema import main as check_jsonschema  # noqa: PLC0415 - its import takes a second

    generate(tmp_path, ci)
    file, schema = SCHEMAS[ci]
    # The schema of Azure Pipelines contains patterns that are invalid in the Unicode mode of regular expressions.
    arguments = ["--builtin-schema", schema, "--regex-variant", "nonunicode", str(tmp_path / file)]
    completed = CliRunner().invoke(check_jsonschema, arguments)
    assert completed.exit_code == 0, completed.output[-2000:]


@pytest.mark.parametrize("ci", SCHEMAS)
def test_preview_command_of_the_readme_has_all_required_options(tmp_path: Path, ci: str) -> None:
    generate(tmp_path, ci)
    commands = re.findall("`auditor preview ([^`]+)`", (tmp_path / "README.md").read_text(encoding="utf-8"))
    assert [command_parser("preview")[1].parse_args(command.split()).base for command in commands] == ["main"]


@pytest.mark.slow
@pytest.mark.parametrize("ci", SCHEMAS)
def test_generated_repository_is_complete_and_validates(tmp_path: Path, ci: str) -> None:
    generate(tmp_path, ci)
    assert not (tmp_path / ".github").exists()
    assert type(read(tmp_path / "tenants.yaml").tenants[0].credential).__name__ == CREDENTIALS[ci]
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"| `{SCHEMAS[ci][0]}` |" in readme
    assert "## Set up" in readme
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name in {"README.md", SCHEMAS[ci][0]}:
            text = path.read_text(encoding="utf-8")
            assert not re.search("@[A-Z]+@", text)
    before = contents(tmp_path)
    repeated = call("init", "--no-input", cwd=tmp_path)
    assert contents(tmp_path) == before
    assert "all files already exist" in repeated.err
    assert call("validate", "--strict", "--tenants", "tenants.yaml", cwd=tmp_path).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("ci", SCHEMAS)
def test_setup_commands_grant_permissions_and_refer_to_the_readme(tmp_path: Path, ci: str) -> None:
    completed = call("init", "--ci", ci, "--client-id", CLIENT, "--no-input", cwd=tmp_path)
    assert "User.Read.All" in completed.text
    assert CLIENT in completed.text
    assert "README.md" in completed.text.splitlines()[-1]
    assert "GitHub" not in completed.text


def test_github_credential_writes_github_workflows(tmp_path: Path) -> None:
    assert call("init", "--ci", "github", "--no-input", "-q", "given", cwd=tmp_path).code == 0
    assert call("init", "--credential", "github-oidc", "--no-input", "-q", "default", cwd=tmp_path).code == 0
    assert contents(tmp_path / "given") == contents(tmp_path / "default")
    assert call("init", "--ci", "jenkins", "--no-input", cwd=tmp_path).code == 2


def test_gitlab_commands_use_the_project_of_the_git_remote(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = git@gitlab.example:it/licences/audit.git\n')
    completed = call("init", "--ci", "gitlab", "--no-input", cwd=tmp_path)
    assert '"issuer": "https://gitlab.example"' in completed.text
    assert completed.text.count("project_path:it/licences/audit:ref_type:branch:ref:main") == 2
    assert not re.search("GROUP|CLIENT_ID(?<!\\$CLIENT_ID)(?!=)", (tmp_path / "README.md").read_text(encoding="utf-8"))


def script_of(document: Any, ci: str) -> tuple[str, str]:
    """Return the shell and the script of the nightly audit."""
    if ci == "gitlab":
        (text,) = document["audit"]["script"]
        return "sh", text
    (task,) = [step for step in document["jobs"][1]["steps"] if step.get("task") == "AzureCLI@2"]
    return "bash", task["inputs"]["inlineScript"]


@pytest.mark.slow
@pytest.mark.parametrize("ci", ["azure-devops", "gitlab"])
def test_nightly_script_audits_and_compares(tmp_path: Path, ci: str) -> None:
    document = generate(tmp_path, ci)
    shell, script = script_of(document, ci)
    file = tmp_path / "night.sh"
    file.write_text(f"#!/usr/bin/env {shell}\n{script}", encoding="utf-8")
    shellcheck = subprocess.run(
        [BIN / "shellcheck", f"--shell={shell}", "--exclude=SC2155", file], capture_output=True, text=True, check=False
    )
    assert shellcheck.returncode == 0, shellcheck.stdout
    variables = {"AUDITOR_DEMO": "yes", "AUDITOR_TENANT": "fabrikam", "AUDITOR_AS_OF": "2026-11-20T12:00:00Z"}
    assert call("audit", "-q", "-f", "json", "-o", "previous", cwd=tmp_path, **variables).code in {0, 1}
    environ = clean_environment(
        {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT), **variables,
            "FAIL_ON": "new:high", "MAIL": "false", "PREVIOUS": "previous/result.json", "AZURE_ID_TOKEN": "x",
        }
    )  # fmt: skip
    completed = subprocess.run([shell, file], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, f"nothing is new: {completed.stderr}"
    result = json.loads((tmp_path / "out" / "result.json").read_bytes())
    assert result["run"]["previous"] == "2026-11-20T12:00:00Z"
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.slow
def test_container_command_runs(tmp_path: Path) -> None:
    service = generate(tmp_path, "container-job")["services"]["audit"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    command = [argument.replace("/audit/", f"{tmp_path}/") for argument in service["command"]]
    completed = call(*command, AUDITOR_DEMO="yes", AUDITOR_TENANT="fabrikam", AUDITOR_SEND="false", cwd=tmp_path)
    assert completed.code in {0, 1}, completed.err
    assert (tmp_path / "audits").is_dir()
    ignored = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/audit.env", "/out/", "/audits/", "/state/"} <= set(ignored)
