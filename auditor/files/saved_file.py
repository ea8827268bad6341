"""Reads files that an earlier command or its script wrote: plans, logs of changes, approvals."""

from pathlib import Path

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message, unreadable
from auditor.files import input as files


def read_saved_file(path: Path, *, max_bytes: int, slug: str, hint: Message, within: Path | None = None) -> bytes:
    """Return the bytes of a file of at most `max_bytes` bytes; `within` as in `input.opened`.

    Raises SnapshotError with the slug and the hint if the file cannot be read.
    """
    try:
        return files.read(path, max_bytes=max_bytes, within=within)
    except OSError as error:
        raise SnapshotError(slug, unreadable(path, error), hint=hint) from error
