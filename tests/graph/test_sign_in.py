"""Tests all credential types against the emulated token service, and errors for invalid input."""

import asyncio
import base64
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from msgspec.structs import replace

from auditor.domain.enums import Cloud
from auditor.domain.errors import AuditorError, GraphError, SettingsError
from auditor.domain.message import Message
from auditor.domain.settings import (
    AzureCli,
    Certificate,
    ClientSecret,
    DeviceCode,
    GithubOidc,
    Tenant,
    Token,
    WorkloadIdentity,
)
from auditor.graph.auth import device_code
from auditor.graph.auth.aadsts_codes import advice, code_in
from auditor.graph.auth.credentials import SignIn
from auditor.graph.auth.token_claims import claims_of
from auditor.graph.scrubber import Secrets
from auditor.graph.transport.ca_bundle import authorities
from tests.builders.tenant.collection import configured, environment, token_of
from tests.emulator.fixtures import CLIENT_ID, SECRET, auditor_app, running_emulator, small_tenant
from tests.emulator.server import Emulator
from tests.emulator.sign_in.keys import self_signed

PASSWORD = "certificate-password"


@pytest.fixture(scope="module")
def certificate() -> tuple[bytes, bytes, str]:
    """PEM of key and certificate, PKCS #12 with a password, and PEM of the certificate alone."""
    public, private = (text.encode() for text in self_signed())
    key = serialization.load_pem_private_key(private, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    parsed = x509.load_pem_x509_certificate(public)
    pfx = pkcs12.serialize_key_and_certificates(
        b"auditor", key, parsed, None, serialization.BestAvailableEncryption(PASSWORD.encode())
    )
    return private + public, pfx, public.decode()


@pytest.fixture(scope="module")
def entra(certificate: tuple[bytes, bytes, str]) -> Iterator[Emulator]:
    tenant = small_tenant()
    tenant.register(auditor_app(certificates=(certificate[2],)))
    with running_emulator([tenant]) as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def _reset(entra: Emulator) -> None:
    entra.reset()


def sign_in_error(tenant: Tenant, env: dict[str, str]) -> AuditorError:
    with pytest.raises(AuditorError) as caught:
        token_of(tenant, env)
    return caught.value


def test_client_secret(entra: Emulator) -> None:
    claims = claims_of(token_of(configured(entra), environment(entra)))
    assert claims is not None
    assert claims.tenant_id == entra.tenants["contoso"].tenant_id
    assert claims.application_id == CLIENT_ID
    assert "User.Read.All" in claims.roles


def test_github_oidc_requests_a_new_assertion_for_each_token(entra: Emulator) -> None:
    tenant = configured(entra, credential=GithubOidc(client_id=CLIENT_ID))

    async def get_tokens() -> None:
        async with SignIn(tenant, environ=environment(entra)) as sign_in:
            first = (await sign_in.get_token()).token
            assert (await sign_in.get_token()).token == first, "a valid token is reused"
            assert await sign_in.renew(first)
            assert (await sign_in.get_token()).token != first

    asyncio.run(get_tokens())
    assert len(entra.journal.of("/github/idtoken")) == 2


@pytest.mark.slow
def test_certificate_as_pem_file(entra: Emulator, certificate: tuple[bytes, bytes, str], tmp_path: Path) -> None:
    path = tmp_path / "auditor.pem"
    path.write_bytes(certificate[0])
    assert token_of(configured(entra, credential=Certificate(client_id=CLIENT_ID, path=str(path))), environment(entra))


@pytest.mark.slow
def test_certificate_as_pfx_with_password(
    entra: Emulator, certificate: tuple[bytes, bytes, str], tmp_path: Path
) -> None:
    path = tmp_path / "auditor.pfx"
    path.write_bytes(certificate[1])
    credential = Certificate(client_id=CLIENT_ID, path=str(path), password_env="PFX")
    assert token_of(configured(entra, credential=credential), environment(entra, PFX=PASSWORD))
    assert (
        sign_in_error(configured(entra, credential=credential), environment(entra, PFX="wrong")).slug
        == "certificate-invalid"
    )


@pytest.mark.slow
def test_certificate_in_an_environment_variable(entra: Emulator, certificate: tuple[bytes, bytes, str]) -> None:
    pem = Certificate(client_id=CLIENT_ID, env="CERT")
    assert token_of(configured(entra, credential=pem), environment(entra, CERT=certificate[0].decode()))
    pfx = replace(pem, password_env="PFX")
    text = base64.b64encode(certificate[1]).decode()
    assert token_of(configured(entra, credential=pfx), environment(entra, CERT=text, PFX=PASSWORD))


def test_workload_identity(entra: Emulator, tmp_path: Path) -> None:
    from auditor.graph.auth.github_oidc import assertion  # noqa: PLC0415 - only this test needs it

    env = environment(entra)
    id_token = asyncio.run(
        assertion("api://AzureADTokenExchange", environ=env, secrets=Secrets(), authorities=env["SSL_CERT_FILE"])
    )
    path = tmp_path / "token"
    path.write_text(id_token)
    env |= {"AZURE_FEDERATED_TOKEN_FILE": str(path), "AZURE_CLIENT_ID": CLIENT_ID}
    assert token_of(configured(entra, credential=WorkloadIdentity()), env)
    assert sign_in_error(configured(entra, credential=WorkloadIdentity()), environment(entra)).hint is not None


def test_static_token_from_a_variable(entra: Emulator) -> None:
    tenant = configured(entra, credential=Token(token_env="GRAPH_TOKEN"))
    assert token_of(tenant, environment(entra, GRAPH_TOKEN="opaque-and-fine")) == "opaque-and-fine"
    assert sign_in_error(tenant, environment(entra)).slug == "credential-variable"


def test_azure_cli_that_is_not_installed(entra: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    error = sign_in_error(configured(entra, credential=AzureCli()), environment(entra))
    assert error.slug == "sign-in-unavailable"
    assert "az login" in (error.hint or "")


def test_device_code_prompts_once_and_renews_without_prompt(entra: Emulator) -> None:
    prompts: list[str] = []

    def ask(message: Message) -> None:
        prompts.append(str(message))
        (code,) = entra.tokens.device_codes
        assert code in prompts[-1]
        entra.tokens.device_codes[code].user = "7d8c1f60-0000-4000-8000-000000000001"

    async def get_tokens() -> tuple[str, str]:
        tenant = configured(entra, credential=DeviceCode(client_id=CLIENT_ID))
        async with SignIn(tenant, environ=environment(entra), ask=ask) as sign_in:
            first = (await sign_in.get_token()).token
            challenge = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
            return first, (await sign_in.get_token(claims=challenge)).token

    entra.tokens.device_codes.clear()
    first, second = asyncio.run(get_tokens())
    assert first != second
    assert len(prompts) == 1


def test_interruption_does_not_wait_for_the_person_to_enter_the_code() -> None:
    """azure-identity sleeps between its requests, and nothing can interrupt that."""
    released, finished = Event(), Event()

    class Waiting:
        def get_token(self, *_scopes: str) -> None:
            released.wait(timeout=60)
            finished.set()

        def close(self) -> None:
            pass

    async def interrupted() -> None:
        async with device_code.DeviceCodeSignIn(cast("Any", Waiting())) as credential:
            asking = asyncio.ensure_future(credential.get_token("scope"))
            await asyncio.sleep(0)
            asking.cancel()
            await asking

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    assert not finished.is_set()
    released.set()
    assert finished.wait(timeout=60)


@pytest.mark.parametrize(
    ("user", "slug", "text"), [("", "sign-in-refused", "declined"), (None, "device-code-terminal", "terminal")]
)
def test_device_code_that_is_declined_or_needs_a_terminal(
    entra: Emulator, user: str | None, slug: str, text: str
) -> None:
    def ask(_: Message) -> None:
        for sign_in in entra.tokens.device_codes.values():
            sign_in.user = user

    async def token() -> str:
        tenant = configured(entra, credential=DeviceCode(client_id=CLIENT_ID))
        async with SignIn(tenant, environ=environment(entra), ask=None if user is None else ask) as sign_in:
            return (await sign_in.get_token()).token

    entra.tokens.device_codes.clear()
    with pytest.raises(GraphError) as caught:
        asyncio.run(token())
    assert caught.value.slug == slug
    assert text in str(caught.value.message)


Change = Callable[[Tenant], Tenant]

INVALID: dict[str, tuple[Change, dict[str, str], str]] = {
    "secret": (lambda tenant: tenant, {"CONTOSO_SECRET": "wrong-secret-value"}, "AADSTS7000215"),
    "client": (
        lambda tenant: replace(tenant, credential=ClientSecret(client_id="b" * 8, secret_env="CONTOSO_SECRET")),
        {},
        "AADSTS700016",
    ),
    "tenant": (lambda tenant: replace(tenant, tenant_id="11111111-2222-3333-4444-555555555555"), {}, "AADSTS90002"),
    "variable": (lambda tenant: tenant, {"CONTOSO_SECRET": ""}, "CONTOSO_SECRET is not set"),
    "authority": (lambda tenant: replace(tenant, authority="https://127.0.0.1:9"), {}, "does not respond"),
    "certificate file": (
        lambda tenant: replace(tenant, credential=Certificate(client_id=CLIENT_ID, path="/nowhere.pem")),
        {},
        "nowhere",
    ),
    "cloud": (lambda tenant: replace(tenant, cloud=Cloud.GERMANY), {}, "2021-10-29"),
    "no credential": (lambda tenant: replace(tenant, credential=None), {}, "no credential"),
}


RETRIED = {"authority"}
"""azure-identity tries these four times, with pauses of five seconds in total."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in RETRIED else []) for name in INVALID]
)
def test_invalid_input_is_reported_with_a_hint(entra: Emulator, name: str) -> None:
    change, env, phrase = INVALID[name]
    error = sign_in_error(change(configured(entra)), environment(entra, **env))
    assert phrase in error.message
    assert ". " not in error.message.partition("AADSTS")[2], "the hint replaces Microsoft's advice"
    assert error.hint
    assert "wrong-secret-value" not in "".join(traceback.format_exception(error))


@pytest.mark.slow
def test_authority_with_unknown_ca_is_an_error(entra: Emulator) -> None:
    error = sign_in_error(configured(entra), {"CONTOSO_SECRET": SECRET})
    assert error.slug == "sign-in-untrusted"
    assert "SSL_CERT_FILE" in (error.hint or "")


def test_invalid_ca_file_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("no certificate")
    for env in ({"SSL_CERT_FILE": str(tmp_path / "missing.pem")}, {"REQUESTS_CA_BUNDLE": str(empty)}):
        with pytest.raises(SettingsError, match="is set to"):
            authorities(env)
    assert authorities({}) is None


def test_html_answer_of_the_sign_in_service_is_an_error(entra: Emulator) -> None:
    entra.faults.add("html", path="/*/oauth2/v2.0/token", status=403, times=None)
    error = sign_in_error(configured(entra), environment(entra))
    assert error.hint


def test_missing_oidc_variables_are_reported(entra: Emulator) -> None:
    env = {"SSL_CERT_FILE": str(entra.ca_path)}
    tenant = configured(entra, credential=GithubOidc(client_id=CLIENT_ID))
    for variables in ({}, {"GITHUB_ACTIONS": "true"}):
        error = sign_in_error(tenant, env | variables)
        assert "ACTIONS_ID_TOKEN_REQUEST_URL" in error.message
        assert "ACTIONS_ID_TOKEN_REQUEST_TOKEN" in error.message
        assert "permissions: id-token: write" in (error.hint or "")
        assert ("az login" in (error.hint or "")) is (not variables), "outside a job the hint names another credential"


def test_expired_static_token_is_an_error(entra: Emulator) -> None:
    body = base64.urlsafe_b64encode(b'{"exp": %d}' % (time.time() - 60)).decode().rstrip("=")
    tenant = configured(entra, credential=Token(token_env="GRAPH_TOKEN"))
    assert (
        sign_in_error(tenant, environment(entra, GRAPH_TOKEN=f"eyJhbGciOiJub25lIn0.{body}.x")).slug == "token-expired"
    )


def test_secrets_are_not_in_logs_or_reprs(entra: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def ask() -> tuple[str, str]:
        async with SignIn(configured(entra), environ=environment(entra)) as sign_in:
            token = (await sign_in.get_token()).token
            return token, repr(sign_in) + repr(sign_in.secrets)

    token, representation = asyncio.run(ask())
    sign_in_error(configured(entra), environment(entra, CONTOSO_SECRET="wrong-secret-value"))
    for text in (representation, caplog.text, repr(configured(entra))):
        for secret in (token, SECRET, "wrong-secret-value"):
            assert secret not in text


def test_scrub_replaces_all_secrets() -> None:
    secrets = Secrets()
    secrets.add("s3cret!value")
    text = "client_secret=other&x=s3cret!value Bearer abcdefghijkl eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln"
    assert secrets.scrub(text) == "client_secret=[secret]&x=[secret] [secret] [secret]"


@pytest.mark.parametrize("code", ["7000215", "700016", "700027", "700024", "700213", "90002", "7000222"])
def test_known_aadsts_codes_have_advice(code: str) -> None:
    assert code_in(f"error AADSTS{code}: something") == code
    assert advice(code)


def test_unknown_aadsts_codes_have_no_advice() -> None:
    assert advice("999999") is None
    assert advice(None) is None
