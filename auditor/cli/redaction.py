"""The key of pseudonyms, from the environment of the command line."""

import os
import secrets

from auditor.app.redaction.pseudonyms import Key, key_of


def redaction_key() -> Key:
    """Return the key that AUDITOR_REDACT_KEY holds, or a random one; UsageError (`redact-key`) for a short key."""
    return key_of(os.environ, secrets.token_bytes)
