"""Decodes the claims of access tokens, without verifying them, and checks which tenant they are of."""

import base64
import binascii
import json
from typing import Any

from msgspec import Struct

from auditor.domain.errors import GraphError
from auditor.domain.message import Message


class TokenClaims(Struct, frozen=True, kw_only=True):
    """The claims that the auditor uses."""

    tenant_id: str | None
    application_id: str | None
    roles: tuple[str, ...]
    """Application permissions, sorted."""
    scopes: tuple[str, ...]
    """Delegated permissions, sorted."""
    expires: float | None
    """Seconds since 1970."""


def claims_of(token: str) -> TokenClaims | None:
    """Return the claims of a JWT; None for an opaque token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error):
        return None
    if not isinstance(claims, dict):
        return None
    roles = claims.get("roles")
    scopes = claims.get("scp")
    return TokenClaims(
        tenant_id=_text(claims.get("tid")),
        application_id=_text(claims.get("appid") or claims.get("azp")),
        roles=tuple(sorted(str(role) for role in roles)) if isinstance(roles, list) else (),
        scopes=tuple(sorted(scopes.split())) if isinstance(scopes, str) else (),
        expires=_number(claims.get("exp")),
    )


def check_tenant_id(actual: str, expected: str) -> None:
    """Raise GraphError if the tenant of Graph or of a token is not that of the tenants file."""
    if actual.lower() != expected:
        raise GraphError(
            "graph-wrong-tenant",
            Message("the credential is for the tenant {row}, not for {wanted}", row=actual[:40], wanted=expected),
            hint=Message("correct tenantId in the tenants file, or sign in to the right tenant"),
        )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
