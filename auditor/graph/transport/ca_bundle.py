"""Finds the authorities that may vouch for a server, from the variables that people already set."""

import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from auditor.domain.errors import SettingsError
from auditor.domain.message import Message
from auditor.files import input as files

VARIABLES = ("AUDITOR_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""In order of precedence; every connection of the auditor uses the same one."""


def authorities(environ: Mapping[str, str]) -> str | None:
    """Return the file of authorities that the environment names, or None for the usual ones.

    Raises SettingsError where the file is missing or is no list of certificates.
    """
    for name in VARIABLES:
        path = environ.get(name)
        if not path:
            continue
        if not files.is_file(Path(path)):
            raise SettingsError(
                "ca-missing",
                Message("{name} names {path}, which is not a file", name=name, path=path),
                hint=Message("name a PEM file, or unset the variable"),
            )
        try:
            files.check_regular(Path(path), most=files.CERTIFICATES)
            context(path)
        except (ssl.SSLError, OSError) as error:
            raise SettingsError(
                "ca-invalid",
                Message("{name} names {path}, which holds no PEM certificates", name=name, path=path),
                hint=Message("export the authority as PEM"),
            ) from error
        return path
    return None


@lru_cache(maxsize=8)
def context(path: str | None) -> ssl.SSLContext:
    """Return the TLS settings for a file of authorities; shared, since making one takes 20 ms."""
    if path is not None:
        return ssl.create_default_context(cafile=path)
    import certifi  # noqa: PLC0415 - comes with httpx, which only collection needs

    return ssl.create_default_context(cafile=certifi.where())
