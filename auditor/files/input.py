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
"""Bytes of a policy file, a policy test or a tenants file."""
CERTIFICATES: Final = 16 << 20
"""Bytes of a certificate with its key, or of a CA bundle."""
TABLE: Final = 32 << 20
"""Bytes of a product table or a product catalogue."""
MANIFEST: Final = 16 << 20
"""Bytes of the manifest of a snapshot or of a commit of a store."""
LOG: Final = 256 << 20
"""Bytes of the log of sent mails."""
RESULT: Final = 8 << 30
"""Bytes of a saved result: about ten million findings."""
COLUMNS: Final = 64 << 30
"""Bytes of a Parquet file, or of an object of a store."""

_PIECE: Final = 1 << 16
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def object_bytes(name: str) -> int:
    """Return how many bytes an object of a store may have, by its name."""
    return MANIFEST if name.endswith(".json") else COLUMNS


def read(path: Path, *, most: int, within: Path | None = None) -> bytes:
    """Return the bytes of a regular file of at most `most` bytes; `within` as in `opened`. Raises OSError."""
    with opened(path, most=most, within=within) as file:
        # Python allocates what it is asked to read: ask for the file's size, then continue in pieces.
        pieces = [file.read(os.fstat(file.fileno()).st_size + 1)]
        size = len(pieces[0])
        # A file of /proc has size 0, and others grow while they are read.
        while size <= most and (piece := file.read(_PIECE)):
            pieces.append(piece)
            size += len(piece)
    if size > most:
        raise _too_large(path, most)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@contextmanager
def opened(path: Path, *, most: int, within: Path | None = None) -> Iterator[BufferedReader]:
    """Open a regular file of at most `most` bytes for reading.

    A pipe, a device or a folder is refused without waiting for it. With `within`, so is a link that leads out of that
    folder. Raises OSError.
    """
    number = _descriptor(path, within)
    try:
        _check(path, os.fstat(number), most)
    except OSError:
        os.close(number)
        raise
    with os.fdopen(number, "rb") as file:
        yield file


def check_regular(path: Path, *, most: int) -> None:
    """Raise OSError unless a path is a regular file of at most `most` bytes, for a library that opens it."""
    with opened(path, most=most):
        pass


def listed(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """Return the paths below a folder whose relative path is `wanted`, sorted; linked folders are not entered.

    Raises OSError for a folder that cannot be listed, rather than omitting its content.
    """
    paths: list[Path] = []
    for top, below, names in os.walk(folder, onerror=_raised):
        links = [name for name in below if os.path.islink(os.path.join(top, name))]  # noqa: PTH114, PTH118 (speed)
        paths += [Path(top, name) for name in (*names, *links)]
    return sorted(path for path in paths if wanted(path.relative_to(folder)))


def is_file(path: Path) -> bool:
    """Return whether a path is a regular file, or a link to one; False if that cannot be determined."""
    return _mode(path, stat.S_ISREG)


def is_there(path: Path) -> bool:
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


def _descriptor(path: Path, within: Path | None) -> int:
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


def _check(path: Path, state: os.stat_result, most: int) -> None:
    if stat.S_ISDIR(state.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, Message("it is a pipe, a device or a socket, not a regular file"), str(path))
    if state.st_size > most:
        raise _too_large(path, most)


def _too_large(path: Path, most: int) -> OSError:
    size = f"{most >> 30} GB" if most >= 1 << 30 else f"{most >> 20} MB"
    return OSError(errno.EFBIG, Message("it is larger than {size}", size=size), str(path))


def _raised(error: OSError) -> None:
    raise error
