"""Explains failed sign-ins without exposing secrets."""

from textwrap import shorten

from auditor.domain.errors import GraphError, printable
from auditor.domain.message import Message, unreadable
from auditor.domain.settings import Certificate, Tenant
from auditor.graph.auth.aadsts_codes import advice, code_in
from auditor.graph.auth.credential_types import CREDENTIAL_TYPES
from auditor.graph.scrubber import Secrets

_MAX_QUOTED = 300
_NOT_A_NUMBER = "invalid literal"
"""The start of Python's ValueError for a lifetime of a token that is not a number."""


class NoTokenError(ValueError):
    """The answer of the service has no token that can be sent."""


def sign_in_error(error: Exception, tenant: Tenant, secrets: Secrets, *, authority: str) -> GraphError:
    """Return the GraphError to raise in place of azure-identity's exception."""
    from azure.core.exceptions import (  # noqa: PLC0415 - only collection needs it
        ClientAuthenticationError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )
    from azure.identity import CredentialUnavailableError  # noqa: PLC0415

    text = " ".join(printable(secrets.scrub(str(error)).replace("\r", " ").replace("\n", " ")).split())
    code = code_in(text)
    if code is not None:
        start = text.index(f"AADSTS{code}")
        # For a known code, the advice replaces Microsoft's own, which follows the first sentence.
        detail = text[start:].split(" Trace ID" if advice(code) is None else ". ", maxsplit=1)[0]
        detail = shorten(detail, _MAX_QUOTED, placeholder=" …").rstrip(".")
        return GraphError("sign-in-refused", Message("the sign-in was refused: {text}", text=detail), hint=advice(code))
    match error:
        case TimeoutError():
            return _unreachable(authority, Message("no response in time"))
        case ServiceRequestError() | ServiceResponseError():
            return _unreachable(authority, text)
        case OSError(filename=str() as path, strerror=str()):  # of a file, not of a connection
            hint = Message("check the path in the tenants file")
            return GraphError("credential-file", unreadable(path, error), hint=hint)
        case ValueError() if not isinstance(error, NoTokenError) and not text.startswith(_NOT_A_NUMBER):
            return _unusable(tenant, text)
        case ClientAuthenticationError() | HttpResponseError() | ValueError() if not isinstance(
            error, CredentialUnavailableError
        ):
            return GraphError(
                "sign-in-refused",
                Message("the sign-in was refused: {text}", text=text[:_MAX_QUOTED]),
                hint=Message(
                    "check which server responds at {authority}, and the credential in the tenants file",
                    authority=authority,
                ),
            )
        case _:
            return GraphError(
                "sign-in-unavailable",
                Message("the sign-in failed: {text}", text=text[:_MAX_QUOTED]),
                hint=_credential_hint(tenant),
            )


def _unreachable(authority: str, text: str) -> GraphError:
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text.lower():
        return GraphError(
            "sign-in-untrusted",
            Message("the certificate of {authority} is not signed by a trusted CA", authority=authority),
            hint=Message("if a proxy inspects TLS, specify a PEM file with its CA certificate in SSL_CERT_FILE"),
        )
    return GraphError(
        "sign-in-unreachable",
        Message("{authority} does not respond: {text}", authority=authority, text=text[:_MAX_QUOTED]),
        hint=Message("check the network, the proxy (HTTPS_PROXY), and cloud and authority in the tenants file"),
    )


def _unusable(tenant: Tenant, text: str) -> GraphError:
    if isinstance(tenant.credential, Certificate):
        return GraphError(
            "certificate-invalid",
            Message("the certificate cannot be used: {text}", text=text[:_MAX_QUOTED]),
            hint=Message(
                "it needs the certificate and the RSA key in one PEM or PKCS #12, and its password in passwordEnv"
            ),
        )
    return GraphError(
        "credential-invalid",
        Message("the credential cannot be used: {text}", text=text[:_MAX_QUOTED]),
        hint=_credential_hint(tenant),
    )


def _credential_hint(tenant: Tenant) -> Message | None:
    credential = tenant.credential
    return None if credential is None else CREDENTIAL_TYPES[type(credential)].hint(tenant.tenant_id)
