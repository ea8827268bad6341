"""A Result into a workbook for Excel: findings, seats, policies and sources, each a table to sort and filter."""

from collections.abc import Iterable, Sequence
from datetime import UTC
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Final

from auditor.domain.result import Result
from auditor.render.artifact import Artifact
from auditor.render.csv_table import COLUMNS, Cell, rows
from auditor.render.page import page
from auditor.render.visible import visible
from auditor.render.words import OUTCOMES, SOURCE_STATES, SOURCES, Words

if TYPE_CHECKING:
    from xlsxwriter import Workbook  # type: ignore[import-untyped, unused-ignore]

_ROWS: Final = 1_000_000
"""Rows of a sheet; Excel ends at 1,048,576."""
_CHARACTERS: Final = 32_000
"""Characters of a cell; Excel ends at 32,767."""
_WIDEST: Final = 48


def render(result: Result, *, locale: str) -> Artifact:
    """Write the workbook; no text in it is a formula or a link, and the same result gives the same bytes."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - heavy

    words = Words(locale)
    stream = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(stream, options) as book:
        # Excel keeps local times without a zone; the instant of the run stands for the moment of writing.
        book.set_properties(
            {"created": result.run.as_of.astimezone(UTC).replace(tzinfo=None), "title": words.gettext("Licence audit")}
        )
        _summary(book, result, words)
        _sheet(book, words.gettext("Findings"), COLUMNS, rows(result), words)
        _sheet(book, words.gettext("Seats"), _SEATS, _seats(result), words)
        _sheet(book, words.gettext("Policies"), _POLICIES, _policies(result, words), words)
        _sheet(book, words.gettext("Sources"), _SOURCES, _sources(result, words), words)
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Artifact(name="report.xlsx", media_type=media_type, body=stream.getvalue())


_SEATS: Final = (
    *("tenant", "skuId", "skuPartNumber", "name", "appliesTo", "capabilityStatus"),
    *("enabled", "warning", "suspended", "lockedOut", "consumed", "usable", "spare"),
)
_POLICIES: Final = ("tenant", "policy", "title", "severity", "outcome", "findings", "reason", "owner", "rationale")
_SOURCES: Final = ("tenant", "source", "state", "count", "readAt", "reason")


def _seats(result: Result) -> Iterable[tuple[Cell, ...]]:
    for tenant in result.tenants:
        for row in tenant.seats:
            yield (
                *(tenant.name, row.sku_id, row.sku_part_number, row.name, row.applies_to, row.capability_status),
                *(row.enabled, row.warning, row.suspended, row.locked_out, row.consumed, row.usable, row.spare),
            )


def _policies(result: Result, words: Words) -> Iterable[tuple[Cell, ...]]:
    headers = {policy.id: policy for policy in result.run.policies}
    parts = [(tenant.name, tenant.policies) for tenant in result.tenants] + [("", result.fleet.policies)]
    for name, outcomes in parts:
        for outcome in outcomes:
            known = headers.get(outcome.id)
            told = (known.title, known.severity.value) if known is not None else ("", "")
            yield (
                *(name, outcome.id, *told, words.gettext(OUTCOMES[outcome.status]), outcome.findings, outcome.reason),
                *((known.owner, known.rationale) if known is not None else ("", "")),
            )


def _sources(result: Result, words: Words) -> Iterable[tuple[Cell, ...]]:
    for tenant in result.tenants:
        for row in tenant.sources:
            state = words.gettext(SOURCE_STATES[row.status])
            yield (tenant.name, words.gettext(SOURCES[row.name]), state, row.count, row.read_at, row.reason)


def _summary(book: "Workbook", result: Result, words: Words) -> None:
    shown = page(result, words)
    sheet = book.add_worksheet(words.gettext("Summary"))
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 60, book.add_format({"text_wrap": True, "align": "left"}))
    sheet.write_string(0, 0, visible(shown.verdict), book.add_format({"bold": True, "font_size": 16}))
    lines: list[tuple[str, str]] = [("", visible(sentence)) for sentence in shown.completeness]
    lines += [(words.gettext("As of"), words.instant(shown.as_of))]
    lines += [(tile.label, words.number(tile.count)) for tile in (*shown.counts, *shown.changes)]
    lines += [(words.gettext("waived"), words.number(shown.waived))]
    if shown.money:
        bound = f" ({words.gettext('at least')})" if shown.lower_bound else ""
        lines.append((words.gettext("a month in open findings"), f"{shown.money}{bound}"))
    lines += [(words.gettext("Written by"), visible(shown.tool)), (words.gettext("Policies"), visible(shown.digest))]
    for number, (label, text) in enumerate(lines, start=2):
        sheet.write_string(number, 0, label)
        sheet.write_string(number, 1, text[:_CHARACTERS])


def _sheet(
    book: "Workbook", name: str, columns: Sequence[str], found: Iterable[tuple[Cell, ...]], words: Words
) -> None:
    sheet = book.add_worksheet(name)
    money = book.add_format({"num_format": "#,##0.00"})
    widths = [len(column) + 4 for column in columns]
    last = 0
    for number, row in enumerate(found, start=1):
        if number > _ROWS:
            sheet.write_string(number, 0, words.gettext("There are more rows in findings.csv."))
            break
        last = number
        for place, cell in enumerate(row):
            if isinstance(cell, str) and cell:
                text = visible(cell, keep="\n")[:_CHARACTERS]
                widths[place] = max(widths[place], min(len(text) + 1, _WIDEST))
                sheet.write_string(number, place, text)
            elif isinstance(cell, Decimal):
                sheet.write_number(number, place, float(cell), money)
            elif isinstance(cell, int):
                sheet.write_number(number, place, cell)
    titles = [{"header": column} for column in columns]
    sheet.add_table(0, 0, max(last, 1), len(columns) - 1, {"columns": titles, "style": "Table Style Light 1"})
    sheet.freeze_panes(1, 0)
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
