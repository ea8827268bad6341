"""Names the plans of a store: one object for each tenant and instant."""

import re
from datetime import datetime
from typing import Final

from auditor.files.names import name_of_instant
from auditor.store.objects.backends import Backend

_NAME: Final = re.compile(r"[a-z0-9-]{1,63}/plans/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z\.json")


def plan_name(tenant: str, as_of: datetime) -> str:
    """Return the name of the plan of an instant, to the second."""
    return f"{tenant}/plans/{name_of_instant(as_of.replace(microsecond=0))}.json"


def plan_names(backend: Backend, tenant: str) -> tuple[str, ...]:
    """Return the names of a tenant's plans, the oldest first."""
    return tuple(sorted(name for name in backend.names(f"{tenant}/plans") if _NAME.fullmatch(name)))
