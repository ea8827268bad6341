"""A secret written in place of the name of an environment variable is not printed in any message."""

from pathlib import Path

import pytest

from auditor.deliver.mail.smtp_mail import open_relay
from auditor.domain.errors import InputError, SettingsError, format_diagnostic
from auditor.domain.settings import SmtpMail
from auditor.domain.syntax.environment_variable import is_missing, to_set
from auditor.settings.loader import load
from tests.builders.document.policy_documents import SPARE_SEATS
from tests.builders.service.command_line import expect

FILE = """\
version: 1
tenants:
- name: contoso
  tenantId: 11111111-2222-3333-4444-555555555555
  credential: {credential}
"""
SECRETS = (
    "hunter2", "correcthorsebatterystaple", "JBSWY3DPEHPK3PXPJBSWY3DP", "Xk9_pQ2_mN7", "a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "SECRETABCDEFGHIJKLMNOPQRSTUVWXYZ", "eyJhbGciOiJub25lIn0", "Passw0rd",
)  # fmt: skip
CREDENTIALS = (
    "{{type: token, tokenEnv: {0}}}",
    "{{type: client-secret, clientId: 11111111-2222-3333-4444-555555555555, secretEnv: {0}}}",
    "{{type: certificate, clientId: 11111111-2222-3333-4444-555555555555, env: {0}}}",
    "{{type: certificate, clientId: 11111111-2222-3333-4444-555555555555, path: x.pem, passwordEnv: {0}}}",
)


@pytest.mark.slow
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_error_names_the_line_and_not_the_secret(tmp_path: Path, credential: str) -> None:
    secret = "hunter2"
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p.yaml").write_text(SPARE_SEATS)
    (tmp_path / "tenants.yaml").write_text(FILE.format(credential=credential.format(secret)))
    for arguments in (("collect", "--no-progress"), ("doctor",), ("audit", "-f", "json=-")):
        completed = expect(3, *arguments, cwd=tmp_path)
        assert secret not in completed.err + completed.text
        assert "tenants.yaml:5" in completed.err + completed.text


@pytest.mark.parametrize(
    "value",
    [
        "*hunter2", "!hunter2", "!hunter2 x", "!<hunter2> x", "!!int hunter2", "hunter2 x", "[hunter2]", "98765432",
        "98765432109876543210", "{98765432: x}", "{hunter2: x, hunter2: y}", "{!!int hunter2: x}", "&hunter2", '"hunter2" x', "@hunter2",
    ],
)  # fmt: skip
@pytest.mark.parametrize("entry", ["{{type: token, tokenEnv: {0}}}", "{0}"])
def test_secret_that_is_not_a_plain_text_in_yaml_is_not_quoted(entry: str, value: str) -> None:
    with pytest.raises(InputError) as caught:
        load(FILE.format(credential=entry.format(value)), file="tenants.yaml")
    text = "".join(map(format_diagnostic, caught.value.diagnostics))
    assert "tenants.yaml:5" in text
    assert not any(secret in text for secret in ("hunter2", "98765432"))


@pytest.mark.parametrize("secret", SECRETS)
def test_error_does_not_name_a_secret_in_any_form(secret: str) -> None:
    assert secret not in is_missing(secret, "tenants.yaml:5")
    assert to_set(secret) == "it"


@pytest.mark.parametrize("name", ["GRAPH_TOKEN", "AZURE_CLIENT_SECRET", "TENANT2_PFX_PASSWORD", "CONTOSO_2026"])
def test_error_names_a_variable_with_a_plausible_name(name: str) -> None:
    assert name in is_missing(name, "tenants.yaml:5")


def test_mail_error_names_the_line_and_not_the_secret() -> None:
    relay = SmtpMail(
        host="relay.example", username_env="MAIL_USER", password_env="hunter2", written_at="tenants.yaml:9"
    )
    with pytest.raises(SettingsError, match=r"tenants\.yaml:9") as caught:
        open_relay(relay, {"MAIL_USER": "x"})
    assert "hunter2" not in str(caught.value)
