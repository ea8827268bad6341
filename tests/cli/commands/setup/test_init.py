"""`auditor init`: writes a repository that validates and passes its tests, and does not overwrite edited files."""

import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import yaml

from auditor import __commit__, __home__, __version__
from auditor.app.policy_files import library_files, load_policies
from auditor.app.scaffold.choices import NO_TENANT
from auditor.domain.settings import AzureCli, GithubOidc, ManagedIdentity
from auditor.settings.loader import read
from tests.builders.service.command_line import AS_OF, ROOT, call, contents, expect

TENANT, CLIENT = "aaaaaaaa-1111-2222-3333-444444444444", "bbbbbbbb-1111-2222-3333-444444444444"
VARIANTS = list(product(("small", "large"), ("groups", "direct"), ("copy", "extend")))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "assignment", "policies"), VARIANTS)
def test_scaffold_validates_and_its_policy_tests_pass(
    tmp_path: Path, size: str, assignment: str, policies: str
) -> None:
    options = ("--size", size, "--assignment", assignment, "--policies", policies, "--agreement", "csp")
    expect(0, "init", *options, cwd=tmp_path)
    assert call("validate", "--strict", "--tenants", "tenants.yaml", cwd=tmp_path).code == 0
    tested = call("test", "-q", "--as-of", AS_OF, cwd=tmp_path)
    assert tested.code == 0, tested.text
    assert not tested.text.startswith("0 passed")
    policy_ids = {policy.id for policy in load_policies([tmp_path / "policies"]).policies.policies}
    assert ("direct-suite" in policy_ids) == (assignment == "groups")
    assert ("shared-mailbox-suite" in policy_ids) == (size == "large")
    assert len(policy_ids) == {"small": 25, "large": 41}[size] + (4 if assignment == "groups" else 0)
    assert read(tmp_path / "tenants.yaml").tenants[0].agreement.value == "csp"
    before = contents(tmp_path)
    assert "all files already exist" in call("init", cwd=tmp_path).err
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_extend_stores_the_starter_library_for_policies_update(tmp_path: Path) -> None:
    assert call("init", "--policies", "extend", cwd=tmp_path).code == 0
    assert "are those of the installed starter library" in call("policies", "update", cwd=tmp_path).text
    library = {Path(name).name: body for name, body in library_files()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "policies" / ".starter").iterdir()} == library


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [("copy", "extend"), ("extend", "copy")])
def test_switching_between_copy_and_extend_is_an_error(tmp_path: Path, first: str, second: str) -> None:
    assert call("init", "--policies", first, cwd=tmp_path).code == 0
    before = contents(tmp_path)
    completed = call("init", "--policies", second, cwd=tmp_path)
    assert (completed.code, completed.err.count("error[")) == (2, 1)
    files = {"copy": "capacity.yaml, entitlement.yaml", "extend": "starter.yaml"}[first]
    assert f"these files in policies/ define the same policies: {files}" in completed.err
    assert contents(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cloud", "expected"),
    [
        ("usgov", ("az cloud set --name AzureUSGovernment", "-Environment USGov ", "-ExchangeEnvironmentName O365USGovGCCHigh", "api://AzureADTokenExchangeUSGov")),
        ("usgov-dod", ("-Environment USGovDoD ", "-ExchangeEnvironmentName O365USGovDoD", "ExchangeUSGov'")),
        ("21vianet", ("az cloud set --name AzureChinaCloud", "-Environment China ", "-ExchangeEnvironmentName O365China", "api://AzureADTokenExchangeChina")),
    ],
)  # fmt: skip
def test_national_cloud_is_used_in_files_and_commands(tmp_path: Path, cloud: str, expected: tuple[str, ...]) -> None:
    options = ("--repository", "o/team", "--mail-from", "a@b.example", "--pin", "c" * 40)
    completed = expect(0, "init", "--cloud", cloud, *options, cwd=tmp_path)
    assert [text for text in expected if text not in completed.text] == []
    assert ("az ad app create" in completed.text) == (cloud != "usgov-dod"), (
        "the Azure CLI does not support Graph in that cloud"
    )
    assert read(tmp_path / "tenants.yaml").tenants[0].cloud.value == cloud
    nightly = (tmp_path / ".github" / "workflows" / "nightly-audit.yml").read_text(encoding="utf-8")
    output = completed.text + nightly + (tmp_path / "tenants.yaml").read_text(encoding="utf-8")
    assert not re.search(r"graph\.microsoft\.com|login\.microsoftonline\.com|ADTokenExchange['\"\s]", output)
    assert "updated" not in call("init", cwd=tmp_path).err
    reset = call("init", "--cloud", "worldwide", cwd=tmp_path)
    assert "updated tenants.yaml" in reset.err
    assert read(tmp_path / "tenants.yaml").tenants[0].cloud.value == "worldwide"


def test_managed_identity_needs_no_client_id(tmp_path: Path) -> None:
    options = ("--credential", "managed-identity", "--cloud", "usgov")
    completed = call("init", *options, cwd=tmp_path)
    lines = [line for line in completed.text.splitlines() if line and not line.startswith("#")]
    assert lines[:2] == ["auditor doctor", "auditor audit"]
    assert "CLIENT_ID" not in completed.text
    assert read(tmp_path / "tenants.yaml").tenants[0].credential == ManagedIdentity()
    completed = call("init", *options, "--client-id", CLIENT, cwd=tmp_path)
    assert f"CLIENT_ID={CLIENT}" in completed.text
    assert "https://graph.microsoft.us/v1.0/servicePrincipals/$PRINCIPAL/appRoleAssignments" in completed.text
    assert read(tmp_path / "tenants.yaml").tenants[0].credential == ManagedIdentity(client_id=CLIENT)


@pytest.mark.slow
def test_workflows_are_written_only_if_requested(tmp_path: Path) -> None:
    assert call("init", "-q", cwd=tmp_path).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        *(".schemas", ".gitignore", ".pre-commit-config.yaml", "policies", "tenants.yaml", "README.md")
    }
    assert "--ci NAME: github, azure-devops, gitlab, container-job" in call("init", "-q", "other", cwd=tmp_path).err
    assert ".github/" not in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert call("init", "-q", "--ci", "gitlab", cwd=tmp_path).code == 0
    completed = call("init", "-q", "--ci", "github", cwd=tmp_path)
    assert f"{tmp_path / '.gitlab-ci.yml'} also runs the audit every night" in completed.err.replace(
        "auditor: .gitlab", f"auditor: {tmp_path}/.gitlab"
    )


@pytest.mark.slow
def test_second_run_changes_nothing(tmp_path: Path) -> None:
    first = call("init", "team", "--size", "large", "--ci", "github", cwd=tmp_path)
    before = contents(tmp_path)
    second = call("init", "team", "--size", "large", "--ci", "github", cwd=tmp_path)
    assert contents(tmp_path) == before
    assert second.code == 0
    assert second.out == first.out
    assert "all files already exist" in second.err


def test_gitignore_excludes_files_with_personal_data(tmp_path: Path) -> None:
    assert call("init", "-q", cwd=tmp_path).code == 0
    private = ("out/report.html", "plan/plan.json", "snapshots/contoso/users.parquet", "audits/store.json", "setup.txt")
    for name in private:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for arguments in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    committable = subprocess.run(
        ["git", "ls-files"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.split()
    assert not set(private) & set(committable)
    assert {"tenants.yaml", ".gitignore", "README.md"} <= set(committable)


def test_changed_file_is_reported_and_overwritten_only_with_force(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("ours\n")
    completed = expect(0, "init", cwd=tmp_path)
    assert "README.md differs and was not changed" in completed.err
    assert (tmp_path / "README.md").read_text() == "ours\n"
    assert (tmp_path / "tenants.yaml").exists()
    assert call("init", "--force", cwd=tmp_path).code == 0
    assert (tmp_path / "README.md").read_text().startswith("# Licence audit")


@pytest.mark.slow
def test_init_does_not_write_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "tenants.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert "tenants.yaml differs" in call("init", "team", cwd=tmp_path).err
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_existing_policy_id_is_an_error_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    policy = "version: 1\npolicies:\n- {id: seats-idle, severity: low, seats: {of: paid, spare: {min: 1}}}\n"
    (tmp_path / "policies" / "own.yaml").write_text(policy)
    before = contents(tmp_path)
    completed = expect(2, "init", cwd=tmp_path)
    assert "[policy-duplicate-id]" in completed.err
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_file_in_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "team").write_text("x")
    completed = call("init", "team", cwd=tmp_path)
    assert (completed.code, "[init-folder]" in completed.err) == (2, True)
    (tmp_path / ".github").write_text("x")
    before = contents(tmp_path)
    assert call("init", "--ci", "github", cwd=tmp_path).code in {2, 3}
    assert [path for path in contents(tmp_path) if path not in before and not path.endswith("policies")] == []


@pytest.mark.slow
def test_only_permissions_required_by_the_policies_are_listed(tmp_path: Path) -> None:
    small = call("init", "small", "--repository", "o/team", cwd=tmp_path).text
    large = call("init", "large", "--size", "large", "--credential", "certificate", cwd=tmp_path).text
    for name in ("AuditLog.Read.All", "MailboxSettings.Read"):
        assert name not in small
        assert name in large
    assert "User.Read.All" in small


def test_default_commands_use_only_the_azure_cli(tmp_path: Path) -> None:
    completed = call("init", "--tenant-id", TENANT, cwd=tmp_path)
    assert [line for line in completed.text.splitlines() if line and not line.startswith("#")] == [
        f"az login --tenant {TENANT} --allow-no-subscriptions",
        "auditor doctor",
        "auditor audit",
        "auditor init --credential github-oidc",
    ]
    assert isinstance(read(tmp_path / "tenants.yaml").tenants[0].credential, AzureCli)
    assert "placeholder of the documentation" not in completed.err
    assert "auditor init --tenant-id GUID" in call("init", "other", cwd=tmp_path).err


def test_tenant_id_of_the_documentation_is_called_a_placeholder(tmp_path: Path) -> None:
    completed = call("init", "--tenant-id", NO_TENANT, cwd=tmp_path)
    assert "tenantId in tenants.yaml is still the placeholder of the documentation" in completed.err
    assert "auditor init --tenant-id GUID" in completed.err


@pytest.mark.parametrize(
    ("ci", "files"),
    [
        ("none", ".pre-commit-config.yaml"),
        (
            "github",
            ".github/workflows/nightly-audit.yml, .github/workflows/policy-preview.yml, .pre-commit-config.yaml",
        ),
        ("gitlab", ".gitlab-ci.yml, .pre-commit-config.yaml"),
        ("azure-devops", ".pre-commit-config.yaml, azure-pipelines.yml"),
        ("container-job", ".pre-commit-config.yaml, compose.yaml"),
    ],
)
def test_files_with_the_placeholder_of_the_repository_are_said_not_to_run(tmp_path: Path, ci: str, files: str) -> None:
    completed = call("init", "-q", "--ci", ci, cwd=tmp_path, COLUMNS="400")
    assert f"cannot run yet: {files}\n" in completed.err
    assert "--action OWNER/NAME --pin SHA" in completed.err
    own = call("init", "-q", "--ci", ci, "--action", "o/auditor", "--pin", "c" * 40, "own", cwd=tmp_path)
    assert "cannot run yet" not in own.err


@pytest.mark.slow
def test_clone_of_a_github_repository_gets_workflows_unless_another_sign_in_is_chosen(tmp_path: Path) -> None:
    for name in ("clone", "local", "none"):
        (tmp_path / name / ".git").mkdir(parents=True)
        (tmp_path / name / ".git" / "config").write_text('[remote "origin"]\n\turl = git@github.com:o/team.git\n')
    completed = call("init", "clone", cwd=tmp_path)
    assert (tmp_path / "clone" / ".github" / "workflows" / "policy-preview.yml").is_file()
    assert "repo:o/team:ref:refs/heads/main" in completed.text
    assert isinstance(read(tmp_path / "clone" / "tenants.yaml").tenants[0].credential, GithubOidc)
    for name, option in (("local", "--credential=azure-cli"), ("none", "--ci=none")):
        before = call("init", "-q", name, option, cwd=tmp_path)
        assert not (tmp_path / name / ".github").exists()
        assert ("nothing runs the audit every night" in before.err) == (name == "local")
    assert "updated" not in call("init", "-q", "local", cwd=tmp_path).err
    assert not (tmp_path / "local" / ".github").exists(), "only a new folder gets them without an option"


@pytest.mark.slow
def test_option_values_are_used_in_files_and_commands(tmp_path: Path) -> None:
    pin = "c" * 40
    options = ("--tenant-id", TENANT, "--client-id", CLIENT, "--pin", pin)
    completed = expect(0, "init", "--name", "fabrikam", "--mail-from", "audit@fabrikam.example", *options, cwd=tmp_path)
    settings = read(tmp_path / "tenants.yaml")
    assert (settings.tenants[0].name, settings.tenants[0].tenant_id) == ("fabrikam", TENANT)
    assert CLIENT in completed.text
    for name in ("nightly-audit", "policy-preview"):
        text = (tmp_path / ".github" / "workflows" / f"{name}.yml").read_text()
        assert f"{__home__}@{pin} # v" in text
        assert yaml.safe_load(text)["permissions"] == {}
        assert ("send: ${{ vars.AUDIT_MAIL || 'true' }}" in text) == (name == "nightly-audit")


@pytest.mark.parametrize(
    "option",
    [
        *("--name=Contoso;x", "--tenant-id=x", "--client-id=$(id)", "--mail-from=a'b@c.example", "--pin=main"),
        *("--agreement=x", "--size=x", "--repository=team", "--credential=password", "--cloud=germany", "--policies=x"),
    ],
)
def test_invalid_option_value_is_an_error_and_writes_nothing(tmp_path: Path, option: str) -> None:
    assert call("init", option, cwd=tmp_path).code == 2
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", ["nightly-audit.yml", "policy-preview.yml"])
def test_generated_workflows_equal_those_of_the_project(tmp_path: Path, name: str) -> None:
    """The generated workflow differs from that of the project only in the action that it calls."""
    assert call("init", "--ci", "github", "--pin", "c" * 40, cwd=tmp_path).code == 0
    generated = (tmp_path / ".github" / "workflows" / name).read_text(encoding="utf-8")
    project_workflow = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    local_action = "./ # zizmor: ignore[self-repository] what is checked out is what runs"
    assert local_action in project_workflow
    assert generated == project_workflow.replace(local_action, f"{__home__}@{'c' * 40} # v{__version__}")


@pytest.mark.slow
def test_unpinned_action_is_reported(tmp_path: Path) -> None:
    completed = call("init", "--action", "contoso/auditor", "--credential", "github-oidc", cwd=tmp_path)
    assert ("which can be moved" in completed.err) == (not __commit__)
    output = zizmor_output(tmp_path)
    assert output.count("error[unpinned-uses]") == (0 if __commit__ else 5)
    assert output.count("error[") == output.count("error[unpinned-uses]")
    pinned = call("init", "--force", "--pin", "c" * 40, cwd=tmp_path)
    assert "which can be moved" not in pinned.err
    assert "error[" not in zizmor_output(tmp_path)


@pytest.mark.slow
def test_second_run_updates_option_values_and_keeps_other_edits(tmp_path: Path) -> None:
    assert call("init", "--tenant-id", TENANT, "--mail-from", "a@b.example", cwd=tmp_path).code == 0
    path = tmp_path / "tenants.yaml"
    path.write_text(path.read_text().replace("[critical, high]", "[critical]"))
    completed = call("init", "--credential", "github-oidc", "--client-id", CLIENT, cwd=tmp_path)
    assert "updated tenants.yaml" in completed.err
    assert '-    recipients: [{address: "a@b.example", severities: [critical]}]' in completed.err
    settings = path.read_text()
    assert "[critical]" in settings
    assert f"credential: {{type: github-oidc, clientId: {CLIENT}}}" in settings
    workflow = tmp_path / ".github" / "workflows" / "nightly-audit.yml"
    workflow.write_text(workflow.read_text().replace("17 2 * * *", "5 5 * * *"))
    completed = expect(0, "init", "--action", "o/auditor", "--pin", "c" * 40, cwd=tmp_path)
    assert workflow.read_text().count(f"uses: o/auditor@{'c' * 40}") == 3
    assert "5 5 * * *" in workflow.read_text()
    assert call("init", cwd=tmp_path).err.count("updated") == 0


@pytest.mark.slow
def test_nightly_audit_can_be_added_to_an_edited_repository(tmp_path: Path) -> None:
    """As in the guide: credential, mailbox and workflows are added later, to files that were edited."""
    assert call("init", "--tenant-id", TENANT, cwd=tmp_path).code == 0
    path = tmp_path / "tenants.yaml"
    path.write_text(path.read_text().replace("azure-cli}", "azure-cli}\n    locale: nl"))
    options = ("--repository", "o/team", "--mail-from", "a@b.example", "--client-id", CLIENT, "--cloud", "usgov")
    completed = call("init", *options, cwd=tmp_path)
    assert completed.err.count("differs") == 1, completed.err
    settings = read(path)
    assert settings.tenants[0].locale == "nl"
    assert settings.tenants[0].credential == GithubOidc(client_id=CLIENT)
    assert settings.tenants[0].cloud.value == "usgov"
    assert settings.mail is not None
    assert settings.mail.sender == "a@b.example"
    assert "| `.github/workflows/nightly-audit.yml` |" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_printed_diff_contains_no_escape_sequences_and_is_shortened(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("\x1b]0;x\x07ours\n" + "more\n" * 90)
    completed = call("init", cwd=tmp_path)
    assert "\x1b" not in completed.err
    assert "more lines" in completed.err


def zizmor_output(folder: Path) -> str:
    """Return the output of zizmor for a generated repository."""
    command = [str(Path(sys.executable).parent / "zizmor"), "--offline", "--no-progress", "--persona", "auditor", "."]
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
