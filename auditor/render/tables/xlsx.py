"""Renders a Result as an Excel workbook; findings, actions, seats, waivers and more are tables to sort and filter.

xlsxwriter writes everything except the rows of the findings, which are inserted in batches (docs/decisions/0009).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date
from decimal import Decimal
from io import BytesIO
from itertools import chain
from sys import version_info
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from auditor.domain.message import Message
from auditor.domain.money import rounded
from auditor.domain.result.model import Result
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.domain.translation import N_
from auditor.render.chunk_buffer import ChunkBuffer
from auditor.render.formats import RenderOptions
from auditor.render.tables.flat_rows import COLUMNS, Cell, RepeatedColumns, RowBatch, row_batches, row_count
from auditor.render.tables.seat_sheets import SheetRow, seat_sheets
from auditor.render.tables.summary_facts import summary_facts
from auditor.render.tables.xlsx_rows import RowWriter, SharedStrings, column_letters, plain
from auditor.render.text.labels import OUTCOMES, SOURCE_STATES, Labels
from auditor.render.text.summary import verdict
from auditor.render.text.waivers import waiver_rows
from auditor.result.unevaluated_policies import known_findings
from auditor.result.work_items import FLEET, work_items

if TYPE_CHECKING:
    from xlsxwriter import Workbook  # type: ignore[import-untyped, unused-ignore]

SHEET_ROWS: Final = 1_000_000
"""Maximum findings per sheet, as Excel allows 1,048,576 rows; further findings are on additional sheets."""
SHEET_BYTES: Final = 2_000_000_000
"""Maximum XML size of a sheet in bytes; members of plain zip files, which all versions of Excel open, end at 2 GiB."""
_SHARED_STRINGS: Final = "xl/sharedStrings.xml"
_SHEETS: Final = "xl/worksheets/sheet"
_FRACTION: Final = re.compile(rb"<v>(-?[0-9]+\.[0-9]+)</v>")
_MONEY: Final = COLUMNS.index("perMonth")
_MONEY_FORMAT: Final = "#,##0.00"
_MAX_WIDTH: Final = 48
_COMPRESSION_LEVEL: Final = 3
_TIMESTAMP: Final = (1980, 1, 1, 0, 0, 0)
"""Modification time of all members, so that equal results give equal bytes."""


def render(result: Result, options: RenderOptions) -> Iterable[bytes]:
    """Render the workbook; no text in it is a formula or a link, and equal results give equal bytes."""
    return _chunks(result, Labels(options.locale))


def _chunks(result: Result, l10n: Labels) -> Iterator[bytes]:
    counts = [min(SHEET_ROWS, row_count(result) - first) for first in range(0, row_count(result), SHEET_ROWS)] or [0]
    batches = row_batches(result)
    first = next(batches, RowBatch(count=0, parts=()))
    template = ZipFile(BytesIO(_template(result, l10n, counts, _widths(first))))
    source = _RowSource(chain([first], batches))
    texts = template.read(_SHARED_STRINGS).decode()
    shared = SharedStrings(texts.count("<si>"))
    # The sheets and tables of findings come first, directly after the summary, which is not a table.
    sheets = {f"{_SHEETS}{number}.xml": count for number, count in enumerate(counts, start=2)}
    tables = {f"xl/tables/table{number}.xml": count for number, count in enumerate(counts, start=1)}
    out = ChunkBuffer()
    with ZipFile(out, "w") as workbook:
        for name in template.namelist():
            with workbook.open(_member(name), "w") as file:
                if name == _SHARED_STRINGS:
                    file.write(shared.appended_to(texts).encode())
                elif name in sheets:
                    xml = template.read(name).decode()
                    rows = RowWriter(shared, _format(xml, _MONEY), _format(xml, 0))
                    for _ in _write_rows(file, xml, rows, source, sheets[name], l10n):
                        yield out.pop()
                elif name in tables:
                    file.write(template.read(name).replace(_range(1).encode(), _range(tables[name]).encode()))
                elif name.startswith(_SHEETS):
                    file.write(_FRACTION.sub(_shortest, template.read(name)))
                else:
                    file.write(template.read(name))
            yield out.pop()
    yield out.pop()


def _shortest(cell: re.Match[bytes]) -> bytes:
    """Return the value of a cell with the digits that a spreadsheet keeps; xlsxwriter writes 86.65 with one more."""
    return f"<v>{float(cell[1]):.15G}</v>".encode()


def _member(name: str) -> ZipInfo:
    member = ZipInfo(name, date_time=_TIMESTAMP)
    member.compress_type = ZIP_DEFLATED
    # An opened member uses its own compression level, not the archive's; it has no public name before Python 3.13.
    setattr(member, "compress_level" if version_info >= (3, 13) else "_compresslevel", _COMPRESSION_LEVEL)
    return member


def _range(count: int) -> str:
    """Return the range of a table with `count` findings; without findings it includes one empty row."""
    return f'ref="A1:{column_letters(len(COLUMNS) - 1)}{max(count, 1) + 1}"'


class _RowSource:
    """Provides batches of rows, split at the ends of sheets."""

    def __init__(self, rows: Iterable[RowBatch]) -> None:
        self._rows = iter(rows)
        self._remaining: RowBatch | None = None

    def take(self, count: int) -> RowBatch:
        """Return the next rows, at most `count`; there must be at least one."""
        batch = self._remaining if self._remaining is not None else next(self._rows)
        first, self._remaining = batch.split(count)
        return first


def _write_rows(
    file: IO[bytes], xml: str, rows: RowWriter, source: _RowSource, count: int, l10n: Labels
) -> Iterator[None]:
    """Write a sheet of the template with findings instead of its rows; yield after each step."""
    head, tail = xml.replace(_range(1), _range(count), 1).split("</row>", 1)
    size = file.write(f"{head}</row>".encode())
    for piece, last in _prefetched(_xml(rows, source, count, SHEET_BYTES - size)):
        file.write(piece)
        if last:
            text = l10n.gettext("There are more rows in findings.csv.")
            file.write(f'<row r="{last}"><c r="A{last}" t="inlineStr"><is><t>{text}</t></is></c></row>'.encode())
        yield
    file.write(tail[tail.index("</sheetData>") :].encode())


def _xml(rows: RowWriter, source: _RowSource, count: int, budget: int) -> Iterator[tuple[bytes, int]]:
    """Yield the rows of a sheet in pieces, each with 0.

    The first piece that exceeds the budget is yielded with the number of the row after it; all later rows are skipped.
    """
    done = 0
    while done < count:
        batch = source.take(count - done)
        if budget > 0:
            piece = rows.xml(batch, done + 2)
            budget -= len(piece)
            yield piece, 0 if budget > 0 else done + batch.count + 2
        done += batch.count


Piece = TypeVar("Piece")


def _prefetched(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yield pieces; a thread builds the next one while the current one is compressed, which releases the GIL."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(next, pieces, None)
        while (piece := future.result()) is not None:
            future = pool.submit(next, pieces, None)
            yield piece


def _format(xml: str, column: int) -> int:
    """Return the number of the cell format of a column in the row of the template."""
    match = re.search(f'<c r="{column_letters(column)}2" s="([0-9]+)"/>', xml)
    if match is None:
        raise ValueError(f"the workbook's template has no format in column {column}")
    return int(match[1])


def _widths(first: RowBatch) -> list[int]:
    """Return column widths that fit the first rows."""
    widths = [len(column) + 4 for column in COLUMNS]
    column = 0
    for part in first.parts:
        if isinstance(part, RepeatedColumns):
            for offset in range(len(part.columns)):
                texts = [str(row[part.first + offset] or "") for row in part.values.rows]
                widths[column + offset] = max(
                    widths[column + offset], *(min(len(text) + 1, _MAX_WIDTH) for text in texts)
                )
            column += len(part.columns)
        else:
            longest = max(len(text or "") for text in part.texts.to_pylist())
            widths[column] = max(widths[column], min(longest + 1, _MAX_WIDTH))
            column += 1
    return widths


def _template(result: Result, l10n: Labels, counts: Sequence[int], widths: Sequence[int]) -> bytes:
    """Return the workbook without the rows of the findings."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - heavy

    stream = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(stream, options) as workbook:
        # Excel stores local times without a zone; the instant of the run is used instead of the current time.
        workbook.set_properties(
            {"created": result.run.as_of.astimezone(UTC).replace(tzinfo=None), "title": l10n.gettext("Licence audit")}
        )
        money = workbook.add_format({"num_format": _MONEY_FORMAT})
        blank = workbook.add_format({"valign": "bottom"})  # the default alignment: a format without visible effect
        _summary(workbook, result, l10n)
        for number in range(1, len(counts) + 1):
            sheet = workbook.add_worksheet(l10n.gettext("Findings") + (f" {number}" if number > 1 else ""))
            sheet.write_blank(1, _MONEY, None, money)
            sheet.write_blank(1, 0, None, blank)
            _table(sheet, COLUMNS, 1, widths)
        actions = list(_actions(result))
        _sheet(workbook, l10n.gettext("Actions"), _ACTIONS, actions, money)
        _tracking(workbook, _ACTIONS.index("state"), len(actions), l10n)
        for title, columns, rows in seat_sheets(result, l10n):
            _sheet(workbook, title, columns, rows, money)
        _sheet(workbook, l10n.gettext("Waivers"), _WAIVERS, list(_waivers(result, l10n)), money)
        _sheet(workbook, l10n.gettext("Policies"), _POLICIES, list(_policies(result, l10n)), money)
        _sheet(workbook, l10n.gettext("Sources"), _SOURCES, list(_sources(result, l10n)), money)
    return stream.getvalue()


_ACTIONS: Final = (
    *("tenant", "rank", "title", "policies", "decideBy", "order", "count", "findings", "currency", "perMonth"),
    *("role", "owner", "decidedBy", "confidence", "id", "state", "due", "justification"),
)

_TO_FILL_IN: Final = (None, None, None)
"""State, due date and justification, which people fill in."""


def _actions(result: Result) -> Iterable[SheetRow]:
    """Yield a row for each action, the most important ones of each tenant first."""
    for item in work_items(result):
        action, name = item.action, "" if item.tenant == FLEET else item.tenant
        money = (action.money.currency, rounded(action.money.per_month)) if action.money is not None else (None, None)
        yield (
            *(name, action.rank or None, action.title, "; ".join(item.policies), action.last_day),
            *(action.order, action.count, len(action.findings), *money),
            *(action.role, action.owner, action.decided_by, action.confidence, action.id, *_TO_FILL_IN),
        )


def _tracking(workbook: "Workbook", column: int, count: int, l10n: Labels) -> None:
    """Add a drop-down list of states to a column of the last sheet, and a date validation to the next column."""
    sheet, last = workbook.worksheets()[-1], max(count, 1)
    states = [l10n.gettext(state) for state in _STATES]
    sheet.data_validation(1, column, last, column, {"validate": "list", "source": states})
    days = {"validate": "date", "criteria": ">=", "value": _FIRST_DAY, "ignore_blank": True}
    sheet.data_validation(1, column + 1, last, column + 1, days)
    day = workbook.add_format({"num_format": _DAY})
    for row in range(1, last + 1):
        sheet.write_blank(row, column + 1, None, day)


_DAY: Final = "yyyy-mm-dd"
_FIRST_DAY: Final = date(2000, 1, 1)
_STATES: Final = (N_("to do"), N_("in progress"), N_("done"), N_("declined"))
_WAIVERS: Final = ("waiver", "state", "expires", "policies", "owner", "reason", "findings")
_POLICIES: Final = (
    *("tenant", "policy", "title", "severity", "outcome", "judged", "findings", "reason", "owner", "rationale"),
    "frameworks",
)
_NOTHING_APPLIES: Final = Message(N_("It does not apply to anything here."))
_SOURCES: Final = ("tenant", "source", "state", "count", "readAt", "reason")


def _waivers(result: Result, l10n: Labels) -> Iterable[SheetRow]:
    for row in waiver_rows(result, l10n):
        yield row.id, row.state, row.last_day, row.policies, row.owner, row.reason, row.findings


def _policies(result: Result, l10n: Labels) -> Iterable[tuple[Cell, ...]]:
    headers = {policy.id: policy for policy in result.run.policies}
    parts = [(tenant.name, tenant.policies) for tenant in result.tenants] + [("", result.fleet.policies)]
    for name, outcomes in parts:
        for outcome in outcomes:
            header = headers.get(outcome.id)
            reason = outcome.reason or (_NOTHING_APPLIES if outcome.judged == 0 else None)
            title_and_severity = (header.title, header.severity.value) if header is not None else ("", "")
            yield (
                *(name, outcome.id, *title_and_severity, l10n.gettext(OUTCOMES[outcome.status])),
                *(outcome.judged, known_findings(outcome), reason and l10n.translate(reason)),
                *((header.owner, header.rationale) if header is not None else ("", "")),
                "; ".join((header.frameworks or ()) if header is not None else ()),
            )


def _sources(result: Result, l10n: Labels) -> Iterable[tuple[Cell, ...]]:
    for tenant in result.tenants:
        for row in tenant.sources:
            state = l10n.gettext(SOURCE_STATES[row.status])
            reason = row.reason and l10n.translate(row.reason)
            yield (tenant.name, l10n.gettext(SOURCE_TITLES[row.name]), state, row.count, row.read_at, reason)


def _summary(workbook: "Workbook", result: Result, l10n: Labels) -> None:
    sheet = workbook.add_worksheet(l10n.gettext("Summary"))
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 60, workbook.add_format({"text_wrap": True, "align": "left"}))
    sheet.write_string(0, 0, plain(verdict(result, l10n)), workbook.add_format({"bold": True, "font_size": 16}))
    money = workbook.add_format({"num_format": _MONEY_FORMAT, "align": "left"})
    for number, (label, fact) in enumerate(summary_facts(result, l10n), start=2):
        sheet.write_string(number, 0, label)
        if isinstance(fact, str):
            sheet.write_string(number, 1, plain(fact))
        elif isinstance(fact, int):
            sheet.write_number(number, 1, fact)
        else:
            sheet.write_row(number, 1, (float(fact[1]), plain(fact[0])), money)


def _sheet(workbook: "Workbook", name: str, columns: Sequence[str], rows: Sequence[SheetRow], money: Any) -> None:
    sheet = workbook.add_worksheet(name)
    day = workbook.add_format({"num_format": _DAY})
    widths = [len(column) + 4 for column in columns]
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            # Excel has no dates before 1900; a saved result may contain one.
            cell = value.isoformat() if isinstance(value, date) and value < _FIRST_DAY else value
            if isinstance(cell, str) and cell:
                text = plain(cell)
                widths[column] = max(widths[column], min(len(text) + 1, _MAX_WIDTH))
                sheet.write_string(number, column, text)
            elif isinstance(cell, Decimal):
                sheet.write_number(number, column, float(cell), money)
            elif isinstance(cell, int):
                sheet.write_number(number, column, cell)
            elif isinstance(cell, date):
                sheet.write_datetime(number, column, cell, day)
    _table(sheet, columns, len(rows), widths)


def _table(sheet: Any, columns: Sequence[str], rows: int, widths: Sequence[int]) -> None:
    """Turn the rows below a header into a table with filters, and freeze the header."""
    titles = [{"header": column} for column in columns]
    sheet.add_table(0, 0, max(rows, 1), len(columns) - 1, {"columns": titles, "style": "Table Style Light 1"})
    sheet.freeze_panes(1, 0)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
