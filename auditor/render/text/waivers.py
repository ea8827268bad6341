"""Builds the rows of the table of waivers, with the state of each, such as in force, expiring, expired or unused."""

from collections.abc import Mapping
from datetime import UTC, date
from itertools import chain
from typing import Any, Final

from msgspec import Struct

from auditor.domain.result.model import Result
from auditor.domain.translation import N_
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import shortened
from auditor.result.aggregate import waivers

_STATES: Final = {
    "expired": N_("expired"),
    "expiring": N_("expires soon"),
    "unused": N_("matches no finding"),
    "elsewhere": N_("applies to none of these tenants"),
    "active": N_("in force"),
}
_NOT_HERE: Final = N_("does not apply to this tenant")
_ORDER: Final = tuple(_STATES)


class WaiverRow(Struct, frozen=True, kw_only=True, eq=False):
    """A waiver and its state."""

    id: str
    key: str
    """`active`, `expiring`, `expired`, `unused`, or `elsewhere` if it applies to no tenant of the result."""
    state: str
    last_day: date | None
    """None if it is no valid date."""
    policies: str
    owner: str
    reason: str
    findings: int
    """Number of findings that it waives in this run."""


def waiver_rows(result: Result, l10n: Labels) -> tuple[WaiverRow, ...]:
    """Return the waivers, those that need attention first; their state follows from the notices of the run."""
    notices = [notice for tenant in result.tenants for notice in tenant.notices] + list(result.fleet.notices)
    notice_keys = {(notice.code, notice.subject) for notice in notices}
    counts, single = waivers(result), len(result.tenants) == 1
    today = result.run.as_of.astimezone(UTC).date()
    rows: list[WaiverRow] = []
    for waiver in result.run.definitions.get("waivers") or ():
        id_, until = str(waiver.get("id", "")), _day(waiver.get("expires"))
        key = "active"
        if until is not None and until < today:
            key = "expired"
        elif ("waiver.expiring", id_) in notice_keys:
            key = "expiring"
        elif ("waiver.unused", id_) in notice_keys and not counts[id_]:
            key = "unused"
        elif not _applies(waiver, result):
            key = "elsewhere"
        row = WaiverRow(
            id=id_,
            last_day=until,
            key=key,
            state=l10n.gettext(_NOT_HERE if single and key == "elsewhere" else _STATES[key]),
            policies=l10n.joined(str(policy) for policy in waiver.get("policies") or ()),
            owner=shortened(str(waiver.get("owner") or "")),
            reason=shortened(str(waiver.get("reason") or "")),
            findings=counts[id_],
        )
        rows.append(row)
    return tuple(sorted(rows, key=lambda row: (_ORDER.index(row.key), row.id)))


def _applies(waiver: Mapping[str, Any], result: Result) -> bool:
    """Return whether a tenant of the result is one of the waiver's, and one of its policies applies to that tenant."""
    policies, names = set(waiver.get("policies") or ()), waiver.get("tenants")
    tenants = [tenant for tenant in result.tenants if names is None or tenant.name in names]
    if "*" in policies:
        return bool(tenants)
    outcomes = chain(*(tenant.policies for tenant in tenants), result.fleet.policies if tenants else ())
    return any(outcome.id in policies for outcome in outcomes)


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
