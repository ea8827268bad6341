"""Reads what an access token says of itself; nothing is verified, and opaque tokens say nothing."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """The claims that the auditor looks at."""

    tenant_id: str | None
    application_id: str | None
    audience: str | None
    roles: tuple[str, ...]
    """Application permissions, sorted."""
    scopes: tuple[str, ...]
    """Delegated permissions, sorted."""
    issued: float | None
    expires: float | None


def claims_of(token: str) -> TokenClaims | None:
    """Return the claims of a JWT; None for an opaque token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        found = json.loads(base64.urlsafe_b64decode(padded))
    except (ValueError, binascii.Error):
        return None
    if not isinstance(found, dict):
        return None
    roles = found.get("roles")
    scopes = found.get("scp")
    return TokenClaims(
        tenant_id=_text(found.get("tid")),
        application_id=_text(found.get("appid") or found.get("azp")),
        audience=_text(found.get("aud")),
        roles=tuple(sorted(str(role) for role in roles)) if isinstance(roles, list) else (),
        scopes=tuple(sorted(scopes.split())) if isinstance(scopes, str) else (),
        issued=_number(found.get("iat")),
        expires=_number(found.get("exp")),
    )


def expiry_of(token: str) -> float | None:
    """Return when a JWT ends, in seconds since 1970; None for an opaque token."""
    found = claims_of(token)
    return None if found is None else found.expires


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
