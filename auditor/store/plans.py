"""Names the plans in a store, and reads and writes the logs of their changes; each is one object."""

import hashlib
import re
from datetime import datetime
from typing import Final

from auditor.domain.message import Message
from auditor.files.names import name_of_instant
from auditor.store.commit import damaged
from auditor.store.objects.backends import Backend

_SECOND: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z"
_PLAN: Final = re.compile(rf"[a-z0-9-]{{1,63}}/plans/{_SECOND}\.json")
_CHANGE_LOG: Final = re.compile(rf"[a-z0-9-]{{1,63}}/changes/{_SECOND}-(?P<digest>[0-9a-f]{{64}})\.jsonl")


def plan_name(tenant: str, as_of: datetime) -> str:
    """Return the name of the plan for an instant, in whole seconds."""
    return f"{tenant}/plans/{_instant_text(as_of)}.json"


def plan_names(backend: Backend, tenant: str) -> tuple[str, ...]:
    """Return the names of a tenant's plans, the oldest first."""
    return tuple(sorted(filter(_PLAN.fullmatch, backend.names(f"{tenant}/plans"))))


def change_log_names(backend: Backend, tenant: str) -> tuple[str, ...]:
    """Return the names of a tenant's change logs, sorted by the instant of their last change."""
    return tuple(sorted(filter(_CHANGE_LOG.fullmatch, backend.names(f"{tenant}/changes"))))


def read_change_log(backend: Backend, name: str) -> bytes:
    """Return the lines of a change log. Raises SnapshotError if they do not match the digest in the name."""
    body, match = backend.read(name), _CHANGE_LOG.fullmatch(name)
    if body is None or match is None or hashlib.sha256(body).hexdigest() != match["digest"]:
        raise damaged(f"{backend.address}/{name}", Message("does not match the digest in its name"))
    return body


def add_change_log(backend: Backend, tenant: str, last: datetime, body: bytes) -> None:
    """Store the lines of a change log; its name has the instant of the last change and the digest of the lines."""
    backend.create(f"{tenant}/changes/{_instant_text(last)}-{hashlib.sha256(body).hexdigest()}.jsonl", body)


def _instant_text(instant: datetime) -> str:
    return name_of_instant(instant.replace(microsecond=0))
