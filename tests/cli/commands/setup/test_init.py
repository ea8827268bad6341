"""`auditor init`: a repository that validates and passes its tests, written once and never over somebody's work."""

import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
import yaml

from auditor import __commit__, __home__, __version__
from auditor.app.policy_files import library_files, load_policies
from auditor.domain.tenant import AzureCli, GithubOidc, ManagedIdentity
from auditor.settings.loader import read
from tests.builders.service.command_line import AS_OF, ROOT, call, contents, expect

TENANT, CLIENT = "aaaaaaaa-1111-2222-3333-444444444444", "bbbbbbbb-1111-2222-3333-444444444444"
KINDS = list(product(("small", "large"), ("groups", "direct"), ("copy", "extend")))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "assignment", "policies"), KINDS)
def test_the_scaffold_is_sound_and_its_tests_pass(tmp_path: Path, size: str, assignment: str, policies: str) -> None:
    given = ("--size", size, "--assignment", assignment, "--policies", policies, "--agreement", "csp")
    expect(0, "init", *given, cwd=tmp_path)
    assert call("validate", "--strict", "--tenants", "tenants.yaml", cwd=tmp_path).code == 0
    tested = call("test", "-q", "--as-of", AS_OF, cwd=tmp_path)
    assert tested.code == 0, tested.text
    assert not tested.text.startswith("0 passed")
    known = {policy.id for policy in load_policies([tmp_path / "policies"]).policies.policies}
    assert ("direct-suite" in known) == (assignment == "groups")
    assert ("shared-mailbox-suite" in known) == (size == "large")
    assert len(known) == {"small": 25, "large": 41}[size] + (4 if assignment == "groups" else 0)
    assert read(tmp_path / "tenants.yaml").tenants[0].agreement.value == "csp"
    before = contents(tmp_path)
    assert "all files exist already" in call("init", cwd=tmp_path).err
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_a_folder_that_extends_has_what_an_update_compares_with(tmp_path: Path) -> None:
    assert call("init", "--policies", "extend", cwd=tmp_path).code == 0
    assert "are those of the installed starter library" in call("policies", "update", cwd=tmp_path).text
    library = {Path(name).name: body for name, body in library_files()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "policies" / ".starter").iterdir()} == library


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [("copy", "extend"), ("extend", "copy")])
def test_copies_and_a_file_that_extends_do_not_mix(tmp_path: Path, first: str, second: str) -> None:
    assert call("init", "--policies", first, cwd=tmp_path).code == 0
    before = contents(tmp_path)
    ran = call("init", "--policies", second, cwd=tmp_path)
    assert (ran.code, "[policy-duplicate-id]" in ran.err) == (2, True)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("cloud", "expected"),
    [
        ("usgov", ("az cloud set --name AzureUSGovernment", "-Environment USGov ", "-ExchangeEnvironmentName O365USGovGCCHigh", "api://AzureADTokenExchangeUSGov")),
        ("usgov-dod", ("-Environment USGovDoD ", "-ExchangeEnvironmentName O365USGovDoD", "ExchangeUSGov'")),
        ("21vianet", ("az cloud set --name AzureChinaCloud", "-Environment China ", "-ExchangeEnvironmentName O365China", "api://AzureADTokenExchangeChina")),
    ],
)  # fmt: skip
def test_a_national_cloud_reaches_files_and_commands(tmp_path: Path, cloud: str, expected: tuple[str, ...]) -> None:
    given = ("--repository", "o/team", "--mail-from", "a@b.example", "--pin", "c" * 40)
    ran = expect(0, "init", "--cloud", cloud, *given, cwd=tmp_path)
    assert [text for text in expected if text not in ran.text] == []
    assert ("az ad app create" in ran.text) == (cloud != "usgov-dod"), "the Azure CLI knows no Graph of that cloud"
    assert read(tmp_path / "tenants.yaml").tenants[0].cloud.value == cloud
    nightly = (tmp_path / ".github" / "workflows" / "nightly-audit.yml").read_text(encoding="utf-8")
    written = ran.text + nightly + (tmp_path / "tenants.yaml").read_text(encoding="utf-8")
    assert not re.search(r"graph\.microsoft\.com|login\.microsoftonline\.com|ADTokenExchange['\"\s]", written)
    assert "updated" not in call("init", cwd=tmp_path).err
    back = call("init", "--cloud", "worldwide", cwd=tmp_path)
    assert "updated tenants.yaml" in back.err
    assert read(tmp_path / "tenants.yaml").tenants[0].cloud.value == "worldwide"


def test_the_identity_of_the_machine_needs_no_id(tmp_path: Path) -> None:
    given = ("--credential", "managed-identity", "--cloud", "usgov")
    ran = call("init", *given, cwd=tmp_path)
    lines = [line for line in ran.text.splitlines() if line and not line.startswith("#")]
    assert lines[:2] == ["auditor doctor", "auditor audit"]
    assert "CLIENT_ID" not in ran.text
    assert read(tmp_path / "tenants.yaml").tenants[0].credential == ManagedIdentity()
    ran = call("init", *given, "--client-id", CLIENT, cwd=tmp_path)
    assert f"CLIENT_ID={CLIENT}" in ran.text
    assert "https://graph.microsoft.us/v1.0/servicePrincipals/$PRINCIPAL/appRoleAssignments" in ran.text
    assert read(tmp_path / "tenants.yaml").tenants[0].credential == ManagedIdentity(client_id=CLIENT)


def test_nothing_is_written_for_a_night_that_nobody_asked_for(tmp_path: Path) -> None:
    assert call("init", "-q", cwd=tmp_path).code == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        *(".schemas", ".gitignore", ".pre-commit-config.yaml", "policies", "tenants.yaml", "README.md")
    }
    assert ".github/" not in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert call("init", "-q", "--ci", "gitlab", cwd=tmp_path).code == 0
    ran = call("init", "-q", "--ci", "github", cwd=tmp_path)
    assert f"{tmp_path / '.gitlab-ci.yml'} also runs the audit every night" in ran.err.replace(
        "auditor: .gitlab", f"auditor: {tmp_path}/.gitlab"
    )


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    first = call("init", "team", "--size", "large", "--ci", "github", cwd=tmp_path)
    before = contents(tmp_path)
    second = call("init", "team", "--size", "large", "--ci", "github", cwd=tmp_path)
    assert contents(tmp_path) == before
    assert second.code == 0
    assert second.out == first.out
    assert "all files exist already" in second.err


def test_what_holds_personal_data_is_not_committed(tmp_path: Path) -> None:
    assert call("init", "-q", cwd=tmp_path).code == 0
    private = ("out/report.html", "plan/plan.json", "snapshots/contoso/users.parquet", "audits/store.json", "setup.txt")
    for name in private:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for arguments in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    added = subprocess.run(["git", "ls-files"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert not set(private) & set(added)
    assert {"tenants.yaml", ".gitignore", "README.md"} <= set(added)


def test_what_differs_is_named_and_left_until_it_is_forced(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("ours\n")
    ran = expect(0, "init", cwd=tmp_path)
    assert "README.md differs and was not changed" in ran.err
    assert (tmp_path / "README.md").read_text() == "ours\n"
    assert (tmp_path / "tenants.yaml").exists()
    assert call("init", "--force", cwd=tmp_path).code == 0
    assert (tmp_path / "README.md").read_text().startswith("# Licence audit")


@pytest.mark.slow
def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "tenants.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert "tenants.yaml differs" in call("init", "team", cwd=tmp_path).err
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_an_id_that_is_taken_stops_it_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    own = "version: 1\npolicies:\n- {id: seats-idle, severity: low, seats: {of: paid, spare: {min: 1}}}\n"
    (tmp_path / "policies" / "own.yaml").write_text(own)
    before = contents(tmp_path)
    ran = expect(2, "init", cwd=tmp_path)
    assert "[policy-duplicate-id]" in ran.err
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_a_file_in_the_way_stops_it(tmp_path: Path) -> None:
    (tmp_path / "team").write_text("x")
    ran = call("init", "team", cwd=tmp_path)
    assert (ran.code, "[init-folder]" in ran.err) == (2, True)
    (tmp_path / ".github").write_text("x")
    before = contents(tmp_path)
    assert call("init", "--ci", "github", cwd=tmp_path).code in {2, 3}
    assert [path for path in contents(tmp_path) if path not in before and not path.endswith("policies")] == []


def test_permissions_are_only_what_the_policies_need(tmp_path: Path) -> None:
    small = call("init", "small", "--repository", "o/team", cwd=tmp_path).text
    large = call("init", "large", "--size", "large", "--credential", "certificate", cwd=tmp_path).text
    for name in ("AuditLog.Read.All", "MailboxSettings.Read"):
        assert name not in small
        assert name in large
    assert "User.Read.All" in small


def test_the_quickest_start_needs_the_azure_cli_alone(tmp_path: Path) -> None:
    ran = call("init", "--tenant-id", TENANT, cwd=tmp_path)
    assert [line for line in ran.text.splitlines() if line and not line.startswith("#")] == [
        f"az login --tenant {TENANT} --allow-no-subscriptions",
        "auditor doctor",
        "auditor audit",
        "auditor init --credential github-oidc",
    ]
    assert isinstance(read(tmp_path / "tenants.yaml").tenants[0].credential, AzureCli)
    assert "names no tenant yet" not in ran.err
    assert "auditor init --tenant-id GUID" in call("init", "other", cwd=tmp_path).err


def test_values_reach_files_and_commands(tmp_path: Path) -> None:
    pin = "c" * 40
    known = ("--tenant-id", TENANT, "--client-id", CLIENT, "--pin", pin)
    ran = expect(0, "init", "--name", "fabrikam", "--mail-from", "audit@fabrikam.example", *known, cwd=tmp_path)
    settings = read(tmp_path / "tenants.yaml")
    assert (settings.tenants[0].name, settings.tenants[0].tenant_id) == ("fabrikam", TENANT)
    assert CLIENT in ran.text
    for name in ("nightly-audit", "policy-preview"):
        text = (tmp_path / ".github" / "workflows" / f"{name}.yml").read_text()
        assert f"{__home__}@{pin} # v" in text
        assert yaml.safe_load(text)["permissions"] == {}
        assert ("send: ${{ vars.AUDIT_MAIL || 'true' }}" in text) == (name == "nightly-audit")


@pytest.mark.parametrize(
    "wrong",
    [
        *("--name=Contoso;x", "--tenant-id=x", "--client-id=$(id)", "--mail-from=a'b@c.example", "--pin=main"),
        *("--agreement=x", "--size=x", "--repository=team", "--credential=password", "--cloud=germany", "--policies=x"),
    ],
)
def test_a_wrong_value_writes_nothing(tmp_path: Path, wrong: str) -> None:
    assert call("init", wrong, cwd=tmp_path).code == 2
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("name", ["nightly-audit.yml", "policy-preview.yml"])
def test_the_workflows_of_a_team_are_those_of_the_project(tmp_path: Path, name: str) -> None:
    """One text: what differs is which action is called, and whether mail is on from the start."""
    assert call("init", "--ci", "github", "--pin", "c" * 40, cwd=tmp_path).code == 0
    written = (tmp_path / ".github" / "workflows" / name).read_text(encoding="utf-8")
    ours = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    here = "./ # zizmor: ignore[self-repository] what is checked out is what runs"
    assert here in ours
    assert written == ours.replace(here, f"{__home__}@{'c' * 40} # v{__version__}")


@pytest.mark.slow
def test_what_is_not_pinned_is_reported(tmp_path: Path) -> None:
    ran = call("init", "--action", "contoso/auditor", "--credential", "github-oidc", cwd=tmp_path)
    assert ("which can be moved" in ran.err) == (not __commit__)
    found = audited(tmp_path)
    assert found.count("error[unpinned-uses]") == (0 if __commit__ else 5)
    assert found.count("error[") == found.count("error[unpinned-uses]")
    again = call("init", "--force", "--pin", "c" * 40, cwd=tmp_path)
    assert "which can be moved" not in again.err
    assert "error[" not in audited(tmp_path)


@pytest.mark.slow
def test_running_again_replaces_what_options_change_and_keeps_the_rest(tmp_path: Path) -> None:
    assert call("init", "--tenant-id", TENANT, "--mail-from", "a@b.example", cwd=tmp_path).code == 0
    path = tmp_path / "tenants.yaml"
    path.write_text(path.read_text().replace("[critical, high]", "[critical]"))
    ran = call("init", "--credential", "github-oidc", "--client-id", CLIENT, cwd=tmp_path)
    assert "updated tenants.yaml" in ran.err
    assert '-    recipients: [{address: "a@b.example", severities: [critical]}]' in ran.err
    settings = path.read_text()
    assert "[critical]" in settings
    assert f"credential: {{type: github-oidc, clientId: {CLIENT}}}" in settings
    workflow = tmp_path / ".github" / "workflows" / "nightly-audit.yml"
    workflow.write_text(workflow.read_text().replace("17 2 * * *", "5 5 * * *"))
    ran = expect(0, "init", "--action", "o/auditor", "--pin", "c" * 40, cwd=tmp_path)
    assert workflow.read_text().count(f"uses: o/auditor@{'c' * 40}") == 3
    assert "5 5 * * *" in workflow.read_text()
    assert call("init", cwd=tmp_path).err.count("updated") == 0


def test_a_first_report_becomes_a_nightly_audit(tmp_path: Path) -> None:
    """What the guide does: the credential, the mailbox and the workflows come later, into files that were edited."""
    assert call("init", "--tenant-id", TENANT, cwd=tmp_path).code == 0
    path = tmp_path / "tenants.yaml"
    path.write_text(path.read_text().replace("azure-cli}", "azure-cli}\n    locale: nl"))
    later = ("--repository", "o/team", "--mail-from", "a@b.example", "--client-id", CLIENT, "--cloud", "usgov")
    ran = call("init", *later, cwd=tmp_path)
    assert ran.err.count("differs") == 1, ran.err
    settings = read(path)
    assert settings.tenants[0].locale == "nl"
    assert settings.tenants[0].credential == GithubOidc(client_id=CLIENT)
    assert settings.tenants[0].cloud.value == "usgov"
    assert settings.mail is not None
    assert settings.mail.sender == "a@b.example"
    assert "| `.github/workflows/nightly-audit.yml` |" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_a_difference_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("\x1b]0;x\x07ours\n" + "more\n" * 90)
    ran = call("init", cwd=tmp_path)
    assert "\x1b" not in ran.err
    assert "more lines" in ran.err


def audited(folder: Path) -> str:
    """What zizmor has to say of a team's repository."""
    command = [str(Path(sys.executable).parent / "zizmor"), "--offline", "--no-progress", "--persona", "auditor", "."]
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
