"""Folder handles: files and folders are created with private modes, and symbolic links are never followed."""

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

_HAS_DIR_FD: Final = os.open in os.supports_dir_fd
"""Whether files can be opened relative to an open folder; not on Windows."""
_COMMON_FLAGS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_CREATE_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | _COMMON_FLAGS
_APPEND_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _COMMON_FLAGS
_DIRECT_FLAGS: Final = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | _COMMON_FLAGS
_FOLDER_FLAGS: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_INNER_FLAGS: Final = _FOLDER_FLAGS | getattr(os, "O_NOFOLLOW", 0)
_NAME_CHARACTERS: Final = 40
"""Characters of a file's name in the name of its temporary file."""


class _Access(Struct):
    public: bool = False


_ACCESS: Final = _Access()


def set_public(*, public: bool) -> None:
    """Set for this process whether other users may read new files and folders.

    The default modes are 0600 for files and 0700 for folders; with `public`, they are 0666 and 0777 less the umask.
    """
    _ACCESS.public = public


def _mode(mode: int, *, public: bool) -> int:
    """Return the mode of a new file or folder: the given one, or without the permissions of other users."""
    return mode if public or _ACCESS.public else mode & stat.S_IRWXU


class Folder:
    """An open folder; its methods take the plain names of files in it. A context manager.

    Its methods raise OSError with the full path, and DeliveryError for a symbolic link.
    """

    def __init__(self, path: Path, descriptor: int | None, *, public: bool = False) -> None:
        self.path = path
        self.descriptor = descriptor
        """Its file descriptor; None on systems without descriptors for folders, such as Windows."""
        self._public = public

    @classmethod
    def open_or_create(cls, root: Path, *names: str, public: bool = False) -> "Folder":
        """Open a folder below a root, creating missing folders, including the root; each name is one level.

        The user specified the root, so it may be a link or be reached through links. Below it no link is followed.
        `public` is for files without tenant data: their modes are limited only by the umask.
        """
        folder = cls(root, _open_or_create_root(root, _mode(0o777, public=public)), public=public)
        for name in names:
            with folder:
                folder = folder.folder(name)
        return folder

    @classmethod
    def open_existing(cls, root: Path, *names: str) -> "Folder":
        """Open an existing folder below a root, like `open_or_create`. Raises FileNotFoundError if it is missing."""
        with path_in_errors(root):
            folder = cls(root, _open_folder(root, follow_links=True))
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
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __del__(self) -> None:
        """Close the folder when it is garbage-collected, as files do."""
        self.close()

    def inner(self, name: str) -> "Folder":
        """Open a folder in this one. Raises FileNotFoundError if it does not exist."""
        path, location = self._locate(name)
        with path_in_errors(path):
            try:
                descriptor = _open_folder(location, self.descriptor, follow_links=False)
                return Folder(path, descriptor, public=self._public)
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
                os.mkdir(location, _mode(0o777, public=self._public), dir_fd=self.descriptor)
            except FileExistsError:
                if new:
                    raise
        return self.inner(name)

    def create(self, name: str) -> int:
        """Create a file that does not exist yet; returns its file descriptor."""
        path, location = self._locate(name)
        with path_in_errors(path):
            return os.open(location, _CREATE_FLAGS, _mode(0o666, public=self._public), dir_fd=self.descriptor)

    def temporary(self, name: str) -> tuple[int, str]:
        """Create a temporary file that will be renamed to `name`; returns its file descriptor and its name."""
        while True:
            temporary_name = f".{name[:_NAME_CHARACTERS]}.{os.urandom(8).hex()}"
            with suppress(FileExistsError):
                return self.create(temporary_name), temporary_name

    def append(self, name: str) -> int:
        """Open a file for appending, creating it for its owner only if missing; returns its file descriptor."""
        self.refuse_link(name)
        path, location = self._locate(name)
        with path_in_errors(path):
            return os.open(location, _APPEND_FLAGS, 0o600, dir_fd=self.descriptor)

    def direct_target(self, name: str) -> int | None:
        """Open a character device or a pipe for writing; returns None for a regular file and for a missing name.

        Opening a pipe blocks until it has a reader. Raises DeliveryError for a link, and OSError for a folder, a disk
        or a socket.
        """
        status = self.status(name)
        if status is None or stat.S_ISREG(status.st_mode):
            return None
        self.refuse_link(name)
        path, location = self._locate(name)
        with path_in_errors(path):
            check_kind(status)
            descriptor = os.open(location, _DIRECT_FLAGS, dir_fd=self.descriptor)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise OSError(errno.EAGAIN, Message("it was replaced while it was opened"))
            return descriptor

    def status(self, name: str) -> os.stat_result | None:
        """Return the status of a file, without following a link; None if the file does not exist."""
        path, location = self._locate(name)
        with path_in_errors(path):
            try:
                return os.stat(location, dir_fd=self.descriptor, follow_symlinks=False)
            except FileNotFoundError:
                return None

    def replace(self, temporary_name: str, name: str) -> None:
        """Rename a temporary file to `name`, replacing an existing file."""
        (_, old), (path, new) = self._locate(temporary_name), self._locate(name)
        with path_in_errors(path):
            os.replace(old, new, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def rename(self, temporary_name: str, name: str) -> None:
        """Rename a temporary folder to `name`. Raises OSError if a non-empty folder has this name."""
        (_, old), (path, new) = self._locate(temporary_name), self._locate(name)
        with path_in_errors(path):
            os.rename(old, new, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def link(self, temporary_name: str, name: str) -> None:
        """Create a hard link. Raises FileExistsError if the name is taken."""
        (_, old), (path, new) = self._locate(temporary_name), self._locate(name)
        with path_in_errors(path):
            os.link(old, new, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def remove(self, name: str) -> None:
        """Delete a file; a missing file is not an error."""
        path, location = self._locate(name)
        with path_in_errors(path), suppress(FileNotFoundError):
            os.unlink(location, dir_fd=self.descriptor)

    def sync(self) -> None:
        """Flush the folder's entries to disk, on systems that support it."""
        if self.descriptor is None:  # on Windows
            return
        try:
            os.fsync(self.descriptor)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # not supported by some network file systems
                raise _with_path(error, self.path) from error

    def refuse_link(self, name: str) -> None:
        """Raise DeliveryError if the name is a symbolic link."""
        status = self.status(name)
        if status is not None and stat.S_ISLNK(status.st_mode):
            raise link_refused(self.path / name, DeliveryError)

    def _locate(self, name: str) -> tuple[Path, str]:
        """Return the full path of a name for messages, and the path argument for system calls."""
        if name in {"", ".", ".."} or "/" in name or "\0" in name or os.sep in name or (os.altsep or "/") in name:
            raise OSError(errno.EINVAL, Message("is not the name of a file in a folder"), str(self.path / repr(name)))
        if _HAS_DIR_FD and self.descriptor is None:
            raise ValueError("the folder is closed")
        path = self.path / name
        return path, name if self.descriptor is not None else str(path)


def link_refused(path: Path, kind: type[AuditorError]) -> AuditorError:
    """Return the error of a path that is a symbolic link."""
    return kind(
        "output-link",
        Message("{path} is a symbolic link, and nothing is written through links", path=path),
        hint=Message("use the path that the link points to, or remove the link"),
    )


def check_kind(status: os.stat_result) -> None:
    """Raise OSError for anything but a regular file, a character device or a pipe."""
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise OSError(errno.EINVAL, Message("it is a disk or a socket"))


def _open_or_create_root(path: Path, mode: int) -> int | None:
    with path_in_errors(path):
        try:
            return _open_folder(path, follow_links=True)
        except FileNotFoundError:
            for missing in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
                with suppress(FileExistsError):
                    missing.mkdir(mode=mode)
            return _open_folder(path, follow_links=True)


def _open_folder(location: Path | str, parent: int | None = None, *, follow_links: bool) -> int | None:
    """Open a folder, in an open one if `parent` is its descriptor.

    On systems without descriptors for folders, only check that it is one.
    """
    if _HAS_DIR_FD:
        return os.open(location, _FOLDER_FLAGS if follow_links else _INNER_FLAGS, dir_fd=parent)
    if not stat.S_ISDIR(Path(location).stat(follow_symlinks=follow_links).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return None


@contextmanager
def path_in_errors(path: Path) -> Iterator[None]:
    """Add the full path to an OSError raised in the block."""
    try:
        yield
    except OSError as error:
        raise _with_path(error, path) from error


def _with_path(error: OSError, path: Path) -> OSError:
    """Return a copy of the error with the full path."""
    return OSError(error.errno, error.strerror or str(error), str(path))
