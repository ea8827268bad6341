"""Warnings about tenants files that send tokens or secrets to hosts other than Microsoft's."""

from pathlib import Path

import pytest

from auditor.settings.loader import load
from tests.builders.document.policy_documents import SPARE_SEATS
from tests.builders.service.command_line import call

FILE = """\
version: 1
tenants:
- name: contoso
  tenantId: 11111111-2222-3333-4444-555555555555
  {key}: {address}
  credential: {{type: token, tokenEnv: MY_TOKEN}}
"""


@pytest.mark.parametrize(
    ("key", "address", "host"),
    [
        ("authority", "https://login.microsoftonline.com.evil.example", "login.microsoftonline.com.evil.example"),
        ("authority", "https://LOGIN.evil.example:8443/x", "login.evil.example"),
        ("endpoint", "https://graph.evil.example/v1.0", "graph.evil.example"),
        ("endpoint", "https://graph.microsoft.com/v1.0", None),
        ("endpoint", "https://dod-graph.microsoft.us/v1.0", None),
        ("endpoint", "http://127.0.0.1:1/v1.0", None),
        ("endpoint", "http://[::1]:1/v1.0", None),
        ("authority", "https://localhost:8443", None),
        ("authority", "https://login.chinacloudapi.cn", None),
    ],
)
def test_unknown_host_is_a_warning_with_its_line(key: str, address: str, host: str | None) -> None:
    warnings = load(FILE.format(key=key, address=address), file="tenants.yaml").warnings
    assert [host] * bool(host) == [warning.message.split("sent to ")[1].split(",")[0] for warning in warnings]
    for warning in warnings:
        assert warning.span is not None
        assert (warning.span.line, warning.span.text) == (5, "")


def test_every_command_that_signs_in_prints_the_warning(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(SPARE_SEATS)
    (tmp_path / "tenants.yaml").write_text(FILE.format(key="authority", address="https://login.evil.example"))
    for arguments in (
        ("validate", "--tenants", "tenants.yaml"), ("doctor",), ("collect", "--no-progress"), ("audit", "-f", "json"),
    ):  # fmt: skip
        completed = call(*arguments, cwd=tmp_path)
        assert "tenants.yaml:5:" in completed.err, arguments
        assert "warning[tenants-foreign-host]" in completed.err, arguments
        assert "login.evil.example" in completed.err, arguments
    for quiet in (("collect", "-q"), ("audit", "-f", "json", "-q")):
        completed = call(*quiet, cwd=tmp_path)
        assert "error[" in completed.err, quiet
        assert "warning[" not in completed.err, quiet
    assert call("validate", "--strict", "--tenants", "tenants.yaml", cwd=tmp_path).code == 2
