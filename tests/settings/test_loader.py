"""Loading of the tenants file: values, defaults, and errors and warnings with their location."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from auditor.domain.enums import Agreement, Cloud, Severity
from auditor.domain.errors import InputError, Level, SettingsError, SnapshotError
from auditor.domain.settings import (
    NO_CLIENT,
    AzureCli,
    Certificate,
    ClientSecret,
    GithubOidc,
    GraphMail,
    ManagedIdentity,
    Recipient,
    Send,
    SmtpMail,
    StartTls,
    Token,
    WorkloadIdentity,
)
from auditor.domain.syntax import limits
from auditor.files.names import tenant_name
from auditor.localization.catalogues import translations
from auditor.settings.addresses import address_error, canonical
from auditor.settings.loader import load, read, select_tenants
from tests.builders.service.command_line import call

ID = "11111111-2222-3333-4444-555555555555"
OTHER_ID = "22222222-2222-3333-4444-555555555555"


def tenants_text(extra: str = "", *, head: str = "", tail: str = "") -> str:
    return f"version: 1\n{head}tenants:\n  - name: contoso\n    tenantId: {ID.upper()}\n{extra}{tail}"


WITH_PLACEHOLDER = tenants_text(
    f"    credential: {{type: client-secret, clientId: {NO_CLIENT}, secretEnv: SECRET}}\n",
    tail=f"  - name: fabrikam\n    tenantId: {OTHER_ID}\n    credential: {{type: azure-cli}}\n",
)
"""A file as `auditor init` writes it, before the application exists."""
LOCALES = """\
version: 1
defaults: {{locale: {0}}}
tenants:
- name: contoso
  tenantId: 11111111-2222-3333-4444-555555555555
  locale: {1}
  recipients:
  - {{address: a@b.example, locale: {2}}}
"""


def test_minimal_file() -> None:
    tenant = load(tenants_text(), file="tenants.yaml").tenants[0]
    assert (tenant.name, tenant.tenant_id, tenant.cloud, tenant.agreement) == (
        "contoso",
        ID,
        Cloud.WORLDWIDE,
        Agreement.UNKNOWN,
    )
    assert tenant.credential is None


def test_file_with_all_settings() -> None:
    text = tenants_text(
        "    cloud: usgov-dod\n    agreement: mca\n    endpoint: http://127.0.0.1:8080/v1.0/\n"
        "    authority: https://LOCALHOST:8443/\n    recipients: [{address: a@b.example, severities: [critical, high]}]\n",
        head="defaults: {locale: nl}\n",
        tail="mail: {from: a@b.example, smtp: {host: relay, port: 25.0, starttls: none}, send: failures}\n",
    )
    settings = load(text, file="tenants.yaml")
    tenant = settings.tenants[0]
    assert (tenant.locale, tenant.cloud, tenant.agreement) == ("nl", Cloud.USGOV_DOD, Agreement.MCA)
    assert (tenant.endpoint, tenant.authority) == ("http://127.0.0.1:8080/v1.0", "https://localhost:8443")
    (recipient,) = tenant.recipients
    assert recipient.span is not None
    assert (recipient.span.line, recipient.span.text) == (10, "")
    expected = Recipient(address="a@b.example", severities=(Severity.CRITICAL, Severity.HIGH))
    assert replace(recipient, span=None) == expected
    assert settings.mail is not None
    assert settings.mail.route == SmtpMail(host="relay", port=25, starttls=StartTls.NONE, written_at="tenants.yaml:11")
    assert settings.mail.send is Send.FAILURES


@pytest.mark.parametrize(
    ("text", "credential"),
    [
        ("{type: github-oidc, clientId: c}", GithubOidc(client_id="c")),
        ("{type: client-secret, clientId: c, secretEnv: S}", ClientSecret(client_id="c", secret_env="S")),
        ("{type: certificate, clientId: c, path: a.pem}", Certificate(client_id="c", path="a.pem")),
        (
            "{type: certificate, clientId: c, env: E, passwordEnv: P}",
            Certificate(client_id="c", env="E", password_env="P"),
        ),
        ("{type: managed-identity}", ManagedIdentity()),
        ("{type: managed-identity, clientId: c}", ManagedIdentity(client_id="c")),
        ("{type: workload-identity}", WorkloadIdentity()),
        ("{type: azure-cli}", AzureCli()),
        ("{type: token, tokenEnv: T}", Token(token_env="T")),
    ],
)
def test_credentials(text: str, credential: object) -> None:
    assert load(tenants_text(f"    credential: {text}\n"), file="t").tenants[0].credential == credential


@pytest.mark.parametrize(
    "extra",
    [
        "    credential: {type: client-secret, clientId: c, secret: oops}\n",
        "    credential: {type: certificate, clientId: c}\n",
        "    credential: {type: password}\n",
        "    cloud: mars\n",
        "    colour: red\n",
        "    agreement: false\n",
        "    recipients: [nobody]\n",
        "    endpoint: http://graph.example/v1.0\n",
        "    endpoint: https://user:pass@graph.example/v1.0\n",
        "    endpoint: ftp://graph.example\n",
        "    authority: http://localhost:8443\n",
        "mail: {from: a@b.example}\n",
        "mail: {from: a@b.example, graph: {tenant: contoso}, smtp: {host: relay}}\n",
        "mail: {from: a@b.example, graph: {tenant: fabrikam}}\n",
        f"  - {{name: contoso, tenantId: {OTHER_ID}}}\n",
        f"  - {{name: again, tenantId: {ID}}}\n",
    ],
)
def test_invalid_setting_is_an_error_with_its_line(extra: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tenants_text(extra), file="tenants.yaml")
    span = caught.value.span
    assert span is not None
    assert span.file == "tenants.yaml"
    assert span.line == 5


def test_all_errors_are_reported_together() -> None:
    text = tenants_text("    endpoint: http://a.example\n    authority: http://b.example\n")
    with pytest.raises(InputError) as caught:
        load(text, file="tenants.yaml")
    assert [item.span.line for item in caught.value.diagnostics if item.span] == [5, 6]


@pytest.mark.parametrize(
    ("address", "valid"),
    [
        ("https://graph.microsoft.com/v1.0", True),
        ("http://localhost:8080/v1.0", True),
        ("http://127.0.0.1/v1.0", True),
        ("http://[::1]:80/v1.0", True),
        ("http://127.0.0.1.evil.example/", False),
        ("http://localhost@evil.example/", False),
        ("http://0.0.0.0/", False),
        ("http://[::1]evil.example/", False),
        ("https://gr\u00e4ph.example/", False),
        ("https://graph.example\\@evil.example/", False),
        ("https://graph.example/v1.0?x=1", False),
        ("https://graph.example/#", False),
        ("https://", False),
        ("https://graph.example:99999/", False),
        ("graph.example", False),
        ("file:///etc/passwd", False),
    ],
)
def test_address_validation(address: str, valid: bool) -> None:  # noqa: FBT001
    assert (address_error(address, plain_on_loopback=True) is None) is valid


@given(
    st.from_regex(r"http://(localhost|127\.0\.0\.1|\[::1\]|[a-z@.]{0,9})(:[0-9]{1,5})?[/.@a-z]{0,9}", fullmatch=True)
)
def test_http_addresses_are_accepted_on_loopback_only(address: str) -> None:
    if address_error(address, plain_on_loopback=True) is None:
        assert urlsplit(canonical(address)).hostname in {"localhost", "127.0.0.1", "::1"}


def test_choosing_an_unknown_tenant_is_an_error() -> None:
    settings = load(tenants_text(), file="t")
    assert select_tenants(settings, []) == settings.tenants
    with pytest.raises(SettingsError, match="no tenant 'fabrikam'"):
        select_tenants(settings, ["fabrikam"])


def test_missing_or_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        read(tmp_path / "tenants.yaml")
    with pytest.raises(SettingsError, match="cannot be read"):
        read(tmp_path)


def test_mail_through_graph() -> None:
    mail = load(tenants_text(tail="mail: {from: a@b.example, graph: {tenant: contoso}}\n"), file="t").mail
    assert mail is not None
    assert mail.route == GraphMail(tenant="contoso")
    assert mail.send is Send.CHANGED


@pytest.mark.parametrize(
    "text", ["{type: github-oidc}", "{type: github-oidc, clientId: }", "{type: github-oidc, clientId: ''}"]
)
def test_missing_client_id_error_says_where_to_find_it(text: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tenants_text(f"    credential: {text}\n"), file="tenants.yaml")
    assert "the Entra admin center shows under App registrations" in (caught.value.diagnostics[0].hint or "")


@pytest.mark.parametrize("name", ["con", "prn", "aux", "nul", "com1", "com0", "lpt9", "a" * 64])
def test_name_that_cannot_be_a_folder_is_an_error_everywhere(name: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tenants_text().replace("contoso", name), file="tenants.yaml")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.slug, diagnostic.span and diagnostic.span.line) == ("tenants-name", 3)
    assert translations("nl").gettext(diagnostic.message.id) != diagnostic.message.id
    with pytest.raises(SnapshotError, match="cannot be the name"):
        tenant_name(name)
    with pytest.raises(ValueError, match="name"):
        limits.tenant_name(name)


@pytest.mark.parametrize("name", ["contoso", "con-1", "com10", "nullarbor", "a" * 63, "0"])
def test_name_that_resembles_a_windows_device_is_accepted(name: str) -> None:
    (tenant,) = load(tenants_text().replace("contoso", f'"{name}"'), file="tenants.yaml").tenants
    assert tenant.name == tenant_name(name) == limits.tenant_name(name) == name


def test_placeholder_is_reported_where_it_is_written() -> None:
    (warning,) = load(WITH_PLACEHOLDER, file="tenants.yaml").warnings
    assert (warning.slug, warning.level) == ("tenants-placeholder", Level.WARNING)
    assert warning.span is not None
    assert (warning.span.line, warning.span.column) == (5, 49)
    assert warning.message.arguments["tenant"] == "contoso"
    assert not load(WITH_PLACEHOLDER.replace(NO_CLIENT, OTHER_ID), file="tenants.yaml").warnings


@pytest.mark.slow
@pytest.mark.parametrize("strict", [(), ("--strict",)])
def test_placeholder_is_a_warning_of_validate_and_one_problem_of_doctor(
    strict: tuple[str, ...], tmp_path: Path
) -> None:
    policy = (
        "version: 1\npolicies: [{id: p, severity: low, users: {accountEnabled: false}, assignments: {deny: paid}}]\n"
    )
    (tmp_path / "p.yaml").write_text(policy)
    (tmp_path / "tenants.yaml").write_text(WITH_PLACEHOLDER)
    completed = call("validate", "p.yaml", "--tenants", "tenants.yaml", *strict, cwd=tmp_path)
    assert completed.code == 0, "the file is valid before the application exists"
    assert "tenants.yaml:5:49: warning[tenants-placeholder]" in completed.err
    doctor = call("doctor", "p.yaml", "--tenant", "contoso", cwd=tmp_path)
    assert doctor.code == 3
    assert (doctor.text + doctor.err).count("clientId is a placeholder") == 1


@pytest.mark.parametrize(
    ("locales", "expected"),
    [
        (("nl", "de-AT", "EN"), []),
        (("fr", "sv", "en-GB"), ["2:20 fr"]),
        (("da", "xx", "tr"), ["6:11 xx"]),
        (("tr", "fr-CA", "fr"), ["6:11 fr-CA", "8:36 fr"]),
    ],
)
def test_language_without_translations_is_a_warning_at_its_value(locales: tuple[str, ...], expected: list[str]) -> None:
    warnings = load(LOCALES.format(*locales), file="tenants.yaml").warnings
    assert [
        f"{item.span.line}:{item.span.column} {item.message.arguments['tag']}" for item in warnings if item.span
    ] == expected
    assert {(item.slug, item.level) for item in warnings} <= {("locale-unknown", Level.WARNING)}
