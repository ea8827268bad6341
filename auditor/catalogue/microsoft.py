"""Parses Microsoft's CSV "Product names and service plan identifiers for licensing" into a catalogue."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from auditor.catalogue.model import GUID, Catalogue, Product, ServicePlan, clean, fold, order, unprintable
from auditor.domain.errors import AuditorError, Diagnostic, InputError, Span
from auditor.domain.message import Count, Message

ADDRESS: Final = (
    "https://download.microsoft.com/download/e/3/e/e3e9faf2-f28b-490a-9ada-c6089a1fc5b0/"
    "Product%20names%20and%20service%20plan%20identifiers%20for%20licensing.csv"
)
"""Where Microsoft publishes the file."""

COLUMNS: Final = (
    "Product_Display_Name",
    "String_Id",
    "GUID",
    "Service_Plan_Name",
    "Service_Plan_Id",
    "Service_Plans_Included_Friendly_Names",
)

_MAX_FAULTS: Final = 20
"""Maximum number of faults of cells that are reported one by one; the others are counted."""

_DOWNLOAD_HINT: Final = Message("download it again, unchanged: {address}", address=ADDRESS)


class _Row(Struct, frozen=True):
    """One service plan of one product, cleaned; plan_id is empty for a product without service plans."""

    name: str
    part_number: str
    sku_id: str
    plan_name: str
    plan_id: str
    friendly_name: str


class _Record(Struct, frozen=True, kw_only=True):
    """The cells of one CSV record, and its line."""

    cells: tuple[str, ...]
    file: str
    line: int
    text: str

    def fault(self, cell: str, message: Message) -> Diagnostic:
        column = max(self.text.find(cell), 0) + 1 if cell else 1
        span = Span(file=self.file, line=self.line, column=column, text=self.text)
        hint = Message("correct the cell, or {again}", again=_DOWNLOAD_HINT)
        return Diagnostic(slug="products-cell", message=message, span=span, hint=hint)


def parse(content: str | bytes, *, source: str, date: str, where: str | None = None) -> Catalogue:
    """Parse the CSV into a catalogue; the order of rows and duplicate rows make no difference.

    `where` is the file name in messages (default: `source`). The result has no free list: see `with_free`. Raises
    AuditorError for a file that is not this CSV, and InputError for invalid cells.
    """
    file = where or source
    lines = list(io.StringIO(_text(content, file), newline=""))
    records = _records(lines, file)
    header = next(records, None)
    if header is None:
        raise AuditorError("products-format", Message("{file} is empty", file=file), hint=_DOWNLOAD_HINT)
    positions = _positions(header)
    rows: set[_Row] = set()
    faults: list[Diagnostic] = []
    for record in records:
        row = _row(record, positions, width=len(header.cells))
        rows.update(() if isinstance(row, list) else (row,))
        faults += row if isinstance(row, list) else ()
    if len(faults) > _MAX_FAULTS:
        more = Message("more errors in {file}: {more}", file=file, more=Count(len(faults) - _MAX_FAULTS))
        faults = [*faults[:_MAX_FAULTS], Diagnostic(slug="products-cell", message=more, hint=_DOWNLOAD_HINT)]
    if faults:
        raise InputError(faults)
    if not rows:
        raise AuditorError(
            "products-format", Message("{file} has a header and no products", file=file), hint=_DOWNLOAD_HINT
        )
    products = sorted(_products(rows), key=order)
    return Catalogue(products=MappingProxyType({p.sku_id: p for p in products}), source=source, date=date)


def _text(content: str | bytes, file: str) -> str:
    """Return the text of the file without its byte order mark. Raises AuditorError for other kinds of files."""
    text = content if isinstance(content, str) else _decode(content, file)
    text = text.lstrip("\ufeff")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        hint = Message("it may be UTF-16 without a byte order mark: save it as UTF-8, or {again}", again=_DOWNLOAD_HINT)
        message = Message("{file} has a NUL byte on line {line}", file=file, line=line)
        raise AuditorError("products-encoding", message, hint=hint)
    if text.lstrip().startswith("<"):
        hint = Message(
            "the address returned a web page (a sign-in, an article or an error): use {address}", address=ADDRESS
        )
        raise AuditorError("products-format", Message("{file} is HTML or XML, not a CSV", file=file), hint=hint)
    return text


def _decode(content: bytes, file: str) -> str:
    if content.startswith(b"PK\x03\x04"):
        hint = Message("save its sheet as 'CSV UTF-8 (comma delimited)', or {again}", again=_DOWNLOAD_HINT)
        message = Message("{file} is a workbook or an archive, not a CSV", file=file)
        raise AuditorError("products-format", message, hint=hint)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        hint = Message("save it as UTF-8, or {again}", again=_DOWNLOAD_HINT)
        raise AuditorError("products-encoding", Message("{file} is UTF-16, not UTF-8", file=file), hint=hint)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        hint = Message(
            "a copy saved by Excel is often cp1252: save it as 'CSV UTF-8 (comma delimited)', or {again}",
            again=_DOWNLOAD_HINT,
        )
        byte = f"{content[error.start]:02x}"
        message = Message("{file} is not UTF-8: byte 0x{content} on line {line}", file=file, content=byte, line=line)
        raise AuditorError("products-encoding", message, hint=hint) from error


def _records(lines: list[str], file: str) -> Iterator[_Record]:
    """Yield the records that are not blank."""
    reader = csv.reader(lines, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            text = lines[line - 1].rstrip("\r\n") if line <= len(lines) else ""
            span = Span(file=file, line=line, column=1, text=text)
            hint = Message("look for a quote that is not closed: correct the line, or {again}", again=_DOWNLOAD_HINT)
            message = Message("not a CSV record: {error}", error=error)
            raise AuditorError("products-format", message, hint=hint, span=span) from error
        if cells is None:
            return
        if any(map(clean, cells)):
            yield _Record(cells=tuple(cells), file=file, line=line, text=lines[line - 1].rstrip("\r\n"))
        line = reader.line_num + 1


def _positions(header: _Record) -> tuple[int, ...]:
    """Return the index of each of COLUMNS in the header, which may have any order."""
    names = [fold(cell) for cell in header.cells]
    missing = [column for column in COLUMNS if fold(column) not in names]
    duplicates = [column for column in COLUMNS if names.count(fold(column)) > 1]
    span = Span(file=header.file, line=header.line, column=1, text=header.text)
    if missing:
        delimiter = next((d for d in (";", "\t") if len(names) == 1 and d in header.text), None)
        if delimiter is not None:
            hint = Message(
                "Excel saves copies in this way: save it as 'CSV UTF-8 (comma delimited)', or {again}",
                again=_DOWNLOAD_HINT,
            )
            message = Message(
                "{file} is separated by {delimiter}, not by commas", file=header.file, delimiter=repr(delimiter)
            )
            if delimiter == "\t":
                message = Message("{file} is separated by tabs, not by commas", file=header.file)
            raise AuditorError("products-format", message, hint=hint, span=span)
        message = Message("not Microsoft's product table: no column {missing}", missing=", ".join(missing))
        raise AuditorError("products-format", message, hint=_DOWNLOAD_HINT, span=span)
    if duplicates:
        message = Message("the column {twice} appears twice", twice=", ".join(duplicates))
        raise AuditorError("products-format", message, hint=_DOWNLOAD_HINT, span=span)
    return tuple(names.index(fold(column)) for column in COLUMNS)


def _row(record: _Record, positions: tuple[int, ...], *, width: int) -> _Row | list[Diagnostic]:
    """Return the cleaned row, or the faults of its cells."""
    if len(record.cells) < width or any(map(clean, record.cells[width:])):
        message = Message("the row has {cells} cells, but the header has {width}", cells=len(record.cells), width=width)
        return [record.fault("", message)]
    raw = [record.cells[position] for position in positions]
    cells = [clean(cell) for cell in raw]
    faults = [
        record.fault(cell, Message("a control character ({found}) in a name", found=repr(character)))
        for cell, text in zip(raw, cells, strict=True)
        if (character := unprintable(text)) is not None
    ]
    if faults:
        return faults
    name, part_number, sku_id, plan_name, plan_id, friendly_name = cells
    # Older exports have NULL for a missing service plan or friendly name.
    plan_name, plan_id, friendly_name = ("" if t.upper() == "NULL" else t for t in (plan_name, plan_id, friendly_name))
    faults = [
        record.fault("", Message("the cell {column} is empty", column=column))
        for column, text in (("Product_Display_Name", name), ("String_Id", part_number))
        if not text
    ]
    if not GUID.fullmatch(sku_id.lower()):
        product = part_number or Message("a product")
        message = Message("GUID of {part_number} is not a GUID: {sku_id}", part_number=product, sku_id=repr(sku_id))
        faults.append(record.fault(raw[2], message))
    if plan_id and not GUID.fullmatch(plan_id.lower()):
        plan = plan_name or part_number
        message = Message(
            "Service_Plan_Id of {plan_name} is not a GUID: {plan_id}", plan_name=plan, plan_id=repr(plan_id)
        )
        faults.append(record.fault(raw[4], message))
    if bool(plan_id) != bool(plan_name):
        empty = "Service_Plan_Name" if plan_id else "Service_Plan_Id"
        message = Message("the cell {empty} is empty, but the other column of the service plan is not", empty=empty)
        faults.append(record.fault("", message))
    return faults or _Row(name, part_number, sku_id.lower(), plan_name, plan_id.lower(), friendly_name or plan_name)


def _products(rows: set[_Row]) -> Iterator[Product]:
    plans = _plans(row for row in rows if row.plan_id)
    by_sku: dict[str, list[_Row]] = {}
    for row in rows:
        by_sku.setdefault(row.sku_id, []).append(row)
    for sku_id, sku_rows in by_sku.items():
        name = _most_frequent(row.name for row in sku_rows)
        part_number = _most_frequent(row.part_number for row in sku_rows)
        all_names = {row.name for row in sku_rows} | {row.part_number for row in sku_rows}
        plan_ids = {row.plan_id for row in sku_rows if row.plan_id}
        yield Product(
            sku_id=sku_id,
            part_number=part_number,
            name=name,
            plans=tuple(sorted((plans[plan] for plan in plan_ids), key=lambda plan: (fold(plan.name), plan.id))),
            aliases=tuple(sorted(all_names - {name, part_number})),
        )


def _plans(rows: Iterable[_Row]) -> dict[str, ServicePlan]:
    # The most frequent name corrects typos in a few rows: "RMS_S_ENTERPRISE)" (1 of 66), "EXCHANGE_S_FOUNDATION
    # PBI_PREMIUM_EM1_ADDON" (1 of 248), "DESKLESS" beside "Deskless". Typos do not become aliases: the second one is
    # also the only name of another plan, and a policy about that plan must not match the filler plan.
    names: dict[str, list[str]] = {}
    friendly: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row.plan_id, []).append(row.plan_name)
        friendly.setdefault(row.plan_id, []).append(row.friendly_name)
    return {
        plan: ServicePlan(id=plan, name=_most_frequent(names[plan]), friendly_name=_friendly_name(friendly[plan]))
        for plan in names
    }


def _most_frequent(names: Iterable[str]) -> str:
    """Return the most frequent name; of equally frequent names the first by code point.

    The last name in the file would be wrong: the file is sorted by display name, not by age, and for the three products
    that were renamed in 2026-07 the last name is the old one (Power Virtual Agents).
    """
    return min(Counter(names).items(), key=lambda item: (-item[1], item[0]))[0]


def _friendly_name(names: Iterable[str]) -> str:
    """Return the most frequent name; names in capitals (EXCHANGE FOUNDATION) only if there are no others."""
    candidates = list(names)
    return _most_frequent([name for name in candidates if name.upper() != name] or candidates)
