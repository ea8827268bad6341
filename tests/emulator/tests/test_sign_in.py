"""Tests the token service with requests as clients send them, including Entra's errors."""

import json
import ssl
from typing import Any

import httpx
import jwt
import pytest

from tests.emulator.fixtures import CLIENT_ID, SECRET
from tests.emulator.journal import Host
from tests.emulator.server import Emulator
from tests.emulator.sign_in import keys
from tests.emulator.sign_in.assertions import ASSERTION_TYPE
from tests.emulator.sign_in.github import subject
from tests.emulator.tenant.directory import EXCHANGE_AUDIENCE, App, Secret

SCOPE = "https://graph.microsoft.com/.default"


def tenant_id(emulator: Emulator) -> str:
    return emulator.tenants["contoso"].tenant_id


def id_token(emulator: Emulator) -> str:
    """Return an ID token, requested as in a step of a workflow."""
    environment = emulator.environment()
    with httpx.Client(verify=ssl.create_default_context(cafile=environment["SSL_CERT_FILE"]), trust_env=False) as http:
        response = http.get(
            f"{environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={EXCHANGE_AUDIENCE}",
            headers={"Authorization": f"Bearer {environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        )
    return str(response.json()["value"])


def accepted(emulator: Emulator, token: str) -> bool:
    with httpx.Client(trust_env=False) as http:
        response = http.get(f"{emulator.endpoint}/organization", headers={"Authorization": f"Bearer {token}"})
    return response.status_code == 200 and response.json()["value"][0]["id"] == tenant_id(emulator)


def test_discovery_documents_and_signing_keys(emulator: Emulator) -> None:
    with httpx.Client(verify=ssl.create_default_context(cafile=str(emulator.ca_path)), trust_env=False) as http:
        discovery = http.get(f"{emulator.authority}/common/discovery/instance?api-version=1.1").json()
        assert discovery["metadata"][0]["preferred_network"] == f"localhost:{emulator.tls_port}"
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
def test_both_forms_of_the_github_subject_are_accepted(emulator: Emulator, ids: tuple[int, int] | None) -> None:
    emulator.github.subject = subject(ids=ids)
    response = request(emulator, client_assertion=id_token(emulator), client_assertion_type=ASSERTION_TYPE)
    assert accepted(emulator, response.json()["access_token"])


def request(emulator: Emulator, *, tenant: str | None = None, **form: str) -> httpx.Response:
    data = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "scope": SCOPE} | form
    with httpx.Client(verify=ssl.create_default_context(cafile=str(emulator.ca_path)), trust_env=False) as http:
        return http.post(f"{emulator.authority}/{tenant or tenant_id(emulator)}/oauth2/v2.0/token", data=data)


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
def test_errors_have_entra_codes(
    emulator: Emulator, form: dict[str, str], status: int, error: str, number: int
) -> None:
    app = emulator.tenants["contoso"].app(CLIENT_ID)
    assert app is not None
    app.secrets = (*app.secrets, Secret(value="old", expires=0.0))
    response = request(emulator, **form)
    document = response.json()
    assert (response.status_code, document["error"], document["error_codes"]) == (status, error, [number])
    assert document["error_description"].startswith(f"AADSTS{number}: ")
    assert document["error_uri"].endswith(f"code={number}")
    assert SECRET not in response.text


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({"sub": "repo:other/repository:ref:refs/heads/main"}, 700213),
        ({"sub": "repo:Contoso/Licences:ref:refs/heads/main"}, 7002138),
        ({"sub": subject(context="environment:production")}, 700213),
        ({"aud": "api://other"}, 700212),
        ({"iss": "https://token.evil.example"}, 700211),
        ({"exp": 1_000_000}, 700024),
        ({"nbf": 9_000_000_000, "exp": 9_000_000_300}, 700024),
    ],
)
def test_federated_assertions_are_compared_case_sensitively(
    emulator: Emulator, claims: dict[str, Any], number: int
) -> None:
    audience = claims.pop("aud", EXCHANGE_AUDIENCE)
    token = emulator.github.token(audience, **claims)
    response = request(emulator, client_assertion=token, client_assertion_type=ASSERTION_TYPE)
    assert (response.status_code, response.json()["error_codes"]) == (401, [number])


def test_assertion_of_another_signer_is_refused(emulator: Emulator) -> None:
    claims = jwt.decode(emulator.github.token(EXCHANGE_AUDIENCE), options={"verify_signature": False})
    forged = keys.signed(claims, signer="forger")
    response = request(emulator, client_assertion=forged, client_assertion_type=ASSERTION_TYPE)
    assert response.json()["error_codes"] == [700027]


def certificate_assertion(**changes: Any) -> tuple[str, str]:
    """Return a certificate and an assertion signed with its key, with claims changed."""
    certificate, _ = keys.self_signed()
    _, thumbprints = keys.thumbprints(certificate)
    thumbprint = max(thumbprints, key=len) + "="
    claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "nbf": 0, "exp": 9_000_000_000} | changes
    signer = changes.pop("signer", "certificate:auditor")
    token = jwt.encode(claims, keys.private_key(signer), algorithm="PS256", headers={"x5t#S256": thumbprint})
    return certificate, token


@pytest.mark.slow
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
    response = request(emulator, client_assertion=token, client_assertion_type=ASSERTION_TYPE)
    assert response.json()["error_codes"] == [number]
    good = certificate_assertion(**audience)[1]
    assert request(emulator, client_assertion=good, client_assertion_type=ASSERTION_TYPE).status_code == 200


def test_claims_of_the_access_token(emulator: Emulator) -> None:
    requested_claims = json.dumps({"access_token": {"xms_cc": {"values": ["CP1"]}}})
    token = request(emulator, client_secret=SECRET, claims=requested_claims).json()["access_token"]
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


def test_token_lifetime_is_that_of_the_tenant(emulator: Emulator) -> None:
    emulator.tenants["contoso"].token_lifetime = -1
    token = request(emulator, client_secret=SECRET).json()["access_token"]
    assert not accepted(emulator, token)


def graph_refusal(emulator: Emulator, authorization: str | None) -> str:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(trust_env=False) as http:
        response = http.get(f"{emulator.endpoint}/users", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer ")
    assert response.json()["error"]["code"] == "InvalidAuthenticationToken"
    return str(response.json()["error"]["message"])


@pytest.mark.slow
def test_graph_refuses_invalid_tokens(emulator: Emulator) -> None:
    tenant = emulator.tenants["contoso"]
    app = App(client_id=CLIENT_ID)
    assert "empty" in graph_refusal(emulator, None)
    assert "empty" in graph_refusal(emulator, "Basic abc")
    assert "well formed" in graph_refusal(emulator, "Bearer nonsense")
    government = emulator.tokens.issue(tenant, app, scope="https://graph.microsoft.us/.default")
    assert "audience" in graph_refusal(emulator, f"Bearer {government}")
    claims = jwt.decode(emulator.bearer("contoso"), options={"verify_signature": False})
    assert "Signature" in graph_refusal(emulator, f"Bearer {keys.signed(claims, signer='forger')}")
    unknown_tenant = keys.signed(claims | {"tid": "11111111-2222-4333-8444-555555555555"}, signer="entra")
    assert "tenant" in graph_refusal(emulator, f"Bearer {unknown_tenant}")


def test_tokens_belong_to_their_tenant(two_tenants: Emulator, client: Any) -> None:
    names = [
        client(two_tenants, "/organization", tenant=name).json()["value"][0]["displayName"]
        for name in ("contoso", "fabrikam")
    ]
    assert names == ["contoso", "fabrikam"]


def test_github_requires_its_request_token_and_records_the_audience(emulator: Emulator) -> None:
    assert id_token(emulator) != id_token(emulator)
    claims = jwt.decode(id_token(emulator), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 300
    assert emulator.github.audiences == [EXCHANGE_AUDIENCE] * 3
    assert len(emulator.journal.of(host=Host.GITHUB)) == 3
    with httpx.Client(verify=ssl.create_default_context(cafile=str(emulator.ca_path)), trust_env=False) as http:
        assert http.get(emulator.id_token_url, headers={"Authorization": "Bearer other"}).status_code == 401


def test_unknown_thumbprint_is_refused(emulator: Emulator) -> None:
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
    response = request(emulator, client_assertion=token, client_assertion_type=ASSERTION_TYPE)
    assert response.json()["error_codes"] == [700027]
    assert "The key was not found., Thumbprint of key used by client: 'b3RoZXI'" in response.json()["error_description"]
