"""A reader's part of a result into the file that goes with the mail, packed to a size that a mail can carry."""

import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Final

from auditor.app.report.outputs import marked_csv
from auditor.deliver.letter import Attachment
from auditor.domain.result import Result
from auditor.domain.tenant import Attach
from auditor.render import render
from auditor.render.text.earlier_run import EarlierRun

LARGEST: Final = 20_000_000
"""Bytes of an attachment: base64 makes a third more of it, and many mail servers end at 25 or 35 MB."""
_PLAIN: Final = 1_000_000
"""Bytes of a table that goes unpacked, so that it opens with one click."""
_ZIP: Final = "application/zip"
_LEVELS: Final = (9, 1, 0)
"""Levels of compression that are tried until the size suits: 0 stores."""


def attached(
    told: Result, kind: Attach, *, locale: str, suits: Callable[[int], bool], history: Sequence[EarlierRun] = ()
) -> Attachment | None:
    """Return the file; None where none is wanted. `suits` says whether a mail has a way for so many bytes.

    `history` is what earlier runs came to in the part that this reader receives, for the curves of the page. The file
    may be larger than LARGEST: whoever sends it decides what is said in its place.
    """
    name = file_name(told)
    match kind:
        case Attach.NONE:
            return None
        case Attach.HTML:
            inside, made, plain = f"{name}.html", _bytes(told, "html", locale, history), False
        case Attach.CSV:
            inside, made = f"{name}.csv", _for_excel(told, locale)
            plain = len(made) <= _PLAIN
        case Attach.XLSX:
            inside, made = f"{name}.xlsx", _bytes(told, "xlsx", locale)
            plain = suits(len(made))
    if plain:
        return Attachment(name=inside, media_type=_MEDIA_TYPES[kind], body=made)
    body = next(
        (packed for level in _LEVELS if suits(len(packed := _packed(inside, made, told.run.as_of, level)))),
        _packed(inside, made, told.run.as_of, _LEVELS[0]),
    )
    return Attachment(name=f"{name}.zip", media_type=_ZIP, body=body)


def file_name(result: Result) -> str:
    """Return the beginning of a file's name: whose audit, of which day."""
    who = result.tenants[0].name if len(result.tenants) == 1 else f"{len(result.tenants)}-tenants"
    return f"licence-audit-{who}-{result.run.as_of.astimezone(UTC):%Y-%m-%d}"


_MEDIA_TYPES: Final = {
    Attach.CSV: "text/csv",
    Attach.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def _bytes(result: Result, name: str, locale: str, history: Sequence[EarlierRun] = ()) -> bytes:
    return b"".join(render(result, name, locale=locale, history=history).chunks())


def _for_excel(result: Result, locale: str) -> bytes:
    """Return the table with the mark by which Excel knows UTF-8: a file from a mail is opened with a double click."""
    return b"".join(marked_csv(result, locale=locale).chunks())


def _packed(name: str, body: bytes, at: datetime, level: int) -> bytes:
    """Return a ZIP archive of one file; the instant of the run stands in it, so that the bytes are the same again."""
    stream = BytesIO()
    moment = at.astimezone(UTC)
    entry = zipfile.ZipInfo(name, (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second))
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    entry.compress_type = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(entry, body, compresslevel=level or None)
    return stream.getvalue()
