"""Verifies client credentials (secret, certificate assertion, federated assertion) and raises Entra's AADSTS errors."""

from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

from tests.emulator.sign_in import keys
from tests.emulator.tenant.directory import GITHUB_ISSUER, App, Tenant

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYS = {GITHUB_ISSUER: "github"}


class SignInError(Exception):
    """An error of the token service: AADSTS code, OAuth error, HTTP status, and the text after the code."""

    def __init__(self, code: int, error: str, text: str, *, status: int = 401) -> None:
        super().__init__(f"AADSTS{code}: {text}")
        self.code = code
        self.error = error
        self.text = text
        self.status = status


def verify(form: Mapping[str, str], app: App, tenant: Tenant, *, authority: str, now: float) -> str:
    """Return the kind of credential that was verified: `secret`, `certificate` or `federated`; raises SignInError."""
    if "client_assertion" in form:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise SignInError(50027, "invalid_request", "JWT token is invalid or malformed.", status=400)
        return _assertion(form["client_assertion"], app, tenant, authority=authority, now=now)
    secret = form.get("client_secret")
    if not secret:
        text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        raise SignInError(7000218, "invalid_client", text)
    for entry in app.secrets:
        if entry.value == secret:
            if entry.expires is not None and entry.expires <= now:
                text = f"The provided client secret keys for app '{app.client_id}' are expired. Visit the Azure portal to create new keys for your app."
                raise SignInError(7000222, "invalid_client", text)
            return "secret"
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
        f"not the client secret ID, for a secret added to app '{app.client_id}'."
    )
    raise SignInError(7000215, "invalid_client", text)


def _assertion(token: str, app: App, tenant: Tenant, *, authority: str, now: float) -> str:
    try:
        header = jwt.get_unverified_header(token)
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise SignInError(50027, "invalid_request", "JWT token is invalid or malformed.", status=400) from None
    if str(claims.get("iss", "")).lower() == app.client_id.lower():
        _certificate(token, header, claims, app, tenant, authority=authority, now=now)
        return "certificate"
    _federated(token, claims, app, now=now)
    return "federated"


def _certificate(
    token: str, header: dict[str, Any], claims: dict[str, Any], app: App, tenant: Tenant, *, authority: str, now: float
) -> None:
    """Verify an RS256 assertion with x5t or PS256 with x5t#S256; the thumbprint may have base64 padding."""
    thumbprint = str(header.get("x5t#S256") or header.get("x5t") or "").rstrip("=")
    for pem in app.certificates:
        certificate, thumbprints = keys.thumbprints(pem)
        if thumbprint in thumbprints:
            key = certificate.public_key()
            break
    else:
        text = f"Client assertion failed signature validation. [Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}']"
        raise SignInError(700027, "invalid_client", text)
    assert isinstance(key, RSAPublicKey)
    if not _is_signed_by(token, key, ("RS256", "PS256")):
        text = "Client assertion failed signature validation. [Reason - The key used is expired or the signature is invalid.]"
        raise SignInError(700027, "invalid_client", text)
    _check_validity(claims, now)
    audiences = {
        f"{authority}/{tenant.tenant_id}/oauth2/v2.0/token", f"{authority}/{tenant.tenant_id}/v2.0",
        f"{authority}/{tenant.domain}/oauth2/v2.0/token",
    }  # fmt: skip
    if claims.get("aud") not in audiences:
        text = f"Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials . Audience: '{claims.get('aud')}'."
        raise SignInError(700023, "invalid_client", text)
    if str(claims.get("sub", "")).lower() != app.client_id.lower():
        text = "Client assertion contains an invalid subject: 'sub' must be the client id."
        raise SignInError(700021, "invalid_client", text)


def _federated(token: str, claims: dict[str, Any], app: App, *, now: float) -> None:
    """Check that issuer, subject and audience equal those of one federated credential, including letter case."""
    issuer, subject, audience = (str(claims.get(name, "")) for name in ("iss", "sub", "aud"))
    hint = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
    signer = KEYS.get(issuer)
    credentials = [entry for entry in app.federated if entry.issuer == issuer]
    if signer is None or not credentials:
        text = f"No matching federated identity record found for presented assertion issuer '{issuer}'. {hint}"
        raise SignInError(700211, "invalid_client", text)
    if not _is_signed_by(token, keys.public_key(signer), ("RS256",)):
        text = "Client assertion failed signature validation. [Reason - The key was not found.]"
        raise SignInError(700027, "invalid_client", text)
    _check_validity(claims, now)
    no_subject_match = f"No matching federated identity record found for presented assertion subject '{subject}'."
    if not any(entry.subject == subject for entry in credentials):
        if any(entry.subject.lower() == subject.lower() for entry in credentials):
            text = f"{no_subject_match} The subject matches with case-insensitive comparison, but not with case-sensitive comparison. {hint}"
            raise SignInError(7002138, "invalid_client", text)
        raise SignInError(700213, "invalid_client", f"{no_subject_match} {hint}")
    if not any(entry.subject == subject and entry.audience == audience for entry in credentials):
        text = f"No matching federated identity record found for presented assertion audience '{audience}'. {hint}"
        raise SignInError(700212, "invalid_client", text)


def _is_signed_by(token: str, key: RSAPublicKey, algorithms: tuple[str, ...]) -> bool:
    options: Options = {
        "verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False, "verify_iss": False,
        "verify_sub": False,
    }  # fmt: skip
    try:
        jwt.decode(token, key, algorithms=list(algorithms), options=options)
    except jwt.PyJWTError:
        return False
    return True


def _check_validity(claims: Mapping[str, Any], now: float) -> None:
    start, end = float(claims.get("nbf", 0)), float(claims.get("exp", 0))
    # Entra tolerates a clock skew of five minutes at the start, none at the end.
    if not start - 300 <= now <= end:
        text = (
            "Client assertion is not within its valid time range. "
            f"Current time: {now:.0f}, assertion valid from {start:.0f}, expiry time of assertion {end:.0f}. "
            "Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."
        )
        raise SignInError(700024, "invalid_client", text)
