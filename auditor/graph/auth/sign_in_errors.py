"""Turns a failed sign-in into what went wrong and what to do, without any secret in it."""

import re

from auditor.domain.errors import GraphError, printable
from auditor.domain.message import Message
from auditor.domain.tenant import AzureCli, Certificate, ManagedIdentity, Tenant, WorkloadIdentity
from auditor.graph.auth.aadsts_codes import advice, code_in
from auditor.graph.auth.scrubber import Secrets

_LONGEST = 300
_NO_TOKEN = re.compile("^(invalid literal|no access token)")
"""What is said of an answer with a lifetime that is no number, or without a token: the service is to blame then."""


def explained(error: Exception, tenant: Tenant, secrets: Secrets, *, authority: str) -> GraphError:
    """Return the error to raise in place of what azure-identity raised."""
    from azure.core.exceptions import (  # noqa: PLC0415 - only collection needs it
        ClientAuthenticationError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    text = " ".join(printable(secrets.scrub(str(error)).replace("\r", " ").replace("\n", " ")).split())
    code = code_in(text)
    if code is not None:
        start = text.index(f"AADSTS{code}")
        said = text[start:].split(" Trace ID", maxsplit=1)[0][:_LONGEST]
        return GraphError(
            "sign-in-refused",
            Message("{name}: the sign-in was refused: {said}", name=tenant.name, said=said),
            hint=advice(code),
        )
    match error:
        case TimeoutError():
            return _unreachable(tenant, authority, Message("no answer in time"))
        case ServiceRequestError() | ServiceResponseError():
            return _unreachable(tenant, authority, text)
        case OSError(filename=str()):  # of a file, and not of a connection
            return GraphError(
                "credential-file",
                f"{tenant.name}: {text[:_LONGEST]}",
                hint=Message("check the path in the tenants file"),
            )
        case ValueError() if not _NO_TOKEN.match(text):
            return _unusable(tenant, text)
        case ClientAuthenticationError() | HttpResponseError() | ValueError() if not _unavailable(error):
            return GraphError(
                "sign-in-refused",
                Message("{name}: the sign-in was refused: {text}", name=tenant.name, text=text[:_LONGEST]),
                hint=Message(
                    "check what answers at {authority}, and the credential in the tenants file", authority=authority
                ),
            )
        case _:
            return _absent(tenant, text)


def _unavailable(error: Exception) -> bool:
    from azure.identity import CredentialUnavailableError  # noqa: PLC0415

    return isinstance(error, CredentialUnavailableError)


def _unreachable(tenant: Tenant, authority: str, text: str) -> GraphError:
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate verify failed" in text.lower():
        return GraphError(
            "sign-in-untrusted",
            Message(
                "{name}: {authority} showed a certificate that no known authority vouches for",
                name=tenant.name,
                authority=authority,
            ),
            hint=Message("name your proxy's authority in SSL_CERT_FILE (a PEM file)"),
        )
    return GraphError(
        "sign-in-unreachable",
        Message(
            "{name}: {authority} does not answer: {text}", name=tenant.name, authority=authority, text=text[:_LONGEST]
        ),
        hint=Message("check the network, the proxy (HTTPS_PROXY), and cloud and authority in the tenants file"),
    )


def _unusable(tenant: Tenant, text: str) -> GraphError:
    if isinstance(tenant.credential, Certificate):
        return GraphError(
            "certificate-invalid",
            Message("{name}: the certificate cannot be used: {text}", name=tenant.name, text=text[:_LONGEST]),
            hint=Message("it needs certificate and RSA key in one PEM or PKCS #12, and its password in passwordEnv"),
        )
    return GraphError(
        "credential-invalid",
        Message("{name}: the credential cannot be used: {text}", name=tenant.name, text=text[:_LONGEST]),
        hint=Message("see the tenants file"),
    )


def _absent(tenant: Tenant, text: str) -> GraphError:
    match tenant.credential:
        case AzureCli():
            hint = Message(
                "install the Azure CLI and run: az login --tenant {tenant_id} --allow-no-subscriptions",
                tenant_id=tenant.tenant_id,
            )
        case ManagedIdentity():
            hint = Message("run on an Azure machine that has the identity, or choose another credential")
        case WorkloadIdentity():
            hint = Message(
                "AZURE_FEDERATED_TOKEN_FILE names the token file; clientId, or AZURE_CLIENT_ID, the application"
            )
        case _:
            hint = Message("check the credential in the tenants file")
    return GraphError(
        "sign-in-unavailable", Message("{name}: no sign-in: {text}", name=tenant.name, text=text[:_LONGEST]), hint=hint
    )
