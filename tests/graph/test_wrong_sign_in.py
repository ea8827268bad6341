"""Tests that invalid answers of the sign-in service and invalid certificates are reported as such."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from auditor.domain.errors import AuditorError
from auditor.domain.settings import Certificate, ClientSecret, Tenant, WorkloadIdentity
from tests.builders.service.web_server import Response, web_server
from tests.builders.tenant.collection import token_of

TENANT = "11111111-2222-4333-8444-555555555555"
_KEY = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


@contextmanager
def sign_in_service(status: int, body: bytes, folder: Path, content_type: str) -> Iterator[Tenant]:
    """Run a TLS service that gives the same answer to every request; yields a tenant that signs in there."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    with web_server(
        lambda _: Response(status=status, headers={"Content-Type": content_type}, body=body), authority
    ) as port:
        yield Tenant(
            name="contoso",
            tenant_id=TENANT,
            credential=ClientSecret(client_id="c" * 36, secret_env="SECRET"),
            authority=f"https://localhost:{port}",
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Please sign in to the network</html>"),
        (200, b""),
        (200, b"{}"),
        (200, b"[]"),
        (200, b"null"),
        (200, b'{"access_token": "abcd", "expires'),
        (200, b'{"access_token": null, "expires_in": 3600}'),
        (200, b'{"access_token": 7, "expires_in": 3600}'),
        (200, b'{"access_token": "", "expires_in": 3600}'),
        (200, b'{"access_token": "abcd", "expires_in": "soon"}'),
        (200, b"\xff\xfe\x00"),
        (400, b"<html>Bad request</html>"),
        (401, b""),
        (403, b"<html>Forbidden by the proxy</html>"),
        (400, b'{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}'),
        (400, b'{"error": "something_new", "error_description": "AADSTS99999999: never seen"}'),
    ],
)
def test_invalid_token_answers_are_sign_in_errors(status: int, body: bytes, tmp_path: Path) -> None:
    with sign_in_service(status, body, tmp_path, "application/json") as tenant, pytest.raises(AuditorError) as caught:
        token_of(tenant, {"SECRET": "the-secret-value", "SSL_CERT_FILE": str(tmp_path / "ca.pem")})
    assert caught.value.slug.startswith("sign-in-"), caught.value.message
    assert "the-secret-value" not in caught.value.message


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [b'{"access_token": "abcd", "expires_in": "3600"}', b'{"access_token": "abcd", "expires_in": 3600, "x": [1]}'],
)
def test_deviating_token_answers_are_accepted(body: bytes, tmp_path: Path) -> None:
    with sign_in_service(200, body, tmp_path, "APPLICATION/JSON") as tenant:
        assert token_of(tenant, {"SECRET": "s" * 8, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}) == "abcd"


def refusal(credential: Certificate | WorkloadIdentity, **environ: str) -> AuditorError:
    """Return the error of a sign-in with a credential."""
    with pytest.raises(AuditorError) as caught:
        token_of(Tenant(name="contoso", tenant_id=TENANT, credential=credential), environ)
    return caught.value


@pytest.mark.parametrize(
    "content",
    [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x30\x82\x00", _KEY],
)
def test_invalid_certificate_file_is_an_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "auditor.pem"
    path.write_bytes(content)
    error = refusal(Certificate(client_id="c" * 36, path=str(path)))
    assert error.slug == "certificate-invalid"
    assert "PEM" in (error.hint or "")


@pytest.mark.parametrize("text", ["###", "AAAA", base64.b64encode(b"no certificate").decode(), "é"])
def test_invalid_certificate_in_a_variable_is_an_error(text: str) -> None:
    assert refusal(Certificate(client_id="c" * 36, env="CERT"), CERT=text).slug == "certificate-invalid"


def test_folder_as_certificate_file_is_an_error(tmp_path: Path) -> None:
    assert refusal(Certificate(client_id="c" * 36, path=str(tmp_path))).slug == "credential-file"


def test_missing_token_file_is_an_error(tmp_path: Path) -> None:
    credential = WorkloadIdentity(client_id="c" * 36)
    assert refusal(credential, AZURE_FEDERATED_TOKEN_FILE=str(tmp_path / "nowhere")).hint
