"""Usage reports: the last day that they cover, and whether they are too old on the day of the audit."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import pyarrow as pa
from msgspec.structs import replace

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Count, Message
from auditor.domain.result.model import Coverage
from auditor.snapshot.model import Manifest
from auditor.snapshot.schema import REPORT_COLUMNS

MAX_AGE: Final = timedelta(days=10)
"""The maximum age of a report on the day of the audit (policy language 1.1, section 1)."""


def refresh_dates(reports: pa.Table) -> Mapping[Source, date]:
    """Return the last day that the report of each source covers; if it has several reports, the earliest."""
    dates: dict[Source, date] = {}
    for name, day in zip(reports.column("source").to_pylist(), reports.column("refreshDate").to_pylist(), strict=True):
        if day is not None:
            source = Source(name)
            dates[source] = min(day, dates.get(source, day))
    return dates


def outdated_reports(
    manifest: Manifest, reports: pa.Table, dates: Mapping[Source, date], today: date
) -> Mapping[Source, Coverage]:
    """Return the coverage of the reports that were read but are too old on the day of the audit: unavailable.

    A source whose reports all have no rows has no refresh date and is not outdated: for example, nobody has Copilot.
    """
    outdated: dict[Source, Coverage] = {}
    has_rows: dict[str, bool] = {}
    for name, rows in zip(*(reports.column(key).to_pylist() for key in ("source", "rows")), strict=True):
        has_rows[name] = has_rows.get(name, False) or rows != 0
    for source in REPORT_COLUMNS:
        coverage = manifest.coverage(source)
        reason = _outdated(dates.get(source), today) if has_rows.get(source, True) else None
        if reason is not None and coverage.status.is_read:
            outdated[source] = replace(coverage, status=SourceStatus.UNAVAILABLE, reason=reason)
    return outdated


def _outdated(refreshed: date | None, today: date) -> Message | None:
    if refreshed is None:
        return Message("the report does not show on which day it ends; collect again")
    age = today - refreshed
    if age <= MAX_AGE:
        return None
    return Message(
        "Microsoft's report ends on {day}, {days} days before the audit, and {limit} are allowed; collect again when "
        "Microsoft has updated it",
        day=refreshed,
        days=Count(age.days),
        limit=Count(MAX_AGE.days),
    )
