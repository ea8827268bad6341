"""Bytes into files: every file that the program writes is opened here or in `auditor.files.folder`.

Files are private and appear whole, no symbolic link is followed, and what is no regular file is not replaced by one.
"""

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.files.folder import Folder, check_kind, telling

_DESCRIPTOR: Final = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,6})")
_STREAMS: Final = {"/dev/stdout": 1, "/dev/stderr": 2}


def descriptor_of(path: Path) -> int | None:
    """Return the number of the open stream that a path such as /dev/stdout or /dev/fd/3 names; None for other paths."""
    text = str(path)
    match = _DESCRIPTOR.fullmatch(text)
    return int(match[1]) if match is not None and os.name != "nt" else _STREAMS.get(text)


def stream(path: Path) -> int | None:
    """Return a descriptor of its own for the stream that a path names; None where it names none.

    OSError for a stream that this program was not started with: its number may be that of a file opened since.
    """
    number = descriptor_of(path)
    if number is None:
        return None
    with telling(path):
        if number > max(_STREAMS.values()) and not os.get_inheritable(number):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return os.dup(number)


def check_target(path: Path) -> None:
    """Raise UsageError for a link and OSError for anything else that a file cannot be written to."""
    number = stream(path)
    if number is not None:
        os.close(number)
        return
    with suppress(FileNotFoundError, NotADirectoryError), telling(path):
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise UsageError(
                "output-link",
                Message("{path} is a symbolic link, and nothing is written through links", path=path),
                hint=Message("name the place that the link leads to, or remove the link"),
            )
        check_kind(status)


def is_straight(path: Path) -> bool:
    """Whether a path names an open stream, a character device or a pipe, which are written as they are."""
    if descriptor_of(path) is not None:
        return True
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def write_fully(number: int, data: bytes | memoryview) -> None:
    """Write all bytes to an open descriptor."""
    rest = memoryview(data).cast("B")
    while rest:
        rest = rest[os.write(number, rest) :]


def write_file(path: Path, data: bytes, *, sync: bool = False, public: bool = False) -> None:
    """Write one file whole or not at all, with the folders that are missing; `sync`: the disk has it then.

    `public` is for what holds no data of a tenant: its mode is what the umask leaves.
    """
    with Folder.made(path.parent, public=public) as folder:
        number, beside = folder.temporary(path.name)
        try:
            with os.fdopen(number, "wb", buffering=0), telling(path):
                write_fully(number, data)
                if sync:
                    os.fsync(number)
            folder.refuse_link(path.name)
            folder.replace(beside, path.name)
        except BaseException:
            with suppress(OSError):
                folder.remove(beside)
            raise


def append_file(path: Path, data: bytes, *, sync: bool = False, folders: bool = False) -> None:
    """Add bytes to the end of a file in one step, so that those of several processes do not mix.

    A file that is missing is made, for its owner alone; `folders`: with the folders that it is in.
    """
    number = stream(path)
    if number is None:
        with Folder.made(path.parent) if folders else Folder.found(path.parent) as folder:
            number = folder.append(path.name)
    with os.fdopen(number, "ab", buffering=0), telling(path):
        write_fully(number, data)
        if sync:
            os.fsync(number)


def opened(number: int) -> BinaryIO:
    """Return a buffered file for a descriptor."""
    return os.fdopen(number, "wb")
