"""Open folders in which files and folders are created privately, renamed, and never reached through symbolic links."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

from auditor.domain.errors import AuditorError, DeliveryError
from auditor.domain.message import Message

_AT: Final = os.open in os.supports_dir_fd
"""Whether files can be named relative to an open folder; not on Windows."""
_PLAIN: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | _PLAIN
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _PLAIN
_STRAIGHT: Final = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | _PLAIN
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_INNER: Final = _FOLDER | getattr(os, "O_NOFOLLOW", 0)
_NAME_CHARACTERS: Final = 40
"""Characters of a file's name in the name of its temporary file."""


class _Access(Struct):
    public: bool = False


_ACCESS: Final = _Access()


def set_public(*, public: bool) -> None:
    """Set for this process whether new files and folders are readable by others, as umask does.

    The default modes are 0600 for files and 0700 for folders; with `public`, 0666 and 0777 less the umask.
    """
    _ACCESS.public = public


def _file_mode(*, public: bool = False) -> int:
    return 0o666 if public or _ACCESS.public else 0o600


def _folder_mode(*, public: bool = False) -> int:
    return 0o777 if public or _ACCESS.public else 0o700


class Folder:
    """An open folder in which files are created by plain names; a context manager.

    Its methods raise OSError with the whole path, and DeliveryError for a symbolic link.
    """

    def __init__(self, path: Path, number: int | None, *, public: bool = False) -> None:
        self.path = path
        self.number = number
        """Its descriptor; None where the system has none for folders, as on Windows."""
        self._public = public

    @classmethod
    def open_or_create(cls, root: Path, *names: str, public: bool = False) -> "Folder":
        """Open a folder below a root, creating what is missing, including the root; each name is one level.

        The root was named by the user and may be a link or lie below links. Below it no link is followed. `public` is
        for files without data of a tenant: their mode is what the umask leaves.
        """
        folder = cls(root, _root(root, _folder_mode(public=public)), public=public)
        for name in names:
            with folder:
                folder = folder.folder(name)
        return folder

    @classmethod
    def open_existing(cls, root: Path, *names: str) -> "Folder":
        """Open a folder below a root as `open_or_create` does. Raises FileNotFoundError if it does not exist."""
        with path_in_errors(root):
            folder = cls(root, _outer(root))
        for name in names:
            with folder:
                folder = folder.inner(name)
        return folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder."""
        number, self.number = self.number, None
        if number is not None:
            os.close(number)

    def __del__(self) -> None:
        """Close the folder when it is garbage-collected, as files do."""
        self.close()

    def inner(self, name: str) -> "Folder":
        """Open a folder in this one. Raises FileNotFoundError."""
        path, location = self._locate(name)
        with path_in_errors(path):
            try:
                return Folder(path, _inner(location, self.number), public=self._public)
            except NotADirectoryError:
                self.refuse_link(name)
                raise

    def folder(self, name: str, *, new: bool = False) -> "Folder":
        """Open a folder in this one, creating it if missing; with `new`, raise FileExistsError if it exists."""
        path, location = self._locate(name)
        if not new:
            with suppress(FileNotFoundError):
                return self.inner(name)
        with path_in_errors(path):
            try:
                os.mkdir(location, _folder_mode(public=self._public), dir_fd=self.number)
            except FileExistsError:
                if new:
                    raise
        return self.inner(name)

    def create(self, name: str) -> int:
        """Create a file that does not exist yet; returns its file descriptor."""
        path, location = self._locate(name)
        with path_in_errors(path):
            return os.open(location, _NEW, _file_mode(public=self._public), dir_fd=self.number)

    def temporary(self, name: str) -> tuple[int, str]:
        """Create a temporary file that is to become `name`; returns its file descriptor and its name."""
        while True:
            temporary_name = f".{name[:_NAME_CHARACTERS]}.{os.urandom(8).hex()}"
            with suppress(FileExistsError):
                return self.create(temporary_name), temporary_name

    def append(self, name: str) -> int:
        """Open a file for appending, creating it for its owner only if missing; returns its file descriptor."""
        self.refuse_link(name)
        path, location = self._locate(name)
        with path_in_errors(path):
            return os.open(location, _APPEND, 0o600, dir_fd=self.number)

    def direct_target(self, name: str) -> int | None:
        """Open a character device or a pipe for writing; returns None for any other name.

        A pipe waits for its reader. Raises DeliveryError for a link, and OSError for a folder, a disk or a socket.
        """
        status = self.status(name)
        if status is None or stat.S_ISREG(status.st_mode):
            return None
        self.refuse_link(name)
        path, location = self._locate(name)
        with path_in_errors(path):
            check_kind(status)
            number = os.open(location, _STRAIGHT, dir_fd=self.number)
            if stat.S_ISREG(os.fstat(number).st_mode):
                os.close(number)
                raise OSError(errno.EAGAIN, Message("it was replaced while it was opened"))
            return number

    def status(self, name: str) -> os.stat_result | None:
        """Return the status of a name, of a link itself rather than its target; None if nothing has the name."""
        path, location = self._locate(name)
        with path_in_errors(path):
            try:
                return os.stat(location, dir_fd=self.number, follow_symlinks=False)
            except FileNotFoundError:
                return None

    def replace(self, temporary_name: str, name: str) -> None:
        """Rename a temporary file, replacing the file that has the name."""
        (_, old), (path, new) = self._locate(temporary_name), self._locate(name)
        with path_in_errors(path):
            os.replace(old, new, src_dir_fd=self.number, dst_dir_fd=self.number)

    def rename(self, temporary_name: str, name: str) -> None:
        """Rename a temporary folder. Raises OSError if a folder that is not empty has the name."""
        (_, old), (path, new) = self._locate(temporary_name), self._locate(name)
        with path_in_errors(path):
            os.rename(old, new, src_dir_fd=self.number, dst_dir_fd=self.number)

    def link(self, temporary_name: str, name: str) -> None:
        """Create a hard link. Raises FileExistsError if the name is taken."""
        (_, old), (path, new) = self._locate(temporary_name), self._locate(name)
        with path_in_errors(path):
            os.link(old, new, src_dir_fd=self.number, dst_dir_fd=self.number)

    def remove(self, name: str) -> None:
        """Delete a file; a missing one is no error."""
        path, location = self._locate(name)
        with path_in_errors(path), suppress(FileNotFoundError):
            os.unlink(location, dir_fd=self.number)

    def sync(self) -> None:
        """Write the folder's names through to the disk, on systems that can."""
        if self.number is None:  # as on Windows
            return
        try:
            os.fsync(self.number)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # as some network file systems say
                raise _named(error, self.path) from error

    def refuse_link(self, name: str) -> None:
        """Raise DeliveryError if the name is a symbolic link."""
        status = self.status(name)
        if status is not None and stat.S_ISLNK(status.st_mode):
            raise link_refused(self.path / name, DeliveryError)

    def _locate(self, name: str) -> tuple[Path, str]:
        """Return the path of a name for messages, and the argument for the operating system."""
        if name in {"", ".", ".."} or "/" in name or "\0" in name or os.sep in name or (os.altsep or "/") in name:
            raise OSError(errno.EINVAL, Message("is not the name of a file in a folder"), str(self.path / repr(name)))
        if _AT and self.number is None:
            raise ValueError("the folder is closed")
        path = self.path / name
        return path, name if self.number is not None else str(path)


def link_refused(path: Path, kind: type[AuditorError]) -> AuditorError:
    """Return the error for a symbolic link."""
    return kind(
        "output-link",
        Message("{path} is a symbolic link, and nothing is written through links", path=path),
        hint=Message("use the path that the link points to, or remove the link"),
    )


def check_kind(status: os.stat_result) -> None:
    """Raise OSError for anything but regular files and direct targets."""
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise OSError(errno.EINVAL, Message("it is a disk or a socket"))


def _root(path: Path, mode: int) -> int | None:
    with path_in_errors(path):
        try:
            return _outer(path)
        except FileNotFoundError:
            for missing in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
                with suppress(FileExistsError):
                    missing.mkdir(mode=mode)
            return _outer(path)


def _outer(path: Path) -> int | None:
    """Open a folder wherever its path leads; on systems without folder descriptors, only check it."""
    if _AT:
        return os.open(path, _FOLDER)
    _check_folder(path.stat())
    return None


def _inner(location: str, number: int | None) -> int | None:
    """Open a folder that is not a link."""
    if _AT:
        return os.open(location, _INNER, dir_fd=number)
    _check_folder(os.lstat(location))
    return None


def _check_folder(status: os.stat_result) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


@contextmanager
def path_in_errors(path: Path) -> Iterator[None]:
    """Add the whole path to an OSError raised inside."""
    try:
        yield
    except OSError as error:
        raise _named(error, path) from error


def _named(error: OSError, path: Path) -> OSError:
    """Return the same error with the whole path."""
    return OSError(error.errno, error.strerror or str(error), str(path))
