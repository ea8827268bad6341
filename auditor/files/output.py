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
    """Return the file descriptor of a path such as /dev/stdout or /dev/fd/3; None for other paths."""
    text = str(path)
    match = _DESCRIPTOR.fullmatch(text)
    return int(match[1]) if match is not None and os.name != "nt" else _STREAMS.get(text)


def stream(path: Path) -> int | None:
    """Duplicate the file descriptor of a path such as /dev/stdout; returns None for other paths.

    Raises OSError for a descriptor that the process did not inherit: its number may be that of another open file.
    """
    descriptor = descriptor_of(path)
    if descriptor is None:
        return None
    with path_in_errors(path):
        if descriptor > max(_STREAMS.values()) and not os.get_inheritable(descriptor):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return os.dup(descriptor)


def check_target(path: Path) -> None:
    """Raise UsageError if a path is a link, and OSError if it is something else that cannot be written."""
    descriptor = stream(path)
    if descriptor is not None:
        os.close(descriptor)
        return
    with suppress(FileNotFoundError, NotADirectoryError), path_in_errors(path):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise link_refused(path, UsageError)
        check_kind(status)


def is_direct_target(path: Path) -> bool:
    """Return whether a path is written directly: an open stream, a character device or a pipe."""
    if descriptor_of(path) is not None:
        return True
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def write_fully(descriptor: int, data: bytes | memoryview) -> None:
    """Write all bytes to a file descriptor."""
    remaining = memoryview(data).cast("B")
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]


def write_file(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Write a file without tenant data atomically, creating missing folders; with `sync`, also flush it to disk.

    Its mode is limited only by the umask.
    """
    with Folder.open_or_create(path.parent, public=True) as folder:
        descriptor, temporary_name = folder.temporary(path.name)
        try:
            with os.fdopen(descriptor, "wb", buffering=0), path_in_errors(path):
                write_fully(descriptor, data)
                if sync:
                    os.fsync(descriptor)
            folder.refuse_link(path.name)
            folder.replace(temporary_name, path.name)
        except BaseException:
            with suppress(OSError):
                folder.remove(temporary_name)
            raise


def append_file(path: Path, data: bytes, *, sync: bool = False, folders: bool = False) -> None:
    """Append bytes to a file in one write, so that the bytes of several processes do not interleave.

    A missing file is created with mode 0600; with `folders`, missing folders are created too. With `sync`, the bytes
    are on the disk when this returns.
    """
    descriptor = stream(path)
    if descriptor is None:
        with Folder.open_or_create(path.parent) if folders else Folder.open_existing(path.parent) as folder:
            descriptor = folder.append(path.name)
    with os.fdopen(descriptor, "ab", buffering=0), path_in_errors(path):
        write_fully(descriptor, data)
        if sync:
            os.fsync(descriptor)


def opened(descriptor: int) -> BinaryIO:
    """Return a buffered binary file for a file descriptor."""
    return os.fdopen(descriptor, "wb")
