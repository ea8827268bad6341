"""The credential types of a tenants file: how each signs in, and the hint if it cannot."""

import base64
import binascii
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from auditor.domain.errors import GraphError
from auditor.domain.message import Message
from auditor.domain.settings import (
    AzureCli,
    Certificate,
    ClientSecret,
    Credential,
    DeviceCode,
    GithubOidc,
    ManagedIdentity,
    Token,
    WorkloadIdentity,
)
from auditor.files import input as files

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


class SignInOptions(Struct, frozen=True, kw_only=True):
    """The settings that a credential needs to sign in to one tenant."""

    tenant_id: str
    environ: Mapping[str, str]
    client_options: Mapping[str, Any]
    """Options of azure-identity: authority, retries and transport."""
    authorities: str | None
    """The path of the CA bundle to trust; None for the default one."""
    secret: Callable[[str], str]
    """Returns an environment variable's value, registered as a secret. Raises GraphError if it is not set."""
    github_assertion: Callable[[], str]
    """Returns the latest assertion of the GitHub job."""
    ask: Callable[[Message], None] | None = None
    """Shows instructions to the user; None if the run is not interactive."""


def _check_tenants_file(_tenant_id: str) -> Message:
    return Message("check the credential in the tenants file")


class CredentialType(Struct, frozen=True, kw_only=True):
    """One type of credential; `CREDENTIAL_TYPES` lists them all."""

    build: Callable[[Any, Any, SignInOptions], "AsyncTokenCredential"] | None
    """Returns azure-identity's credential, given its module `aio`; None if the type is itself a token.

    Raises GraphError or OSError.
    """
    delegated: bool = False
    """Whether only people sign in with it, so that it needs delegated permissions."""
    timeout: float = 120.0
    """Seconds for a sign-in, including the retries of azure-identity."""
    hint: Callable[[str], Message] = field(default=_check_tenants_file)
    """Returns, for a tenant id, the hint if the credential is not available on this machine."""


def _build_certificate(aio: Any, credential: Certificate, options: SignInOptions) -> Any:
    password = None if credential.password_env is None else options.secret(credential.password_env)
    if credential.path is not None:
        content = files.read(Path(credential.path), max_bytes=files.CERTIFICATES)
    else:
        content = _decode_certificate(options.secret(credential.env or ""), credential.env)
    return aio.CertificateCredential(
        options.tenant_id, credential.client_id, certificate_data=content, password=password, **options.client_options
    )


def _decode_certificate(text: str, variable: str | None) -> bytes:
    if "-----BEGIN" in text:
        return text.encode()
    try:
        return base64.b64decode(text, validate=False)
    except binascii.Error:
        raise GraphError(
            "certificate-invalid",
            Message("the variable {env} contains neither PEM text nor base64", env=variable),
            hint=Message("export the certificate and the key as PEM, or as PKCS #12 in base64"),
        ) from None


def _build_workload_identity(aio: Any, credential: WorkloadIdentity, options: SignInOptions) -> Any:
    token_file = options.environ.get("AZURE_FEDERATED_TOKEN_FILE")
    if token_file:
        files.check_regular(Path(token_file), max_bytes=files.CERTIFICATES)
    return aio.WorkloadIdentityCredential(
        tenant_id=options.tenant_id,
        client_id=credential.client_id or options.environ.get("AZURE_CLIENT_ID"),
        token_file_path=token_file,
        **options.client_options,
    )


def _build_device_code(_aio: Any, credential: DeviceCode, options: SignInOptions) -> "AsyncTokenCredential":
    from auditor.graph.auth.device_code import open_device_code  # noqa: PLC0415

    if options.ask is None:
        raise GraphError(
            "device-code-terminal",
            Message("a device code needs a person at a terminal, and this run has no terminal"),
            hint=Message("run it on a terminal without --quiet and --no-progress; use another credential for jobs"),
        )
    return open_device_code(
        options.tenant_id, credential.client_id, options.ask, _without_asyncio(options), timeout=_DEVICE_CODE_SECONDS
    )


def _without_asyncio(options: SignInOptions) -> dict[str, Any]:
    """Return the options for a credential that opens its own connections."""
    shared = {name: value for name, value in options.client_options.items() if name != "transport"}
    return shared if options.authorities is None else shared | {"connection_verify": options.authorities}


_DEVICE_CODE_SECONDS: Final = 900
"""Seconds for which Entra's device codes are valid."""

CREDENTIAL_TYPES: Final[Mapping[type[Credential], CredentialType]] = {
    GithubOidc: CredentialType(
        build=lambda aio, credential, options: aio.ClientAssertionCredential(
            options.tenant_id, credential.client_id, options.github_assertion, **options.client_options
        )
    ),
    ClientSecret: CredentialType(
        build=lambda aio, credential, options: aio.ClientSecretCredential(
            options.tenant_id, credential.client_id, options.secret(credential.secret_env), **options.client_options
        )
    ),
    Certificate: CredentialType(build=_build_certificate),
    ManagedIdentity: CredentialType(
        build=lambda aio, credential, _: aio.ManagedIdentityCredential(client_id=credential.client_id),
        hint=lambda _: Message("run on an Azure machine that has the identity, or choose another credential"),
    ),
    WorkloadIdentity: CredentialType(
        build=_build_workload_identity,
        hint=lambda _: Message(
            "set AZURE_FEDERATED_TOKEN_FILE to the token file, and clientId or AZURE_CLIENT_ID to the application id"
        ),
    ),
    AzureCli: CredentialType(
        build=lambda aio, _, options: aio.AzureCliCredential(tenant_id=options.tenant_id),
        hint=lambda tenant_id: Message(
            "install the Azure CLI and run: az login --tenant {tenant_id} --allow-no-subscriptions", tenant_id=tenant_id
        ),
    ),
    DeviceCode: CredentialType(
        build=_build_device_code,
        delegated=True,
        timeout=_DEVICE_CODE_SECONDS + 30.0,
        hint=lambda _: Message(
            "enter the code in time, and set 'Allow public client flows' of the app registration to Yes"
        ),
    ),
    Token: CredentialType(build=None),
}
"""The types of credential by their class."""
