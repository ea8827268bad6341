"""Names the plans of a store: one object for each tenant and instant."""

import re
from datetime import UTC, datetime
from typing import Final

from auditor.store.objects.backends import Backend

_NAME: Final = re.compile(r"[a-z0-9-]{1,63}/plans/([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6})Z\.json")
_INSTANT: Final = "%Y-%m-%dT%H%M%S"


def plan_name(tenant: str, as_of: datetime) -> str:
    """Return the name of the plan of an instant, to the second."""
    return f"{tenant}/plans/{as_of.astimezone(UTC).strftime(_INSTANT)}Z.json"


def plan_names(backend: Backend, tenant: str) -> tuple[str, ...]:
    """Return the names of a tenant's plans, the oldest first."""
    return tuple(sorted(name for name in backend.names(f"{tenant}/plans") if _NAME.fullmatch(name)))


def plan_instant(name: str) -> datetime:
    """Return the instant in a name of `plan_names`."""
    match = _NAME.fullmatch(name)
    assert match is not None
    return datetime.strptime(match[1], _INSTANT).replace(tzinfo=UTC)
