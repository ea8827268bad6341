"""Files and folders that are gone when the program ends, for their owner alone and with names that nobody can guess."""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from auditor.files.folder import Folder
from auditor.files.output import is_straight

if sys.platform != "win32":
    import fcntl


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Make a folder in the system's place for temporary files, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        yield Path(folder)


def lasting_folder(prefix: str) -> Path:
    """Make a temporary folder that is removed when the program ends."""
    root = Path(tempfile.mkdtemp(prefix=prefix))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@contextmanager
def nameless_file(beside: Path) -> Iterator[BinaryIO]:
    """Open a file without a name on the disk where `beside` is to be. Raises OSError where that cannot be written."""
    with tempfile.TemporaryFile(dir=disk_of(beside)) as file:
        yield cast("BinaryIO", file)


@contextmanager
def late_file(beside: Path | None) -> Iterator[BinaryIO]:
    """Open a file without a name that comes to be on the disk of `beside` when the first bytes are put there."""
    with tempfile.SpooledTemporaryFile(max_size=1, dir=None if beside is None else disk_of(beside)) as file:
        yield cast("BinaryIO", file)


def disk_of(path: Path) -> str | None:
    """Return the folder that is, or will be nearest to, where a file is to be; None for a device, a pipe or a stream.

    What is written to those waits where the system keeps temporary files.
    """
    if is_straight(path):
        return None
    return str(next(folder for folder in path.absolute().parents if folder.is_dir()))


def hold(folder: Folder) -> None:
    """Tell other processes that a folder is in use, until it is closed or this process ends, however it does.

    Two containers see each other's folders and not each other's processes, which may have one number. Where a file
    system knows no locks nothing is told.
    """
    if sys.platform != "win32" and folder.number is not None:
        with suppress(OSError):
            fcntl.flock(folder.number, fcntl.LOCK_SH)


def is_held(path: Path) -> bool:
    """Whether any process of this machine, or of a container on it, holds a folder."""
    if sys.platform == "win32":  # there the number of the process decides alone
        return False
    try:
        number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(number)
    return False
