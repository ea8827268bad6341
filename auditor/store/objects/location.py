"""Parses store locations: a folder, or the address of an object store's container."""

import os
import re
from pathlib import Path
from typing import Final, NewType
from urllib.parse import urlsplit

from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.files.user_folder import user_folder
from auditor.store.objects.backends import Backend, FolderBackend, ObjectStoreBackend

Address = NewType("Address", str)
"""The address of an object store: scheme, container and optional folder."""
SCHEMES: Final = {"abfs": "adlfs", "abfss": "adlfs", "az": "adlfs", "s3": "s3fs"}
"""Scheme → the module that implements it."""
_ADDRESS: Final = re.compile("([A-Za-z][A-Za-z0-9+.-]+)://")


def parse(text: str) -> Path | Address:
    """Parse a folder or an address. Raises UsageError for an unknown scheme and for secrets in the address."""
    match = _ADDRESS.match(text)
    if match is None:
        return Path(text)
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES:
        raise UsageError(
            "store-address",
            Message("the scheme '{scheme}://' is not supported", scheme=parts.scheme),
            hint=Message(
                "specify a folder, or an address that begins with one of {value}",
                value=", ".join(f"{s}://" for s in SCHEMES),
            ),
        )
    if parts.query or parts.fragment or parts.password is not None:
        # The text is not repeated: it may contain a secret.
        raise UsageError(
            "store-address",
            Message("the {scheme}:// address has a query, a fragment or a password", scheme=parts.scheme),
            hint=Message("leave it out; keys and tokens come from the environment (see docs/history.md)"),
        )
    message = None if parts.netloc else Message("'{text}' has no container", text=text)
    if ".." in parts.path.split("/"):
        message = Message("'{text}' has '..' in its folder", text=text)
    if message is not None:
        raise UsageError(
            "store-address", message, hint=Message("write {scheme}://CONTAINER/FOLDER", scheme=parts.scheme)
        )
    # Schemes are case-insensitive (RFC 3986, 3.1).
    return Address(parts.scheme + text[len(parts.scheme) :].rstrip("/"))


def backend_of(where: Path | Address) -> Backend:
    """Return the backend for a folder or an address, without reading anything yet."""
    if isinstance(where, Path):
        return FolderBackend(where)
    scheme, _, rest = where.partition("://")
    root = rest if "@" not in rest else _path(rest)
    return ObjectStoreBackend(_filesystem(scheme, where), root, where, cache=_cache_folder())


def _cache_folder() -> Path | None:
    """Return the folder for copies of objects: AUDITOR_CACHE (None if it is `off`), else one of the user, if any."""
    setting = os.environ.get("AUDITOR_CACHE")
    if setting:
        return None if setting == "off" else Path(setting)
    variable = "LOCALAPPDATA" if os.name == "nt" and not os.environ.get("XDG_CACHE_HOME") else "XDG_CACHE_HOME"
    folder = user_folder(os.environ, variable, ".cache")
    return None if folder is None else folder / "auditor"


def _path(rest: str) -> str:
    """Convert CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER to CONTAINER/FOLDER."""
    host, _, folder = rest.partition("/")
    return "/".join(filter(None, (host.partition("@")[0], folder)))


def _filesystem(scheme: str, address: str) -> object:
    """Return the fsspec file system of a scheme; its library reads keys, roles and endpoints from the environment."""
    if SCHEMES[scheme] == "adlfs":
        import adlfs  # noqa: PLC0415 - needed only for stores there

        account = urlsplit(address).hostname if "@" in address else None
        options = {"account_name": account.partition(".")[0]} if account else {}
        # Without a key in the environment adlfs uses DefaultAzureCredential: workload, managed identity, CLI.
        filesystem: object = adlfs.AzureBlobFileSystem(anon=False, skip_instance_cache=True, **options)
        return filesystem
    import s3fs  # noqa: PLC0415 - needed only for stores there

    s3: object = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    return s3
