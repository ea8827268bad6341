"""Reads files of unknown origin: regular files only, and at most as many bytes as the caller allows.

Every function raises OSError with `strerror` set, so that callers can report it with its context.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

from auditor.domain.message import Message

POLICY: Final = 1 << 20
"""Size limit of a policy file, a policy test or a tenants file, in bytes."""
CERTIFICATES: Final = 16 << 20
"""Size limit of a certificate with its key, or of a CA bundle, in bytes."""
TABLE: Final = 32 << 20
"""Size limit of a product table or a product catalogue, in bytes."""
MANIFEST: Final = 16 << 20
"""Size limit of the manifest of a snapshot or of a commit of a store, in bytes."""
LOG: Final = 256 << 20
"""Size limit of the log of sent mails, in bytes."""
RESULT: Final = 8 << 30
"""Size limit of a saved result, in bytes: about ten million findings."""
COLUMNS: Final = 64 << 30
"""Size limit of a Parquet file, or of an object of a store, in bytes."""

_CHUNK_BYTES: Final = 1 << 16
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def object_bytes(name: str) -> int:
    """Return the size limit of a store object in bytes, by its name."""
    return MANIFEST if name.endswith(".json") else COLUMNS


def read(path: Path, *, max_bytes: int, within: Path | None = None) -> bytes:
    """Return the bytes of a regular file of at most `max_bytes` bytes; `within` as in `opened`. Raises OSError."""
    with opened(path, max_bytes=max_bytes, within=within) as file:
        # Python allocates the requested number of bytes: request the file's size first, then continue in chunks.
        chunks = [file.read(os.fstat(file.fileno()).st_size + 1)]
        size = len(chunks[0])
        # Files in /proc report size 0, and other files may grow while they are read.
        while size <= max_bytes and (chunk := file.read(_CHUNK_BYTES)):
            chunks.append(chunk)
            size += len(chunk)
    if size > max_bytes:
        raise _too_large(path, max_bytes)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


@contextmanager
def opened(path: Path, *, max_bytes: int, within: Path | None = None) -> Iterator[BufferedReader]:
    """Open a regular file of at most `max_bytes` bytes for reading.

    Raises OSError for a pipe, a device or a folder, without blocking. With `within`, also for a link that leads out of
    that folder.
    """
    descriptor = _open(path, within)
    try:
        _check_file(path, os.fstat(descriptor), max_bytes)
    except OSError:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb") as file:
        yield file


def check_regular(path: Path, *, max_bytes: int) -> None:
    """Raise OSError unless a path, which a library will open, is a regular file of at most `max_bytes` bytes."""
    with opened(path, max_bytes=max_bytes):
        pass


def list_files(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """Return the sorted paths below a folder whose relative path `wanted` accepts; links to folders are not followed.

    Raises OSError for a folder that cannot be listed; its content is not silently omitted.
    """
    paths: list[Path] = []
    for top, folders, names in os.walk(folder, onerror=_raise):
        links = [name for name in folders if os.path.islink(os.path.join(top, name))]  # noqa: PTH114, PTH118 (speed)
        paths += [Path(top, name) for name in (*names, *links)]
    return sorted(path for path in paths if wanted(path.relative_to(folder)))


def is_file(path: Path) -> bool:
    """Return whether a path is a regular file, or a link to one; False if that cannot be determined."""
    return _mode(path, stat.S_ISREG)


def exists(path: Path) -> bool:
    """Return whether a path exists, including dangling links; False if that cannot be determined."""
    return os.path.lexists(path)


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder, or a link to one; False if that cannot be determined."""
    return _mode(path, stat.S_ISDIR)


def _mode(path: Path, kind: Callable[[int], bool]) -> bool:
    try:
        return kind(os.stat(path).st_mode)  # noqa: PTH116 (Path.stat is the same call)
    except (OSError, ValueError):
        return False


def _open(path: Path, within: Path | None) -> int:
    try:
        if within is None:
            return os.open(path, _FLAGS)
        real = path.resolve(strict=True)
        if not real.is_relative_to(within.resolve(strict=True)):
            raise OSError(errno.EPERM, Message("it is a link to a path outside {within}", within=within), str(path))
        return os.open(real, _FLAGS | getattr(os, "O_NOFOLLOW", 0))
    except RuntimeError as error:  # a cycle of links
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error
    except ValueError as error:
        raise OSError(errno.EINVAL, Message("its name has a NUL character"), str(path)) from error


def _check_file(path: Path, status: os.stat_result, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, Message("it is a pipe, a device or a socket, not a regular file"), str(path))
    if status.st_size > max_bytes:
        raise _too_large(path, max_bytes)


def _too_large(path: Path, max_bytes: int) -> OSError:
    size = f"{max_bytes >> 30} GB" if max_bytes >= 1 << 30 else f"{max_bytes >> 20} MB"
    return OSError(errno.EFBIG, Message("it is larger than {size}", size=size), str(path))


def _raise(error: OSError) -> None:
    raise error
