"""Finds the tenants of an earlier run that are not in a later one, so that they are not left out silently."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from auditor.domain.errors import Diagnostic, Level, Warn
from auditor.domain.message import Message
from auditor.domain.result.model import Notice, Result

_HINT = Message("if it was not removed on purpose, check the folder or the tenants file of this run")


def with_missing_tenants(
    result: Result, earlier: Iterable[str], as_of: datetime | None, warn: Warn = lambda _: None
) -> Result:
    """Add notices about the tenants of an earlier run that are not in a result, and call `warn` with each."""
    notices = warn_of_missing(earlier, as_of, result, warn) if as_of is not None else ()
    return replace(result, fleet=replace(result.fleet, notices=(*result.fleet.notices, *notices)))


def warn_of_missing(earlier: Iterable[str], as_of: datetime, result: Result, warn: Warn) -> tuple[Notice, ...]:
    """Call `warn` for each tenant of the run at `as_of` that is not in a result, and return the notices about them."""
    notices = []
    for name in sorted({*earlier} - {tenant.name for tenant in result.tenants}):
        message = Message(
            "the tenant {name} was in the run of {date} and is not in this one", name=name, date=as_of.date()
        )
        notices.append(Notice(code="tenant.missing", message=message, subject=name))
        warn(Diagnostic(slug="tenant-missing", message=message, hint=_HINT, level=Level.WARNING))
    return tuple(notices)
