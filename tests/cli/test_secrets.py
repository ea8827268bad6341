"""Secrets that were written into the tenants file by mistake do not appear in error messages."""

from pathlib import Path

import pytest

from tests.builders.service.command_line import expect

FILE = """
version: 1
tenants:
  - name: contoso
    tenantId: 11111111-2222-3333-4444-555555555555
    cloud: worldwide
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "credential",
    [
        "    credential: {type: client-secret, clientId: x, secret: 'hunter~2'}\n",
        "    credential:\n      type: client-secret\n      value: 'hunter~2'\n",
        "    credential: {type: client-secret, secretEnv: 'hunter~2'}\n",
        "    credential: {type: certificate, env: 'hunter~2'}\n",
        "    credential: {type: token, tokenEnv: TOKEN}\n    endpoint: 'https://me:hunter~2@graph.example/v1.0'\n",
        "    credential: {type: token, tokenEnv: TOKEN}\n    authority: 'https://hunter~2@login.example'\n",
        "    credential: {type: token, token: 'hunter~2', tokenEnv: TOKEN\n",
        "    credential: {type: token, token: 'hunter~2', token: b, tokenEnv: TOKEN}\n",
    ],
)
def test_secret_in_the_tenants_file_is_not_printed_in_errors(credential: str, tmp_path: Path) -> None:
    (tmp_path / "tenants.yaml").write_text(FILE + credential)
    completed = expect(2, "audit", "-v", cwd=tmp_path)
    assert "tenants.yaml:" in completed.err
    assert "hunter" not in completed.err + completed.text
