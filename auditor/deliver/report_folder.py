"""Writes artifacts to temporary files and then renames them, so that all of the files appear, or none."""

import errno
import os
from collections import deque
from collections.abc import Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from auditor.domain.errors import DeliveryError, UsageError
from auditor.domain.message import Message, unwritable
from auditor.files.folder import Folder
from auditor.files.output import opened, stream


class FilePart(Struct, frozen=True):
    """A byte range of a file that `write_all` has already written; the file must be one of its `sources`."""

    path: Path
    start: int
    end: int


Pieces = Iterable[bytes | FilePart]

_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Errors of a full disk or an exceeded quota; Windows has no quota error."""
_DISK_FULL: Final = Message("free disk space, or choose an --output folder on another disk")
_OTHER_FOLDER: Final = Message("choose another --output folder, or remove the file that is in its place")
_COPY_SIZE: Final = 1 << 20
"""Bytes per read when a byte range is copied."""


class ChildFile(Struct, frozen=True):
    """A file in subfolders of a root; neither the file nor a folder may be a symbolic link."""

    root: Path
    names: tuple[str, ...]
    """The folders below the root, and the name of the file."""


def write_all(
    files: Iterable[tuple[Path | ChildFile, Pieces]], *, public: bool = False, sources: Container[Path] = ()
) -> tuple[Path, ...]:
    """Write pieces of bytes to their paths; if one cannot be written, none appears. Raises DeliveryError.

    Exceptions from the iteration over `files` itself propagate unchanged.

    Character devices, pipes and streams of this process such as /dev/stdout are written directly, just before the files
    appear. Symbolic links are refused. `public` means that the files contain no data of a tenant. `sources` are the
    files of which later ones may contain a `FilePart`. Raises KeyError for a part of another file, or of a file that is
    written directly.
    """
    with ExitStack() as stack:
        batch = _Batch(stack, public=public, sources=sources)
        try:
            for path, pieces in files:
                with _delivery():
                    batch.write(path, pieces)
                del pieces  # a large document is freed before the next one is made
            with _delivery():
                batch.publish()
            return tuple(batch.paths)
        finally:
            batch.discard()


def write_document(path: Path, content: bytes) -> None:
    """Replace the file of `--file`, which people write too. Raises UsageError if it cannot be written."""
    try:
        write_all([(path, [content])])
    except DeliveryError as error:
        hint = Message("correct its permissions, or specify another file with --file")
        raise UsageError("file-unwritable", error.message, hint=hint) from error


@contextmanager
def _delivery() -> Iterator[None]:
    """Convert an OSError to a DeliveryError."""
    try:
        yield
    except OSError as error:
        raise DeliveryError(
            "report-unwritable",
            unwritable(error.filename or Message("a report"), error),
            hint=_DISK_FULL if error.errno in _FULL else _OTHER_FOLDER,
        ) from error


class _Batch(Struct):
    """Files that are published together."""

    stack: ExitStack
    public: bool
    sources: Container[Path]
    source_descriptors: dict[Path, int] = field(default_factory=dict)
    """File descriptors of the sources that have been written."""
    paths: list[Path] = field(default_factory=list)
    folders: dict[tuple[Path, tuple[str, ...]], Folder] = field(default_factory=dict)
    """Open folders; each is opened once."""
    unpublished: deque[tuple[Folder, str, str]] = field(default_factory=deque)
    """Unpublished files: folder, temporary name, final name."""
    direct: list[tuple[int, Path, Pieces]] = field(default_factory=list)
    """Direct targets: file descriptor, path, content."""

    def write(self, target: Path | ChildFile, pieces: Pieces) -> None:
        """Write a temporary file; direct targets are deferred."""
        root, names, name = (
            (target.root, target.names[:-1], target.names[-1])
            if isinstance(target, ChildFile)
            else (target.parent, (), target.name)
        )
        path = root.joinpath(*names, name)
        self.paths.append(path)
        descriptor = stream(path)
        if descriptor is None:
            folder = self.folder(root, names)
            descriptor = folder.direct_target(name)
        if descriptor is not None:
            self.stack.callback(os.close, descriptor)
            self.direct.append((descriptor, path, pieces))
            return
        descriptor, temporary_name = folder.temporary(name)
        self.unpublished.append((folder, temporary_name, name))
        if path in self.sources:
            self.source_descriptors[path] = os.dup(descriptor)
            self.stack.callback(os.close, self.source_descriptors[path])
        self.put(descriptor, path, pieces)

    def put(self, descriptor: int, path: Path, pieces: Pieces) -> None:
        """Write pieces to a file descriptor, and close it."""
        try:
            with opened(descriptor) as file:
                for piece in pieces:
                    for chunk in (piece,) if isinstance(piece, bytes) else self.copied(piece):
                        file.write(chunk)
        except OSError as error:
            raise OSError(error.errno, error.strerror, error.filename or str(path)) from error

    def copied(self, part: FilePart) -> Iterator[bytes]:
        """Yield the bytes of a part."""
        descriptor, start = self.source_descriptors[part.path], part.start
        os.lseek(descriptor, start, os.SEEK_SET)
        while start < part.end:
            chunk = os.read(descriptor, min(_COPY_SIZE, part.end - start))
            if not chunk:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(part.path))
            start += len(chunk)
            yield chunk

    def folder(self, root: Path, names: tuple[str, ...]) -> Folder:
        """Return a folder, which is opened on first use."""
        opened_folder = self.folders.get((root, names))
        if opened_folder is None:
            opened_folder = self.folders[root, names] = self.stack.enter_context(
                Folder.open_or_create(root, *names, public=self.public)
            )
        return opened_folder

    def publish(self) -> None:
        """Write the direct targets, then rename every file; that the reader of a pipe has left is no error."""
        for descriptor, path, pieces in self.direct:
            with suppress(BrokenPipeError):
                self.put(os.dup(descriptor), path, pieces)
        while self.unpublished:
            folder, temporary_name, name = self.unpublished[0]
            folder.refuse_link(name)
            folder.replace(temporary_name, name)
            self.unpublished.popleft()

    def discard(self) -> None:
        """Remove temporary files; failures to do so are ignored, so that the first error is reported."""
        for folder, temporary_name, _ in self.unpublished:
            with suppress(OSError):
                folder.remove(temporary_name)
