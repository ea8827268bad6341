"""Temporary files and folders: private, with random names, removed at the end of a block."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from auditor.files.folder import Folder
from auditor.files.output import is_direct_target

if sys.platform != "win32":
    import fcntl


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Create a folder in the system's temporary folder, and remove it at the end of the block.

    On Windows, files that are still open remain.
    """
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def anonymous_file(target: Path | None) -> Iterator[BinaryIO]:
    """Yield an unnamed temporary file, created on the disk of `target` at the first write."""
    with tempfile.SpooledTemporaryFile(max_size=1, dir=None if target is None else nearest_folder(target)) as file:
        yield cast("BinaryIO", file)


def nearest_folder(path: Path) -> str | None:
    """Return the nearest existing parent folder of a target, for temporary files on the same disk.

    None for a device, a pipe or a stream, for which the system's temporary folder is used.
    """
    if is_direct_target(path):
        return None
    return str(next(folder for folder in path.absolute().parents if folder.is_dir()))


def lock(folder: Folder) -> None:
    """Mark a folder as in use with a shared lock, which ends when it is closed or when this process ends.

    A process id is not enough: containers that share a folder do not see each other's processes, and their process
    ids may be equal. Does nothing on file systems without locks.
    """
    if sys.platform != "win32" and folder.descriptor is not None:
        with suppress(OSError):
            fcntl.flock(folder.descriptor, fcntl.LOCK_SH)


def is_locked(path: Path) -> bool:
    """Return whether a process of this machine, or of a container on it, has locked a folder."""
    if sys.platform == "win32":  # only process ids are compared there
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False
