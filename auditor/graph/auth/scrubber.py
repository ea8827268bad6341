"""Takes secrets out of every text that could be shown."""

import logging
import re
from collections.abc import Iterable

_TOKENS = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*){0,4}|(?i:bearer)\s+[A-Za-z0-9._~+/=-]{8,}")
_FIELDS = re.compile(r"(?i)\b(client_secret|client_assertion|password|assertion|access_token)=[^&\s]+")

_USERS = re.compile(r"://[^/@\s]*:[^/@\s]*@")
"""User and password in an address, as those of proxies have."""


_EVERY: set[str] = set()
"""Every secret that this process used: a traceback does not say whose it quotes."""


class Secrets:
    """The secrets one tenant uses; holds them only to recognise them."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __repr__(self) -> str:
        return f"Secrets({len(self._known)})"

    def add(self, secret: str) -> str:
        """Remember a secret, and return it."""
        if len(secret) >= 4:
            self._known.add(secret)
            _EVERY.add(secret)
        return secret

    def scrub(self, text: str) -> str:
        """Return the text without any known secret, and without what looks like a token."""
        return _scrubbed(text, self._known)


def scrub_all(text: str) -> str:
    """Return the text without any secret that this process used, of whichever tenant."""
    return _scrubbed(text, _EVERY | {repr(secret)[1:-1] for secret in _EVERY})


def _scrubbed(text: str, secrets: Iterable[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return _FIELDS.sub(r"\1=[secret]", _USERS.sub("://[secret]@", _TOKENS.sub("[secret]", text)))


def silence_libraries() -> None:
    """Keep the logs of the libraries that handle secrets from every handler: they quote bodies and headers.

    The auditor's own log says what was asked and what was answered.
    """
    for name in ("azure", "msal", "httpx", "httpcore", "aiohttp", "hpack", "h11", "urllib3"):
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
