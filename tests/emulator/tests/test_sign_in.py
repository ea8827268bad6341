"""The token service takes and refuses what Entra takes and refuses, shown by the real azure-identity credentials."""

import asyncio
import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential, ClientAssertionCredential, ClientSecretCredential
from azure.identity import aio as azure_aio

from tests.emulator.fixtures import CLIENT_ID, SECRET, auditor_app, running_emulator, small_tenant
from tests.emulator.journal import Host
from tests.emulator.server import Emulator
from tests.emulator.sign_in import keys
from tests.emulator.sign_in.assertions import ASSERTION_TYPE
from tests.emulator.sign_in.github import subject
from tests.emulator.tenant.directory import EXCHANGE_AUDIENCE, App, Secret

SCOPE = "https://graph.microsoft.com/.default"


@pytest.fixture
def signing(tmp_path: Path) -> Iterator[tuple[Emulator, str]]:
    """An emulator whose app knows a certificate, and the path of that certificate with its key."""
    certificate, secret = keys.self_signed()
    path = tmp_path / "app.pem"
    path.write_text(certificate + secret, encoding="utf-8")
    tenant = small_tenant()
    tenant.register(auditor_app(certificates=(certificate,)))
    with running_emulator([tenant]) as running:
        yield running, str(path)


def tenant_id(emulator: Emulator) -> str:
    return emulator.tenants["contoso"].tenant_id


def options(emulator: Emulator) -> dict[str, Any]:
    return {"authority": emulator.authority, "connection_verify": str(emulator.ca_path)}


def id_token(emulator: Emulator) -> str:
    """The ID token as a workflow's step would fetch it."""
    environment = emulator.environment()
    with httpx.Client(verify=ssl.create_default_context(cafile=environment["SSL_CERT_FILE"]), trust_env=False) as http:
        answered = http.get(
            f"{environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={EXCHANGE_AUDIENCE}",
            headers={"Authorization": f"Bearer {environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        )
    return str(answered.json()["value"])


def accepted(emulator: Emulator, token: str) -> bool:
    with httpx.Client(trust_env=False) as http:
        answered = http.get(f"{emulator.endpoint}/organization", headers={"Authorization": f"Bearer {token}"})
    return answered.status_code == 200 and answered.json()["value"][0]["id"] == tenant_id(emulator)


@pytest.mark.slow
def test_the_three_credentials_sign_in(signing: tuple[Emulator, str]) -> None:
    emulator, path = signing
    more = options(emulator)
    tenant = tenant_id(emulator)
    with ClientSecretCredential(tenant, CLIENT_ID, SECRET, disable_instance_discovery=True, **more) as credential:
        assert accepted(emulator, credential.get_token(SCOPE).token)
    with CertificateCredential(tenant, CLIENT_ID, path, disable_instance_discovery=True, **more) as credential:
        assert accepted(emulator, credential.get_token(SCOPE).token)
    with ClientAssertionCredential(tenant, CLIENT_ID, lambda: id_token(emulator), **more) as credential:
        assert accepted(emulator, credential.get_token(SCOPE).token)
    assert emulator.github.asked == [EXCHANGE_AUDIENCE]


@pytest.mark.slow
def test_the_three_asynchronous_credentials_sign_in(signing: tuple[Emulator, str]) -> None:
    emulator, path = signing
    more = options(emulator)
    tenant = tenant_id(emulator)
    assertion = id_token(emulator)

    async def tokens() -> list[str]:
        found = []
        for credential in (
            azure_aio.ClientSecretCredential(tenant, CLIENT_ID, SECRET, **more),
            azure_aio.CertificateCredential(tenant, CLIENT_ID, path, **more),
            azure_aio.ClientAssertionCredential(tenant, CLIENT_ID, lambda: assertion, **more),
        ):
            async with credential:
                found.append((await credential.get_token(SCOPE)).token)
        return found

    assert [accepted(emulator, token) for token in asyncio.run(tokens())] == [True, True, True]


def test_instance_discovery_is_answered(emulator: Emulator) -> None:
    with httpx.Client(verify=ssl.create_default_context(cafile=str(emulator.ca_path)), trust_env=False) as http:
        found = http.get(f"{emulator.authority}/common/discovery/instance?api-version=1.1").json()
        assert found["metadata"][0]["preferred_network"] == f"localhost:{emulator.tls_port}"
        configuration = http.get(
            f"{emulator.authority}/{tenant_id(emulator)}/v2.0/.well-known/openid-configuration"
        ).json()
        published = http.get(configuration["jwks_uri"]).json()
        assert http.get(f"{emulator.authority}/nothing").status_code == 404
    key = jwt.PyJWKSet.from_dict(published).keys[0]
    claims = jwt.decode(
        emulator.bearer("contoso"), key.key, algorithms=["RS256"], audience="https://graph.microsoft.com"
    )
    assert claims["tid"] == tenant_id(emulator)


@pytest.mark.parametrize("ids", [None, (4242, 777)])
def test_both_forms_of_the_subject(emulator: Emulator, ids: tuple[int, int] | None) -> None:
    emulator.github.subject = subject("contoso", "licences", ids=ids)
    with ClientAssertionCredential(
        tenant_id(emulator), CLIENT_ID, lambda: id_token(emulator), **options(emulator)
    ) as credential:
        assert accepted(emulator, credential.get_token(SCOPE).token)


def request(emulator: Emulator, *, tenant: str | None = None, **form: str) -> httpx.Response:
    sent = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "scope": SCOPE} | form
    with httpx.Client(verify=ssl.create_default_context(cafile=str(emulator.ca_path)), trust_env=False) as http:
        return http.post(f"{emulator.authority}/{tenant or tenant_id(emulator)}/oauth2/v2.0/token", data=sent)


@pytest.mark.parametrize(
    ("form", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": "old"}, 401, "invalid_client", 7000222),
        ({}, 401, "invalid_client", 7000218),
        (
            {"client_secret": SECRET, "client_id": "11111111-2222-4333-8444-555555555555"},
            400,
            "unauthorized_client",
            700016,
        ),
        ({"client_secret": SECRET, "tenant": "11111111-2222-4333-8444-555555555555"}, 400, "invalid_request", 90002),
        ({"client_secret": SECRET, "tenant": "nonsense"}, 400, "invalid_request", 900023),
        ({"client_secret": SECRET, "scope": ""}, 400, "invalid_request", 900144),
        ({"client_secret": SECRET, "scope": "User.Read"}, 400, "invalid_scope", 1002012),
        ({"client_secret": SECRET, "scope": "http://127.0.0.1/.default"}, 400, "invalid_resource", 500011),
        ({"client_secret": SECRET, "grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"client_assertion": "x.y.z", "client_assertion_type": ASSERTION_TYPE}, 400, "invalid_request", 50027),
        ({"client_assertion": "x.y.z", "client_assertion_type": "other"}, 400, "invalid_request", 50027),
    ],
)
def test_refusals_bear_their_codes(
    emulator: Emulator, form: dict[str, str], status: int, error: str, number: int
) -> None:
    app = emulator.tenants["contoso"].app(CLIENT_ID)
    assert app is not None
    app.secrets = (*app.secrets, Secret(value="old", expires=0.0))
    answered = request(emulator, **form)
    document = answered.json()
    assert (answered.status_code, document["error"], document["error_codes"]) == (status, error, [number])
    assert document["error_description"].startswith(f"AADSTS{number}: ")
    assert document["error_uri"].endswith(f"code={number}")
    assert SECRET not in answered.text


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({"sub": "repo:other/repository:ref:refs/heads/main"}, 700213),
        ({"sub": "repo:Contoso/Licences:ref:refs/heads/main"}, 7002138),
        ({"sub": subject("contoso", "licences", context="environment:production")}, 700213),
        ({"aud": "api://other"}, 700212),
        ({"iss": "https://token.evil.example"}, 700211),
        ({"exp": 1_000_000}, 700024),
        ({"nbf": 9_000_000_000, "exp": 9_000_000_300}, 700024),
    ],
)
def test_federated_assertions_are_looked_at_letter_by_letter(
    emulator: Emulator, claims: dict[str, Any], number: int
) -> None:
    audience = claims.pop("aud", EXCHANGE_AUDIENCE)
    token = emulator.github.token(audience, **claims)
    answered = request(emulator, client_assertion=token, client_assertion_type=ASSERTION_TYPE)
    assert (answered.status_code, answered.json()["error_codes"]) == (401, [number])


def test_an_assertion_signed_by_another_is_refused(emulator: Emulator) -> None:
    claims = jwt.decode(emulator.github.token(EXCHANGE_AUDIENCE), options={"verify_signature": False})
    forged = keys.signed(claims, signer="forger")
    answered = request(emulator, client_assertion=forged, client_assertion_type=ASSERTION_TYPE)
    assert answered.json()["error_codes"] == [700027]


def test_a_certificate_that_the_app_does_not_know_is_refused(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "other.pem"
    path.write_text("".join(keys.self_signed("other")), encoding="utf-8")
    more = options(emulator)
    with (
        CertificateCredential(
            tenant_id(emulator), CLIENT_ID, str(path), disable_instance_discovery=True, **more
        ) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS700027"),
    ):
        credential.get_token(SCOPE)


def certificate_assertion(**changes: Any) -> tuple[str, str]:
    """A certificate and an assertion for it, with claims changed."""
    certificate, _ = keys.self_signed()
    _, prints = keys.thumbprints(certificate)
    shown = max(prints, key=len) + "="
    claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "nbf": 0, "exp": 9_000_000_000} | changes
    signer = changes.pop("signer", "certificate:auditor")
    token = jwt.encode(claims, keys.private_key(signer), algorithm="PS256", headers={"x5t#S256": shown})
    return certificate, token


@pytest.mark.parametrize(
    ("changes", "number"),
    [({"aud": "elsewhere"}, 700023), ({"exp": 1}, 700024), ({"sub": "other"}, 700021), ({"signer": "forger"}, 700027)],
)
def test_certificate_assertions_are_checked(emulator: Emulator, changes: dict[str, Any], number: int) -> None:
    audience = {"aud": f"{emulator.authority}/{tenant_id(emulator)}/oauth2/v2.0/token"}
    certificate, token = certificate_assertion(**(audience | changes))
    app = emulator.tenants["contoso"].app(CLIENT_ID)
    assert app is not None
    app.certificates = (certificate,)
    answered = request(emulator, client_assertion=token, client_assertion_type=ASSERTION_TYPE)
    assert answered.json()["error_codes"] == [number]
    good = certificate_assertion(**audience)[1]
    assert request(emulator, client_assertion=good, client_assertion_type=ASSERTION_TYPE).status_code == 200


def test_the_token_says_who_and_what(emulator: Emulator) -> None:
    asked = json.dumps({"access_token": {"xms_cc": {"values": ["CP1"]}}})
    token = request(emulator, client_secret=SECRET, claims=asked).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == "https://graph.microsoft.com"
    assert claims["appid"] == CLIENT_ID
    assert claims["tid"] == tenant_id(emulator)
    assert "User.Read.All" in claims["roles"]
    assert claims["xms_cc"] == ["CP1"]
    assert claims["exp"] - claims["iat"] == 3599
    plain = jwt.decode(
        request(emulator, client_secret=SECRET).json()["access_token"], options={"verify_signature": False}
    )
    assert "xms_cc" not in plain


def test_the_lifetime_is_the_tenants(emulator: Emulator) -> None:
    emulator.tenants["contoso"].token_lifetime = -1
    token = request(emulator, client_secret=SECRET).json()["access_token"]
    assert not accepted(emulator, token)


def graph_refusal(emulator: Emulator, authorization: str | None) -> str:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(trust_env=False) as http:
        answered = http.get(f"{emulator.endpoint}/users", headers=headers)
    assert answered.status_code == 401
    assert answered.headers["www-authenticate"].startswith("Bearer ")
    assert answered.json()["error"]["code"] == "InvalidAuthenticationToken"
    return str(answered.json()["error"]["message"])


@pytest.mark.slow
def test_graph_refuses_tokens_that_are_not_for_it(emulator: Emulator) -> None:
    tenant = emulator.tenants["contoso"]
    app = App(client_id=CLIENT_ID)
    assert "empty" in graph_refusal(emulator, None)
    assert "empty" in graph_refusal(emulator, "Basic abc")
    assert "well formed" in graph_refusal(emulator, "Bearer nonsense")
    government = emulator.tokens.issue(tenant, app, scope="https://graph.microsoft.us/.default")
    assert "audience" in graph_refusal(emulator, f"Bearer {government}")
    claims = jwt.decode(emulator.bearer("contoso"), options={"verify_signature": False})
    assert "Signature" in graph_refusal(emulator, f"Bearer {keys.signed(claims, signer='forger')}")
    stranger = keys.signed(claims | {"tid": "11111111-2222-4333-8444-555555555555"}, signer="entra")
    assert "tenant" in graph_refusal(emulator, f"Bearer {stranger}")


def test_tokens_belong_to_their_tenant(two_tenants: Emulator, client: Any) -> None:
    names = [
        client(two_tenants, "/organization", tenant=name).json()["value"][0]["displayName"]
        for name in ("contoso", "fabrikam")
    ]
    assert names == ["contoso", "fabrikam"]


def test_github_wants_its_own_token_and_records_the_audience(emulator: Emulator) -> None:
    assert id_token(emulator) != id_token(emulator)
    claims = jwt.decode(id_token(emulator), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300
    assert emulator.github.asked == [EXCHANGE_AUDIENCE] * 3
    assert len(emulator.journal.of(host=Host.GITHUB)) == 3
    with httpx.Client(verify=ssl.create_default_context(cafile=str(emulator.ca_path)), trust_env=False) as http:
        assert http.get(emulator.id_token_url, headers={"Authorization": "Bearer other"}).status_code == 401


def test_a_claims_challenge_is_answered_with_the_claims(emulator: Emulator) -> None:
    emulator.faults.add("claims-challenge")
    more = options(emulator)
    tenant = tenant_id(emulator)
    with (
        ClientSecretCredential(tenant, CLIENT_ID, SECRET, disable_instance_discovery=True, **more) as credential,
        httpx.Client(trust_env=False) as http,
    ):
        first = credential.get_token(SCOPE, enable_cae=True).token
        refused = http.get(f"{emulator.endpoint}/users", headers={"Authorization": f"Bearer {first}"})
        encoded = refused.headers["www-authenticate"].split('claims="')[1].rstrip('"')
        challenge = base64.b64decode(encoded).decode()
        second = credential.get_token(SCOPE, enable_cae=True, claims=challenge).token
        assert second != first
        assert http.get(f"{emulator.endpoint}/users", headers={"Authorization": f"Bearer {second}"}).status_code == 200
    assert "nbf" in emulator.tokens.issued[-1]["claims"]


def test_the_thumbprint_must_name_a_certificate_of_the_app(emulator: Emulator) -> None:
    app = emulator.tenants["contoso"].app(CLIENT_ID)
    assert app is not None
    app.certificates = (keys.self_signed()[0],)
    claims = {
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "aud": f"{emulator.authority}/{tenant_id(emulator)}/oauth2/v2.0/token",
        "nbf": 0,
        "exp": 9_000_000_000,
    }
    token = jwt.encode(
        claims, keys.private_key("certificate:auditor"), algorithm="PS256", headers={"x5t#S256": "b3RoZXI"}
    )
    answered = request(emulator, client_assertion=token, client_assertion_type=ASSERTION_TYPE)
    assert answered.json()["error_codes"] == [700027]
    assert "The key was not found., Thumbprint of key used by client: 'b3RoZXI'" in answered.json()["error_description"]
