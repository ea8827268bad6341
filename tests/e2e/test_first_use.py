"""Tests the commands of README.md and docs/getting-started.md: they are run in order, or listed there as not run."""

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from auditor.domain.settings import GithubOidc
from auditor.settings.loader import read
from tests.builders.service.preloaded_program import preloaded_program
from tests.emulator.server import Emulator
from tests.package.tree import ROOT

GUIDE = "docs/getting-started.md"
BLOCK = re.compile(r"^( *)```(?:sh|powershell)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


NOT_RUN = (
    "pipx ",
    "docker ",
    "py -3",
    ".venv\\",
    "python -m pip",
    "python3 -m venv",
    "uv tool",
    "Invoke-Item",
    "make ",
)
"""Prefixes of commands that the page lists as not run by a test, or that another test runs (`make`)."""
GIT = ("git ",)
CLIENT = "bbbbbbbb-1111-2222-3333-444444444444"


def commands(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [line for _, block in BLOCK.findall(text) for line in textwrap.dedent(block).splitlines() if line.strip()]


def test_every_command_of_the_guide_is_run_or_listed_as_not_run() -> None:
    for page in ("README.md", GUIDE):
        for line in commands(page):
            assert line.startswith(("auditor ", "az login", *NOT_RUN, *GIT)), f"{page}: {line}"
    section = (ROOT / GUIDE).read_text(encoding="utf-8").split("**Not run by a test**")[1]
    assert all(f"`{name}`" in section for name in ("pipx", "docker", "py", "az", "git push"))
    runnable = [line for line in commands(GUIDE) if line.startswith(("auditor ", "az "))]
    assert [line for line in commands("README.md") if line.startswith(("auditor ", "az "))] == runnable[1:5]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the lines for bash")
def test_commands_of_the_guide_create_a_report_and_a_repository(tmp_path: Path, emulator: Emulator) -> None:
    """`az` and `gh` are fake programs, and tenants.yaml gets the emulator's addresses; all else is as in the guide."""
    tenant = emulator.tenants["contoso"]
    write_programs(tmp_path, tenant.tenant_id, emulator.bearer("contoso"))
    folder = tmp_path / "repository"
    folder.mkdir()
    environ = {**os.environ, **emulator.environment(), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "LANG": "C.UTF-8",
               "PATH": f"{tmp_path}:{os.environ['PATH']}", "AZURE_CONFIG_DIR": str(tmp_path)}  # fmt: skip
    expected_codes = {"auditor doctor": {0, 3}, "auditor audit": {0, 1, 3}, "auditor audit --demo": {0, 1}}
    bash = ["bash", "-c"]
    commands_run = []
    for command in commands(GUIDE):
        if not command.startswith(("auditor ", "az ")):
            continue
        line = f"{command} --no-input --tenant-id {tenant.tenant_id}" if command == "auditor init" else command
        completed = subprocess.run([*bash, line], cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert completed.returncode in expected_codes.get(command, {0}), (
            f"{line}\n{completed.stdout}\n{completed.stderr}"
        )
        commands_run.append(command)
        if command == "auditor init":
            path = folder / "tenants.yaml"
            service = f"    endpoint: {emulator.endpoint}\n    authority: {emulator.authority}\n"
            path.write_text(re.sub(r"(?m)^(    credential: .*\n)", rf"\1{service}", path.read_text()))
        if command == "auditor audit":
            assert (folder / "out" / "report.html").stat().st_size > 10_000
            (tenant_result,) = json.loads((folder / "out" / "result.json").read_text())["tenants"]
            assert tenant_result["name"] == "contoso"
            (folder / ".git").mkdir()
            (folder / ".git" / "config").write_text('[remote "origin"]\n\turl = git@github.com:o/team.git\n')
    assert len(commands_run) == 8
    setup = (folder / "setup.txt").read_text()
    assert "repo:o/team:ref:refs/heads/main" in setup
    script = setup.split("# or in bash", 1)[1].split("# Limit sending to this mailbox")[0]
    subprocess.run([*bash, f"set -eu\n#{script}"], cwd=folder, env=environ, check=True, capture_output=True)
    assert read(folder / "tenants.yaml").tenants[0].credential == GithubOidc(client_id=CLIENT)


def write_programs(folder: Path, tenant_id: str, token: str) -> None:
    """Write fake programs for those that the guide calls."""
    token_response = {
        "accessToken": token,
        "expires_on": int(time.time()) + 3600,
        "tenant": tenant_id,
        "tokenType": "Bearer",
    }
    (folder / "token.json").write_text(json.dumps({**token_response, "expiresOn": "2099-01-01 00:00:00.000000"}))
    programs = {
        "az": f'case "$*" in *get-access-token*) cat "{folder}/token.json" ;; *"app create"*) echo {CLIENT} ;; esac',
        "gh": """echo '{"owner": {"login": "o", "id": 7}, "name": "team", "id": 9}' | jq -c "$4" """,
        "auditor": f'exec {preloaded_program()} "$@"',
        "sleep": "exit 0",
    }
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
