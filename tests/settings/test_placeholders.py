"""Tests the warning about a client id that `auditor init` wrote for an application that does not exist yet."""

from pathlib import Path

import pytest

from auditor.domain.errors import Level
from auditor.domain.settings import NO_CLIENT
from auditor.settings.loader import load
from tests.builders.service.command_line import call

FILE = """version: 1
tenants:
  - name: contoso
    tenantId: aaaaaaaa-1111-2222-3333-444444444444
    credential: {{type: client-secret, clientId: {client}, secretEnv: SECRET}}
  - name: fabrikam
    tenantId: bbbbbbbb-1111-2222-3333-444444444444
    credential: {{type: azure-cli}}
"""
CLIENT = "cccccccc-1111-2222-3333-444444444444"


def test_placeholder_is_reported_where_it_is_written() -> None:
    (warning,) = load(FILE.format(client=NO_CLIENT), file="tenants.yaml").warnings
    assert (warning.slug, warning.level) == ("tenants-placeholder", Level.WARNING)
    assert warning.span is not None
    assert (warning.span.line, warning.span.column) == (5, 49)
    assert warning.message.arguments["tenant"] == "contoso"
    assert not load(FILE.format(client=CLIENT), file="tenants.yaml").warnings


@pytest.mark.slow
@pytest.mark.parametrize("strict", [(), ("--strict",)])
def test_placeholder_is_a_warning_of_validate_and_one_problem_of_doctor(
    strict: tuple[str, ...], tmp_path: Path
) -> None:
    policy = (
        "version: 1\npolicies: [{id: p, severity: low, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"
    )
    (tmp_path / "p.yaml").write_text(policy)
    (tmp_path / "tenants.yaml").write_text(FILE.format(client=NO_CLIENT))
    completed = call("validate", "p.yaml", "--tenants", "tenants.yaml", *strict, cwd=tmp_path)
    assert completed.code == 0, "the file is valid before the application exists"
    assert "tenants.yaml:5:49: warning[tenants-placeholder]" in completed.err
    doctor = call("doctor", "p.yaml", "--tenant", "contoso", cwd=tmp_path)
    assert doctor.code == 3
    assert (doctor.text + doctor.err).count("clientId is a placeholder") == 1
