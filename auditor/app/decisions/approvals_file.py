"""Reads an approvals.csv that was saved by this program, by Excel, or by another spreadsheet program."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from auditor.domain.errors import Diagnostic, InputError, Span
from auditor.domain.message import Message
from auditor.files import input as files
from auditor.files.saved_file import read_saved_file

_REQUIRED_COLUMNS: Final = ("action", "question", "approve")
_SEPARATORS: Final = (",", ";", "\t")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HINT: Final = Message("save the approvals.csv of `auditor plan` as CSV UTF-8, with its header")


class ApprovalRow(Struct, frozen=True, kw_only=True):
    """One row of the file."""

    question: str
    """The id of a question; empty for an action."""
    approve: str
    span: Span


def approval_rows(path: Path) -> tuple[ApprovalRow, ...]:
    """Return the rows with a value in the column `approve`.

    Supports commas, semicolons and tabs as separators, a line `sep=;`, a byte order mark, and UTF-16. Raises
    SnapshotError if the file cannot be read, and InputError with the position of an error in it.
    """
    hint = Message("specify the approvals.csv that `auditor plan -f approvals` wrote")
    body = read_saved_file(path, max_bytes=files.TABLE, slug="approvals-unreadable", hint=hint)
    return tuple(_rows(_text(body), path.as_posix()))


def _text(body: bytes) -> str:
    """Decode a file; in a legacy code page of Windows, characters outside ASCII are replaced, and rejected if used."""
    if body.startswith(_UTF_16):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("ascii", "replace")


def _rows(text: str, name: str) -> Iterator[ApprovalRow]:
    first = text.split("\n", 1)[0].strip().casefold()
    skipped = first in {f"sep={separator}" for separator in _SEPARATORS} or first == "sep="
    lines = text.split("\n", 1)[1] if skipped and "\n" in text else text
    separator, columns = _header(lines, name)
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=separator)
    try:
        next(reader)
        line = reader.line_num + 1
        for row in reader:
            cells = [*row, *[""] * (max(columns) + 1 - len(row))]
            question, approve = (_cell(cells[column]) for column in columns)
            span = Span(file=name, line=line + skipped, column=1)
            line = reader.line_num + 1
            if approve:
                yield ApprovalRow(question=question, approve=approve, span=span)
    except csv.Error as error:
        span = Span(file=name, line=reader.line_num + skipped, column=1)
        message = Message("is not CSV: {error}", error=error)
        raise InputError([Diagnostic(slug="approvals-damaged", message=message, span=span, hint=_HINT)]) from error


def _header(text: str, name: str) -> tuple[str, tuple[int, int]]:
    """Return the separator, and the indices of the columns `question` and `approve`."""
    header: Sequence[str] = ()
    for separator in _SEPARATORS:
        header = next(csv.reader(io.StringIO(text.split("\n", 1)[0]), delimiter=separator), [])
        names = [cell.strip().casefold() for cell in header]
        if all(column in names for column in _REQUIRED_COLUMNS):
            return separator, (names.index("question"), names.index("approve"))
    message = Message("the first line does not have the columns {columns}", columns=", ".join(_REQUIRED_COLUMNS))
    span = Span(file=name, line=1, column=1)
    raise InputError([Diagnostic(slug="approvals-damaged", message=message, span=span, hint=_HINT)])


def _cell(text: str) -> str:
    """Return the text of a cell, without the apostrophe that prevents its evaluation as a formula."""
    return " ".join(text.split()).removeprefix("'").strip()
