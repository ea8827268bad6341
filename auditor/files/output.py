"""Writes files: every file that the program writes is opened here or in `auditor.files.folder`.

Files are private and written atomically, no symbolic link is followed, and only regular files are replaced.
"""

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from auditor.domain.errors import UsageError
from auditor.files.folder import Folder, check_kind, link_refused, path_in_errors

_DESCRIPTOR: Final = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,6})")
_STREAMS: Final = {"/dev/stdout": 1, "/dev/stderr": 2}


def descriptor_of(path: Path) -> int | None:
    """Return the descriptor that a path such as /dev/stdout or /dev/fd/3 names; None for other paths."""
    text = str(path)
    match = _DESCRIPTOR.fullmatch(text)
    return int(match[1]) if match is not None and os.name != "nt" else _STREAMS.get(text)


def stream(path: Path) -> int | None:
    """Return a duplicate descriptor of the stream that a path names; None for other paths.

    Raises OSError for a stream that the process was not started with: its number may be that of another open file.
    """
    number = descriptor_of(path)
    if number is None:
        return None
    with path_in_errors(path):
        if number > max(_STREAMS.values()) and not os.get_inheritable(number):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return os.dup(number)


def check_target(path: Path) -> None:
    """Raise UsageError for a link, and OSError for anything else that a file cannot be written to."""
    number = stream(path)
    if number is not None:
        os.close(number)
        return
    with suppress(FileNotFoundError, NotADirectoryError), path_in_errors(path):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise link_refused(path, UsageError)
        check_kind(status)


def is_direct_target(path: Path) -> bool:
    """Return whether a path is an open stream, a character device or a pipe, which are written directly."""
    if descriptor_of(path) is not None:
        return True
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def write_fully(number: int, data: bytes | memoryview) -> None:
    """Write all bytes to a file descriptor."""
    remaining = memoryview(data).cast("B")
    while remaining:
        remaining = remaining[os.write(number, remaining) :]


def write_file(path: Path, data: bytes, *, sync: bool = False, public: bool = False) -> None:
    """Write a file atomically, creating missing folders; with `sync`, through to the disk.

    `public` is for files without data of a tenant: their mode is what the umask leaves.
    """
    with Folder.open_or_create(path.parent, public=public) as folder:
        number, temporary_name = folder.temporary(path.name)
        try:
            with os.fdopen(number, "wb", buffering=0), path_in_errors(path):
                write_fully(number, data)
                if sync:
                    os.fsync(number)
            folder.refuse_link(path.name)
            folder.replace(temporary_name, path.name)
        except BaseException:
            with suppress(OSError):
                folder.remove(temporary_name)
            raise


def append_file(path: Path, data: bytes, *, sync: bool = False, folders: bool = False) -> None:
    """Append bytes to a file in one call, so that those of several processes do not mix.

    A missing file is created for its owner only; with `folders`, missing folders too.
    """
    number = stream(path)
    if number is None:
        with Folder.open_or_create(path.parent) if folders else Folder.open_existing(path.parent) as folder:
            number = folder.append(path.name)
    with os.fdopen(number, "ab", buffering=0), path_in_errors(path):
        write_fully(number, data)
        if sync:
            os.fsync(number)


def opened(number: int) -> BinaryIO:
    """Return a buffered file for a descriptor."""
    return os.fdopen(number, "wb")
