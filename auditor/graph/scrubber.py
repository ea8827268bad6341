"""Removes secrets from text before it is shown or logged."""

import logging
import re
from collections.abc import Iterable

_TOKENS = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,4}|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{8,}")
_FIELDS = re.compile(r"(?i)\b(client_secret|client_assertion|password|assertion|access_token|token|sig)=[^&\s]+")
"""Parameters that contain a secret; `token` and `sig` are those of pre-authenticated addresses."""

_USER_INFO = re.compile(r"://[^/@\s]*:[^/@\s]*@")
"""User and password in an address, for example that of a proxy."""


_ALL_SECRETS: set[str] = set()
"""Every secret that this process used, because a traceback may quote the secret of any tenant."""


class Secrets:
    """The secrets of one tenant, registered so that they can be removed from text."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def __repr__(self) -> str:
        return f"Secrets({len(self._secrets)})"

    def add(self, secret: str) -> str:
        """Register a secret, and return it."""
        if len(secret) >= 4:
            self._secrets.add(secret)
            _ALL_SECRETS.add(secret)
        return secret

    def scrub(self, text: str) -> str:
        """Return the text without registered secrets and without anything that looks like a token."""
        return _scrubbed(text, self._secrets)


def scrub_all(text: str) -> str:
    """Return the text without any secret that this process used, of any tenant."""
    return _scrubbed(text, _ALL_SECRETS | {repr(secret)[1:-1] for secret in _ALL_SECRETS})


def _scrubbed(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return _FIELDS.sub(r"\1=[secret]", _USER_INFO.sub("://[secret]@", _TOKENS.sub("[secret]", text)))


def silence_libraries() -> None:
    """Detach the loggers of libraries that handle secrets: they log bodies and headers.

    The auditor's own log records requests and statuses.
    """
    for name in ("azure", "msal", "httpx", "httpcore", "aiohttp", "hpack", "h11", "urllib3"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
