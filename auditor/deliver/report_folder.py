"""Writes artifacts to files: each to a temporary file that is renamed, all or none."""

import errno
import os
from collections import deque
from collections.abc import Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from auditor.domain.errors import DeliveryError
from auditor.domain.message import Message, unwritable
from auditor.files.folder import Folder
from auditor.files.output import opened, stream


class FilePart(Struct, frozen=True):
    """A part of a file that `write_all` wrote before, which is copied; it must be one of its `sources`."""

    path: Path
    start: int
    end: int


Pieces = Iterable[bytes | FilePart]

_AT_ONCE: Final = 1 << 20
"""Bytes of a file that are copied at once."""


class ChildFile(Struct, frozen=True):
    """A file in folders below a given root; none of them may be a link."""

    root: Path
    names: tuple[str, ...]
    """Folders from the root on, and the file."""


def write_all(
    files: Iterable[tuple[Path | ChildFile, Pieces]], *, public: bool = False, sources: Container[Path] = ()
) -> tuple[Path, ...]:
    """Write pieces of bytes to their paths; if one cannot be written, none appears. Raises DeliveryError.

    What the iteration over `files` raises propagates unchanged: it is not about writing.

    Character devices, pipes and streams of this process such as /dev/stdout are written directly, just before the files
    appear. Symbolic links are refused. `public`: the files contain no data of a tenant. `sources` are files of
    which later ones may contain parts; KeyError for a part of any other, and of one that is written directly.
    """
    with ExitStack() as stack:
        batch = _Batch(stack, public=public, sources=sources)
        try:
            for path, pieces in files:
                with _delivery():
                    batch.write(path, pieces)
            with _delivery():
                batch.publish()
            return tuple(batch.paths)
        finally:
            batch.discard()


@contextmanager
def _delivery() -> Iterator[None]:
    """Raise DeliveryError for an OSError."""
    try:
        yield
    except OSError as error:
        raise DeliveryError(
            "report-unwritable",
            unwritable(error.filename or Message("a report"), error),
            hint=Message("choose another --output folder, or remove the file that is in its place"),
        ) from error


class _Batch(Struct):
    """Files that are published together."""

    stack: ExitStack
    public: bool
    sources: Container[Path]
    written: dict[Path, int] = field(default_factory=dict)
    """File descriptors of the sources that were written."""
    paths: list[Path] = field(default_factory=list)
    folders: dict[tuple[Path, tuple[str, ...]], Folder] = field(default_factory=dict)
    """Open folders; each is opened once."""
    hidden: deque[tuple[Folder, str, str]] = field(default_factory=deque)
    """Unpublished files: folder, temporary name, final name."""
    straight: list[tuple[int, Path, Pieces]] = field(default_factory=list)

    def write(self, target: Path | ChildFile, pieces: Pieces) -> None:
        """Write a temporary file; direct targets are deferred."""
        root, names, name = (
            (target.root, target.names[:-1], target.names[-1])
            if isinstance(target, ChildFile)
            else (target.parent, (), target.name)
        )
        path = root.joinpath(*names, name)
        self.paths.append(path)
        number = stream(path)
        if number is None:
            folder = self.folder(root, names)
            number = folder.direct_target(name)
        if number is not None:
            self.stack.callback(os.close, number)
            self.straight.append((number, path, pieces))
            return
        number, beside = folder.temporary(name)
        self.hidden.append((folder, beside, name))
        if path in self.sources:
            self.written[path] = os.dup(number)
            self.stack.callback(os.close, self.written[path])
        self.put(number, path, pieces)

    def put(self, number: int, path: Path, pieces: Pieces) -> None:
        """Write pieces to a file descriptor, and close it."""
        try:
            with opened(number) as file:
                for piece in pieces:
                    for some in (piece,) if isinstance(piece, bytes) else self.copied(piece):
                        file.write(some)
        except OSError as error:
            raise OSError(error.errno, error.strerror, error.filename or str(path)) from error

    def copied(self, part: FilePart) -> Iterator[bytes]:
        """Yield the bytes of a part."""
        number, start = self.written[part.path], part.start
        os.lseek(number, start, os.SEEK_SET)
        while start < part.end:
            some = os.read(number, min(_AT_ONCE, part.end - start))
            if not some:
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(part.path))
            start += len(some)
            yield some

    def folder(self, root: Path, names: tuple[str, ...]) -> Folder:
        """Return an open folder."""
        folder_ = self.folders.get((root, names))
        if folder_ is None:
            folder_ = self.folders[root, names] = self.stack.enter_context(
                Folder.open_or_create(root, *names, public=self.public)
            )
        return folder_

    def publish(self) -> None:
        """Write the direct targets, then rename every file."""
        for number, path, pieces in self.straight:
            self.put(os.dup(number), path, pieces)
        while self.hidden:
            folder, beside, name = self.hidden[0]
            folder.refuse_link(name)
            folder.replace(beside, name)
            self.hidden.popleft()

    def discard(self) -> None:
        """Remove temporary files; failures to do so are ignored, so that the first error is reported."""
        for folder, beside, _ in self.hidden:
            with suppress(OSError):
                folder.remove(beside)
