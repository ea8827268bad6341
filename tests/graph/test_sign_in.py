"""Every way of signing in against the emulated token service, and what wrong input says."""

import asyncio
import base64
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from msgspec.structs import replace

from auditor.domain.enums import Cloud
from auditor.domain.errors import AuditorError, GraphError, SettingsError
from auditor.domain.message import Message
from auditor.domain.tenant import (
    AzureCli,
    Certificate,
    ClientSecret,
    DeviceCode,
    GithubOidc,
    Tenant,
    Token,
    WorkloadIdentity,
)
from auditor.graph.auth.aadsts_codes import advice, code_in
from auditor.graph.auth.credentials import SignIn
from auditor.graph.auth.scrubber import Secrets
from auditor.graph.auth.token_claims import claims_of
from auditor.graph.transport.ca_bundle import authorities
from tests.builders.tenant.collection import configured, environment, token_of
from tests.emulator.fixtures import CLIENT_ID, SECRET, auditor_app, running_emulator, small_tenant
from tests.emulator.server import Emulator
from tests.emulator.sign_in.keys import self_signed

PASSWORD = "certificate-password"


@pytest.fixture(scope="module")
def certificate() -> tuple[bytes, bytes, str]:
    """(PEM of key and certificate, PKCS #12 with a password, PEM of the certificate alone)."""
    public, private = (text.encode() for text in self_signed())
    key = serialization.load_pem_private_key(private, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    made = x509.load_pem_x509_certificate(public)
    packed = pkcs12.serialize_key_and_certificates(
        b"auditor", key, made, None, serialization.BestAvailableEncryption(PASSWORD.encode())
    )
    return private + public, packed, public.decode()


@pytest.fixture(scope="module")
def entra(certificate: tuple[bytes, bytes, str]) -> Iterator[Emulator]:
    tenant = small_tenant()
    tenant.register(auditor_app(certificates=(certificate[2],)))
    with running_emulator([tenant]) as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def _calm(entra: Emulator) -> None:
    entra.reset()


def refused(tenant: Tenant, env: dict[str, str]) -> AuditorError:
    with pytest.raises(AuditorError) as caught:
        token_of(tenant, env)
    return caught.value


def test_client_secret(entra: Emulator) -> None:
    claims = claims_of(token_of(configured(entra), environment(entra)))
    assert claims is not None
    assert claims.tenant_id == entra.tenants["contoso"].tenant_id
    assert claims.application_id == CLIENT_ID
    assert "User.Read.All" in claims.roles


def test_github_oidc_asks_for_a_fresh_assertion_each_time(entra: Emulator) -> None:
    tenant = configured(entra, credential=GithubOidc(client_id=CLIENT_ID))

    async def twice() -> None:
        async with SignIn(tenant, environ=environment(entra)) as sign_in:
            first = (await sign_in.get_token()).token
            assert (await sign_in.get_token()).token == first, "a good token is kept"
            assert await sign_in.renew(first)
            assert (await sign_in.get_token()).token != first

    asyncio.run(twice())
    assert len(entra.journal.of("/github/idtoken")) == 2


def test_a_certificate_as_pem_file(entra: Emulator, certificate: tuple[bytes, bytes, str], tmp_path: Path) -> None:
    path = tmp_path / "auditor.pem"
    path.write_bytes(certificate[0])
    assert token_of(configured(entra, credential=Certificate(client_id=CLIENT_ID, path=str(path))), environment(entra))


def test_a_certificate_as_pfx_with_password(
    entra: Emulator, certificate: tuple[bytes, bytes, str], tmp_path: Path
) -> None:
    path = tmp_path / "auditor.pfx"
    path.write_bytes(certificate[1])
    credential = Certificate(client_id=CLIENT_ID, path=str(path), password_env="PFX")
    assert token_of(configured(entra, credential=credential), environment(entra, PFX=PASSWORD))
    assert (
        refused(configured(entra, credential=credential), environment(entra, PFX="wrong")).slug == "certificate-invalid"
    )


@pytest.mark.slow
def test_a_certificate_in_a_variable(entra: Emulator, certificate: tuple[bytes, bytes, str]) -> None:
    pem = Certificate(client_id=CLIENT_ID, env="CERT")
    assert token_of(configured(entra, credential=pem), environment(entra, CERT=certificate[0].decode()))
    packed = replace(pem, password_env="PFX")
    text = base64.b64encode(certificate[1]).decode()
    assert token_of(configured(entra, credential=packed), environment(entra, CERT=text, PFX=PASSWORD))


def test_workload_identity(entra: Emulator, tmp_path: Path) -> None:
    from auditor.graph.auth.github_oidc import assertion  # noqa: PLC0415 - only this test asks GitHub

    env = environment(entra)
    made = asyncio.run(
        assertion("api://AzureADTokenExchange", environ=env, secrets=Secrets(), authorities=env["SSL_CERT_FILE"])
    )
    path = tmp_path / "token"
    path.write_text(made)
    env |= {"AZURE_FEDERATED_TOKEN_FILE": str(path), "AZURE_CLIENT_ID": CLIENT_ID}
    assert token_of(configured(entra, credential=WorkloadIdentity()), env)
    assert refused(configured(entra, credential=WorkloadIdentity()), environment(entra)).hint is not None


def test_a_token_made_elsewhere(entra: Emulator) -> None:
    tenant = configured(entra, credential=Token(token_env="GRAPH_TOKEN"))
    assert token_of(tenant, environment(entra, GRAPH_TOKEN="opaque-and-fine")) == "opaque-and-fine"
    assert refused(tenant, environment(entra)).slug == "credential-variable"


def test_azure_cli_that_is_not_there(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    found = refused(configured(entra, credential=AzureCli()), environment(entra))
    assert found.slug == "sign-in-unavailable"
    assert "az login" in (found.hint or "")


def test_a_device_code_asks_a_person_and_renews_without_asking(entra: Emulator) -> None:
    asked: list[str] = []

    def ask(message: Message) -> None:
        asked.append(str(message))
        (code,) = entra.tokens.device_codes
        assert code in asked[-1]
        entra.tokens.device_codes[code].user = "7d8c1f60-0000-4000-8000-000000000001"

    async def twice() -> tuple[str, str]:
        tenant = configured(entra, credential=DeviceCode(client_id=CLIENT_ID))
        async with SignIn(tenant, environ=environment(entra), ask=ask) as sign_in:
            first = (await sign_in.get_token()).token
            challenge = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
            return first, (await sign_in.get_token(claims=challenge)).token

    entra.tokens.device_codes.clear()
    first, second = asyncio.run(twice())
    assert first != second
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("user", "slug", "text"), [("", "sign-in-refused", "declined"), (None, "device-code-terminal", "terminal")]
)
def test_a_device_code_that_nobody_enters(entra: Emulator, user: str | None, slug: str, text: str) -> None:
    def ask(_: Message) -> None:
        for known in entra.tokens.device_codes.values():
            known.user = user

    async def token() -> str:
        tenant = configured(entra, credential=DeviceCode(client_id=CLIENT_ID))
        async with SignIn(tenant, environ=environment(entra), ask=None if user is None else ask) as sign_in:
            return (await sign_in.get_token()).token

    entra.tokens.device_codes.clear()
    with pytest.raises(GraphError) as caught:
        asyncio.run(token())
    assert caught.value.slug == slug
    assert text in str(caught.value.message)


Spoil = Callable[[Tenant], Tenant]

WRONG: dict[str, tuple[Spoil, dict[str, str], str]] = {
    "secret": (lambda tenant: tenant, {"CONTOSO_SECRET": "wrong-secret-value"}, "AADSTS7000215"),
    "client": (
        lambda tenant: replace(tenant, credential=ClientSecret(client_id="b" * 8, secret_env="CONTOSO_SECRET")),
        {},
        "AADSTS700016",
    ),
    "tenant": (lambda tenant: replace(tenant, tenant_id="11111111-2222-3333-4444-555555555555"), {}, "AADSTS90002"),
    "variable": (lambda tenant: tenant, {"CONTOSO_SECRET": ""}, "CONTOSO_SECRET is not set"),
    "authority": (lambda tenant: replace(tenant, authority="https://127.0.0.1:9"), {}, "does not answer"),
    "certificate file": (
        lambda tenant: replace(tenant, credential=Certificate(client_id=CLIENT_ID, path="/nowhere.pem")),
        {},
        "nowhere",
    ),
    "cloud": (lambda tenant: replace(tenant, cloud=Cloud.GERMANY), {}, "2021-10-29"),
    "no credential": (lambda tenant: replace(tenant, credential=None), {}, "no credential"),
}


RETRIED = {"authority"}
"""What azure-identity tries four times, with pauses of five seconds in all."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in RETRIED else []) for name in WRONG]
)
def test_wrong_input_says_what_and_how_to_mend_it(entra: Emulator, name: str) -> None:
    spoil, env, phrase = WRONG[name]
    found = refused(spoil(configured(entra)), environment(entra, **env))
    assert phrase in found.message
    assert found.hint
    assert "wrong-secret-value" not in "".join(traceback.format_exception(found))


@pytest.mark.slow
def test_an_authority_that_no_known_ca_vouches_for(entra: Emulator) -> None:
    found = refused(configured(entra), {"CONTOSO_SECRET": SECRET})
    assert found.slug == "sign-in-untrusted"
    assert "SSL_CERT_FILE" in (found.hint or "")


def test_a_ca_that_is_none(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("no certificate")
    for env in ({"SSL_CERT_FILE": str(tmp_path / "missing.pem")}, {"REQUESTS_CA_BUNDLE": str(empty)}):
        with pytest.raises(SettingsError, match="names"):
            authorities(env)
    assert authorities({}) is None


def test_html_from_a_proxy_in_place_of_the_sign_in(entra: Emulator) -> None:
    entra.faults.add("html", path="/*/oauth2/v2.0/token", status=403, times=None)
    found = refused(configured(entra), environment(entra))
    assert found.hint


def test_missing_oidc_variables_are_named(entra: Emulator) -> None:
    env = {"SSL_CERT_FILE": str(entra.ca_path)}
    tenant = configured(entra, credential=GithubOidc(client_id=CLIENT_ID))
    assert "az login" in (refused(tenant, env).hint or ""), "on a laptop there is no job"
    found = refused(tenant, env | {"GITHUB_ACTIONS": "true"})
    assert "ACTIONS_ID_TOKEN_REQUEST_URL" in found.message
    assert "ACTIONS_ID_TOKEN_REQUEST_TOKEN" in found.message
    assert "id-token: write" in (found.hint or "")


def test_an_expired_token_is_reported_before_it_is_sent(entra: Emulator) -> None:
    body = base64.urlsafe_b64encode(b'{"exp": %d}' % (time.time() - 60)).decode().rstrip("=")
    tenant = configured(entra, credential=Token(token_env="GRAPH_TOKEN"))
    assert refused(tenant, environment(entra, GRAPH_TOKEN=f"eyJhbGciOiJub25lIn0.{body}.x")).slug == "token-expired"


def test_no_secret_reaches_a_log_or_a_representation(entra: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def ask() -> tuple[str, str]:
        async with SignIn(configured(entra), environ=environment(entra)) as sign_in:
            token = (await sign_in.get_token()).token
            return token, repr(sign_in) + repr(sign_in.secrets)

    token, shown = asyncio.run(ask())
    refused(configured(entra), environment(entra, CONTOSO_SECRET="wrong-secret-value"))
    for text in (shown, caplog.text, repr(configured(entra))):
        for secret in (token, SECRET, "wrong-secret-value"):
            assert secret not in text


def test_secrets_are_scrubbed_wherever_they_stand() -> None:
    secrets = Secrets()
    secrets.add("s3cret!value")
    text = "client_secret=other&x=s3cret!value Bearer abcdefghijkl eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln"
    assert secrets.scrub(text) == "client_secret=[secret]&x=[secret] [secret] [secret]"


@pytest.mark.parametrize("code", ["7000215", "700016", "700027", "700024", "700213", "90002", "7000222"])
def test_known_codes_have_advice(code: str) -> None:
    assert code_in(f"error AADSTS{code}: something") == code
    assert advice(code)


def test_an_unknown_code_has_none() -> None:
    assert advice("999999") is None
    assert advice(None) is None
