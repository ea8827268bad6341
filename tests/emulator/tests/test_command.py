"""Tests the command `python -m tests.emulator`."""

import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from tests.emulator.__main__ import parser, tenants

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_written_tenants_file_and_environment_connect_to_the_tenants(tmp_path: Path) -> None:
    arguments = ["--users", "30", "--tenants", "2", "--port", "0", "--tls-port", "0", "-o", str(tmp_path)]
    fault = '{"kind": "server-error", "path": "/users"}'
    with subprocess.Popen(
        [sys.executable, "-m", "tests.emulator", *arguments, "--fault", fault],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            started = time.monotonic()
            output = ""
            while "Ctrl-C" not in output and time.monotonic() - started < 300:
                output += process.stdout.readline()
            document = yaml.safe_load((tmp_path / "tenants.yaml").read_text(encoding="utf-8"))
            assert [tenant["name"] for tenant in document["tenants"]] == ["contoso", "fabrikam"]
            lines = (tmp_path / "environment.sh").read_text(encoding="utf-8").splitlines()
            variables = dict(line.removeprefix("export ").split("=", 1) for line in lines)
            tenant = document["tenants"][1]
            form = {
                "grant_type": "client_credentials", "client_id": tenant["credential"]["clientId"], "scope": "https://graph.microsoft.com/.default",
                "client_secret": variables[tenant["credential"]["secretEnv"]],
            }  # fmt: skip
            with httpx.Client(
                verify=ssl.create_default_context(cafile=variables["SSL_CERT_FILE"]), trust_env=False
            ) as http:
                token = http.post(f"{tenant['authority']}/{tenant['tenantId']}/oauth2/v2.0/token", data=form).json()[
                    "access_token"
                ]
                headers = {"Authorization": f"Bearer {token}"}
                assert http.get(f"{tenant['endpoint']}/users", headers=headers).status_code == 503
                assert len(http.get(f"{tenant['endpoint']}/users", headers=headers).json()["value"]) == 30
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(timeout=120) == 0


@pytest.mark.parametrize(
    ("arguments", "people"), [(["--users", "0"], [5]), (["--users", "7", "--tenants", "3"], [7, 7, 7])]
)
def test_options_select_the_tenants(arguments: list[str], people: list[int]) -> None:
    selected = tenants(parser().parse_args([*arguments, "--throttle"]))
    assert [len(tenant.people) for tenant in selected] == people
    assert all(tenant.apps and tenant.throttled for tenant in selected)
    assert len({tenant.tenant_id for tenant in selected}) == len(selected)


def test_tenant_is_loaded_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "tenant.json"
    path.write_text('{"name": "mine", "tenantId": "11111111-2222-4333-8444-555555555555"}', encoding="utf-8")
    [tenant] = tenants(parser().parse_args(["--load", str(path)]))
    assert (tenant.name, len(tenant.people)) == ("mine", 0)
