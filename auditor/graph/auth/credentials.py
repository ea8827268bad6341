"""Acquires and renews access tokens with the credential that a tenant configures."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from auditor.domain.errors import GraphError, SettingsError
from auditor.domain.message import Message
from auditor.domain.settings import GithubOidc, Tenant, Token
from auditor.domain.syntax.environment_variable import is_missing, to_set
from auditor.graph import clouds
from auditor.graph.auth import github_oidc
from auditor.graph.auth.credential_types import CREDENTIAL_TYPES, CredentialType, SignInOptions
from auditor.graph.auth.sign_in_errors import NoTokenError, sign_in_error
from auditor.graph.auth.token_claims import TokenClaims, check_tenant_id, claims_of
from auditor.graph.request_guard import root_of
from auditor.graph.scrubber import Secrets, silence_libraries
from auditor.graph.transport.ca_bundle import authorities as authorities_of
from auditor.graph.transport.proxy import proxy_of

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

    from auditor.graph.transport.aiohttp_transport import Connections

_RENEWAL_MARGIN = 300
"""Seconds before expiry at which a token is renewed."""
_RENEWAL_INTERVAL = 30
"""Seconds between attempts to renew a token that is still valid."""


class SignIn:
    """The sign-in of one tenant; implements azure-core's AsyncTokenCredential."""

    def __init__(
        self,
        tenant: Tenant,
        *,
        environ: Mapping[str, str],
        connections: "Connections | None" = None,
        ask: Callable[[Message], None] | None = None,
    ) -> None:
        silence_libraries()
        addresses = clouds.addresses(tenant.cloud)
        self.scope = addresses.scope
        self.secrets = Secrets()
        self.authorities = authorities_of(environ)
        self._tenant = tenant
        self._environ = environ

        self._connections = connections
        self._ask = ask
        self._audience = addresses.federation_audience
        self._authority = tenant.authority or addresses.authority
        self._lock = asyncio.Lock()
        self._token: AccessToken | None = None
        self._claims: str | None = None
        self._attempted_at = 0.0
        self._assertion = ""
        self._azure_credential: AsyncTokenCredential | None = None

    def __repr__(self) -> str:
        return f"SignIn({self._tenant.name!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get_token(self, *_scopes: str, claims: str | None = None, **_options: Any) -> "AccessToken":
        """Return a valid token; `claims` are those of a claims challenge. Raises GraphError if sign-in fails."""
        current = self._token
        if claims is None and current is not None and not self._needs_renewal(current):
            return current
        async with self._lock:
            current = self._token
            if current is not None and (
                claims == self._claims if claims is not None else not self._needs_renewal(current)
            ):
                # Another request renewed the token while this one waited for the lock.
                return current
            self._attempted_at = time.time()
            try:
                renewed = await self._acquire(claims)
            except GraphError:
                if claims is None and current is not None and current.expires_on > time.time() + 5:
                    return current
                raise
            self._token = renewed
            self._claims = claims if claims is not None else self._claims
            self.secrets.add(renewed.token)
            return renewed

    async def checked_claims(self) -> TokenClaims | None:
        """Sign in and return the claims of the token; None for an opaque token.

        Raises GraphError if the token is for another tenant.
        """
        claims = claims_of((await self.get_token()).token)
        if claims is not None and claims.tenant_id is not None:
            check_tenant_id(claims.tenant_id, self._tenant.tenant_id)
        return claims

    async def renew(self, refused: str) -> bool:
        """Drop a token that Graph rejected; return False if the credential cannot issue another one."""
        if isinstance(self._tenant.credential, Token):
            return False
        async with self._lock:
            if self._token is not None and self._token.token == refused:
                await self._reset()
        return True

    async def close(self) -> None:
        """Close the connections to the sign-in service."""
        async with self._lock:
            await self._reset()

    async def _reset(self) -> None:
        self._token = self._claims = None
        azure_credential, self._azure_credential = self._azure_credential, None
        if azure_credential is not None:
            await azure_credential.close()

    def _needs_renewal(self, current: "AccessToken") -> bool:
        now = time.time()
        if current.expires_on - now <= 10:
            return True
        return current.expires_on - now < _RENEWAL_MARGIN and now - self._attempted_at >= _RENEWAL_INTERVAL

    async def _acquire(self, claims: str | None) -> "AccessToken":
        credential = self._tenant.credential
        if credential is None:
            raise GraphError(
                "credential-missing",
                Message("the tenant has no credential"),
                hint=Message("add one in the tenants file, or audit a saved snapshot with --snapshot"),
            )
        if isinstance(credential, Token):
            return _bearer_token(self._variable(credential.token_env), time.time())
        credential_type = CREDENTIAL_TYPES[type(credential)]
        try:
            if isinstance(credential, GithubOidc):
                self._assertion = await github_oidc.assertion(
                    self._audience, environ=self._environ, secrets=self.secrets, authorities=self.authorities
                )
            if self._azure_credential is None:
                self._azure_credential = self._build(credential_type)
            options: dict[str, Any] = {"enable_cae": True} if claims is None else {"enable_cae": True, "claims": claims}
            # Not wait_for: in Python 3.11 it loses a cancellation that arrives together with the answer.
            async with asyncio.timeout(credential_type.timeout):
                return _checked_token(await self._azure_credential.get_token(self.scope, **options))
        except GraphError:
            raise
        except SettingsError as error:
            failure = GraphError(error.slug, error.message, hint=error.hint)
        except Exception as error:  # noqa: BLE001 - azure-identity raises its own exceptions, ValueError, OSError and TimeoutError
            failure = sign_in_error(error, self._tenant, self.secrets, authority=self._authority)
        # Raise outside of the handler: the exception's cause could put a secret into a traceback.
        raise failure

    def _variable(self, name: str) -> str:
        value = self._environ.get(name, "").strip()
        if not value:
            raise GraphError(
                "credential-variable",
                is_missing(name, self._tenant.credential_at),
                hint=Message("set {name} to the secret, password or token", name=to_set(name)),
            )
        return self.secrets.add(value)

    def _build(self, credential_type: CredentialType) -> "AsyncTokenCredential":
        client_options: dict[str, Any] = {"authority": self._authority, "retry_total": 3, "connection_timeout": 20}
        if self._connections is not None:
            from azure.core.pipeline.transport import AioHttpTransport  # noqa: PLC0415 - only collection needs it

            session = self._connections.sign_in(self.authorities, proxy_of(root_of(self._authority)))
            client_options["transport"] = AioHttpTransport(session=session, session_owner=False)
        elif self.authorities is not None:
            client_options["connection_verify"] = self.authorities
        options = SignInOptions(
            tenant_id=self._tenant.tenant_id,
            environ=self._environ,
            client_options=client_options,
            authorities=self.authorities,
            secret=self._variable,
            github_assertion=lambda: self._assertion,
            ask=self._ask,
        )
        from azure.identity import aio  # noqa: PLC0415

        assert credential_type.build is not None
        return credential_type.build(aio, self._tenant.credential, options)


def _checked_token(token: "AccessToken") -> "AccessToken":
    """Return the token if it can be sent in a header; azure-identity does not check what the service sent."""
    if not _can_be_sent(token.token):
        raise NoTokenError("no access token in the answer")
    return token


def _can_be_sent(token: object) -> bool:
    return isinstance(token, str) and token != "" and token.isascii() and token.isprintable() and " " not in token


def _bearer_token(token: str, now: float) -> "AccessToken":
    """Return an AccessToken for a bearer token; one without a readable expiry is assumed to be valid for an hour."""
    from azure.core.credentials import AccessToken  # noqa: PLC0415 - only collection needs it

    bare = token.removeprefix("Bearer ").strip()
    if not _can_be_sent(bare):
        raise GraphError(
            "token-invalid",
            Message(
                "the token has a character that is not allowed in a token: a line break, a space or a "
                "letter outside ASCII"
            ),
            hint=Message("create a new token, and set the variable to the token only"),
        )
    claims = claims_of(bare)
    expires = None if claims is None else claims.expires
    if expires is not None and expires <= now:
        raise GraphError(
            "token-expired",
            Message("the token has expired"),
            hint=Message("request a new token; tokens are valid for about an hour"),
        )
    return AccessToken(bare, int(now + 3600 if expires is None else expires))
