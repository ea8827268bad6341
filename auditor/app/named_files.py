"""Reads files that a user names, and says which one cannot be read."""

from pathlib import Path

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.files import input as files


def read_named(path: Path, *, most: int, slug: str, hint: Message, within: Path | None = None) -> bytes:
    """Return the bytes of a file of at most `most` bytes; `within` as in `files.opened`.

    Raises SnapshotError with the slug and the hint for a file that cannot be read.
    """
    try:
        return files.read(path, most=most, within=within)
    except OSError as error:
        message = Message("{path} cannot be read: {strerror}", path=path, strerror=error.strerror or error)
        raise SnapshotError(slug, message, hint=hint) from error
