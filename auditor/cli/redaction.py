"""Reads the key of pseudonyms from the environment."""

import os
import secrets

from auditor.app.redaction.pseudonyms import Key, key_of


def redaction_key() -> Key:
    """Return the key in AUDITOR_REDACT_KEY, or a random one. Raises UsageError (`redact-key`) for a short key."""
    return key_of(os.environ, secrets.token_bytes)
