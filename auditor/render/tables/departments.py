"""Renders seats, usage and cost by department, cost centre and so on as CSV, with a row for spare seats."""

from collections.abc import Iterable

from auditor.domain.result.model import Result
from auditor.render.formats import RenderOptions
from auditor.render.tables.csv import spreadsheet
from auditor.render.tables.seat_sheets import DEPARTMENTS, department_rows


def render(result: Result, options: RenderOptions) -> Iterable[bytes]:
    """Render the rows of the workbook's sheet "Departments, cost centres", with the CSV conventions of findings.csv."""
    return (spreadsheet((DEPARTMENTS, *department_rows(result)), byte_order_mark=options.byte_order_mark),)
