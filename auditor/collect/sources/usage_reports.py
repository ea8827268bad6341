"""Reads Microsoft's usage reports about services, apps, Copilot and mailboxes, and joins them to users by name."""

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from msgspec.structs import replace

from auditor.collect.context import CollectionContext
from auditor.collect.permissions import Permission
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.users import USERS
from auditor.collect.tables.external_sort import Spool
from auditor.collect.tables.report_columns import COPILOT_COLUMNS, MAILBOX_COLUMNS, SERVICE_COLUMNS, app_columns
from auditor.collect.tables.report_csv import (
    ConcealedNamesError,
    ReportColumn,
    ReportSummary,
    missing_columns,
    read_report,
)
from auditor.collect.tables.report_join import NAMES_PER_TABLE, UserFacts, join, user_names
from auditor.collect.tables.row_groups import UserRows, one_array
from auditor.domain.enums import Cloud, Source, SourceStatus
from auditor.domain.message import Count, Message
from auditor.domain.message import joined as in_one
from auditor.domain.policy.data_needs import Needs
from auditor.failures import in_task
from auditor.files.temporary import anonymous_file
from auditor.graph import report_files
from auditor.graph.client import NotGraphError
from auditor.graph.errors import Fault, FaultError, FaultKind, fault
from auditor.snapshot import schema

_MAX_DOWNLOADS: Final = 3
"""Downloads of one report if its file is damaged."""
_SPOOL_BYTES: Final = 8 << 20
_SMALL_BYTES: Final = 1 << 20
"""Bytes up to which a report is parsed without a thread."""
_PERIOD: Final = "D180"
_HAS_ROW: Final = "known"
"""The column with whether a user has a row in the report."""
_GLOBAL_ONLY: Final = Message("Microsoft offers usage reports in its global cloud only")


class _Report(Struct, frozen=True, kw_only=True):
    """A usage report."""

    source: Source
    path: str
    """Path of the request below the Graph root, up to the period."""
    columns: Callable[[str], tuple[ReportColumn, ...]]
    """Returns, for a period, the columns of users.parquet that its report fills."""
    marks_missing: bool = False
    """Whether null means no activity; users without a readable row are then marked as not collected."""
    may_be_empty: bool = False
    """Whether a report without rows counts as complete."""
    periods: Callable[[Needs], tuple[str, ...]] = lambda _: (_PERIOD,)


class _Read(Struct, frozen=True, kw_only=True):
    """A report that was read."""

    period: str
    summary: ReportSummary
    users: Sequence[UserFacts]
    """One for each table of `user_names`."""


async def _read(report: _Report, context: CollectionContext) -> SourceResult:
    """Read a report for each period that is needed, and join it to the users; one report is in memory at a time."""
    periods = report.periods(context.needs)
    if not periods:
        coverage = context.make_coverage(report.source, 0, [], status=SourceStatus.NOT_NEEDED)
        return SourceResult(coverage=(coverage,))
    reads: list[_Read | Fault] = [_other_cloud()]
    if context.graph.tenant.cloud is Cloud.WORLDWIDE:
        reads = await asyncio.gather(*(in_task(_read_period, report, context, period) for period in periods))
    faults = [read for read in reads if isinstance(read, Fault)]
    if successful := [read for read in reads if isinstance(read, _Read)]:
        return _result(report, context, successful, faults)
    return SourceResult(coverage=(context.make_coverage(report.source, 0, faults),))


def _result(report: _Report, context: CollectionContext, reads: Sequence[_Read], faults: list[Fault]) -> SourceResult:
    """Return the result of the reports that were read; `faults` are those of reports that were not."""
    spool, count, unreadable = _spool(report, context, reads)
    columns = [(read, column) for read in reads for column in report.columns(read.period)]
    absent = [cell.fact for read, column in columns for cell in column.cells if cell.fact not in read.summary.facts]
    shortfall = []
    if unreadable:
        text = Message("users whose row of the report has an invalid date or number: {count}", count=Count(unreadable))
        shortfall.append(text)
    if absent:
        shortfall.append(missing_columns(absent))
    coverage = context.make_coverage(
        report.source,
        count,
        faults,
        asked=tuple(name for read, column in columns for name in column.read_facts(read.summary.facts)),
        shortfall=in_one("; ", shortfall) or None,
        # Neither makes the source partial: `asked` shows which columns were read, and users are marked one by one.
        status=None if faults else SourceStatus.COMPLETE,
    )
    rows = [
        {
            "source": report.source.value,
            "period": read.period,
            "refreshDate": read.summary.refresh_date,
            "rows": read.summary.count,
        }
        for read in reads
    ]
    return SourceResult(
        coverage=(coverage,), tables={"reports": pa.Table.from_pylist(rows, schema.REPORTS)}, users=spool
    )


async def _read_period(report: _Report, context: CollectionContext, period: str) -> _Read | Fault:
    """Download and join the report of one period, or return the fault; a damaged file is downloaded again."""
    path = f"{report.path}(period='{period}')"
    request = f"GET {path}"
    try:
        with anonymous_file(context.folder / report.source.value) as file:
            for attempt in range(1, _MAX_DOWNLOADS + 1):
                await report_files.download(context.graph, path, file)
                try:
                    return await _parse_and_join(report, context, period, file)
                except NotGraphError as error:
                    damage = _damaged(request, error.message)
                if attempt < _MAX_DOWNLOADS:
                    await context.graph.retry_policy.sleep(context.graph.retry_policy.wait(attempt))
            return damage
    except ConcealedNamesError:
        return _concealed(request)
    except FaultError as error:
        return _with_remedy(error.fault)


async def _parse_and_join(report: _Report, context: CollectionContext, period: str, file: BinaryIO) -> _Read:
    """Parse a downloaded report and join it to the users, in a thread if that takes a while.

    Raises NotGraphError for a damaged file, ConcealedNamesError, and FaultError for an empty report.
    """
    users = await context.users
    columns = report.columns(period)
    request = f"GET {report.path}(period='{period}')"

    def parse(names: Spool) -> _Read:
        facts = [UserFacts(columns, table.num_rows) for table in names.tables(NAMES_PER_TABLE)]
        summary = read_report(file, columns, lambda rows: join(names.tables(NAMES_PER_TABLE), rows, facts))
        if not summary.count and not report.may_be_empty:
            raise FaultError(_empty(request))
        return _Read(period=period, users=facts, summary=summary)

    large = file.seek(0, os.SEEK_END) > _SMALL_BYTES
    async with context.report_lock:
        if not context.user_names.done():
            context.user_names.set_result(await asyncio.to_thread(user_names, users, context.folder))
        names = context.user_names.result()
        read = await asyncio.to_thread(parse, names) if large else parse(names)
    context.progress.advance(context.tenant, report.source, read.summary.count)
    return read


def _spool(report: _Report, context: CollectionContext, reads: Sequence[_Read]) -> tuple[Spool, int, int]:
    """Return the facts of all periods for every user, and how many users have a row and an unreadable row."""
    names = tuple(name for read in reads for name in (column.name for column in report.columns(read.period)))
    columns = pa.schema(
        [pa.field("id", pa.string()), pa.field(_HAS_ROW, pa.bool_()), *(schema.USERS.field(name) for name in names)]
    )
    spool = Spool(context.folder, report.source.value, columns, limit=_SPOOL_BYTES)
    known_count = unreadable_count = 0
    for number, table in enumerate(context.user_names.result().tables(NAMES_PER_TABLE)):
        parts = [read.users[number] for read in reads]
        unreadable = np.logical_or.reduce([part.unreadable for part in parts])
        listed = np.logical_or.reduce([part.listed for part in parts])
        if report.marks_missing:
            listed &= ~unreadable
        known_count += int(listed.sum())
        unreadable_count += int(unreadable.sum())
        arrays = [one_array(table["id"]), pa.array(listed), *(array for part in parts for array in part.arrays(listed))]
        spool.add(pa.RecordBatch.from_arrays(arrays, schema=columns))
    return spool, known_count, unreadable_count


def _join(report: _Report, users: UserRows, rows: pa.Table) -> None:
    """Add the columns of a report to users; if `marks_missing`, those without a row are marked as not collected."""
    if report.marks_missing:
        listed = pc.fill_null(one_array(rows[_HAS_ROW]), fill_value=False)
        users.mark_not_collected(report.source.value, pc.invert(listed))
    for name in schema.REPORT_COLUMNS[report.source]:
        if name in rows.column_names:
            users.set_column(name, one_array(rows[name]))
        else:
            users.set_column(name, pa.nulls(len(rows), schema.USERS.field(name).type))


def _other_cloud() -> Fault:
    return fault(
        FaultKind.UNSUPPORTED,
        _GLOBAL_ONLY,
        remedy=Message("leave out the policies that need these reports in this cloud"),
    )


def _concealed(request: str) -> Fault:
    return fault(
        FaultKind.UNSUPPORTED,
        Message(
            "{asked}: the report shows pseudonyms in place of names, so it cannot be joined to users", asked=request
        ),
        remedy=Message(
            "to show names, a Global Administrator clears 'Display concealed user, group, and site names in all "
            "reports' in the Microsoft 365 admin center under Settings > Org settings > Services > Reports; names then "
            "appear in all usage reports of the tenant, for everybody who may read them"
        ),
    )


def _empty(request: str) -> Fault:
    return fault(
        FaultKind.UNSUPPORTED,
        Message("{asked}: the report has no rows", asked=request),
        remedy=Message("reports of a new tenant are ready within 48 hours; collect again later"),
    )


def _damaged(request: str, why: Message) -> Fault:
    return fault(
        FaultKind.NOT_GRAPH,
        Message("{asked}: the report is damaged: {why}", asked=request, why=why),
        remedy=Message("collect again later; if it is still damaged, report it to Microsoft"),
    )


def _with_remedy(fault: Fault) -> Fault:
    """Return a fault of a report that this cloud does not have with its remedy."""
    if fault.status == 400 and "segment" in fault.message:
        return replace(fault, remedy=_GLOBAL_ONLY)
    return fault


_REPORTS: Final = (
    _Report(
        source=Source.USAGE,
        path="/reports/getOffice365ActiveUserDetail",
        columns=lambda _: SERVICE_COLUMNS,
        marks_missing=True,
    ),
    _Report(
        source=Source.APP_USAGE,
        path="/reports/getM365AppUserDetail",
        columns=app_columns,
        periods=lambda needs: needs.app_usage_periods,
    ),
    _Report(
        source=Source.COPILOT_USAGE,
        path="/copilot/reports/getMicrosoft365CopilotUsageUserDetail",
        columns=lambda _: COPILOT_COLUMNS,
        marks_missing=True,
        may_be_empty=True,
    ),
    _Report(
        source=Source.MAILBOX_USAGE,
        path="/reports/getMailboxUsageDetail",
        columns=lambda _: MAILBOX_COLUMNS,
    ),
)
READ_REPORTS: Final = Permission(name="Reports.Read.All", role_id="230c1aed-a721-4c5d-9cb4-a90514e508ef")
USAGE_REPORTS: Final = tuple(
    CollectionSource(
        fills=(report.source,),
        permissions=(READ_REPORTS,),
        read=partial(_read, report),
        requires=(USERS,),
        user_properties=("userPrincipalName",),
        join=partial(_join, report),
    )
    for report in _REPORTS
)
