"""The run's waivers into rows that say which hold, which lapse, and which waive nothing."""

from datetime import UTC, date
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
    "active": N_("in force"),
}
_ORDER: Final = tuple(_STATES)


class WaiverRow(Struct, frozen=True, kw_only=True, eq=False):
    """A waiver with where it stands."""

    id: str
    key: str
    """`active`, `expiring`, `expired` or `unused`."""
    state: str
    until: str
    policies: str
    owner: str
    reason: str
    findings: int
    """That it waives in this run."""


def waiver_rows(result: Result, l10n: Labels) -> tuple[WaiverRow, ...]:
    """Return the waivers, those to look at first; what the run's own notices say of one decides its state."""
    return tuple(row for row, _ in dated_waivers(result, l10n))


def dated_waivers(result: Result, l10n: Labels) -> tuple[tuple[WaiverRow, date | None], ...]:
    """Return the same with the last day of each, for those who reckon with it; None where it is no day."""
    notices = [notice for tenant in result.tenants for notice in tenant.notices] + list(result.fleet.notices)
    noticed = {(notice.code, notice.subject) for notice in notices}
    counts = waivers(result)
    today = result.run.as_of.astimezone(UTC).date()
    rows: list[tuple[WaiverRow, date | None]] = []
    for written in result.run.definitions.get("waivers") or ():
        id_, until = str(written.get("id", "")), _day(written.get("expires"))
        key = "active"
        if until is not None and until < today:
            key = "expired"
        elif ("waiver.expiring", id_) in noticed:
            key = "expiring"
        elif ("waiver.unused", id_) in noticed and not counts[id_]:
            key = "unused"
        row = WaiverRow(
            id=id_,
            key=key,
            state=l10n.gettext(_STATES[key]),
            until="" if until is None else l10n.date(until),
            policies=l10n.joined(str(policy) for policy in written.get("policies") or ()),
            owner=shortened(str(written.get("owner") or "")),
            reason=shortened(str(written.get("reason") or "")),
            findings=counts[id_],
        )
        rows.append((row, until))
    return tuple(sorted(rows, key=lambda each: (_ORDER.index(each[0].key), each[0].id)))


def _day(written: Any) -> date | None:
    if isinstance(written, date):
        return written
    try:
        return date.fromisoformat(str(written))
    except ValueError:
        return None
