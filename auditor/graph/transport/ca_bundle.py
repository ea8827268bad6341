"""Finds the certificate authorities for TLS connections in the usual environment variables."""

import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from auditor.domain.errors import SettingsError
from auditor.domain.message import Message
from auditor.files import input as files

VARIABLES = ("AUDITOR_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""Variables in order of precedence; every connection of the auditor uses the same bundle."""


def authorities(environ: Mapping[str, str]) -> str | None:
    """Return the path of the CA bundle that is set in the environment; None for the default one.

    Raises SettingsError if the file is missing or has no certificates.
    """
    for name in VARIABLES:
        path = environ.get(name)
        if not path:
            continue
        if not files.is_file(Path(path)):
            raise SettingsError(
                "ca-missing",
                Message("{name} is set to {path}, which is not a file", name=name, path=path),
                hint=Message("specify a PEM file, or unset the variable"),
            )
        try:
            files.check_regular(Path(path), max_bytes=files.CERTIFICATES)
            tls_context(path)
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(
                "ca-invalid",
                Message("{name} is set to {path}, which has no PEM certificates", name=name, path=path),
                hint=Message("export the CA certificate as PEM"),
            ) from error
        return path
    return None


@lru_cache(maxsize=8)
def tls_context(path: str | None) -> ssl.SSLContext:
    """Return the TLS context of a CA bundle, cached: creating one takes 20 ms."""
    if path is not None:
        return ssl.create_default_context(cafile=path)
    import certifi  # noqa: PLC0415 - comes with httpx, which only collection needs

    return ssl.create_default_context(cafile=certifi.where())
