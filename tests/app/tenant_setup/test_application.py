"""Setup commands printed by `auditor init`: no placeholders, valid syntax, and run with fake `az` and `gh`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.app.scaffold.choices import CREDENTIALS, default_branch
from auditor.domain.settings import GithubOidc
from auditor.settings.loader import read
from tests.builders.document.powershell import Script
from tests.builders.service.command_line import ROOT, call

pytestmark = pytest.mark.slow
TENANT, CLIENT = "aaaaaaaa-1111-2222-3333-444444444444", "bbbbbbbb-1111-2222-3333-444444444444"
PLACEHOLDER = re.compile(
    r"CLIENT_ID(?<!\$CLIENT_ID)(?!=)|OWNER|REPOSITORY|SERVICE_PRINCIPAL_ID|GUID|0{8}-0{4}-0{4}|contoso\\.example"
)


@pytest.mark.parametrize("credential", sorted({*CREDENTIALS} - {"azure-cli"}))
@pytest.mark.parametrize("client_options", [(), ("--client-id", CLIENT)])
def test_setup_commands_contain_no_placeholders(
    tmp_path: Path, credential: str, client_options: tuple[str, ...]
) -> None:
    options = (
        "--tenant-id",
        TENANT,
        "--credential",
        credential,
        "--repository",
        "o/team",
        "--mail-from",
        "a@b.example",
    )
    text = call("init", *options, *client_options, "O'Brien", cwd=tmp_path).text
    if (credential, client_options) == ("managed-identity", ()):
        assert "auditor doctor" in text
        return
    code = [line.partition("  # ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in code if PLACEHOLDER.search(line)] == []
    powershell, bash = blocks(text)
    assert Script(powershell.encode()).undocumented("auditor", "cd", "gh") == []
    assert ("applications are named 'Licence auditor'" in powershell) == (client_options == ())
    check = "$app = if ($named) { throw \"an application 'Licence auditor' exists already: "
    assert (check in powershell) == (client_options == ())
    assert "New-Mailbox -Shared -Name 'Licence auditor' -PrimarySmtpAddress 'a@b.example'" in powershell
    assert subprocess.run(["bash", "-n"], input=bash, text=True, capture_output=True, check=False).stderr == ""
    assert ('Set-Content "O\'Brien/auditor.pem"' in powershell) == (credential == "certificate")
    assert ('auditor init "O\'Brien" --client-id' in bash) == (client_options == ())


def blocks(text: str) -> tuple[str, str]:
    """Return the commands for PowerShell (including those of the mailbox) and the commands for bash."""
    _, remainder = text.split("# In PowerShell", 1)
    powershell, remainder = remainder.split("# or in bash", 1)
    bash, mailbox = remainder.split("# Limit sending to this mailbox", 1)
    return f"#{powershell}#{mailbox}", f"#{bash}"


def test_bash_commands_create_the_application_once(tmp_path: Path) -> None:
    """`az` and `gh` are fakes; `az` logs its arguments; `auditor` is the program."""
    programs = tmp_path / "bin"
    programs.mkdir()
    lines = {
        "az": (
            f'echo "az $*" >> "{tmp_path}/log"; case "$*" in *"app create"*) echo {CLIENT} | tee {tmp_path}/created ;;'
            f' *"app list"*) cat {tmp_path}/created 2>/dev/null ;; esac; true'
        ),
        "gh": """echo '{"owner": {"login": "o", "id": 7}, "name": "team", "id": 9}' | jq -c "$4" """,
        "auditor": f'"{sys.executable}" -m auditor "$@"',
        "sleep": "exit 0",
    }
    for name, body in lines.items():
        (programs / name).write_text(f"#!/bin/sh\n{body}\n")
        (programs / name).chmod(0o755)
    team = tmp_path / "team"
    team.mkdir()
    options = ("--tenant-id", TENANT, "--repository", "o/team", "--mail-from", "a@b.example")
    bash = blocks(call("init", *options, cwd=team).text)[1]
    environ = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    subprocess.run(["bash", "-eu"], input=bash, text=True, cwd=team, env=environ, check=True, capture_output=True)
    log = (tmp_path / "log").read_text()
    assert "repo:o/team:ref:refs/heads/main" in log
    assert "repo:o@7/team@9:ref:refs/heads/main" in log
    assert log.count(f"--id {CLIENT}") == 3
    assert log.count(f"applications(appId='{CLIENT}')/federatedIdentityCredentials(name='auditor") == 2
    assert read(team / "tenants.yaml").tenants[0].credential == GithubOidc(client_id=CLIENT)
    repeated = subprocess.run(
        ["bash", "-eu"], input=bash, text=True, cwd=team, env=environ, check=False, capture_output=True
    )
    assert repeated.returncode == 1, "a second run creates no second application"
    assert (
        f"an application 'Licence auditor' exists already: {CLIENT}; if it is yours, run auditor init again"
        in repeated.stderr
    )
    assert (tmp_path / "log").read_text().count("app create") == 1


def test_federated_credentials_use_the_default_branch_of_the_clone(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "trunk", tmp_path / "team"], check=True)
    options = ("--tenant-id", TENANT, "--repository", "o/team", "--no-input")
    assert call("init", *options, cwd=tmp_path / "team").text.count(":ref:refs/heads/trunk") == 4
    text = call("init", *options, "--branch", "release/1", cwd=tmp_path / "team").text
    assert text.count(":ref:refs/heads/release/1") == 4
    assert "auditor init --branch release/1 --client-id" in text


@pytest.mark.parametrize(
    ("files", "branch"),
    [
        ({}, "main"),
        ({"HEAD": "ref: refs/heads/trunk\n"}, "trunk"),
        ({"HEAD": "ref: refs/heads/trunk\n", "refs/heads/trunk": "0\n"}, "trunk"),
        ({"HEAD": "ref: refs/heads/fix\n", "refs/heads/fix": "0\n", "refs/heads/trunk": "0\n"}, "main"),
        (
            {"HEAD": "ref: refs/heads/fix\n", "refs/heads/fix": "0\n", "packed-refs": f"{'a' * 40} refs/heads/b\n"},
            "main",
        ),
        ({"HEAD": "ref: refs/heads/fix\n", "refs/remotes/origin/HEAD": "ref: refs/remotes/origin/a/b\n"}, "a/b"),
        ({"HEAD": "ref: refs/heads/$(x)\n"}, "main"),
        ({"HEAD": f"{'a' * 40}\n", "refs/heads/trunk": "0\n"}, "main"),
    ],
)
def test_default_branch_of_a_folder(tmp_path: Path, files: dict[str, str], branch: str) -> None:
    for name, text in files.items():
        path = tmp_path / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert default_branch(tmp_path) == branch


@pytest.mark.parametrize(
    ("ci", "command"), [("azure-devops", "auditor init --client-id ID"), ("container-job", "auditor doctor")]
)
def test_mailbox_commands_are_postponed_without_an_application(tmp_path: Path, ci: str, command: str) -> None:
    text = call(
        "init", "--ci", ci, "--tenant-id", TENANT, "--mail-from", "a@b.example", "--no-input", cwd=tmp_path
    ).text
    assert f"Mailbox: run `{command}`" in text
    assert "New-Mailbox" not in text
