"""Builds a team's repository with `auditor init`, set up for the emulated tenants and the mail relay of the tests."""

import re
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.builders.service.command_line import expect
from tests.builders.service.github_api import GithubApi
from tests.builders.service.mail_relay import PASSWORD, USER, Running
from tests.builders.service.preloaded_program import preloaded_program
from tests.e2e.github.hub import Hub
from tests.e2e.github.workflow import Event
from tests.emulator.fixtures import CLIENT_ID
from tests.emulator.server import Emulator

NIGHTLY, PREVIEW = ".github/workflows/nightly-audit.yml", ".github/workflows/policy-preview.yml"
PIN = "ab" * 20
POLICY = """\
version: 1
policies:
  - id: leavers
    title: Blocked accounts hold no paid licence
    severity: high
    users: {accountEnabled: false}
    assignments: {of: paid, allow: []}
"""

needs_bash = pytest.mark.skipif(
    sys.platform == "win32" or any(shutil.which(name) is None for name in ("bash", "jq", "git")),
    reason="steps are run by bash with jq and git, as on a Linux runner",
)


def team(
    folder: Path, emulator: Emulator, server: Running | None = None, *, api: GithubApi | None = None, **variables: str
) -> Hub:
    """Return a simulated GitHub with the repository that `auditor init` writes, with every tenant of the emulator.

    With `api`, the workflow also creates issues there.
    """
    hub = Hub(
        folder=folder / "hub", variables=variables if api is None else {**variables, "AUDIT_ISSUES": "true"}, api=api
    )
    options = ("--client-id", CLIENT_ID, "--mail-from", "audit@contoso.example", "--pin", PIN, "--agreement", "mca")
    expect(0, "init", "-q", "--ci", "github", *options, cwd=hub.repository)
    path = hub.repository / "tenants.yaml"
    head, block, mail = re.split(r"(?m)^(?=  - name: |mail:)", path.read_text(encoding="utf-8"))
    endpoint = f"    endpoint: {emulator.endpoint}\n    authority: {emulator.authority}\n"
    for tenant in emulator.tenants.values():
        tenant_block = re.sub(r"(?m)(?<=tenantId: )\S+", tenant.tenant_id, block).replace(
            "name: contoso", f"name: {tenant.name}"
        )
        head += tenant_block + endpoint
    if server is not None:
        sender = next(line for line in mail.splitlines() if "from:" in line)
        mail = f"mail:\n{sender}\n  smtp: {{host: 127.0.0.1, port: {server.port}, ca: {server.ca}, usernameEnv: U, passwordEnv: P}}\n"
    path.write_text(head + mail, encoding="utf-8")
    (hub.repository / "policies" / "people.yaml").write_text(POLICY, encoding="utf-8")
    hub.commit("Begin")
    return hub


def night(hub: Hub, emulator: Emulator, **options: object) -> Event:
    """Return the event of a scheduled run, with an environment that reaches the tenant and the relay."""
    if hub.state["runs"]:
        time.sleep(1 - time.time() % 1)  # the instants of two nights differ by at least a second
    environ = {**emulator.environment(), "CURL_CA_BUNDLE": str(emulator.ca_path), "U": USER, "P": PASSWORD}
    return Event(hub=hub, environ=environ, installed=preloaded_program(), **options)  # type: ignore[arg-type]


def request(hub: Hub, emulator: Emulator, *, fork: bool = False) -> Event:
    """Return the event of a pull request, from a branch of the repository or from a fork."""
    owner = "stranger/licences" if fork else "contoso/licences"
    payload = {"pull_request": {"number": 1, "head": {"repo": {"full_name": owner}}}}
    return Event(
        hub=hub,
        name="pull_request",
        payload=payload,
        environ=emulator.environment(),
        installed=preloaded_program(),
        fork=fork,
    )
