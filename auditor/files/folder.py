"""Names in an open folder: files and folders that are made, privately and through no symbolic link, and renamed."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message

_AT: Final = os.open in os.supports_dir_fd
"""Whether files can be named relative to an open folder; not on Windows."""
_PLAIN: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _PLAIN
_STRAIGHT: Final = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | _PLAIN
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_INNER: Final = _FOLDER | getattr(os, "O_NOFOLLOW", 0)
_BEGIN: Final = 40
"""Characters of a file's name in the name of its temporary file."""


@dataclass(slots=True)
class _Access:
    public: bool = False


_ACCESS: Final = _Access()


def set_public(*, public: bool) -> None:
    """Decide for this process, as umask does, whether new files and folders are for others too.

    By default files have mode 0600 and folders 0700; where `public`, what the umask leaves of 0666 and 0777.
    """
    _ACCESS.public = public


def _file_mode(*, public: bool = False) -> int:
    return 0o666 if public or _ACCESS.public else 0o600


def _folder_mode(*, public: bool = False) -> int:
    return 0o777 if public or _ACCESS.public else 0o700


class Folder:
    """An open folder in which files are made by a plain name; close it, or use it as a context manager.

    Its methods raise OSError with the whole path, and DeliveryError where a symbolic link is in the way.
    """

    def __init__(self, path: Path, number: int | None, *, public: bool = False) -> None:
        self.path = path
        self.number = number
        """Its descriptor; None where the system has none for folders, as on Windows."""
        self._public = public

    @classmethod
    def made(cls, root: Path, *names: str, public: bool = False) -> "Folder":
        """Open a folder below a root, each name one level; what is missing is made, also the root.

        The root is what somebody named: it may be a link, and stand below links. Below it no link is followed.
        `public` is for what holds no data of a tenant: its mode is what the umask leaves.
        """
        folder = cls(root, _root(root, _folder_mode(public=public)), public=public)
        for name in names:
            with folder:
                folder = folder.folder(name)
        return folder

    @classmethod
    def found(cls, root: Path, *names: str) -> "Folder":
        """Open a folder below a root, as `made` does. FileNotFoundError where it is not there."""
        with telling(root):
            folder = cls(root, _outer(root))
        for name in names:
            with folder:
                folder = folder.inner(name)
        return folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder."""
        number, self.number = self.number, None
        if number is not None:
            os.close(number)

    def __del__(self) -> None:
        """Close the folder, as files do that nobody has any more."""
        self.close()

    def inner(self, name: str) -> "Folder":
        """Open a folder in this one. FileNotFoundError where it is not there."""
        path, place = self._place(name)
        with telling(path):
            try:
                return Folder(path, _inner(place, self.number), public=self._public)
            except NotADirectoryError:
                self.refuse_link(name)
                raise

    def folder(self, name: str, *, new: bool = False) -> "Folder":
        """Open a folder in this one, which is made where it is missing; `new`: FileExistsError where it is there."""
        path, place = self._place(name)
        if not new:
            with suppress(FileNotFoundError):
                return self.inner(name)
        with telling(path):
            try:
                os.mkdir(place, _folder_mode(public=self._public), dir_fd=self.number)
            except FileExistsError:
                if new:
                    raise
        return self.inner(name)

    def create(self, name: str) -> int:
        """Make a file that does not exist yet, and return its open descriptor."""
        path, place = self._place(name)
        with telling(path):
            return os.open(place, _NEW, _file_mode(public=self._public), dir_fd=self.number)

    def temporary(self, name: str) -> tuple[int, str]:
        """Make a hidden file for what is to become `name`; returns its open descriptor and its name."""
        while True:
            beside = f".{name[:_BEGIN]}.{os.urandom(8).hex()}"
            with suppress(FileExistsError):
                return self.create(beside), beside

    def append(self, name: str) -> int:
        """Open a file at its end, which is made where it is missing, for its owner alone; returns its descriptor."""
        self.refuse_link(name)
        path, place = self._place(name)
        with telling(path):
            return os.open(place, _APPEND, 0o600, dir_fd=self.number)

    def straight(self, name: str) -> int | None:
        """Open what is written without a temporary file: a character device or a pipe. None for any other name.

        A pipe waits for its reader. DeliveryError for a link, and OSError for a folder, a disk or a socket.
        """
        found = self.status(name)
        if found is None or stat.S_ISREG(found.st_mode):
            return None
        self.refuse_link(name)
        path, place = self._place(name)
        with telling(path):
            check_kind(found)
            number = os.open(place, _STRAIGHT, dir_fd=self.number)
            if stat.S_ISREG(os.fstat(number).st_mode):
                os.close(number)
                raise OSError(errno.EAGAIN, Message("it was replaced while it was opened"))
            return number

    def status(self, name: str) -> os.stat_result | None:
        """Return what stands at a name, a link itself and not what it leads to; None where nothing does."""
        path, place = self._place(name)
        with telling(path):
            try:
                return os.stat(place, dir_fd=self.number, follow_symlinks=False)
            except FileNotFoundError:
                return None

    def replace(self, beside: str, name: str) -> None:
        """Give a file its name, in the place of the file that has it."""
        (_, old), (path, new) = self._place(beside), self._place(name)
        with telling(path):
            os.replace(old, new, src_dir_fd=self.number, dst_dir_fd=self.number)

    def rename(self, beside: str, name: str) -> None:
        """Give a folder its name. OSError where another one that is not empty has it."""
        (_, old), (path, new) = self._place(beside), self._place(name)
        with telling(path):
            os.rename(old, new, src_dir_fd=self.number, dst_dir_fd=self.number)

    def link(self, beside: str, name: str) -> None:
        """Give a file a second name. FileExistsError where something has it."""
        (_, old), (path, new) = self._place(beside), self._place(name)
        with telling(path):
            os.link(old, new, src_dir_fd=self.number, dst_dir_fd=self.number)

    def remove(self, name: str) -> None:
        """Delete a file; one that is gone already is no error."""
        path, place = self._place(name)
        with telling(path), suppress(FileNotFoundError):
            os.unlink(place, dir_fd=self.number)

    def sync(self) -> None:
        """Have the disk take the names in the folder, where the system knows how to."""
        if self.number is None:  # as on Windows
            return
        try:
            os.fsync(self.number)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # as some network file systems say
                raise _named(error, self.path) from error

    def refuse_link(self, name: str) -> None:
        """Raise DeliveryError where a symbolic link has a name."""
        found = self.status(name)
        if found is not None and stat.S_ISLNK(found.st_mode):
            raise link_refused(self.path / name)

    def _place(self, name: str) -> tuple[Path, str]:
        """Return the path of a name for people, and what the system is asked for."""
        if name in {"", ".", ".."} or "/" in name or "\0" in name or os.sep in name or (os.altsep or "/") in name:
            raise OSError(errno.EINVAL, Message("is not the name of a file in a folder"), str(self.path / repr(name)))
        if _AT and self.number is None:
            raise ValueError("the folder is closed")
        path = self.path / name
        return path, name if self.number is not None else str(path)


def link_refused(path: Path) -> DeliveryError:
    """Return the error for a place that is a symbolic link."""
    return DeliveryError(
        "output-link",
        Message("{path} is a symbolic link, and nothing is written through links", path=path),
        hint=Message("name the place that the link leads to, or remove the link"),
    )


def check_kind(status: os.stat_result) -> None:
    """Raise OSError for what is neither a file nor written straight."""
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise OSError(errno.EINVAL, Message("it is a disk or a socket"))


def _root(path: Path, mode: int) -> int | None:
    with telling(path):
        try:
            return _outer(path)
        except FileNotFoundError:
            for missing in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
                with suppress(FileExistsError):
                    missing.mkdir(mode=mode)
            return _outer(path)


def _outer(path: Path) -> int | None:
    """Open a folder wherever its path leads; without descriptors for folders, only make sure that it is one."""
    if _AT:
        return os.open(path, _FOLDER)
    _check_folder(path.stat())
    return None


def _inner(place: str, number: int | None) -> int | None:
    """Open a folder that is no link."""
    if _AT:
        return os.open(place, _INNER, dir_fd=number)
    _check_folder(os.lstat(place))
    return None


def _check_folder(status: os.stat_result) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Give an OSError the whole path."""
    try:
        yield
    except OSError as error:
        raise _named(error, path) from error


def _named(error: OSError, path: Path) -> OSError:
    """Return the same error with the whole path."""
    return OSError(error.errno, error.strerror or str(error), str(path))
