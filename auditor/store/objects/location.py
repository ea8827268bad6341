"""The text of an address into the place it names: a folder, or a container of an object store."""

import re
from pathlib import Path
from typing import Final, NewType
from urllib.parse import urlsplit

from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.store.objects.backends import Backend, Folder, ObjectStore
from auditor.store.objects.cache import Cached, cache_folder

Address = NewType("Address", str)
"""The address of an object store: a scheme, a container and perhaps a folder in it."""
SCHEMES: Final = {"abfs": "adlfs", "abfss": "adlfs", "az": "adlfs", "s3": "s3fs"}
"""Schemes and the module that speaks each."""
_ADDRESS: Final = re.compile("([A-Za-z][A-Za-z0-9+.-]+)://")


def parse(text: str) -> Path | Address:
    """Return a folder, or a checked address; UsageError for a scheme that nobody speaks, and for secrets in it."""
    match = _ADDRESS.match(text)
    if match is None:
        return Path(text)
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES:
        raise UsageError(
            "store-address",
            Message("nothing here speaks '{scheme}://'", scheme=parts.scheme),
            hint=Message(
                "name a folder, or an address that begins with one of {value}",
                value=", ".join(f"{s}://" for s in SCHEMES),
            ),
        )
    if parts.query or parts.fragment or parts.password is not None:
        # The text itself is not repeated: what stands there may be a secret.
        raise UsageError(
            "store-address",
            Message("the {scheme}:// address carries a query, a fragment or a password", scheme=parts.scheme),
            hint=Message("leave it out; keys and tokens come from the environment (docs/history.md tells which)"),
        )
    if not parts.netloc or ".." in parts.path.split("/"):
        raise UsageError(
            "store-address",
            Message("'{text}' names no container", text=text),
            hint=Message("write {scheme}://CONTAINER/FOLDER", scheme=parts.scheme),
        )
    # The scheme of an address has no letter case (RFC 3986, 3.1).
    return Address(parts.scheme + text[len(parts.scheme) :].rstrip("/"))


def place_of(where: Path | Address) -> Backend:
    """Return the place behind a folder or an address; nothing is read yet."""
    if isinstance(where, Path):
        return Folder(where)
    scheme, _, rest = where.partition("://")
    far = ObjectStore(_filesystem(scheme, where), rest if "@" not in rest else _path(rest), where)
    near = cache_folder()
    return far if near is None else Cached(far, near)


def _path(rest: str) -> str:
    """Turn CONTAINER@ACCOUNT.dfs.core.windows.net/FOLDER into CONTAINER/FOLDER."""
    host, _, folder = rest.partition("/")
    return "/".join(filter(None, (host.partition("@")[0], folder)))


def _filesystem(scheme: str, address: str) -> object:
    """Return the file system of a scheme; keys, roles and endpoints are what its library reads in the environment."""
    if SCHEMES[scheme] == "adlfs":
        import adlfs  # noqa: PLC0415  only who keeps a store there needs it

        account = urlsplit(address).hostname if "@" in address else None
        options = {"account_name": account.partition(".")[0]} if account else {}
        # Without a key in the environment adlfs signs in as DefaultAzureCredential does: workload, managed, CLI.
        made: object = adlfs.AzureBlobFileSystem(anon=False, skip_instance_cache=True, **options)
        return made
    import s3fs  # noqa: PLC0415  likewise

    found: object = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    return found
