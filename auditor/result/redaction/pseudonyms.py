"""Computes pseudonyms of users and fingerprints of findings as HMACs with a secret key."""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import Redaction

VARIABLE: Final = "AUDITOR_REDACT_KEY"
"""The environment variable that contains the key."""
SHORTEST: Final = 16
"""Minimum length of a key in bytes; shorter ones could be guessed."""
PSEUDONYM: Final = re.compile(r"user-[0-9a-f]{16}")
"""The pseudonym of a user, as `Key.person` returns it."""
_RANDOM_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionKey:
    """The secret key of a redaction: the same key gives the same pseudonyms in every run, format and shard."""

    secret: bytes = field(repr=False)
    stable: bool
    """Whether the user specified the key; a random key is valid for one run only."""

    @property
    def redaction(self) -> Redaction:
        """The description of the key in a result, which identifies the key without revealing it."""
        return Redaction(key=self._digest("key", "")[:16], stable=self.stable)

    def person(self, tenant_id: str, user_id: str) -> str:
        """Return the pseudonym of a user of a tenant, or of a name in a policy, which has no tenant."""
        return "user-" + self._digest("person", f"{tenant_id}\x1f{user_id}")[:16]

    def fingerprint(self, fingerprint: str) -> str:
        """Return the fingerprint of a finding in a redacted result; the original one is a hash of a user id."""
        return self._digest("fingerprint", fingerprint)[:32]

    def question(self, question_id: str) -> str:
        """Return the id of a question about a user in a redacted plan; the original one is a hash of the user id."""
        return self._digest("question", question_id)[: len(question_id)]

    def _digest(self, kind: str, text: str) -> str:
        return hmac.digest(self.secret, f"{kind}\x1f{text}".encode("utf-8", "surrogatepass"), "sha256").hex()


def key_of(environ: Mapping[str, str], random: Callable[[int], bytes]) -> RedactionKey:
    """Return the key in the environment, or a random key if there is none. Raises UsageError if it is too short."""
    secret = environ.get(VARIABLE, "").strip().encode("utf-8", "surrogateescape")
    if not secret:  # a workflow sets an empty variable for a secret that does not exist
        return RedactionKey(secret=random(_RANDOM_BYTES), stable=False)
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
                "`openssl rand -hex 32` generates one; store it with the other secrets, and use it "
                "for every run and shard"
            ),
        )
    return RedactionKey(secret=secret, stable=True)
