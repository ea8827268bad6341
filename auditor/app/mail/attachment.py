"""Builds the file attached to a mail: a reader's part of a result, compressed to a size that mail servers accept."""

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from itertools import chain
from pathlib import PurePath
from typing import Final

from auditor.deliver.mail.mail_message import Attachment
from auditor.domain.result.model import Result
from auditor.domain.settings import Attach
from auditor.render import FORMATS, render
from auditor.render.view.content import PageContent

MAX_ATTACHMENT: Final = 20_000_000
"""The maximum size of an attachment in bytes: base64 adds a third, and many mail servers accept 25 or 35 MB."""
_ZIP: Final = "application/zip"
_MEDIA_TYPES: Final = {
    "html": "text/html",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The media types of the formats that mails attach."""
_LEVELS: Final = (9, 1, 0)
"""Compression levels, tried until the size fits; 0 means no compression."""


def attach_report(content: PageContent, kind: Attach, *, fits: Callable[[int], bool]) -> Attachment | None:
    """Return the attachment; None if `kind` is NONE. `fits` returns whether a mail can carry that many bytes.

    `content` is that of the part that this reader receives, with the totals of earlier runs for the charts of the page.
    The file may be larger than MAX_ATTACHMENT: the caller decides what the mail contains instead.
    """
    if kind is Attach.NONE:
        return None
    limit = FORMATS[kind].unpacked_limit
    if limit is None:
        raise ValueError(f"no mail carries the format '{kind}'")
    # Excel needs the byte order mark if the file is opened with a double click.
    result = content.result
    body = b"".join(
        render(result, kind, locale=content.locale, history=content.history, byte_order_mark=True, content=content)
    )
    name = file_name(result)
    entry_name = f"{name}{PurePath(FORMATS[kind].file).suffix}"
    if len(body) <= limit and fits(len(body)):
        return Attachment(name=entry_name, media_type=_MEDIA_TYPES[kind], body=body)
    smallest = zip_archive(entry_name, body, result.run.as_of)
    others = (zip_archive(entry_name, body, result.run.as_of, level) for level in _LEVELS[1:])
    archives = chain([smallest], others)
    packed = next((archive for archive in archives if fits(len(archive))), smallest)
    return Attachment(name=f"{name}.zip", media_type=_ZIP, body=packed)


def file_name(result: Result) -> str:
    """Return the stem of a file name: tenant and day of the audit."""
    tenants = result.tenants[0].name if len(result.tenants) == 1 else f"{len(result.tenants)}-tenants"
    return f"licence-audit-{tenants}-{result.run.as_of.astimezone(UTC):%Y-%m-%d}"


def zip_archive(name: str, body: bytes, as_of: datetime, level: int = _LEVELS[0]) -> bytes:
    """Return a ZIP archive of one file, with the timestamp of the run, so that equal runs give equal bytes."""
    stream = BytesIO()
    utc = as_of.astimezone(UTC)
    entry = zipfile.ZipInfo(name, (utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second))
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    entry.compress_type = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(entry, body, compresslevel=level or None)
    return stream.getvalue()
