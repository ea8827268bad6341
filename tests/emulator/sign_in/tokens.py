"""Issues signed access tokens, and verifies the access tokens that Graph receives."""

import base64
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import jwt
from msgspec import Struct

from tests.emulator.sign_in import keys
from tests.emulator.sign_in.assertions import SignInError, verify
from tests.emulator.tenant.directory import App, Tenant
from tests.emulator.wire import Answer, Body, GraphError, Request, encoded

GRAPH_ROOTS = frozenset(
    {
        "https://graph.microsoft.com", "https://graph.microsoft.us", "https://dod-graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn",
    }
)  # fmt: skip
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
GRAPH_APP = "00000003-0000-0000-c000-000000000000"


class Caller(Struct, frozen=True, kw_only=True):
    """The tenant, app and roles of an access token; `expires` in seconds since the epoch."""

    tenant: Tenant
    client_id: str
    roles: frozenset[str]
    expires: float


class DeviceSignIn(Struct, kw_only=True):
    """A sign-in with device code; `user` entered the code: None while pending, empty if consent was declined."""

    device_code: str
    app: App
    user: str | None = None


class TokenService:
    """The sign-in service of all tenants, with the checks and error codes of Entra (sources: README.md)."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self.authority = ""
        self.tenants = {tenant.tenant_id.lower(): tenant for tenant in tenants}
        self.opaque: dict[str, Caller] = {}
        self.refused: dict[str, str] = {}
        self._verified: dict[str, Caller] = {}
        self.device_codes: dict[str, DeviceSignIn] = {}
        """Started sign-ins with device code, by user code."""

    def tenant(self, key: str) -> Tenant | None:
        """Return a tenant by id or domain."""
        match = self.tenants.get(key.lower())
        return match or next((tenant for tenant in self.tenants.values() if tenant.domain.lower() == key.lower()), None)

    def handle(self, request: Request) -> Answer:
        """Answer the paths of the sign-in host; errors have Entra's body and status."""
        parts = request.path.strip("/").split("/")
        if request.path.startswith("/common/discovery/instance"):
            return _json(self._instance())
        if len(parts) >= 2 and parts[1:] == ["v2.0", ".well-known", "openid-configuration"]:
            return self._with_errors(lambda: self._configuration(parts[0]))
        if parts[1:] == ["discovery", "v2.0", "keys"]:
            return _json(keys.key_set("entra"))
        if request.method == "POST" and parts[1:] == ["oauth2", "v2.0", "token"]:
            return self._with_errors(lambda: self._token(parts[0], request))
        if request.method == "POST" and parts[1:] == ["oauth2", "v2.0", "devicecode"]:
            return self._with_errors(lambda: self._device_code(parts[0], request))
        return _json({"error": "not_found"}, status=404)

    def issue(self, tenant: Tenant, app: App, *, scope: str = "", claims: str = "") -> str:
        """Return a signed access token for the app, as the token endpoint does."""
        now = int(time.time())
        audience = scope.removesuffix("/.default") or tenant.audience
        payload: dict[str, Any] = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + tenant.token_lifetime,
            "app_displayname": app.name,
            "appid": app.client_id,
            "idtyp": "app",
            "oid": str(uuid4()),
            "roles": list(app.roles),
            "tid": tenant.tenant_id,
            "uti": str(uuid4()),
            "ver": "1.0",
        }
        if "xms_cc" in claims.lower() or '"cp1"' in claims.lower():
            payload["xms_cc"] = ["CP1"]
        if not app.roles:
            del payload["roles"]
        return keys.signed(payload, signer="entra")

    def caller(self, token: str) -> Caller:
        """Return the caller of a bearer token; raises GraphError 401 with Graph's message."""
        if token in self.refused:
            raise self._refusal(token)
        caller = self.opaque.get(token) or self._verified.get(token)
        if caller is None:
            caller = self._verified[token] = self._read(token)
        if caller.expires <= time.time():
            raise self.unauthorised("Lifetime validation failed, the token is expired.")
        return caller

    def unauthorised(self, message: str, extra: str = "") -> GraphError:
        challenge = (
            f'Bearer realm="", authorization_uri="{self.authority}/common/oauth2/authorize", client_id="{GRAPH_APP}"'
        )
        headers = {"WWW-Authenticate": challenge + extra}
        return GraphError(401, "InvalidAuthenticationToken", message, headers=headers)

    def refuse(self, token: str, reason: str) -> GraphError:
        """Refuse a token from now on, as `expired` or with a `claims` challenge, and return the error to send."""
        self.refused[token] = reason
        return self._refusal(token)

    def _refusal(self, token: str) -> GraphError:
        if self.refused[token] == "expired":
            return self.unauthorised("Lifetime validation failed, the token is expired.")
        required_claims = {"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}}
        claims = base64.b64encode(json.dumps(required_claims).encode()).decode()
        message = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp"
        return self.unauthorised(message, f', error="insufficient_claims", claims="{claims}"')

    def _read(self, token: str) -> Caller:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, keys.public_key("entra"), algorithms=["RS256"], options={"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
            )  # fmt: skip
        except jwt.InvalidSignatureError:
            raise self.unauthorised("Access token validation failure. Signature is invalid.") from None
        except jwt.PyJWTError:
            raise self.unauthorised("IDX14100: JWT is not well formed, there are no dots (.).") from None
        tenant = self.tenant(str(claims.get("tid", "")))
        if tenant is None:
            raise self.unauthorised("Access token validation failure. Invalid tenant.")
        if str(claims.get("aud", "")).rstrip("/") != tenant.audience:
            raise self.unauthorised("Access token validation failure. Invalid audience.")
        return Caller(
            tenant=tenant,
            client_id=str(claims["appid"]),
            roles=frozenset(claims.get("roles", ())),
            expires=float(claims["exp"]),
        )

    def _instance(self) -> dict[str, Any]:
        host = self.authority.removeprefix("https://")
        return {
            "tenant_discovery_endpoint": f"{self.authority}/common/v2.0/.well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }

    def _configuration(self, key: str) -> dict[str, Any]:
        tenant = self._existing_tenant(key)
        base = f"{self.authority}/{tenant.tenant_id}"
        return {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "response_types_supported": ["code", "id_token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": "EU",
        }

    def _existing_tenant(self, key: str) -> Tenant:
        tenant = self.tenant(key)
        if tenant is not None:
            return tenant
        if "." not in key and not _is_guid(key):
            raise SignInError(900023, "invalid_request", f"Specified tenant identifier '{key}' is neither a valid DNS name, nor a valid external domain.", status=400)  # fmt: skip
        text = f"Tenant '{key}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
        raise SignInError(90002, "invalid_request", text, status=400)

    def _token(self, key: str, request: Request) -> dict[str, Any]:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        required = ("grant_type", "client_id", *(() if form.get("grant_type") == DEVICE_CODE else ("scope",)))
        for name in required:
            if not form.get(name):
                text = f"The request body must contain the following parameter: '{name}'."
                raise SignInError(900144, "invalid_request", text, status=400)
        if form["grant_type"] in {DEVICE_CODE, "refresh_token"}:
            return self._user_token(self._existing_tenant(key), form)
        if form["grant_type"] != "client_credentials":
            text = f"The app requested an unsupported grant type '{form['grant_type']}'."
            raise SignInError(70003, "unsupported_grant_type", text, status=400)
        tenant = self._existing_tenant(key)
        app = self._app(tenant, form["client_id"])
        verify(form, app, tenant, authority=self.authority, now=time.time())
        scope = _scope(form["scope"], tenant)
        return {
            "token_type": "Bearer",
            "expires_in": tenant.token_lifetime,
            "ext_expires_in": tenant.token_lifetime,
            "access_token": self.issue(tenant, app, scope=scope, claims=form.get("claims", "")),
        }

    def _device_code(self, key: str, request: Request) -> dict[str, Any]:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        app = self._app(self._existing_tenant(key), form.get("client_id", ""))
        user_code = uuid4().hex[:9].upper()
        self.device_codes[user_code] = DeviceSignIn(device_code=uuid4().hex, app=app)
        return {
            "user_code": user_code,
            "device_code": self.device_codes[user_code].device_code,
            "verification_uri": f"{self.authority}/device",
            "expires_in": 900,
            "interval": 1,
            "message": f"To sign in, open {self.authority}/device and enter the code {user_code} to authenticate.",
        }

    def _user_token(self, tenant: Tenant, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer polling with a device code, and refresh tokens, as Entra does."""
        code = form.get("device_code") or form.get("refresh_token")
        sign_in = next((entry for entry in self.device_codes.values() if entry.device_code == code), None)
        if sign_in is None:
            raise SignInError(70000, "invalid_grant", "The provided value for the code is not valid.", status=400)
        if sign_in.user is None:
            text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling."
            raise SignInError(70016, "authorization_pending", text, status=400)
        if sign_in.user == "":
            raise SignInError(65004, "access_denied", "User declined to consent to access the app.", status=400)
        now = int(time.time())
        id_claims = {
            "oid": sign_in.user, "sub": sign_in.user, "tid": tenant.tenant_id, "aud": sign_in.app.client_id,
            "iss": f"{self.authority}/{tenant.tenant_id}/v2.0", "iat": now, "nbf": now, "exp": now + 3600,
            "preferred_username": "admin@contoso.example", "ver": "2.0",
        }  # fmt: skip
        info = json.dumps({"uid": sign_in.user, "utid": tenant.tenant_id}).encode()
        return {
            "token_type": "Bearer",
            "scope": " ".join(sign_in.app.roles),
            "expires_in": tenant.token_lifetime,
            "ext_expires_in": tenant.token_lifetime,
            "access_token": self.issue(tenant, sign_in.app, claims=form.get("claims", "")),
            "refresh_token": sign_in.device_code,
            "id_token": keys.signed(id_claims, signer="entra"),
            "client_info": base64.urlsafe_b64encode(info).decode().rstrip("="),
        }

    def _app(self, tenant: Tenant, client_id: str) -> App:
        app = tenant.app(client_id)
        if app is None:
            text = f"Application with identifier '{client_id}' was not found in the directory '{tenant.name}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            raise SignInError(700016, "unauthorized_client", text, status=400)
        return app

    def _with_errors(self, build: Callable[[], Mapping[str, Any]]) -> Answer:
        try:
            return _json(build())
        except SignInError as error:
            trace, correlation = str(uuid4()), str(uuid4())
            stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(time.time()))
            text = (
                f"AADSTS{error.code}: {error.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
            )
            document = {
                "error": error.error,
                "error_description": text,
                "error_codes": [error.code],
                "timestamp": stamp,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": f"{self.authority}/error?code={error.code}",
            }
            return _json(document, status=error.status)


def _scope(text: str, tenant: Tenant) -> str:
    scopes = [word for word in text.split() if word not in {"openid", "profile", "offline_access"}]
    if len(scopes) != 1 or not scopes[0].endswith("/.default"):
        text = f"The provided value for scope {text} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
        raise SignInError(1002012, "invalid_scope", text, status=400)
    resource = scopes[0].removesuffix("/.default").rstrip("/")
    if resource not in GRAPH_ROOTS:
        text = f"The resource principal named {resource} was not found in the tenant named {tenant.name}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
        raise SignInError(500011, "invalid_resource", text, status=400)
    return f"{resource}/.default"


def _json(document: Mapping[str, Any], *, status: int = 200) -> Answer:
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store, no-cache"}
    return Answer(status=status, body=Body(encoded(document)), headers=headers)


def _is_guid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
