"""The key of a redaction into pseudonyms of people and fingerprints of findings that nobody can compute without it."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.redaction import Redaction

VARIABLE: Final = "AUDITOR_REDACT_KEY"
"""The environment variable that holds the key."""
SHORTEST: Final = 16
"""Bytes of the shortest key: fewer could be found by trying."""
_RANDOM: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The secret of a redaction: the same secret gives the same pseudonyms in every run, format and shard."""

    secret: bytes = field(repr=False)
    stable: bool
    """Whether it was given; a random one is of one run only."""

    @property
    def redaction(self) -> Redaction:
        """Return what a result tells of the key: enough to know it again, and nothing to compute it from."""
        return Redaction(key=self._digest("key", "")[:16], stable=self.stable)

    def person(self, tenant_id: str, user_id: str) -> str:
        """Return the pseudonym of a user of a tenant, or of a name in a policy, which is of no tenant."""
        return "user-" + self._digest("person", f"{tenant_id}\x1f{user_id}")[:16]

    def fingerprint(self, fingerprint: str) -> str:
        """Return the fingerprint of a finding in a redacted result: the plain one is a hash of a user's id."""
        return self._digest("fingerprint", fingerprint)[:32]

    def _digest(self, kind: str, text: str) -> str:
        return hmac.digest(self.secret, f"{kind}\x1f{text}".encode("utf-8", "surrogatepass"), "sha256").hex()


def key_of(environ: Mapping[str, str], random: Callable[[int], bytes]) -> Key:
    """Return the key of the environment, or one of random bytes where there is none; UsageError for a short key."""
    secret = environ.get(VARIABLE, "").strip().encode("utf-8", "surrogateescape")
    if not secret:  # an empty variable is none: workflows set those for secrets that nobody gave
        return Key(secret=random(_RANDOM), stable=False)
    if len(secret) < SHORTEST:
        raise UsageError(
            "redact-key",
            Message(
                "{variable} has {secret} bytes, a key needs at least {shortest}",
                variable=VARIABLE,
                secret=len(secret),
                shortest=SHORTEST,
            ),
            hint=Message(
                "`openssl rand -hex 32` makes one; keep it with the other secrets, and give it to every run and shard"
            ),
        )
    return Key(secret=secret, stable=True)
