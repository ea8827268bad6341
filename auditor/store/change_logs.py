"""Reads and writes the logs of changes in a store: one object for the lines of each recording."""

import hashlib
import re
from datetime import datetime
from typing import Final

from auditor.domain.message import Message
from auditor.files.names import name_of_instant
from auditor.store.commit import damaged
from auditor.store.objects.backends import Backend

_NAME: Final = re.compile(
    r"[a-z0-9-]{1,63}/changes/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z-(?P<digest>[0-9a-f]{64})\.jsonl"
)


def change_log_names(backend: Backend, tenant: str) -> tuple[str, ...]:
    """Return the names of a tenant's logs, by the instant of their last change."""
    return tuple(sorted(name for name in backend.names(f"{tenant}/changes") if _NAME.fullmatch(name)))


def read_change_log(backend: Backend, name: str) -> bytes:
    """Return the lines of a log. Raises SnapshotError where they do not have the digest that the name holds."""
    body, match = backend.read(name), _NAME.fullmatch(name)
    if body is None or match is None or hashlib.sha256(body).hexdigest() != match["digest"]:
        raise damaged(f"{backend.address}/{name}", Message("does not match the digest in its name"))
    return body


def add_change_log(backend: Backend, tenant: str, last: datetime, body: bytes) -> None:
    """Store lines of a log under the instant of the last change and the digest of the lines."""
    instant = name_of_instant(last.replace(microsecond=0))
    backend.create(f"{tenant}/changes/{instant}-{hashlib.sha256(body).hexdigest()}.jsonl", body)
