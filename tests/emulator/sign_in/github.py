"""GitHub's OIDC issuer: returns a new ID token, valid for five minutes, for each request of a workflow run."""

import time
from typing import Any
from uuid import uuid4

from msgspec import Struct, field

from tests.emulator.sign_in import keys
from tests.emulator.tenant.directory import GITHUB_ISSUER
from tests.emulator.wire import Answer, Body, Request, encoded

LIFETIME = 300
PATH = "/github/idtoken"


def subject(*, context: str = "ref:refs/heads/main", ids: tuple[int, int] | None = None) -> str:
    """Return the `sub` claim of contoso/licences; `ids` of both give the immutable form of July 2026."""
    if ids is None:
        return f"repo:contoso/licences:{context}"
    return f"repo:contoso@{ids[0]}/licences@{ids[1]}:{context}"


class GitHub(Struct, kw_only=True):
    """The issuer for one workflow run whose job has `id-token: write`; `audiences` records those of all calls."""

    subject: str = field(default_factory=subject)
    request_token: str = "emulated-actions-request-token"
    lifetime: int = LIFETIME
    audiences: list[str] = field(default_factory=list)

    def token(self, audience: str, **more: Any) -> str:
        """Return a new ID token; `more` replaces claims, for forged or stale tokens."""
        now = int(time.time())
        claims = {
            "iss": GITHUB_ISSUER, "sub": self.subject, "aud": audience, "jti": str(uuid4()), "iat": now,
            "nbf": now - 5, "exp": now + self.lifetime, "repository": "contoso/licences", "ref": "refs/heads/main",
            "event_name": "schedule", "runner_environment": "github-hosted",
        }  # fmt: skip
        return keys.signed(claims | more, signer="github")

    def handle(self, request: Request) -> Answer:
        """Answer a request to ACTIONS_ID_TOKEN_REQUEST_URL."""
        if request.headers.get("authorization", "") != f"Bearer {self.request_token}":
            return _json({"message": "Unauthorized"}, status=401)
        audience = request.parameter("audience") or "https://github.com/contoso"
        self.audiences.append(audience)
        return _json({"count": 1, "value": self.token(audience)})


def _json(document: dict[str, Any], *, status: int = 200) -> Answer:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Answer(status=status, body=Body(encoded(document)), headers=headers)
