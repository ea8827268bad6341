"""Exceptions of the libraries of object stores: what they mean, and the errors to report instead."""

import re
from typing import Any, Final, NoReturn

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message

_SECRET: Final = re.compile(r"(?i)(sig|signature|token|key|credential)=[^&\s]+|[A-Za-z0-9+/]{60,}={0,2}")
_CONFLICTS: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
"""The codes of S3 for an object that exists already."""
_NO_CONTAINER: Final = frozenset({"NoSuchBucket", "ContainerNotFound"})
"""The codes of S3 and Azure for a bucket or container that does not exist; an object there is not found either."""


def is_conflict(error: Exception) -> bool:
    """Return whether an exception means that the object exists (409 or 412)."""
    return _code(error) in _CONFLICTS or _code(error.__cause__) in _CONFLICTS


def is_missing_object(error: object) -> bool:
    """Return whether an exception means that an object does not exist, although its bucket or container does."""
    return isinstance(error, FileNotFoundError) and _code(error.__cause__) not in _NO_CONTAINER


def unreachable(address: str, error: Exception) -> NoReturn:
    """Raise the SnapshotError for an exception of a store at an address; its text contains no secret."""
    if _code(error.__cause__) in _NO_CONTAINER:
        raise SnapshotError(
            "store-missing",
            Message("the bucket or container of {address} does not exist", address=address),
            hint=Message(
                "correct the address, or create the bucket or container, which `auditor store put` does not do"
            ),
        ) from error
    detail = _SECRET.sub("…", (str(error).splitlines() or [""])[0])[:200]
    raise SnapshotError(
        "store-unreachable",
        Message(
            "{address} does not respond like a store: {name}: {said}",
            address=address,
            name=type(error).__name__,
            said=detail,
        ),
        hint=Message("check the container's name, the network and the credential in the environment (docs/history.md)"),
    ) from error


def _code(error: object) -> str:
    """Return the service's code of an exception of botocore or of Azure's library; empty for others."""
    response: Any = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""
    return str(code or getattr(error, "error_code", None) or "")
