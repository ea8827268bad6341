"""The commit of a result in the log of a tenant: its counts, and the object with its events, as JSON with a digest."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from auditor.domain.message import Message
from auditor.domain.syntax.limits import count, run_instant
from auditor.files import json_document
from auditor.history.finding_events import checked_summary
from auditor.store.commit import check_tenant, checked_document, checked_name, damaged

SCHEMA: Final = "auditor/ledger/v1"
_EVENTS_NAME: Final = re.compile(r"[a-z0-9-]{1,63}/findings/[0-9]{6,}-[0-9a-f]{16}\.parquet")
_COMMIT_NAME: Final = re.compile(r"([a-z0-9-]{1,63})/results/[0-9]{6,15}\.json")


class LoggedResult(Struct, frozen=True, kw_only=True):
    """A result in the log: its counts, and the name of the object with its events."""

    number: int
    as_of: datetime
    run: str
    events: str
    """The name of the object with its events."""
    sha256: str
    size: int
    checkpoint: bool
    """Whether the events include all current findings, so that earlier events are not needed."""
    summary: Mapping[str, Any]


def commit_tenant(name: str) -> str | None:
    """Return the tenant of a result if `name` is that of its commit; None for other objects."""
    match = _COMMIT_NAME.fullmatch(name)
    return None if match is None else match[1]


def since_checkpoint(entries: Sequence[LoggedResult]) -> Sequence[LoggedResult]:
    """Return the results since the newest checkpoint. Their events have all current findings; retention keeps them."""
    return entries[max((i for i, entry in enumerate(entries) if entry.checkpoint), default=0) :]


def decode_entry(body: bytes, where: str, tenant: str) -> LoggedResult:
    """Decode an entry of the log of `tenant`; `where` is its name in errors. Raises AuditorError if it is damaged."""
    document = checked_document(body, where, SCHEMA)
    try:
        events = document["events"]
        # Commits of earlier versions contain the tenant only in the name of their events.
        for name in (events["name"].partition("/")[0], document.get("tenant", tenant)):
            check_tenant(name, tenant, where)
        return LoggedResult(
            number=count(document["number"]),
            as_of=run_instant(document["asOf"]),
            run=json_document.checked(document["run"], str),
            events=checked_name(events["name"], _EVENTS_NAME),
            sha256=json_document.checked(events["sha256"], str),
            size=count(events["bytes"]),
            checkpoint=events["checkpoint"] is True,
            summary=checked_summary(document["summary"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(where, Message("has a missing or damaged value: {error}", error=error)) from error
